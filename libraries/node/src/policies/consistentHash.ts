import { integer, misfit, parseFields, type Field } from './config';
import { EndpointPick } from './endpointPick';
import { murmur3 } from './murmur3';
import {
  emptyCandidate,
  randomBelow,
  type BuildInfo,
  type Decision,
  type Pick,
  type Picker,
  type PickInfo,
  type Policy,
  type Random,
  type ReadyEndpoint,
} from './picker';

export interface ConsistentHashConfig {
  /** The metadata key whose value is a call's key; in lower case. */
  readonly hashHeader: string;
  /** How many points of the ring an endpoint has. */
  readonly virtualNodes: number;
}

const hashHeaderField: Field<string> = (value, name) => {
  const header = typeof value === 'string' ? value.toLowerCase() : '';
  if (/^[0-9a-z_.-]+$/.test(header) && !header.endsWith('-bin')) return header;
  throw misfit(name, value, 'the name of a metadata key, such as "x-user-id", and not of a binary one ("-bin")');
};

/** The points of each endpoint: most pickers have the endpoints of the one before, and hashing is what takes longest. */
const knownPoints = new WeakMap<ReadyEndpoint, Float64Array>();

function pointsOf(endpoint: ReadyEndpoint, name: string, virtualNodes: number): Float64Array {
  const known = knownPoints.get(endpoint);
  if (known?.length === virtualNodes) return known;
  const points = Float64Array.from({ length: virtualNodes }, (_, i) => murmur3(name + String(i)));
  knownPoints.set(endpoint, points);
  return points;
}

/** Points on a circle, each of an endpoint. What is hashed belongs to the endpoint of the next point. */
class Ring {
  /** Ascending. */
  private readonly points: Float64Array;
  private readonly owners: Uint32Array;

  constructor(endpoints: readonly ReadyEndpoint[], virtualNodes: number) {
    // Sorted, since a resolver may name the addresses of an endpoint in any order.
    const named = endpoints.map(({ addresses }, index) => ({ index, name: addresses.toSorted().join(',') }));
    // Where two have the same point it is that of the first by name, in whichever order they come.
    named.sort((a, b) => (a.name < b.name ? -1 : 1));
    const points = new Float64Array(named.length * virtualNodes);
    for (const [rank, { index, name }] of named.entries()) {
      points.set(pointsOf(endpoints[index]!, name, virtualNodes), rank * virtualNodes);
    }
    const order = Uint32Array.from(points.keys()).sort((a, b) => points[a]! - points[b]! || a - b);
    this.points = Float64Array.from(order, (at) => points[at]!);
    this.owners = Uint32Array.from(order, (at) => named[Math.floor(at / virtualNodes)]!.index);
  }

  ownerOf(key: string): number {
    const hash = murmur3(key);
    let low = 0;
    let high = this.points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.points[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return this.owners[low === this.points.length ? 0 : low]!;
  }
}

export class ConsistentHashPicker implements Picker {
  readonly decision: Decision = {
    reason: 'key',
    chosen: 0,
    candidateCount: 1,
    candidates: [emptyCandidate()],
    rejectedDraws: 0,
    rejectedEndpoints: [],
    rejectedSuccess: [],
  };
  private readonly picks: readonly EndpointPick[];
  private readonly hashHeader: string;
  private readonly random: Random;
  private ring: Ring | undefined;

  constructor(private readonly info: BuildInfo<ConsistentHashConfig>) {
    const { readyEndpoints, config, random = randomBelow } = info;
    this.picks = readyEndpoints.map((_, index) => new EndpointPick(index));
    this.hashHeader = config.hashHeader;
    this.random = random;
  }

  pick(info: PickInfo): Pick {
    const { decision, picks } = this;
    // As in gRPC A76, an empty value is none.
    const key = info.header(this.hashHeader) ?? '';
    decision.reason = key === '' ? 'no_key' : 'key';
    decision.chosen = key === '' ? this.random(picks.length) : this.ownerOf(key);
    const pick = picks[decision.chosen]!;
    pick.describe(decision.candidates[0]!, info.now, 0);
    return pick.begin(info.now);
  }

  /** Makes the ring when it is first needed: while many endpoints connect, most pickers never choose. */
  private ownerOf(key: string): number {
    this.ring ??= new Ring(this.info.readyEndpoints, this.info.config.virtualNodes);
    return this.ring.ownerOf(key);
  }
}

/**
 * Calls of one key go to one endpoint for as long as that is READY: `{"hashHeader":"x-user-id"}` takes the key from the
 * metadata of the call. When an endpoint comes, it takes its part of the keys from all others; when one goes, only its own
 * keys move.
 *
 * The ring is that of go-zero (zrpc/internal/balancer/consistenthash, core/hash, v1.9.4): the same hash, the same 100
 * virtual nodes, so for the same READY addresses a key goes to the same backend from Go and from Node. Not as there: the
 * key comes from the metadata, as in gRPC A76 (ring_hash's requestHashHeader), rather than from the context; a call
 * without one is sent anywhere (A76) rather than failed; and an endpoint may have several addresses. The ring holds the
 * READY endpoints alone, as in go-zero and not in ring_hash.
 */
export const consistentHash: Policy<ConsistentHashConfig> = {
  name: 'consistent_hash',
  parseConfig: (json) =>
    parseFields<ConsistentHashConfig>(json, {
      hashHeader: hashHeaderField,
      virtualNodes: integer(100, { min: 1, max: 1000 }),
    }),
  build: (info) => new ConsistentHashPicker(info),
};

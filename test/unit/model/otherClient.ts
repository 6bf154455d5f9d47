import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ConnectivityState,
  PickResult,
  WatchResponseSchema,
  type ChangeSchema,
  type CompletionBatchSchema,
  type CountersSchema,
  type PickBatchSchema,
  type PickReason,
  type PolicySchema,
  type ProcessSchema,
} from '@pickscope/protocol/messages';
import type { PickRow } from '../../../src/messages/panel';
import { ClientModel } from '../../../src/model/clientModel';
import { queryOf } from './queries';

export const startMs = Date.UTC(2026, 0, 15, 14, 2, 0);
const addresses = ['10.0.0.1:50051', '10.0.0.2:50051', '10.0.0.3:50051'];
/** The client's ids: channel 1, policy 2, endpoints 11, 12, 13. */
export const firstEndpoint = 11;

type Body = NonNullable<MessageInitShape<typeof WatchResponseSchema>['body']>;
type Entity = NonNullable<MessageInitShape<typeof ChangeSchema>['entity']>;

/** A client with one channel of three READY endpoints, whose policy is said by the test. */
export class OtherClient {
  readonly model = new ClientModel({ pickBudgetBytes: 1_000_000 });
  private nowMs = 0;

  constructor(
    policy: MessageInitShape<typeof PolicySchema>,
    process: Omit<MessageInitShape<typeof ProcessSchema>, '$typeName'> = {},
  ) {
    const clock = { monotonicNs: 1n, wallUnixNs: BigInt(startMs) * 1_000_000n + 1n };
    this.send({ case: 'process', value: { instance: 'a', protocolMajor: 1, protocolMinor: 1, clock, ...process } });
    this.send({ case: 'snapshotBegin', value: {} });
    this.change({ case: 'channel', value: { id: 1, target: 'dns:///cart', state: ConnectivityState.READY } });
    this.policy(policy);
    for (const [index, address] of addresses.entries()) {
      const endpoint = { id: firstEndpoint + index, channel: 1, addresses: [address], state: ConnectivityState.READY };
      this.change({ case: 'endpoint', value: endpoint });
    }
    this.send({ case: 'snapshotEnd', value: {} });
  }

  policy(policy: MessageInitShape<typeof PolicySchema>): void {
    this.change({ case: 'policy', value: { id: 2, channel: 1, ...policy } });
  }

  /** One pick a millisecond, with candidates of the columns given. */
  pick(reason: PickReason, endpoint: number, columns: MessageInitShape<typeof PickBatchSchema> = {}): void {
    const candidates = columns.candidateEndpoint?.length ?? 0;
    this.nowMs += 1;
    this.send({
      case: 'picks',
      value: {
        rows: 1,
        baseTimeNs: this.timeNs(),
        timeDeltaNs: [0],
        baseCall: BigInt(this.nowMs),
        callDelta: [0],
        channel: [1],
        policy: [2],
        result: [PickResult.COMPLETED],
        reason: [reason],
        endpoint: [endpoint],
        ...(candidates > 0 && { candidateCount: [candidates] }),
        ...columns,
      },
    });
  }

  /** Of the call that was picked last, a millisecond later. */
  complete(columns: MessageInitShape<typeof CompletionBatchSchema>): void {
    const baseCall = BigInt(this.nowMs);
    this.nowMs += 1;
    const row = { rows: 1, baseTimeNs: this.timeNs(), timeDeltaNs: [0], baseCall, callDelta: [0], channel: [1] };
    this.send({ case: 'completions', value: { ...row, code: [0], latencyNs: [1e6], ...columns } });
  }

  count(counters: MessageInitShape<typeof CountersSchema>['endpoints']): void {
    this.send({ case: 'counters', value: { timeNs: this.timeNs(), endpoints: counters } });
  }

  /** Nothing comes for so long. */
  wait(ms: number): void {
    this.nowMs += ms;
  }

  chart(windowSeconds = 30) {
    this.view();
    return this.model.chart(queryOf({ windowSeconds }), startMs + this.nowMs + 1000)!;
  }

  /** All picks, oldest first. */
  exported(): Record<string, unknown>[] {
    const lines = [
      ...this.model.exportPicks(queryOf(), startMs + this.nowMs + 1000, 'jsonl', { addresses: false, methods: false }),
    ];
    return lines
      .flatMap((line) => line.split('\n'))
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as never]));
  }

  view(filter = '', inspect?: number) {
    const query = queryOf({ windowSeconds: 30, filter, ...(inspect !== undefined && { inspect }) });
    // What came has had its time to arrive.
    this.send({
      case: 'heartbeat',
      value: { clock: { monotonicNs: this.timeNs() + 1_000_000_000n, wallUnixNs: this.wall() } },
    });
    return this.model.view(query, startMs + this.nowMs + 1000)!;
  }

  explain(pick: PickRow) {
    return this.view('', pick.key).inspection!.explanation;
  }

  private timeNs(): bigint {
    return 1n + BigInt(this.nowMs) * 1_000_000n;
  }

  private wall(): bigint {
    return BigInt(startMs + this.nowMs + 1000) * 1_000_000n + 1n;
  }

  change(entity: Entity): void {
    this.send({ case: 'changes', value: { changes: [{ timeNs: this.timeNs(), entity }] } });
  }

  private send(body: Body): void {
    this.model.apply(create(WatchResponseSchema, { body }));
  }
}

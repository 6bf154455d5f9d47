import type { FilterError } from '../messages/panel';
import { BoundedMap } from './boundedMap';
import { reasons } from './pickIntake';
import { inFlight, type PickRing } from './pickRing';
import { statusNames } from './statusCodes';

/*
 * The filter language of the list of picks. Tokens are separated by white space; a pick is shown if all match.
 *
 *     >20ms  <5ms  >1s          latency of the call, once it ended (us, ms or s; ms if no unit is given)
 *     lower tie forced probe …  the reason; queued, failed, dropped
 *     ok error inflight         the outcome; UNAVAILABLE or any other status by its name
 *     method:x                  part of the method
 *     endpoint:x                part of an address of the chosen endpoint
 *     candidate:x               part of an address of any candidate
 *     x                         part of the method or of an address of the chosen endpoint or any candidate
 *     -token                    not that
 *
 * Letter case never matters.
 */

/** More than there are methods, or endpoints at once. */
const maxRemembered = 25_000;

/** Says of the row in a slot of the ring whether it is wanted. */
export type RowPredicate = (slot: number) => boolean;

export type CompiledFilter =
  { readonly ok: true; readonly matches: RowPredicate } | { readonly ok: false; readonly error: FilterError };

/** What the numbers in a row stand for. */
export interface RowTexts {
  method(number: number): string;
  /** All addresses of the endpoint. */
  endpoint(id: number): string;
}

export function compileFilter(text: string, ring: PickRing, texts: RowTexts): CompiledFilter {
  const predicates: RowPredicate[] = [];
  for (const token of text.split(/\s+/).filter((part) => part !== '')) {
    const negated = token.startsWith('-');
    const predicate = compileToken((negated ? token.slice(1) : token).toLowerCase(), ring, texts);
    if (!predicate) return { ok: false, error: { token, reason: 'number' } };
    predicates.push(negated ? (slot) => !predicate(slot) : predicate);
  }
  return { ok: true, matches: (slot) => predicates.every((predicate) => predicate(slot)) };
}

/** undefined: malformed. */
function compileToken(token: string, ring: PickRing, texts: RowTexts): RowPredicate | undefined {
  if (token === '') return undefined;
  if (token.startsWith('<') || token.startsWith('>')) return compileLatency(token, ring);
  return compileWord(token, ring) ?? compileText(token, ring, texts);
}

const latency = /^([<>])(\d+(?:\.\d+)?)(us|µs|ms|s)?$/;
const nsPerUnit: Readonly<Record<string, number>> = { us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };

function compileLatency(token: string, ring: PickRing): RowPredicate | undefined {
  const [, sign, number, unit = 'ms'] = latency.exec(token) ?? [];
  if (!sign) return undefined;
  const boundNs = Number(number) * nsPerUnit[unit]!;
  const ended: RowPredicate = (slot) => ring.outcome[slot] !== inFlight;
  // A call that never started has NaN for its latency, which is neither.
  return sign === '>'
    ? (slot) => ended(slot) && ring.latencyNs[slot]! > boundNs
    : (slot) => ended(slot) && ring.latencyNs[slot]! < boundNs;
}

function compileWord(word: string, ring: PickRing): RowPredicate | undefined {
  const reason = (reasons as readonly string[]).indexOf(word);
  if (reason >= 0) return (slot) => ring.reason[slot] === reason;
  if (word === 'inflight') return (slot) => ring.outcome[slot] === inFlight && ring.endpoint[slot] !== 0;
  if (word === 'error') return (slot) => ring.outcome[slot] !== inFlight && ring.outcome[slot] !== 0;
  const status = statusNames.findIndex((name) => name.toLowerCase() === word);
  if (status === 0) return (slot) => ring.outcome[slot] === 0;
  // The code of a failed or dropped pick counts as well: its call may go on, when it waits for ready.
  if (status > 0) return (slot) => ring.outcome[slot] === status || ring.code[slot] === status;
  return undefined;
}

function compileText(token: string, ring: PickRing, texts: RowTexts): RowPredicate | undefined {
  const [, key, rest] = /^(method|endpoint|candidate):(.*)$/.exec(token) ?? [];
  if (rest === '') return undefined;
  const part = rest ?? token;
  const inMethod = remembering((number) => texts.method(number).toLowerCase().includes(part));
  const inEndpoint = remembering((id) => texts.endpoint(id).toLowerCase().includes(part));
  const method: RowPredicate = (slot) => inMethod(ring.method[slot]!);
  const chosen: RowPredicate = (slot) => ring.endpoint[slot] !== 0 && inEndpoint(ring.endpoint[slot]!);
  const candidate: RowPredicate = (slot) => {
    for (let index = 0; index < ring.candidates[slot]!; index++) {
      if (inEndpoint(ring.entryEndpoint[ring.entry(slot, index)]!)) return true;
    }
    return false;
  };
  if (key === 'method') return method;
  if (key === 'endpoint') return chosen;
  if (key === 'candidate') return candidate;
  return (slot) => method(slot) || chosen(slot) || candidate(slot);
}

/** Texts are few and rows are many: each text is searched once, though not for ever remembered. */
function remembering(test: (number: number) => boolean): (number: number) => boolean {
  const answers = new BoundedMap<number, boolean>(maxRemembered);
  return (number) => {
    let answer = answers.get(number);
    if (answer === undefined) answers.set(number, (answer = test(number)));
    return answer;
  };
}

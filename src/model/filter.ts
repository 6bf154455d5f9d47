import type { FilterError } from '../messages/panel';
import { reasons } from './pickIntake';
import { inFlight, lastCode, type PickRing } from './pickRing';
import { statusNames } from './statusCodes';

/*
 * The filter language: src/messages/filterTerms.ts names its terms, docs/filter.md explains them.
 *
 *     filter      = tokens, separated by white space; a pick is wanted if all match
 *     token       = ['-'] [key ':'] alternative { '|' alternative }
 *     alternative = a text in quotation marks, or anything without white space
 *
 * Letter case never matters. What looks like a key but is none is text, as addresses have colons.
 */

/** More than the panel takes; each term costs memory, and time for each row. */
const maxLength = 1000;

/** Says of the row in a slot of the ring whether it is wanted. */
export type RowPredicate = (slot: number) => boolean;

export type CompiledFilter =
  { readonly ok: true; readonly matches: RowPredicate } | { readonly ok: false; readonly error: FilterError };

/** What the numbers in a row stand for. */
export interface RowNames {
  method(number: number): string;
  /** All addresses of the endpoint. */
  endpoint(id: number): string;
  /** The client's id; NaN: it has none. */
  generation(id: number): number;
}

/** A test of rows, or why there is none. */
type Compiled = RowPredicate | FilterError['reason'];

export function compileFilter(text: string, ring: PickRing, names: RowNames): CompiledFilter {
  const terms = new Terms(ring, names);
  const predicates: RowPredicate[] = [];
  for (const token of split(text.slice(0, maxLength), /\s/).filter((part) => part !== '')) {
    const negated = token.startsWith('-');
    const predicate = terms.token((negated ? token.slice(1) : token).toLowerCase());
    if (typeof predicate === 'string') return { ok: false, error: { token, reason: predicate } };
    predicates.push(negated ? (slot) => !predicate(slot) : predicate);
  }
  return { ok: true, matches: allOf(predicates) };
}

/** The parts between separators that are not in quotation marks. */
function split(text: string, separator: RegExp): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  for (const sign of text) {
    if (sign === '"') quoted = !quoted;
    if (quoted || !separator.test(sign)) {
      part += sign;
    } else {
      parts.push(part);
      part = '';
    }
  }
  return [...parts, part];
}

/** Makes tests of rows of terms, which are in lower case. */
class Terms {
  private readonly byKey: ReadonlyMap<string, (text: string) => Compiled>;

  constructor(
    private readonly ring: PickRing,
    private readonly names: RowNames,
  ) {
    const read = (column: ArrayLike<number>): ((slot: number) => number) => {
      return (slot) => column[this.chosenEntry(slot)] ?? NaN;
    };
    this.byKey = new Map<string, (text: string) => Compiled>([
      ['method', (text) => this.method(text)],
      ['endpoint', (text) => this.endpoint(text)],
      ['candidate', (text) => this.candidate(text)],
      ['lost', (text) => this.lost(text)],
      ['call', (text) => compare(text, (slot) => ring.call[slot]!)],
      ['attempt', (text) => compare(text, (slot) => ring.attempt[slot]!)],
      ['generation', (text) => compare(text, (slot) => names.generation(ring.generation[slot]!))],
      ['load', (text) => compare(text, read(ring.entryScore))],
      ['lag', (text) => compare(text, read(ring.entryLagNs), nsPerUnit)],
      ['success', (text) => compare(text, read(ring.entrySuccess))],
      ['inflight', (text) => compare(text, read(ring.entryInflight))],
    ]);
  }

  token(token: string): Compiled {
    if (token.split('"').length % 2 === 0) return 'quote';
    const [, key = '', rest = ''] = /^([a-z]+):(.*)$/s.exec(token) ?? [];
    const compile = this.byKey.get(key);
    const predicates: RowPredicate[] = [];
    for (const alternative of split(compile ? rest : token, /\|/)) {
      const text = alternative.replaceAll('"', '');
      if (text === '') return 'nothing';
      const predicate = compile ? compile(text) : text === alternative ? this.bare(text) : this.anyText(text);
      if (typeof predicate === 'string') return predicate;
      predicates.push(predicate);
    }
    return anyOf(predicates);
  }

  private bare(term: string): Compiled {
    if (term.startsWith('<') || term.startsWith('>')) return this.latency(term);
    return this.word(term) ?? this.anyText(term);
  }

  private latency(term: string): Compiled {
    const { outcome, latencyNs } = this.ring;
    // A call that never started has NaN for its latency, which is neither more nor less.
    return compare(term, (slot) => (outcome[slot] === inFlight ? NaN : latencyNs[slot]!), nsPerUnit);
  }

  private word(word: string): RowPredicate | undefined {
    const { reason, outcome, endpoint, code } = this.ring;
    const number = (reasons as readonly string[]).indexOf(word);
    if (number >= 0) return (slot) => reason[slot] === number;
    if (word === 'inflight') return (slot) => outcome[slot] === inFlight && endpoint[slot] !== 0;
    if (word === 'error') return (slot) => outcome[slot] !== 0 && outcome[slot]! <= lastCode;
    const status = statusNames.findIndex((name) => name.toLowerCase() === word);
    if (status === 0) return (slot) => outcome[slot] === 0;
    // The code of a failed or dropped pick counts as well: its call may go on, when it waits for ready.
    if (status > 0) return (slot) => outcome[slot] === status || code[slot] === status;
    return undefined;
  }

  private anyText(text: string): RowPredicate {
    const inAddress = this.inAddress(text);
    return anyOf([this.method(text), this.endpoint(text, inAddress), this.candidate(text, inAddress)]);
  }

  private method(text: string): RowPredicate {
    const { method } = this.ring;
    const has = remembering((number) => this.names.method(number).toLowerCase().includes(text));
    return (slot) => has(method[slot]!);
  }

  private endpoint(text: string, has = this.inAddress(text)): RowPredicate {
    const { endpoint } = this.ring;
    return (slot) => endpoint[slot] !== 0 && has(endpoint[slot]!);
  }

  private candidate(text: string, has = this.inAddress(text)): RowPredicate {
    return (slot) => this.someCandidate(slot, has);
  }

  private lost(text: string): RowPredicate {
    const { endpoint } = this.ring;
    const has = this.inAddress(text);
    return (slot) => endpoint[slot] !== 0 && this.someCandidate(slot, (id) => id !== endpoint[slot] && has(id));
  }

  private inAddress(text: string): (endpoint: number) => boolean {
    return remembering((id) => this.names.endpoint(id).toLowerCase().includes(text));
  }

  private someCandidate(slot: number, test: (endpoint: number) => boolean): boolean {
    return this.candidateEntry(slot, test) >= 0;
  }

  /** Where it lies what was read for the chosen endpoint; -1: it was no candidate. */
  private chosenEntry(slot: number): number {
    const chosen = this.ring.endpoint[slot]!;
    return this.candidateEntry(slot, (id) => id === chosen);
  }

  /** Where the first such candidate lies among the entries; -1: there is none. */
  private candidateEntry(slot: number, test: (endpoint: number) => boolean): number {
    const { candidates, entryEndpoint, entryCapacity } = this.ring;
    let entry = this.ring.entry(slot, 0);
    for (let left = candidates[slot]!; left > 0; left--) {
      if (test(entryEndpoint[entry]!)) return entry;
      if (++entry === entryCapacity) entry = 0;
    }
    return -1;
  }
}

const nsPerUnit: Readonly<Record<string, number>> = { '': 1e6, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9 };
const noUnit: Readonly<Record<string, number>> = { '': 1 };

/** A number, of one of these units, after a sign or bare; what is not known (NaN) is neither more, nor less, nor equal. */
function compare(text: string, value: (slot: number) => number, units = noUnit): Compiled {
  const [, sign, number, unit] = /^([<>]=?|)(\d+(?:\.\d+)?)(\p{L}*)$/u.exec(text) ?? [];
  if (sign === undefined) return 'number';
  const factor = Object.hasOwn(units, unit!) ? units[unit!]! : undefined;
  if (factor === undefined) return 'unit';
  const bound = Number(number) * factor;
  switch (sign) {
    case '>':
      return (slot) => value(slot) > bound;
    case '>=':
      return (slot) => value(slot) >= bound;
    case '<':
      return (slot) => value(slot) < bound;
    case '<=':
      return (slot) => value(slot) <= bound;
    default:
      return (slot) => value(slot) === bound;
  }
}

// Each row comes by here: one function that calls another is quicker than a loop over a list of them.

function allOf(predicates: readonly RowPredicate[]): RowPredicate {
  if (predicates.length === 0) return () => true;
  return predicates.reduce((first, next) => (slot) => first(slot) && next(slot));
}

function anyOf(predicates: readonly RowPredicate[]): RowPredicate {
  return predicates.reduce((first, next) => (slot) => first(slot) || next(slot));
}

/** How many answers are remembered: more than most clients have methods or endpoints. */
const remembered = 4096;

/** Names are few and rows are many: each name is searched once, or again where another one took its place. */
function remembering(test: (number: number) => boolean): (number: number) => boolean {
  const numbers = new Int32Array(remembered).fill(-1);
  const answers = new Uint8Array(remembered);
  return (number) => {
    const place = number % remembered;
    if (numbers[place] !== number) {
      numbers[place] = number;
      answers[place] = test(number) ? 1 : 0;
    }
    return answers[place] === 1;
  };
}

import { filterTerms, type FilterTerm } from '../../messages/filterTerms';
import type { ChannelView, ReasonCounts } from '../../messages/panel';
import { shortMethod } from '../format';
import { t } from '../l10n';
import { namedEndpoints } from '../looks';

/** More are not read. */
const most = 40;
const mostNames = 500;

/** What the token at the caret may become. */
export interface Suggestion {
  /** The whole token. */
  readonly token: string;
  readonly meaning: string;
  /** What is asked for is not yet complete: a text or number follows. */
  readonly open: boolean;
}

/** What stands before the part that is being typed: the sign, the key, and alternatives. */
interface Typed {
  readonly before: string;
  readonly key: string;
  readonly part: string;
}

/** Of the terms of the language, and of the names that were seen; those that begin like what is typed are first. */
export function suggestionsFor(token: string, channel: ChannelView, seen: SeenNames): readonly Suggestion[] {
  const typed = typedIn(token);
  const { before, key } = typed;
  const names = seen.of(channel, key).map((name) => ({
    token: before + quoted(name.text),
    meaning: name.meaning,
    open: false,
  }));
  if (key !== '') return matching(names, typed);
  const present = (term: FilterTerm) =>
    !(term.term in channel.reasons) || channel.reasons[term.term as keyof ReasonCounts] > 0;
  // A sign is no use on its own; after one, or an alternative, no further sign or key follows.
  const terms = filterTerms
    .filter(({ kind, term }) =>
      kind === 'sign' ? before === '' && term === '-' : kind === 'word' || !before.includes('|'),
    )
    .filter(present)
    .map((term) => ({
      token: before + term.term,
      meaning: term.meaning(t),
      open: term.kind !== 'word',
    }));
  return matching([...terms, ...names], typed);
}

function typedIn(token: string): Typed {
  const [, sign = '', key = '', rest = ''] = /^(-?)([a-z]+:)?(.*)$/is.exec(token) ?? [];
  const known = filterTerms.some(({ term }) => term === key.toLowerCase());
  const text = known ? rest : key + rest;
  const parted = text.lastIndexOf('|') + 1;
  return {
    before: sign + (known ? key : '') + text.slice(0, parted),
    key: known ? key.toLowerCase() : '',
    part: text.slice(parted),
  };
}

function matching(suggestions: readonly Suggestion[], { before, part }: Typed): readonly Suggestion[] {
  const wanted = part.replaceAll('"', '').toLowerCase();
  const placeOf = ({ token }: Suggestion) =>
    token.slice(before.length).replaceAll('"', '').toLowerCase().indexOf(wanted);
  const found = new Map(
    suggestions.filter((each) => placeOf(each) >= 0 && each.token !== before + part).map((each) => [each.token, each]),
  );
  const rank = (each: Suggestion) => Math.min(1, placeOf(each));
  return [...found.values()].sort((a, b) => rank(a) - rank(b)).slice(0, most);
}

interface Name {
  readonly text: string;
  readonly meaning: string;
}

/**
 * What the rows of a channel named, whatever the filter leaves of them now: while one types, it may leave none. Bounded:
 * names that came first stay.
 */
export class SeenNames {
  private channel: number | undefined;
  private readonly methods = new Set<string>();
  private readonly codes = new Set<string>();

  see({ id, picks }: ChannelView): void {
    if (id !== this.channel) {
      this.methods.clear();
      this.codes.clear();
    }
    this.channel = id;
    for (const { method, code, outcome } of picks) {
      remember(this.methods, shortMethod(method));
      for (const each of [code, outcome?.code]) if (each) remember(this.codes, each.toLowerCase());
    }
  }

  /** Those that the key asks for; '': all. */
  of(channel: ChannelView, key: string): readonly Name[] {
    const endpoints = namedEndpoints(channel).map(({ label }) => label);
    const kinds = [
      { keys: [''], names: this.codes, meaning: t('status') },
      { keys: ['', 'method:'], names: this.methods, meaning: t('method') },
      { keys: ['', 'endpoint:', 'candidate:', 'lost:'], names: endpoints, meaning: t('endpoint') },
    ];
    return kinds
      .filter(({ keys }) => keys.includes(key))
      .flatMap(({ names, meaning }) => [...names].map((text) => ({ text, meaning })));
  }
}

function remember(names: Set<string>, name: string): void {
  if (names.size < mostNames) names.add(name);
}

function quoted(name: string): string {
  return /[\s|]/.test(name) ? `"${name.replaceAll('"', '')}"` : name;
}

import { filterTerms, type FilterTerm } from '../../messages/filterTerms';
import type { ChannelView, ReasonCounts } from '../../messages/panel';
import { shortMethod } from '../format';
import { t } from '../l10n';
import { namedEndpoints } from '../looks';

/** More are not read. */
const most = 40;

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

/** Of the terms of the language, and of the names that are seen now; those that begin like what is typed are first. */
export function suggestionsFor(token: string, channel: ChannelView): readonly Suggestion[] {
  const typed = typedIn(token);
  const { before, key } = typed;
  const names = namesOf(channel, key).map((name) => ({
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

/** Names that are seen now, as far as the key asks for them. */
function namesOf(channel: ChannelView, key: string): readonly Name[] {
  const codes = channel.picks.flatMap(({ outcome, code }) => [outcome?.code ?? '', code ?? '']);
  const methods = channel.picks.map(({ method }) => shortMethod(method));
  const endpoints = namedEndpoints(channel).map(({ label }) => label);
  const kinds: readonly {
    readonly keys: readonly string[];
    readonly names: readonly string[];
    readonly meaning: string;
  }[] = [
    { keys: [''], names: codes.map((code) => code.toLowerCase()), meaning: t('status') },
    { keys: ['', 'method:'], names: methods, meaning: t('method') },
    { keys: ['', 'endpoint:', 'candidate:', 'lost:'], names: endpoints, meaning: t('endpoint') },
  ];
  return kinds
    .filter(({ keys }) => keys.includes(key))
    .flatMap(({ names, meaning }) =>
      [...new Set(names)].filter((text) => text !== '').map((text) => ({ text, meaning })),
    );
}

function quoted(name: string): string {
  return /[\s|]/.test(name) ? `"${name.replaceAll('"', '')}"` : name;
}

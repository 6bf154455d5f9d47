/*
 * The terms of the filter language: what the filter understands (src/model/filter.ts), what the panel suggests, and what
 * docs/filter.md explains, each of them once.
 */

export interface FilterTerm {
  /** As it is typed: a word, a key with its colon, or a sign. Letter case does not matter. */
  readonly term: string;
  /**
   * word: complete as it is; text: a part of a name follows; number: a number follows, after >, >=, < or <= or bare;
   * duration: likewise, with us, ms or s, or else ms; sign: works on other terms.
   */
  readonly kind: 'word' | 'text' | 'number' | 'duration' | 'sign';
  readonly example: string;
  /** What it wants. */
  readonly meaning: (t: (english: string) => string) => string;
}

export const filterTerms: readonly FilterTerm[] = [
  { term: '>', kind: 'duration', example: '>20ms', meaning: (t) => t('calls that took longer') },
  { term: '<', kind: 'duration', example: '<500us', meaning: (t) => t('calls that took less time') },

  { term: 'ok', kind: 'word', example: 'ok', meaning: (t) => t('calls that ended with OK') },
  { term: 'error', kind: 'word', example: 'error', meaning: (t) => t('calls that ended with another status than OK') },
  { term: 'inflight', kind: 'word', example: 'inflight', meaning: (t) => t('calls that have not ended yet') },
  {
    term: 'unavailable',
    kind: 'word',
    example: 'unavailable',
    meaning: (t) => t('calls and failed picks with this status, or any other by its name'),
  },

  { term: 'lower', kind: 'word', example: 'lower', meaning: (t) => t('the candidate with the lower load was taken') },
  { term: 'tie', kind: 'word', example: 'tie', meaning: (t) => t('the loads were equal') },
  { term: 'forced', kind: 'word', example: 'forced', meaning: (t) => t('taken because it had waited for too long') },
  { term: 'probe', kind: 'word', example: 'probe', meaning: (t) => t('taken in order to measure it') },
  { term: 'unhealthy', kind: 'word', example: 'unhealthy', meaning: (t) => t('no draw gave two healthy candidates') },
  { term: 'only', kind: 'word', example: 'only', meaning: (t) => t('there was only one candidate') },
  { term: 'turn', kind: 'word', example: 'turn', meaning: (t) => t('its turn came, by its weight') },
  { term: 'key', kind: 'word', example: 'key', meaning: (t) => t('the key of the call belongs to it') },
  { term: 'nokey', kind: 'word', example: 'nokey', meaning: (t) => t('drawn at random, as the call had no key') },
  {
    term: 'raced',
    kind: 'word',
    example: 'raced',
    meaning: (t) => t('what was read does not explain the choice'),
  },
  { term: 'untold', kind: 'word', example: 'untold', meaning: (t) => t('the policy does not tell why') },
  { term: 'queued', kind: 'word', example: 'queued', meaning: (t) => t('no endpoint was ready, so the call waited') },
  { term: 'failed', kind: 'word', example: 'failed', meaning: (t) => t('the picker failed the call') },
  { term: 'dropped', kind: 'word', example: 'dropped', meaning: (t) => t('the picker dropped the call') },

  { term: 'method:', kind: 'text', example: 'method:GetCart', meaning: (t) => t('a part of the method') },
  {
    term: 'endpoint:',
    kind: 'text',
    example: 'endpoint:10.0.0.4',
    meaning: (t) => t('a part of an address of the chosen endpoint'),
  },
  {
    term: 'candidate:',
    kind: 'text',
    example: 'candidate:10.0.0.4',
    meaning: (t) => t('a part of an address of any candidate'),
  },
  {
    term: 'lost:',
    kind: 'text',
    example: 'lost:10.0.0.4',
    meaning: (t) => t('it was a candidate, and another one was taken'),
  },

  { term: 'call:', kind: 'number', example: 'call:1234', meaning: (t) => t('all attempts of one call') },
  { term: 'attempt:', kind: 'number', example: 'attempt:>1', meaning: (t) => t('retries') },
  { term: 'generation:', kind: 'number', example: 'generation:49', meaning: (t) => t('picks of one picker') },
  { term: 'load:', kind: 'number', example: 'load:>1000', meaning: (t) => t('load of the chosen one, as it was read') },
  { term: 'lag:', kind: 'duration', example: 'lag:>10ms', meaning: (t) => t('lag of the chosen one, as it was read') },
  {
    term: 'success:',
    kind: 'number',
    example: 'success:<=500',
    meaning: (t) => t('success of the chosen one, as it was read'),
  },
  {
    term: 'inflight:',
    kind: 'number',
    example: 'inflight:>3',
    meaning: (t) => t('calls in flight of the chosen one, as it was read'),
  },

  { term: '-', kind: 'sign', example: '-ok', meaning: (t) => t('not that') },
  { term: '|', kind: 'sign', example: 'method:get|put', meaning: (t) => t('one or the other') },
  { term: '"', kind: 'sign', example: '"queued"', meaning: (t) => t('text as it stands, with spaces or signs') },
];

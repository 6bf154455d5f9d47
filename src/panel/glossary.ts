import { t } from './l10n';

/** What a word of the field means, and how its number is made. */
export interface Entry {
  readonly word: string;
  readonly means: string;
  /** Formulas, by policy where policies differ. */
  readonly computed?: readonly string[];
}

/** Formulas are of the library's policies, with their default constants; docs/policies.md has the rest. */
export const glossary = {
  share: () => ({
    word: t('share'),
    means: t('How many of the picks went to it: of the selected part of the time axis, else of the last 10 s.'),
  }),
  fairShare: () => ({
    word: t('equal share'),
    means: t('What each READY endpoint would get if all got the same: the tick on the bars.'),
    computed: [t('1 ÷ number of READY endpoints')],
  }),
  fairness: () => ({
    word: t('fairness'),
    means: t('How evenly the READY endpoints are picked (Jain’s index): 1 is all the same, 1/n is one gets all.'),
    computed: ['(Σ x)² ÷ (n · Σ x²)'],
  }),
  picksPerSecond: () => ({
    word: t('picks/s'),
    means: t('How often it was picked in a second, whatever became of the call.'),
  }),
  lag: () => ({
    word: t('lag'),
    means: t('Moving average of the latency (EWMA). What was measured 10 s ago counts about a third.'),
    computed: [t('lag · w + latency · (1 − w), w = e^(−time since the last call ÷ 10 s); the first call counts whole')],
  }),
  peak: () => ({
    word: t('peak'),
    means: t('A moving average that rises to a slow call at once, and falls slowly: what peak_ewma compares by.'),
    computed: [t('max(latency, peak · w + latency · (1 − w)), w = e^(−time ÷ 3 s)')],
  }),
  latency: () => ({
    word: t('latency'),
    means: t('Of the calls that ended: half were faster (p50), and 95 of 100 were (p95). To within 10 %.'),
  }),
  success: () => ({
    word: t('success'),
    means: t('Moving average of calls that did not fail, 0 to 1000. At 500 and below p2c_ewma avoids the endpoint.'),
    computed: [t('success · w + (1000, or 0 for a failed call) · (1 − w), with the w of the lag')],
  }),
  inflight: () => ({
    word: t('inflight'),
    means: t('Calls that were picked for it and have not ended yet.'),
  }),
  load: () => ({
    word: t('load'),
    means: t('What the picker compares: the candidate with the lower load is taken.'),
    computed: [
      t('p2c_ewma: √(lag in ns + 1) · (inflight + 1)'),
      t('peak_ewma: (peak + 1 s · (1 − success ÷ 1000)) · (inflight + 1), in ns'),
    ],
  }),
  weight: () => ({
    word: t('weight'),
    means: t('How often its turn comes, or what is compared where the higher one wins.'),
    computed: [t('turns: its weight ÷ the sum of all weights')],
  }),
  lastPicked: () => ({
    word: t('last picked'),
    means: t('How long ago it was picked. After 1 s p2c_ewma forces a pick of it as soon as it is drawn and loses.'),
  }),
  state: () => ({
    word: t('state'),
    means: t('Connectivity state. The picker holds READY endpoints only; others cannot be picked.'),
  }),
  lower: () => ({ word: t('lower load'), means: t('The candidate with the lower load was taken.') }),
  tie: () => ({ word: t('tie'), means: t('The loads were equal: p2c_ewma keeps the one that was drawn first.') }),
  forced: () => ({
    word: t('forced pick'),
    means: t(
      'The loser of the comparison was taken, because it had not been picked for over 1 s: its lag is to be measured again.',
    ),
  }),
  unhealthy: () => ({
    word: t('sick pair'),
    means: t('In none of 3 draws were both candidates healthy (success over 500): the last pair was compared.'),
  }),
  probe: () => ({
    word: t('probe'),
    means: t('Taken to measure it: it was never measured, or not for so long that nothing is left of what was known.'),
  }),
  only: () => ({ word: t('only one'), means: t('There was only one candidate: nothing was compared.') }),
  turn: () => ({ word: t('turn'), means: t('Its turn came, by its weight. Nothing was compared.') }),
  key: () => ({ word: t('key'), means: t('The key of the call belongs to it, as long as it is READY.') }),
  nokey: () => ({ word: t('no key'), means: t('The call had no key: one was drawn at random.') }),
  raced: () => ({
    word: t('raced'),
    means: t(
      'Calls ended while it was decided, and what was read of the candidates from outside does not explain the choice.',
    ),
  }),
  untold: () => ({ word: t('untold'), means: t('The policy does not tell why it chose.') }),
  queued: () => ({
    word: t('queued'),
    means: t('No endpoint was READY: the call waits for the next picker, and counts as picked then.'),
  }),
  refused: () => ({ word: t('refused'), means: t('The picker failed the call: no endpoint was chosen.') }),
  dropped: () => ({ word: t('dropped'), means: t('The picker dropped the call, as a policy told it to.') }),
  errors: () => ({ word: t('failed'), means: t('Calls that ended with another status than OK.') }),
  generation: () => ({
    word: t('generation'),
    means: t('A picker is built anew when READY endpoints change, or the resolver reports: each one is a generation.'),
  }),
  historyLost: () => ({
    word: t('history lost'),
    means: t(
      'The new picker knew nothing of lags: until its first answer an endpoint looks free, and even the slowest draws calls.',
    ),
  }),
  chance: () => ({
    word: t('by chance'),
    means: t('So many of the picks leave an endpoint out only because the candidates are drawn at random.'),
    computed: [t('two of n: 1 − 2 ÷ n')],
  }),
  drops: () => ({
    word: t('picks dropped'),
    means: t('More came than could be read in time: single picks are missing, but the counters are exact.'),
  }),
  observed: () => ({
    word: t('kept by Pickscope'),
    means: t(
      'The policy keeps no such number. Pickscope does, from the calls that it sees; it had no part in the choice.',
    ),
  }),
} satisfies Readonly<Record<string, () => Entry>>;

export type Term = keyof typeof glossary;

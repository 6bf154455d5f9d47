import { peakEwma, PeakEwmaPicker, type PeakEwmaConfig } from '../libraries/node/src/policies/peakEwma';
import type { Pick, PickInfo, Policy } from '../libraries/node/src/policies/picker';

/*
 * peak_ewma with a rule taken away that none of its options switches off, to see what the rule is worth.
 */

/** Chooses by the mean. */
export const withoutPeak: Policy<PeakEwmaConfig> = {
  ...peakEwma,
  build: (info) => {
    const picker = new PeakEwmaPicker(info);
    const { endpoints } = picker;
    const pick = (call: PickInfo): Pick => {
      const chosen = picker.pick(call);
      const done = (code: number, now: number): void => {
        chosen.done?.(code, now);
        const state = endpoints[chosen.endpoint]!;
        state.peak = state.lag;
      };
      return { endpoint: chosen.endpoint, suspend: () => chosen.suspend?.(), done };
    };
    return { pick, endpoints };
  },
};

/** Begins anew with each picker. */
export const withoutHistory: Policy<PeakEwmaConfig> = {
  ...peakEwma,
  build: (info) =>
    peakEwma.build({ ...info, readyEndpoints: info.readyEndpoints.map((endpoint) => ({ ...endpoint })) }),
};

/** How much of the past is kept. */
export interface KeepLimits {
  readonly seconds: number;
  readonly bytes: number;
}

const defaultBytes = 16 << 20;
const maxSeconds = 24 * 3600;
const [minBytes, maxBytes] = [1 << 20, 1 << 30];

const secondsOf = { s: 1, m: 60, h: 3600 };
const bytesOf = { KB: 1 << 10, MB: 1 << 20, GB: 1 << 30 };

/**
 * Reads how long and how much is to be kept.
 *
 * @param time "60s", "2m", "1h"; "", "0" and "off": nothing is kept.
 * @param bytes "32MB"; "": 16 MB.
 * @param warn Told, as a sentence, what cannot be understood, and what holds instead.
 */
export function keepLimits(time = '', bytes = '', warn: (line: string) => void): KeepLimits | undefined {
  if (/^(0|off)?$/i.test(time)) return undefined;
  const seconds = amount(time, secondsOf);
  if (!(seconds >= 1 && seconds <= maxSeconds)) {
    warn(`"${time}" is no time to keep (PICKSCOPE_KEEP): write 60s, 2m, or at most 24h. Nothing is kept.`);
    return undefined;
  }
  const limit = bytes === '' ? defaultBytes : amount(bytes, bytesOf);
  if (limit >= minBytes && limit <= maxBytes) return { seconds, bytes: limit };
  warn(`"${bytes}" is no size to keep (PICKSCOPE_KEEP_BYTES): write 1MB to 1GB. At most 16MB are kept.`);
  return { seconds, bytes: defaultBytes };
}

/** @returns NaN: it is none. */
function amount(text: string, units: Readonly<Record<string, number>>): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]+)$/i.exec(text.trim()) ?? [];
  const known = Object.keys(units).find((it) => it.toLowerCase() === unit.toLowerCase());
  return known === undefined ? NaN : Number(number) * units[known]!;
}

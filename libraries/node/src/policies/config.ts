import { nearestName } from './spelling';

/*
 * Checks the service configs of policies: JSON as in gRPC's, so names are camelCase, durations strings such as "10s", and
 * null is as good as left out (https://protobuf.dev/programming-guides/json).
 */

/**
 * Reads the value of one field.
 *
 * @param value As it stands in the JSON; undefined: left out.
 * @throws Error by `misfit`.
 */
export type Field<T> = (value: unknown, name: string) => T;

interface Range {
  readonly min: number;
  readonly max: number;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads all fields of a config.
 *
 * @throws Error that names the field, what it holds and what it has to be. A field that is not known is an error, too.
 */
export function parseFields<T extends object>(json: Json, fields: { readonly [Name in keyof T]: Field<T[Name]> }): T {
  const names = Object.keys(fields);
  for (const name of Object.keys(json)) if (!names.includes(name)) throw unknownField(name, names);
  const read = ([name, field]: [string, Field<unknown>]) => [name, field(json[name] ?? undefined, name)];
  return Object.fromEntries(Object.entries<Field<unknown>>(fields).map(read)) as T;
}

/** The error of a field that holds what it must not. */
export function misfit(name: string, value: unknown, allowed: string): Error {
  return new Error(`${name} is ${value === undefined ? 'missing' : shown(value)}, but has to be ${allowed}.`);
}

export function integer<Fallback extends number | undefined>(
  fallback: Fallback,
  { min, max }: Range,
): Field<number | Fallback> {
  return (value = fallback, name) => {
    if (value === undefined) return fallback;
    if (Number.isInteger(value) && within(value as number, { min, max })) return value as number;
    throw misfit(name, value, `a whole number from ${min} to ${max}`);
  };
}

export function flag(fallback: boolean): Field<boolean> {
  return (value = fallback, name) => {
    if (typeof value === 'boolean') return value;
    throw misfit(name, value, 'true or false');
  };
}

/** All in ns. */
export function duration(fallback: number, { min, max }: Range): Field<number> {
  return (value, name) => {
    const time = value === undefined ? fallback : nanoseconds(value);
    if (within(time, { min, max })) return time;
    throw misfit(name, value, `a duration from "${min / 1e9}s" to "${max / 1e9}s"`);
  };
}

/** NaN: it is not a duration. */
function nanoseconds(value: unknown): number {
  const match = typeof value === 'string' ? /^(\d+)(?:\.(\d{1,9}))?s$/.exec(value) : null;
  return match ? Number(match[1]) * 1e9 + Number((match[2] ?? '').padEnd(9, '0')) : NaN;
}

function within(value: number, { min, max }: Range): boolean {
  return value >= min && value <= max;
}

function unknownField(name: string, names: readonly string[]): Error {
  const nearest = nearestName(name, names);
  const hint = nearest.distance <= nearest.name.length / 2 ? ` Did you mean ${nearest.name}?` : '';
  return new Error(`${shown(name)} is not a field of this policy.${hint} It has: ${names.join(', ')}.`);
}

function shown(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

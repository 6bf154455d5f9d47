/*
 * Names that were probably meant.
 */

export interface NearestName {
  readonly name: string;
  /** How many letters have to be put in, left out or changed; upper case, "_" and "-" do not count. */
  readonly distance: number;
}

/** The one of `names`, at least one, that is spelled most like `name`. */
export function nearestName(name: string, names: readonly string[]): NearestName {
  const distances = names.map((known) => distance(plain(name), plain(known)));
  const least = Math.min(...distances);
  return { name: names[distances.indexOf(least)]!, distance: least };
}

/** How a name sounds, so that decay_time is decayTime. */
function plain(name: string): string {
  return name.slice(0, 60).toLowerCase().replaceAll(/[_-]/g, '');
}

/** Levenshtein's. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let line = 0; line < from.length; line++) {
    const next = [line + 1];
    for (let column = 0; column < to.length; column++) {
      const change = row[column]! + (from[line] === to[column] ? 0 : 1);
      next.push(Math.min(change, row[column + 1]! + 1, next[column]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}

const MAX_NAMES = 3;

/** Levenshtein's distance: how many letters to insert, delete or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replace = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replace, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const MIN_PART = 3;

/** Letters that are compared with letters: strangers may list a million names, and a hint is worth only so much. */
const MAX_COMPARED = 1_000_000;

/** Up to three of the names that somebody who wrote `wanted` may have meant, nearest first. */
export function nearNames(wanted: string, names: readonly string[]): string[] {
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  let left = MAX_COMPARED;
  /** One name inside the other counts as one mistake; names of very different length are not even compared. */
  const farness = (name: string): number => {
    const [short, long] = wanted.length < name.length ? [wanted, name] : [name, wanted];
    if (short.length >= MIN_PART && long.includes(short)) return 1;
    const isFar = long.length - short.length > limit || short.length * long.length > left;
    if (isFar) return Number.POSITIVE_INFINITY;
    left -= short.length * long.length;
    return distance(wanted, name);
  };
  return names
    .map((name) => ({ name, far: farness(name) }))
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far || b.name.length - a.name.length || (a.name < b.name ? -1 : 1))
    .slice(0, MAX_NAMES)
    .map(({ name }) => name);
}

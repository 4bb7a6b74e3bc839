const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** Go's notation, without its units below a millisecond and its sign. Means the same in RE2 and in JavaScript. */
export const DURATION_PATTERN = "^([0-9]{1,6}([.][0-9]{1,3})?(h|ms|m|s)){1,4}$";

/** Milliseconds of a Go duration such as `1h30m` or `1.5s`; undefined when the text is none. */
export function durationMs(text: string): number | undefined {
  if (!new RegExp(DURATION_PATTERN).test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(h|ms|m|s)/g)) {
    sum += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  return sum;
}

/** Milliseconds per unit of a Go duration. Both spellings of micro (U+00B5 and U+03BC) are Go's. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const PART = "(?:\\d+\\.?\\d*|\\.\\d+)(?:ns|us|µs|μs|ms|s|m|h)";
const DURATION = new RegExp(`^\\+?(?:${PART})+$`);
const PARTS = new RegExp(PART, "g");
const NUMBER = /^[\d.]+/;

/** Go holds a duration in an int64 of nanoseconds: about 292 years. */
const LONGEST_MS = 9_223_372_036_854;

/** A Go duration ("1h30m", "250ms", "1.5h", "0") in milliseconds; undefined if it is none, negative or beyond Go's range. */
export function parseDuration(text: string): number | undefined {
  if (text === "0" || text === "+0") return 0;
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [part] of text.matchAll(PARTS)) {
    const number = NUMBER.exec(part)?.[0] ?? "";
    total += Number(number) * (UNITS[part.slice(number.length)] ?? Number.NaN);
  }
  return total <= LONGEST_MS ? total : undefined;
}

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const YEAR = 365 * DAY;

/** Below this age (seconds), it is told in `unit`s, and what is left over in `rest`s where that still matters. */
interface Row {
  below: number;
  unit: number;
  sign: string;
  rest?: { unit: number; sign: string };
}

const ROWS: readonly Row[] = [
  { below: 2 * MINUTE, unit: 1, sign: "s" },
  { below: 10 * MINUTE, unit: MINUTE, sign: "m", rest: { unit: 1, sign: "s" } },
  { below: 3 * HOUR, unit: MINUTE, sign: "m" },
  { below: 8 * HOUR, unit: HOUR, sign: "h", rest: { unit: MINUTE, sign: "m" } },
  { below: 2 * DAY, unit: HOUR, sign: "h" },
  { below: 8 * DAY, unit: DAY, sign: "d", rest: { unit: HOUR, sign: "h" } },
  { below: 2 * YEAR, unit: DAY, sign: "d" },
  { below: 8 * YEAR, unit: YEAR, sign: "y", rest: { unit: DAY, sign: "d" } },
];

/** Milliseconds as kubectl prints an age: two or three digits that matter ("12s", "5m10s", "3d2h"). Negative is "0s". */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const { unit, sign, rest } = ROWS.find((row) => seconds < row.below) ?? { unit: YEAR, sign: "y" };
  const whole = `${Math.floor(seconds / unit)}${sign}`;
  const left = rest === undefined ? 0 : Math.floor((seconds % unit) / rest.unit);
  return left === 0 ? whole : `${whole}${left}${rest?.sign ?? ""}`;
}

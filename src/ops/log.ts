import { type DestinationStream, destination, pino, stdTimeFunctions } from "pino";
import { mask } from "./mask.ts";

/** What a line is about, besides its message. The first four have the same name on every line. */
export interface Pairs {
  /** `namespace/name` of a TargetCluster, or `local`. */
  cluster?: string;
  /** `Kind/namespace/name`, or `SystemProfile/name`. */
  profile?: string;
  layer?: string;
  /** What was thrown. */
  error?: unknown;
  readonly [name: string]: unknown;
}

/** The message is constant, so that it can be searched and counted; everything that varies is a pair. */
type Write = (message: string, pairs?: Pairs) => void;

export interface Logger {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  readonly fatal: Write;
  /** A logger that puts these pairs on each of its lines. */
  with(pairs: Pairs): Logger;
}

export interface LogOptions {
  level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
  /** Where the lines go; stdout if absent. */
  stream?: DestinationStream;
}

/**
 * A log of one JSON object a line: `level`, `time` (RFC 3339), the pairs, `msg`. All pairs go through `mask`. Lines are
 * written at once, so that the last one before a crash is there too.
 */
export function createLog(options: LogOptions): Logger {
  return loggerOf(createRoot(options), {});
}

function createRoot({ level, stream = destination({ dest: 1, sync: true }) }: LogOptions) {
  return pino(
    {
      level,
      base: null, // A cluster's log collector knows the Pod; the pid is always 1.
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
}

function loggerOf(root: ReturnType<typeof createRoot>, bound: object): Logger {
  const write =
    (level: "debug" | "info" | "warn" | "error" | "fatal"): Write =>
    (message, pairs) => {
      if (root.isLevelEnabled(level)) root[level]({ ...bound, ...(mask(pairs ?? {}) as object) }, message);
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    fatal: write("fatal"),
    with: (pairs) => loggerOf(root, { ...bound, ...(mask(pairs) as object) }),
  };
}

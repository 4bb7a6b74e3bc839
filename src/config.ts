import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import packageFile from "../package.json" with { type: "json" };
import type { Result } from "./objects/types.ts";
import { networkProblem } from "./text/addresses.ts";

/**
 * One thing that an admin can set. The flag and the variable follow from its name: `httpPort` is `--http-port` and
 * `STRATA_HTTP_PORT`. The flag wins.
 */
interface Knob<T> {
  about: string;
  /** The variable, where it is not ours to name. */
  variable?: string;
  parse: z.ZodType<T, string>;
  fallback: T;
}

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

const text = z.string().min(1, "it is empty");
const whole = (min: number, max: number) => {
  const message = `it must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .pipe(z.number().min(min, message).max(max, message));
};

const KNOBS = {
  kubeconfig: knob<string | undefined>({
    about: "Kubeconfig file of the cluster that Strata runs for. In a Pod: none, its ServiceAccount is used.",
    variable: "KUBECONFIG",
    parse: text.regex(/^[^:]*$/, "it must be one file, not a list"),
    fallback: undefined,
  }),
  httpAddress: knob<string | undefined>({
    about: "Address on which metrics and probes are served. All addresses, if none is named.",
    parse: text,
    fallback: undefined,
  }),
  httpPort: knob({
    about: "Port on which metrics and probes are served. 0: any free port, see the log.",
    parse: whole(0, 65_535),
    fallback: 8080,
  }),
  logLevel: knob<(typeof LOG_LEVELS)[number]>({
    about: `What is logged: ${LOG_LEVELS.join(", ")}.`,
    parse: text.pipe(z.enum(LOG_LEVELS, `it must be one of ${LOG_LEVELS.join(", ")}`)),
    fallback: "info",
  }),
  concurrencyPerCluster: knob({
    about: "Passes at a time on one cluster.",
    parse: whole(1, 64),
    fallback: 4,
  }),
  renderBinary: knob({
    about: "The chart renderer. Beside this program, if none is named.",
    parse: text,
    fallback: join(import.meta.dirname, "strata-render"),
  }),
  renderProcesses: knob({
    about: "Charts that render at a time, each in up to 768 MiB of memory. As many as there are cores, at most 4.",
    parse: whole(1, 64),
    fallback: Math.min(4, availableParallelism()),
  }),
  renderCacheMib: knob({
    about: "MiB of rendered charts that are kept in memory.",
    parse: whole(1, 65_536),
    fallback: 32,
  }),
  chartCacheMib: knob({
    about: "MiB of packed charts that are kept in memory.",
    parse: whole(1, 65_536),
    fallback: 64,
  }),
  plainHttpRegistries: knob<readonly string[]>({
    about: "Registries and repositories that are spoken to without TLS: host or host:port, joined by commas.",
    parse: z
      .string()
      .transform(listOf)
      .pipe(
        z.array(z.string().regex(/^[\w.-]+(:\d{1,5})?$|^\[[\da-f:]+\](:\d{1,5})?$/i, "each must be host or host:port")),
      ),
    fallback: [],
  }),
  allowedNetworks: knob<readonly string[]>({
    about:
      "Private networks in which registries and repositories may be: 10.20.0.0/16, joined by commas. All others are refused.",
    parse: z
      .string()
      .transform(listOf)
      .pipe(
        z.array(
          z.string().superRefine((network, context) => {
            const message = networkProblem(network);
            if (message !== undefined) context.addIssue({ code: "custom", message });
          }),
        ),
      ),
    fallback: [],
  }),
  leaderElection: knob<boolean>({
    about:
      "true: of all Stratas of this hub one works, the others wait for its Lease. false: only where there is never a second one.",
    parse: text.pipe(z.enum(["true", "false"], "it must be true or false")).transform((value) => value === "true"),
    fallback: true,
  }),
  // The lease goes back after it, and within 2 s in all: a cluster that does not answer must not hold up the others.
  gracePeriodMs: knob({
    about:
      "Milliseconds that running work may take to end after SIGTERM. What takes longer is cut off, and the next one goes on with it.",
    parse: whole(0, 600_000),
    fallback: 1000,
  }),
};

type Name = keyof typeof KNOBS;

/** Everything that can be set, with Strata's own version. Frozen. */
export type Config = { readonly [N in Name]: (typeof KNOBS)[N]["fallback"] } & { readonly version: string };

/**
 * Reads the settings: a flag, else its environment variable, else the default. An empty variable counts as none.
 *
 * @param argv the arguments after the program's name
 * @returns the settings, or a sentence for each thing that is wrong with them
 */
export function parseConfig(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
): Result<Config> {
  const { flags, problems } = readFlags(argv);
  const values: Partial<Record<Name, unknown>> = {};
  for (const name of names()) {
    const flag = flags.get(name);
    const given = flag ?? (env[variableOf(name)] || undefined);
    if (given === undefined) {
      values[name] = KNOBS[name].fallback;
      continue;
    }
    const parsed = KNOBS[name].parse.safeParse(given);
    if (parsed.success) values[name] = parsed.data;
    else
      problems.push(
        `${flag === undefined ? variableOf(name) : flagOf(name)} is "${given}": ${sentenceOf(parsed.error)}`,
      );
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, value: Object.freeze({ ...(values as Omit<Config, "version">), version: packageFile.version }) };
}

/** What `--help` prints: each flag, its variable, what it is for and its default. */
export function usage(): string {
  const rows = names().map((name) => {
    const { about, fallback } = KNOBS[name];
    const isPlain = ["number", "boolean"].includes(typeof fallback) || LOG_LEVELS.some((level) => level === fallback);
    return `  ${flagOf(name)} (${variableOf(name)})\n      ${about}${isPlain ? ` Default: ${fallback}.` : ""}`;
  });
  return `Strata ${packageFile.version}, the operator. A flag wins over its variable.\n\n${rows.join("\n")}\n`;
}

function readFlags(argv: readonly string[]): { flags: Map<Name, string>; problems: string[] } {
  const options = Object.fromEntries(names().map((name) => [flagOf(name).slice(2), { type: "string" as const }]));
  // Not strict: all mistakes are to be told at once, in our words.
  const { values, positionals } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true });
  const byFlag = new Map(names().map((name) => [flagOf(name), name]));
  const problems = positionals.map((argument) => `"${argument}" is no flag: see --help`);
  const flags = new Map<Name, string>();
  for (const [key, value] of Object.entries(values)) {
    const name = byFlag.get(`--${key}`);
    if (name === undefined) problems.push(`there is no flag --${key}: see --help`);
    else if (typeof value === "string") flags.set(name, value);
    else problems.push(`--${key} needs a value`);
  }
  return { flags, problems };
}

function knob<T>(definition: Knob<T>): Knob<T> {
  return definition;
}

function names(): Name[] {
  return Object.keys(KNOBS) as Name[];
}

function flagOf(name: Name): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function variableOf(name: Name): string {
  const { variable }: Knob<unknown> = KNOBS[name];
  return variable ?? `STRATA_${flagOf(name).slice(2).replaceAll("-", "_").toUpperCase()}`;
}

function listOf(value: string): string[] {
  return value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function sentenceOf(error: z.ZodError): string {
  return error.issues[0]?.message ?? "it is not valid";
}

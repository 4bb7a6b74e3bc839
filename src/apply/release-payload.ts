import { promisify } from "node:util";
import { gzip, unzip } from "node:zlib";
import { Failure } from "../errors.ts";
import { isMap, parseJson, stringifyJson } from "../objects/json.ts";
import { parseManifests } from "../objects/yaml.ts";
import { partsOf } from "../plan/hooks.ts";
import type { HookRun, ReleaseStatus } from "../plan/release.ts";
import { DEFAULT_DELETE_POLICIES } from "../plan/seal.ts";
import type { Hook, ReleaseSource } from "../plan/types.ts";

/** A release in Helm's JSON (`pkg/release/v1`), as far as Strata reads it; whatever else stands there is kept. */
export interface HelmRelease {
  name: string;
  namespace: string;
  version: number;
  manifest?: string;
  info: HelmInfo;
  chart?: {
    metadata?: { name?: string; version?: string };
    templates?: unknown;
    files?: unknown;
    [field: string]: unknown;
  };
  hooks?: { [field: string]: unknown }[];
  [field: string]: unknown;
}

interface HelmInfo {
  first_deployed?: string;
  last_deployed?: string;
  description?: string;
  status?: ReleaseStatus;
  notes?: string;
  [field: string]: unknown;
}

export interface NewRelease {
  name: string;
  namespace: string;
  version: number;
  status: ReleaseStatus;
  description: string;
  /** RFC 3339. */
  firstDeployed: string;
  lastDeployed: string;
  rollbackRevision?: number;
  manifest: string;
  notes: string;
  hooks: readonly Hook[];
  source: ReleaseSource;
}

/** Far above what charts come to, and bounds for a hostile record: what is read takes memory many times its text. */
const MAX_UNPACKED = 16 * 1024 * 1024;
const MAX_STRUCTURES = 300_000;
/** What the API server takes in one Secret (Kubernetes: `core.MaxSecretSize`). */
const MAX_SECRET = 1024 * 1024;
const MIB = 1024 * 1024;

const pack = promisify<Buffer, { level: number }, Buffer>(gzip);
const unpack = promisify<Buffer, { maxOutputLength: number }, Buffer>(unzip);

/**
 * A release as Helm writes it. `apply_method` is `csa`: with `ssa` a person's `helm rollback` would conflict with Strata's
 * field manager.
 */
export function newRelease(release: NewRelease): HelmRelease {
  const { name, namespace, version, status, description, firstDeployed, lastDeployed, source, notes } = release;
  return {
    name,
    info: {
      first_deployed: firstDeployed,
      last_deployed: lastDeployed,
      description,
      status,
      ...(release.rollbackRevision === undefined ? {} : { rollback_revision: release.rollbackRevision }),
      ...(notes === "" ? {} : { notes }),
    },
    chart: parseJson(source.chart) as NonNullable<HelmRelease["chart"]>,
    // Helm leaves it out when the user gave no values; `helm get values` shows the difference.
    ...(source.config === "{}" ? {} : { config: parseJson(source.config) }),
    manifest: release.manifest,
    hooks: release.hooks.filter(({ part }) => part === undefined).map(helmHook),
    version,
    namespace,
    apply_method: "csa",
  };
}

function helmHook({ name, kind, path, manifest, events, weight, deletePolicies, outputLogPolicies }: Hook): {
  [field: string]: unknown;
} {
  return {
    // A List has none.
    ...(name === "" ? {} : { name }),
    kind,
    path,
    manifest,
    events,
    last_run: { phase: "" },
    ...(weight === 0 ? {} : { weight }),
    ...(deletePolicies.length > 0 ? { delete_policies: deletePolicies } : {}),
    ...(outputLogPolicies.length > 0 ? { output_log_policies: outputLogPolicies } : {}),
  };
}

export type RecordedHook = Omit<Hook, "object" | "part">;

/** The chart and the values that a release holds. */
export function sourceIn({ chart = {}, config = {} }: HelmRelease): ReleaseSource {
  return { chart: stringifyJson(chart), config: stringifyJson(config) };
}

/** The hooks that `newRelease` wrote into a release, as texts. */
export function recordedHooks({ hooks = [] }: HelmRelease): RecordedHook[] {
  return hooks.map((recorded) => ({
    name: String(recorded["name"] ?? ""),
    kind: String(recorded["kind"] ?? ""),
    path: String(recorded["path"] ?? ""),
    manifest: String(recorded["manifest"] ?? ""),
    events: strings(recorded["events"]),
    weight: Number(recorded["weight"] ?? 0),
    deletePolicies: strings(recorded["delete_policies"]),
    outputLogPolicies: strings(recorded["output_log_policies"]),
  }));
}

/** Recorded hooks with their objects; only for a record whose seal is whole, as anybody's YAML may take minutes. */
export function parsedHooks(hooks: readonly RecordedHook[]): Hook[] {
  return hooks.flatMap((hook) => {
    const parsed = parseManifests(hook.manifest, hook.path);
    return parsed.ok ? partsOf(hook, parsed.value) : [];
  });
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** The release with the last run of each hook, by the hook's kind and name. */
export function withRuns(release: HelmRelease, runs: ReadonlyMap<string, HookRun>): HelmRelease {
  const hooks = release.hooks?.map((hook) => {
    const run = runs.get(`${hook["kind"]}/${hook["name"] ?? ""}`);
    if (!run) return hook;
    return {
      ...hook,
      // Helm writes its default down when it runs the hook.
      delete_policies: hook["delete_policies"] ?? DEFAULT_DELETE_POLICIES,
      last_run: { started_at: run.startedAt, completed_at: run.completedAt, phase: run.phase },
    };
  });
  return hooks ? { ...release, hooks } : release;
}

/**
 * The `release` key of a Secret's `data`. What is too large is stored without the chart's templates and files.
 *
 * @throws Failure TooLarge, naming the size, when that does not help
 */
export async function packRelease(release: HelmRelease): Promise<string> {
  const whole = await encode(release);
  if (fits(whole)) return secretData(whole);
  const lean = await encode({ ...release, chart: { ...release.chart, templates: [], files: [] } });
  if (fits(lean)) return secretData(lean);
  const [packed, unpacked] = [lean.text, lean.json].map(({ length }) => (length / MIB).toFixed(1));
  throw new Failure(
    "TooLarge",
    `the record of Helm release ${release.namespace}/${release.name} has ${packed} MiB, and ${unpacked} MiB unpacked, also without ` +
      "the chart's templates and files; it may have 1 MiB and 16 MiB: split the chart's values or objects into several layers",
  );
}

interface Encoded {
  json: Buffer;
  text: string;
}

/** Helm packs the JSON with gzip and base64 before the API's own base64. */
async function encode(release: HelmRelease): Promise<Encoded> {
  const json = Buffer.from(stringifyJson(release));
  return { json, text: (await pack(json, { level: 9 })).toString("base64") };
}

/** What is written can also be read again. */
function fits({ json, text }: Encoded): boolean {
  return text.length <= MAX_SECRET && isBounded(json);
}

function isBounded(json: Buffer): boolean {
  return json.length <= MAX_UNPACKED && structuresOf(json) <= MAX_STRUCTURES;
}

const [QUOTE, BACKSLASH, ...STRUCTURES] = [...Buffer.from('"\\{[,')];

/** How many values a JSON text has at least, without making any of them: its braces, brackets and commas outside of strings. */
function structuresOf(json: Buffer): number {
  let count = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] ?? 0;
    if (byte === QUOTE) inString = !inString;
    else if (!inString && STRUCTURES.includes(byte)) count += 1;
    else if (inString && byte === BACKSLASH) at += 1;
  }
  return count;
}

function secretData({ text }: Encoded): string {
  return Buffer.from(text).toString("base64");
}

/**
 * Reads the `release` key of a Secret's `data`.
 *
 * @throws Failure InvalidObject when it holds no release
 */
export async function unpackRelease(data: string | undefined, secret: string): Promise<HelmRelease> {
  try {
    const packed = Buffer.from(Buffer.from(data ?? "", "base64").toString("latin1"), "base64");
    // Helm 2 and early Helm 3 did not compress.
    const isPacked = packed[0] === 0x1f && packed[1] === 0x8b;
    const json = isPacked ? await unpack(packed, { maxOutputLength: MAX_UNPACKED }) : packed;
    const release = isBounded(json) ? parseJson(json.toString("utf8")) : undefined;
    if (isRelease(release)) return release;
  } catch {
    // Below: whatever is wrong with it, the remedy is the same.
  }
  throw new Failure(
    "InvalidObject",
    `Secret ${secret} holds no Helm release that can be read: restore it, or delete it to begin a new history`,
  );
}

function isRelease(value: unknown): value is HelmRelease {
  if (!isMap(value) || !isMap(value["info"]) || typeof value["version"] !== "number") return false;
  const { chart = {}, config = {}, hooks = [], manifest = "" } = value;
  if (!isMap(chart) || !isMap(config) || typeof manifest !== "string") return false;
  const metadata = chart["metadata"] ?? {};
  const isNamed = isMap(metadata) && isText(metadata["name"]) && isText(metadata["version"]);
  return isNamed && Array.isArray(hooks) && hooks.every(isMap);
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

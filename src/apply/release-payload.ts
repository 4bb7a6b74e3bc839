import { promisify } from "node:util";
import { gzip, unzip } from "node:zlib";
import { Failure } from "../errors.ts";
import { parseJson, stringifyJson } from "../objects/json.ts";
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

/** 64 MiB: far above what fits into a Secret packed, and a bound for a hostile one. */
const MAX_UNPACKED = 64 * 1024 * 1024;
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
    hooks: release.hooks.map(helmHook),
    version,
    namespace,
    apply_method: "csa",
  };
}

function helmHook({ name, kind, path, manifest, events, weight, deletePolicies, outputLogPolicies }: Hook): {
  [field: string]: unknown;
} {
  return {
    name,
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

/** The release with the last run of each hook, by the hook's kind and name. */
export function withRuns(release: HelmRelease, runs: ReadonlyMap<string, HookRun>): HelmRelease {
  const hooks = release.hooks?.map((hook) => {
    const run = runs.get(`${hook["kind"]}/${hook["name"]}`);
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
  if (whole.length <= MAX_SECRET) return secretData(whole);
  const lean = await encode({ ...release, chart: { ...release.chart, templates: [], files: [] } });
  if (lean.length <= MAX_SECRET) return secretData(lean);
  const size = (lean.length / MIB).toFixed(1);
  throw new Failure(
    "TooLarge",
    `the record of Helm release ${release.namespace}/${release.name} has ${size} MiB, also without the chart's templates and ` +
      "files; a Secret holds 1 MiB: split the chart's values or objects into several layers",
  );
}

/** Helm packs the JSON with gzip and base64 before the API's own base64. */
async function encode(release: HelmRelease): Promise<string> {
  return (await pack(Buffer.from(stringifyJson(release)), { level: 9 })).toString("base64");
}

function secretData(text: string): string {
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
    const release = parseJson(json.toString("utf8")) as Partial<HelmRelease> | null;
    if (typeof release?.info === "object" && typeof release.version === "number") return release as HelmRelease;
  } catch {
    // Below: whatever is wrong with it, the remedy is the same.
  }
  throw new Failure(
    "InvalidObject",
    `Secret ${secret} holds no Helm release that can be read: restore it, or delete it to begin a new history`,
  );
}

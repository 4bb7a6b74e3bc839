import { createHash } from "node:crypto";
import { z } from "zod";
import type { Layer } from "../api/types.ts";
import { packStored, unpackStored } from "../apply/stored-set.ts";
import { readStoredSet, writeStoredSet } from "../apply/system-objects.ts";
import { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { sha256Hex } from "../objects/digest.ts";
import { isMap } from "../objects/json.ts";
import { chartIdentity, checkUpgrade, parsePack } from "../pack/index.ts";
import type { PackPart, PackPin, PlannedLayer } from "../plan/types.ts";
import { type LoadedChart, type LoadedPack, PackLost } from "../plan/valued-pack.ts";
import { parseValues } from "../plan/values.ts";
import type { RegistryAccess } from "../source/access.ts";
import { ARCHIVE_LIMITS, ArchiveRefused, readArchive } from "../source/archive/read-archive.ts";
import type { PackSource } from "../source/pack-source.ts";
import type { ChartPackage, FileSet } from "../source/types.ts";
import type { Elsewhere, RegistryPort } from "./layer-renderer.ts";
import { SignaturesUnknown } from "./registry-access.ts";

const MIB = 1024 * 1024;

/** Where a pack is stored, and how its registry is reached. */
export interface PackPlace {
  /** Acts as Strata itself in the target's `strata-system`. */
  system: KubeClient;
  set: ApplySet;
  registry: RegistryPort;
  elsewhere: Elsewhere;
}

/** A pack from its registry, with its files and whose signature it has. */
interface Fetched {
  loaded: LoadedPack;
  files: FileSet["files"];
  verified: string | undefined;
}

/** Gets packs from their registries, once for as long as the layer asks for the same pack. */
export class PackLoader {
  readonly #packs: PackSource;

  constructor(packs: PackSource) {
    this.#packs = packs;
  }

  /** @returns the pack, or the failure that the layer shows; throws what the target's API server says */
  async load(
    { layer: { spec }, key }: { layer: PlannedLayer; key: string },
    place: PackPlace,
    signal: AbortSignal,
  ): Promise<LoadedPack | Failure> {
    const { pack } = spec;
    if (!pack) throw new Error(`layer ${spec.name} has no pack`);
    const stored = unpack(await readStoredSet(place.system, place.set, spec.name, signal));
    const known = stored && ofStored(stored);
    if (known && stored.key === key) {
      // What runs needs neither its registry nor a signature that nobody asked for when it was installed.
      const about = { layer: spec.name, pack: stored, stored };
      const doubt = await place.elsewhere(() => this.#doubt(about, place, signal));
      return doubt && doubt.kind !== "no access" ? { ...known, unverified: doubt.failure } : known;
    }
    const fetched = await place.elsewhere(() => this.fetch(pack, place.registry, signal));
    if (fetched instanceof Failure) return fetched;
    const refused = known?.pack.name === pack.name ? checkUpgrade(known.pack, fetched.loaded.version).problems : [];
    if (refused.length > 0) return new Failure("InvalidSpec", refused.join("; "));
    const content = await packed({ key, registry: pack.registryRef.name, name: pack.name }, fetched);
    if (content instanceof Failure) return content;
    await writeStoredSet(place.system, { set: place.set, layer: spec.name, content }, signal);
    return fetched.loaded;
  }

  /**
   * Why nothing new may be made of the pack that a part is of: it has no signature of those that its Registry asks for
   * now, or nobody can tell. Undefined when it may.
   */
  async distrust(
    { of, pin }: Pick<PackPart, "of" | "pin">,
    place: PackPlace,
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    if (pin && !(await this.#mustVerify(pin, place, signal))) return undefined;
    const found = unpack(await readStoredSet(place.system, place.set, of, signal));
    const stored = found && (!pin || isSame(found, pin)) ? found : undefined;
    const pack = pin ?? stored;
    if (!pack) return new PackLost(of);
    const doubt = await place.elsewhere(() => this.#doubt({ layer: of, pack, stored }, place, signal));
    const isFree = doubt?.kind === "no access" && nobodyAsked(doubt.failure, stored);
    return isFree ? undefined : doubt?.failure;
  }

  /** A pack from its registry, with its files. */
  async fetch(
    { registryRef, name, version: wanted }: NonNullable<Layer["pack"]>,
    registryOf: RegistryPort,
    signal: AbortSignal,
  ): Promise<Fetched | Failure> {
    try {
      const registry = await registryOf(registryRef, signal);
      if (registry instanceof Failure) return registry;
      const { version, digest } = await this.#packs.resolve({ registry, name, version: wanted }, signal);
      const fetched = await this.#packs.fetch({ registry, name, version, digest }, signal);
      const what = `pack ${name} ${version}`;
      const loaded = await loadedOf(fetched, what);
      const refusal = registry.verify && otherPack(loaded.pack.name, { name, version });
      return refusal ?? { loaded, files: fetched.files, verified: policyOf(registry) };
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
  }

  /** Most registries ask for no signatures: then nothing needs to be known of what is stored. */
  async #mustVerify({ registry: name }: PackId, place: PackPlace, signal: AbortSignal): Promise<boolean> {
    const registry = await place.elsewhere(() => place.registry({ name }, signal));
    return registry instanceof Failure || policyOf(registry) !== undefined;
  }

  /** What speaks against a pack. What new demands come to is remembered with what is stored. */
  async #doubt(
    { layer, pack, stored }: { layer: string; pack: PackId; stored: StoredPack | undefined },
    place: PackPlace,
    signal: AbortSignal,
  ): Promise<{ kind: "no access" | "unverified"; failure: Failure } | undefined> {
    const registry = await place.registry({ name: pack.registry }, signal);
    if (registry instanceof Failure) return { kind: "no access", failure: registry };
    const verified = policyOf(registry);
    const isMet = verified === undefined || verified === stored?.verified;
    const failure = isMet ? undefined : await this.#refusal(pack, registry, signal);
    const isNews = failure ? stored?.doubted !== true : !isMet || stored?.doubted === true;
    if (stored && isNews) {
      const good = { ...stored, doubted: undefined, verified: verified ?? stored.verified };
      const judged = failure ? { ...stored, doubted: true } : good;
      const content = await packStored(judged, { what: `pack ${pack.name} ${pack.version}`, remedy: "split it" });
      await writeStoredSet(place.system, { set: place.set, layer, content }, signal);
    }
    return failure && { kind: "unverified", failure };
  }

  /** Why a pack is not what its registry has under a signature. */
  async #refusal(
    { name, version, digest }: PackId,
    registry: RegistryAccess,
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    try {
      const { files } = await this.#packs.fetch({ registry, name, version, digest }, signal);
      const parsed = parsePack(files, `pack ${name} ${version}`);
      return otherPack(parsed.ok ? parsed.value.name : "", { name, version });
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
  }

  /**
   * A chart of a pack: of exactly the pack that was loaded.
   *
   * @throws Failure
   */
  async chart(
    { pin, path, name }: { pin: PackPin; path: string; name: string },
    registryOf: RegistryPort,
    signal: AbortSignal,
  ): Promise<ChartPackage> {
    const registry = await registryOf({ name: pin.registry }, signal);
    if (registry instanceof Failure) throw registry;
    const { version, digest } = pin;
    const { files } = await this.#packs.fetch({ registry, name: pin.name, version, digest }, signal);
    const bytes = files.get(path);
    if (!bytes) throw new Failure("InvalidSource", `pack ${pin.name} ${version} has no ${path}`);
    return { name, version, bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` };
  }
}

/** Which signatures a registry asks for: equal for the same keys. */
function policyOf({ verify }: RegistryAccess): string | undefined {
  return verify && sha256Hex(JSON.stringify([...verify.cosignKeys].sort()));
}

/** Whether a pack whose Registry cannot be had was free of signatures for as long as it is stored, and still is. */
function nobodyAsked(failure: Failure, stored: StoredPack | undefined): boolean {
  const isKnown = failure.reason === "ReferenceNotFound" || failure.reason === "InvalidSpec";
  if (!isKnown || failure instanceof SignaturesUnknown) return false;
  return stored !== undefined && stored.verified === undefined && stored.doubted !== true;
}

function isSame(one: PackId, other: PackId): boolean {
  return (["registry", "name", "version", "digest"] as const).every((field) => one[field] === other[field]);
}

/** A signature is of the content alone: what is signed as one pack is no other pack. */
function otherPack(signed: string, { name, version }: { name: string; version: string }): Failure | undefined {
  if (signed.toLowerCase() === name) return undefined;
  const sentence = `pack ${name} ${version} is not trusted: what was signed is pack ${signed}, by whose name it must be pushed`;
  return new Failure("VerificationFailed", sentence);
}

async function loadedOf({ files, version, digest }: FileSet, where: string): Promise<LoadedPack> {
  const parsed = parsePack(files, where);
  if (!parsed.ok) throw new Failure("InvalidSource", parsed.problems.join("; "));
  const pack = parsed.value;
  const charts: LoadedChart[] = [];
  let unpacked = 0;
  // One after the other: each may be as large as a whole pack once it is unpacked.
  for (const { path, archive } of pack.charts) {
    const inside = await filesOf(archive, `${where}: ${path}`);
    for (const content of inside.values()) unpacked += content.length;
    if (unpacked > ARCHIVE_LIMITS.unpackedBytes) {
      const limit = ARCHIVE_LIMITS.unpackedBytes / MIB;
      throw new Failure("InvalidSource", `${where}: its charts have more than ${limit} MiB once they are unpacked`);
    }
    charts.push(loadedChart(inside, { path, where }));
  }
  return { pack, version, digest, charts };
}

function loadedChart(files: FileSet["files"], { path, where }: { path: string; where: string }): LoadedChart {
  const text = files.get("Chart.yaml");
  if (!text) throw new Failure("InvalidSource", `${where}: ${path} is not a chart: it has no Chart.yaml`);
  const identity = chartIdentity(Buffer.from(text).toString("utf8"), `${where}, ${path}, Chart.yaml`);
  if (!identity.ok) throw new Failure("InvalidSource", identity.problems.join("; "));
  const values = parseValues(
    Buffer.from(files.get("values.yaml") ?? []).toString("utf8"),
    `${where}, ${path}, values.yaml`,
  );
  return { path, ...identity.value, values: values.ok ? values.value : {} };
}

async function filesOf(archive: Uint8Array, what: string): Promise<FileSet["files"]> {
  try {
    return await readArchive(archive, { stripRoot: true });
  } catch (error) {
    if (error instanceof ArchiveRefused) throw new Failure("InvalidSource", `${what} ${error.message}`);
    throw error;
  }
}

async function packed(
  source: Pick<StoredPack, "key" | "registry" | "name">,
  { loaded, files, verified }: Fetched,
): Promise<string | Failure> {
  const { pack, version, digest, charts } = loaded;
  const isArchive = new Set(pack.charts.map(({ path }) => path));
  const texts = [...files].filter(([path]) => !isArchive.has(path) && /\.(json|ya?ml)$/.test(path));
  const stored: StoredPack = {
    ...source,
    version,
    digest,
    verified,
    charts: charts.map(({ subcharts, ...chart }) => ({ ...chart, subcharts: [...subcharts] })),
    files: Object.fromEntries(texts.map(([path, bytes]) => [path, Buffer.from(bytes).toString("utf8")])),
  };
  const what = `pack ${pack.name} ${version}: its values and manifests have`;
  try {
    return await packStored(stored, { what, remedy: "split it into several packs" });
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/**
 * What a restart needs of a pack: everything but the templates of its charts, whose objects are stored once they are
 * rendered. Whoever may write in the target's `strata-system` can put anything there.
 */
const storedPack = z.object({
  key: z.string().min(1),
  /** By these names it was fetched. */
  registry: z.string().min(1),
  name: z.string().min(1),
  version: z.string(),
  digest: z.string().min(1),
  /** Which signatures its registry asked for when it was last verified; undefined when for none. */
  verified: z.string().optional(),
  /** Signatures were asked for that it was not found to have. */
  doubted: z.boolean().optional(),
  charts: z.array(
    z.object({
      path: z.string(),
      name: z.string(),
      version: z.string(),
      subcharts: z.array(z.string()),
      values: z.custom<Record<string, unknown>>(isMap),
    }),
  ),
  /** Text by path. */
  files: z.record(z.string(), z.string()),
});

type StoredPack = z.infer<typeof storedPack>;
type PackId = Pick<StoredPack, "registry" | "name" | "version" | "digest">;

function unpack(content: string | undefined): StoredPack | undefined {
  return content === undefined ? undefined : storedPack.safeParse(unpackStored(content)).data;
}

/** Undefined when what is stored is no pack any more: it is then fetched again. */
function ofStored({ version, digest, charts, files }: StoredPack): LoadedPack | undefined {
  const texts = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const);
  const archives = charts.map(({ path }) => [path, new Uint8Array()] as const);
  const parsed = parsePack(new Map<string, Uint8Array>([...texts, ...archives]), `the stored pack ${version}`);
  return parsed.ok ? { pack: parsed.value, version, digest, charts } : undefined;
}

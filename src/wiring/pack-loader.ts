import type { Layer } from "../api/types.ts";
import { packStored } from "../apply/stored-set.ts";
import { readStoredSet, writeStoredSet } from "../apply/system-objects.ts";
import { Failure, failureOf } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { sha256Digest, sha256Hex } from "../objects/digest.ts";
import { checkUpgrade, parsePack } from "../pack/index.ts";
import type { PackPart, PackPin, PlannedLayer } from "../plan/types.ts";
import { type LoadedPack, PackLost } from "../plan/valued-pack.ts";
import type { RegistryAccess } from "../source/access.ts";
import type { PackSource } from "../source/pack-source.ts";
import type { ChartPackage } from "../source/types.ts";
import type { Elsewhere, RegistryPort } from "./layer-renderer.ts";
import { openPack } from "./opened-pack.ts";
import { SignaturesUnknown } from "./registry-access.ts";
import { type FetchedPack, loadedFrom, type PackId, packFetched, readStored, type StoredPack } from "./stored-pack.ts";

/** Where a pack is stored, and how its registry is reached. */
export interface PackPlace {
  /** Acts as Strata itself in the target's `strata-system`. */
  system: KubeClient;
  set: ApplySet;
  registry: RegistryPort;
  elsewhere: Elsewhere;
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
    const stored = readStored(await readStoredSet(place.system, place.set, spec.name, signal));
    const known = stored && loadedFrom(stored);
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
    const content = await packFetched({ key, registry: pack.registryRef.name, name: pack.name }, fetched);
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
    const found = readStored(await readStoredSet(place.system, place.set, of, signal));
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
  ): Promise<FetchedPack | Failure> {
    try {
      const registry = await registryOf(registryRef, signal);
      if (registry instanceof Failure) return registry;
      const { version, digest } = await this.#packs.resolve({ registry, name, version: wanted }, signal);
      const fetched = await this.#packs.fetch({ registry, name, version, digest }, signal);
      const what = `pack ${name} ${version}`;
      const loaded = await openPack(fetched, what);
      const refusal = registry.verify && otherPack(loaded.pack.name, { name, version });
      return refusal ?? { loaded, files: fetched.files, verified: policyOf(registry) };
    } catch (error) {
      return failureOf(error);
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
      return failureOf(error);
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
    return { name, version, bytes, digest: sha256Digest(bytes) };
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

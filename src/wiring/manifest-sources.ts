import type { StoredSet } from "../apply/stored-set.ts";
import { Failure, failureOf } from "../errors.ts";
import type { FluxArtifact } from "../plan/flux-artifact.ts";
import type { LayerInputs } from "../plan/inputs.ts";
import { fetchedSources, type ManifestSource, manifestsContent, type SourceTexts } from "../plan/manifests.ts";
import type { SourceText } from "../plan/references.ts";
import type { LayerContent } from "../plan/types.ts";
import { entryPath } from "../source/archive/entry-path.ts";
import type { Sources } from "../source/sources.ts";
import type { FileSet, ResolvedArtifact } from "../source/types.ts";
import type { Elsewhere, RegistryPort } from "./layer-renderer.ts";

/** What was fetched besides what is read on the hub. */
export interface FetchedTexts {
  /** With those of the references. */
  texts: SourceTexts;
  pins: Readonly<Record<string, ResolvedArtifact>>;
  /** What the sources resolved to, for people. */
  versions: readonly string[];
}

interface FetchContext {
  stored: StoredSet | undefined;
  registry: RegistryPort;
  elsewhere?: Elsewhere;
}

interface Fetched {
  texts: SourceText[];
  pin?: ResolvedArtifact;
  version?: string;
}

const MAX_VERSION = 128;

/** Fetches what layers have of manifests elsewhere: files on web servers, OCI artifacts, artifacts of Flux's sources. */
export class ManifestSources {
  readonly #artifacts: Sources["artifacts"];
  readonly #urls: Sources["urls"];

  constructor({ artifacts, urls }: Pick<Sources, "artifacts" | "urls">) {
    this.#artifacts = artifacts;
    this.#urls = urls;
  }

  /** The content of a `manifests` layer. */
  async content(inputs: LayerInputs, context: FetchContext, signal: AbortSignal): Promise<LayerContent | Failure> {
    const fetched = await this.texts(inputs, context, signal);
    if (fetched instanceof Failure) return fetched;
    const content = manifestsContent(inputs.layer, fetched.texts);
    if (content instanceof Failure) return content;
    const [version, ...others] = fetched.versions;
    const isOne = version !== undefined && others.length === 0;
    return { ...content, ...pinsOf(fetched), ...(isOne ? { version: version.slice(0, MAX_VERSION) } : {}) };
  }

  /**
   * The texts of all sources of a layer. What an artifact was resolved to before is kept until the layer itself changes.
   *
   * @returns else the failure of the first source that cannot be had; throws the reason of `signal`
   */
  async texts(
    { layer, texts, artifacts, specDigest }: LayerInputs,
    { stored, registry, elsewhere = (work) => work() }: FetchContext,
    signal: AbortSignal,
  ): Promise<FetchedTexts | Failure> {
    const before = stored?.specDigest === specDigest ? pinnedIn(stored.content).pins : undefined;
    const all = new Map(texts);
    const pins: Record<string, ResolvedArtifact> = {};
    const versions: string[] = [];
    for (const { path, source } of fetchedSources(layer)) {
      const about = { path, source, artifact: artifacts.get(path), pinned: before?.[path], registry };
      const fetched = await elsewhere(() => this.#fetch(about, signal)).catch(failureOf);
      if (fetched instanceof Failure)
        return new Failure(fetched.reason, `${path}: ${fetched.message}`, againOf(fetched));
      all.set(path, fetched.texts);
      if (fetched.pin) pins[path] = fetched.pin;
      if (fetched.version !== undefined) versions.push(fetched.version);
    }
    return { texts: all, pins, versions };
  }

  async #fetch({ source, artifact, pinned, registry }: SourceContext, signal: AbortSignal): Promise<Fetched | Failure> {
    if (source.url !== undefined) return await this.#file(source, registry, signal);
    if (source.oci) return await this.#ociFiles({ oci: source.oci, path: source.path, pinned, registry }, signal);
    if (!artifact) throw new Error("the artifact was read before");
    const files = await this.#fluxFiles(artifact, signal);
    const texts = textsIn(files, source.path, artifact.source);
    return texts instanceof Failure ? texts : { texts, version: artifact.revision };
  }

  async #file(
    { url = "", sha256 = "", registryRef }: ManifestSource,
    registryOf: RegistryPort,
    signal: AbortSignal,
  ): Promise<Fetched | Failure> {
    const registry = registryRef && (await registryOf(registryRef, signal));
    if (registry instanceof Failure) return registry;
    const text = await this.#urls.text({ url, sha256, ...(registry ? { registry } : {}) }, signal);
    const [what = ""] = url.split("?");
    return { texts: [{ what, key: "", text }] };
  }

  async #ociFiles(
    { oci, path, pinned, registry: registryOf }: OciContext,
    signal: AbortSignal,
  ): Promise<Fetched | Failure> {
    const registry = oci.registryRef ? await registryOf(oci.registryRef, signal) : oci.repo;
    if (registry instanceof Failure) return registry;
    if (registry === undefined) return new Failure("InvalidSpec", "exactly one of repo and registryRef must be set");
    const question = { registry, repository: oci.artifact };
    const pin = pinned ?? (await this.#artifacts.resolve({ ...question, version: oci.version }, signal));
    const { version, digest, manifest } = pin;
    const { files } = await this.#artifacts.fetch({ ...question, version: manifest, digest }, signal);
    const texts = textsIn(files, path, `artifact ${oci.artifact} ${version}`);
    return texts instanceof Failure ? texts : { texts, pin, version };
  }

  /** Flux serves its artifacts inside the cluster without TLS; what arrives is compared with the digest in the source's status. */
  async #fluxFiles({ source, url, digest }: FluxArtifact, signal: AbortSignal): Promise<FileSet["files"]> {
    const [algorithm, hex = ""] = digest.split(":");
    if (algorithm !== "sha256") {
      const remedy = "let Flux's source-controller use sha256 (--artifact-digest-algo)";
      throw new Failure("InvalidSource", `${source} has an artifact with a digest by ${algorithm}: ${remedy}`);
    }
    const origin = URL.parse(url)?.origin;
    if (origin === undefined) throw new Failure("InvalidSource", `${source} has an artifact without a usable address`);
    const registry = { kind: "Helm" as const, url: origin, name: source, unencrypted: true };
    return await this.#urls.files({ url, sha256: hex, registry }, signal);
  }
}

interface SourceContext {
  source: ManifestSource;
  artifact: FluxArtifact | undefined;
  /** What the source's artifact was resolved to before. */
  pinned: ResolvedArtifact | undefined;
  registry: RegistryPort;
}

interface OciContext extends Pick<SourceContext, "pinned" | "registry"> {
  oci: NonNullable<ManifestSource["oci"]>;
  path: string | undefined;
}

/** What a layer's sources were resolved to, also while the content is that of an older revision. */
export function pinnedIn(content: LayerContent): Pick<LayerContent, "version" | "digest" | "pins"> {
  return content.release?.rolledBack?.pinned ?? content;
}

/** What artifacts were resolved to, as it is kept with the content. */
export function pinsOf({ pins }: Pick<FetchedTexts, "pins">): Pick<LayerContent, "pins"> {
  return Object.keys(pins).length > 0 ? { pins } : {};
}

const MANIFEST = /\.(ya?ml|json)$/;
const KUSTOMIZATION = /(^|\/)(kustomization\.ya?ml|Kustomization)$/;

/** The texts of one file, or of all manifests in a folder, in order of their paths. */
function textsIn(files: FileSet["files"], path: string | undefined, what: string): SourceText[] | Failure {
  const checked = entryPath(path ?? "");
  if (!checked.ok) return new Failure("InvalidSpec", `path ${checked.problem}`);
  const root = checked.path;
  const within = [...files.keys()].filter((name) => root === "" || name === root || name.startsWith(`${root}/`));
  const kustomized = within.find((name) => KUSTOMIZATION.test(name));
  if (kustomized !== undefined) {
    const remedy = "Strata builds none: push what `kustomize build` prints, or name a path without one";
    return new Failure("InvalidSource", `${what} holds ${kustomized}: ${remedy}`);
  }
  const names = within.filter((name) => name === root || MANIFEST.test(name)).sort();
  if (names.length === 0) {
    const where = root === "" ? "" : ` at ${root}`;
    return new Failure("SourceNotFound", `${what} has no .yaml, .yml or .json file${where}${hasInstead(files)}`);
  }
  const texts: SourceText[] = [];
  for (const name of names) {
    const text = textOf(files.get(name));
    if (text === undefined) return new Failure("InvalidSource", `${what}: ${name} is no text in UTF-8`);
    texts.push({ what: `${what}, ${name}`, key: name, text });
  }
  return texts;
}

const NAMES_LISTED = 5;

function hasInstead(files: FileSet["files"]): string {
  const names = [...files.keys()].sort();
  const rest = names.length - NAMES_LISTED;
  if (names.length === 0) return "; it is empty";
  return `; it has ${names.slice(0, NAMES_LISTED).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function againOf({ retryAfterMs }: Failure): { retryAfterMs?: number } {
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

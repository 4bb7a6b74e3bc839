import { Failure } from "../errors.ts";
import { placeOf, type RegistryAccess } from "./access.ts";
import { writeArchive } from "./archive/write-archive.ts";
import { type Pushed, pushArtifact } from "./oci/push.ts";
import { PACKS } from "./packed.ts";
import { type SourceOptions, SourcePool } from "./source-pool.ts";

const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";
const CONFIG_TYPE = "application/vnd.unknown.config.v1+json";
/** A tag, in which `_` stands for `+`. */
const VERSION = /^\w[\w.+-]{0,127}$/;

export interface PackToPush {
  registry: RegistryAccess;
  name: string;
  version: string;
  /** By path below the pack's folder. */
  files: ReadonlyMap<string, Uint8Array>;
  /** Whether other content that is there under this version goes. */
  replace: boolean;
}

/** Pushes packs into OCI registries, as PackSource finds them there. For people's hands: the operator only reads. */
export class PackPush implements AsyncDisposable {
  readonly #pool: SourcePool;

  constructor(options: SourceOptions) {
    this.#pool = new SourcePool(options);
  }

  /**
   * @returns where the pack is now, with the digest of its manifest
   * @throws Failure InvalidSpec (an address, a name or a version that cannot be; other content is there),
   * SourceUnauthorized, SourceUnavailable, SourceNotFound
   */
  async push(
    { registry, name, version, files, replace }: PackToPush,
    signal: AbortSignal,
  ): Promise<Pushed & { place: string }> {
    const client = this.#pool.clientFor(registry);
    const place = client.places.at(-1);
    if (registry.kind !== "OCI" || place === undefined)
      throw new Failure(
        "InvalidSpec",
        `${placeOf(registry.url)} is no OCI registry: packs are pushed to oci://host/folder`,
      );
    if (!VERSION.test(version))
      throw new Failure(
        "InvalidSpec",
        `version ${version} of pack ${name} cannot be a tag: letters, digits, ".", "-", "+"`,
      );
    const path = [place.url.host, place.url.pathname, registry.basePath ?? "", PACKS, name].join("/");
    const repository = client.oci.repositoryOf(path, place.scheme);
    const root = `${name}-${version}`;
    const artifact = {
      what: `pack ${name} ${version}`,
      version,
      layer: { mediaType: LAYER_TYPE, bytes: writeArchive(files, root), title: `${root}.tar.gz` },
      configType: CONFIG_TYPE,
    };
    const work = (deadline: AbortSignal) =>
      pushArtifact(client.oci, repository, { artifact, replace, signal: deadline });
    const pushed = await this.#pool.within(signal, work);
    return { ...pushed, place: `${new URL(repository.origin).host}/${repository.path}:${version}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}

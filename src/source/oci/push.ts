import { Failure } from "../../errors.ts";
import { sha256Digest } from "../../objects/digest.ts";
import { MANIFEST_TYPE } from "./manifest.ts";
import { type OciClient, tagOf } from "./oci-client.ts";
import type { OciRepository } from "./session.ts";

/** Something of one layer, with an empty configuration, as `oras push --image-spec v1.0` makes it of one file. */
export interface Artifact {
  /** In words: `pack shop 1.2.0`. */
  what: string;
  version: string;
  layer: { mediaType: string; bytes: Uint8Array; title: string };
  configType: string;
}

/** What the registry has now. */
export interface Pushed {
  /** Of the manifest. */
  digest: string;
  /** True where the very same was there before. */
  wasThere: boolean;
}

const EMPTY_CONFIG = new TextEncoder().encode("{}");
const TITLE = "org.opencontainers.image.title";
const CREATED = [200, 201, 202];

/**
 * Pushes an artifact of one layer under the tag of its version. What is there already is not sent again, and a version
 * that is there with other content stays, unless `replace` says otherwise: whoever has resolved it relies on its digest.
 *
 * @throws Failure InvalidSpec (other content is there), SourceUnauthorized, SourceUnavailable, SourceNotFound
 */
export async function pushArtifact(
  client: OciClient,
  repository: OciRepository,
  { artifact, replace, signal }: { artifact: Artifact; replace: boolean; signal: AbortSignal },
): Promise<Pushed> {
  const { what, version, layer, configType } = artifact;
  const manifest = manifestOf(layer, configType);
  const digest = sha256Digest(manifest);
  const found = await client.manifest(repository, { version, subject: "pack" }, signal).catch(nothingYet);
  if (found?.digest === digest) return { digest, wasThere: true };
  if (found !== undefined && !replace) {
    const remedy = "give the pack another version, or say --force";
    throw new Failure("InvalidSpec", `${what} is in ${repository.path} already, with other content: ${remedy}`);
  }
  for (const bytes of [EMPTY_CONFIG, layer.bytes]) await pushBlob(client, repository, { bytes, what, signal });
  const upload = { method: "PUT" as const, body: manifest, type: MANIFEST_TYPE };
  const to = `manifests/${tagOf(version)}`;
  await client.write(repository, { to, what, upload, accepted: CREATED }, signal);
  return { digest, wasThere: false };
}

/** A registry may hide from those who may not see it that a repository is not there yet. The upload tells. */
function nothingYet(error: unknown): undefined {
  if (error instanceof Failure && error.reason === "SourceUnauthorized") return undefined;
  throw error;
}

function manifestOf({ mediaType, bytes, title }: Artifact["layer"], configType: string): Uint8Array {
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: configType, digest: sha256Digest(EMPTY_CONFIG), size: EMPTY_CONFIG.length },
    layers: [{ mediaType, digest: sha256Digest(bytes), size: bytes.length, annotations: { [TITLE]: title } }],
  };
  return new TextEncoder().encode(JSON.stringify(manifest));
}

async function pushBlob(
  client: OciClient,
  repository: OciRepository,
  { bytes, what, signal }: { bytes: Uint8Array; what: string; signal: AbortSignal },
): Promise<void> {
  const digest = sha256Digest(bytes);
  const head = { to: `blobs/${digest}`, what, upload: { method: "HEAD" as const }, accepted: [200, 307, 404] };
  if ((await client.write(repository, head, signal)).status !== 404) return;
  const start = { to: "blobs/uploads/", what, upload: { method: "POST" as const }, accepted: [202] };
  const { headers, url } = await client.write(repository, start, signal);
  const { location } = headers;
  const next = typeof location === "string" ? URL.parse(location, url.href) : null;
  if (next === null) throw new Failure("SourceUnavailable", `${url.host} does not say where uploads go to`);
  next.searchParams.set("digest", digest);
  const upload = { method: "PUT" as const, body: bytes, type: "application/octet-stream" };
  await client.write(repository, { to: next, what, upload, accepted: [201] }, signal);
}

import { Failure } from "../errors.ts";
import { sha256Digest } from "../objects/digest.ts";
import { placeOf, type RegistryAccess } from "./access.ts";
import type { AccessClient, Place } from "./access-client.ts";
import type { WantedVersion } from "./not-found.ts";
import { contentOf } from "./oci/manifest.ts";
import type { TaggedManifest } from "./oci/oci-client.ts";
import type { OciRepository } from "./oci/session.ts";
import { verifySignature } from "./oci/verify-signature.ts";
import type { SourcePool } from "./source-pool.ts";
import { invalid, missing, type Subject } from "./subject.ts";

const MAX_PACKED_BYTES = 20 * 1024 * 1024;
const OCI = "oci://";
/** Where packs are in a registry, as the tools of their authors push them. */
export const PACKS = "spectro-packs/archive";

/** Something packed, in a registry. */
export interface PackedQuestion {
  access: RegistryAccess;
  subject: Exclude<Subject, "registry" | "manifests">;
  /** Of a chart or a pack; of an artifact its repository. */
  name: string;
  version: string;
  /** What the bytes must be, if that is known already. */
  digest?: string | undefined;
}

/** Where the bytes of one version are. */
interface Location {
  version: string;
  digest?: string;
  /** Of the manifest, in an OCI registry. */
  manifest?: string;
  download(signal: AbortSignal): Promise<Uint8Array>;
}

/** Verified bytes. */
export interface Packed {
  version: string;
  digest: string;
  bytes: Uint8Array;
}

/** The version that is meant now, and the digests of its bytes and of its manifest where the registry tells them. */
export async function resolvePacked(
  pool: SourcePool,
  question: PackedQuestion,
  signal: AbortSignal,
): Promise<Omit<Location, "download">> {
  const { access, subject, name, version } = question;
  const client = pool.clientFor(access);
  const work = (closing: AbortSignal) =>
    pool.atPlaces(client, closing, async (place, deadline) => {
      const { download: _, ...found } = await locate(client, { ...question, place }, deadline);
      return found;
    });
  return pool.once(client, ["resolve", subject, name, version], { signal, work });
}

/** The bytes. With `digest`, what this access has fetched as the same before and is still in memory needs no request. */
export async function fetchPacked(pool: SourcePool, question: PackedQuestion, signal: AbortSignal): Promise<Packed> {
  signal.throwIfAborted();
  const { access, subject, name, version, digest } = question;
  const client = pool.clientFor(access);
  const known = digest === undefined ? undefined : pool.contents.get({ accessKey: client.key, subject }, digest);
  if (digest !== undefined && known !== undefined) return { version, digest, bytes: known };
  const work = (closing: AbortSignal) =>
    pool.atPlaces(client, closing, (place, deadline) => download(pool, client, { ...question, place }, deadline));
  return pool.once(client, ["fetch", subject, name, version, digest ?? ""], { signal, work });
}

type Asked = PackedQuestion & { place: Place };

async function download(pool: SourcePool, client: AccessClient, asked: Asked, signal: AbortSignal): Promise<Packed> {
  const location = await locate(client, asked, signal);
  const { version } = location;
  const grant = { accessKey: client.key, subject: asked.subject };
  refuseOther(asked, version, location.digest, asked.digest);
  const known = location.digest === undefined ? undefined : pool.contents.get(grant, location.digest);
  if (known !== undefined && location.digest !== undefined) return { version, digest: location.digest, bytes: known };
  const bytes = await location.download(signal);
  const digest = sha256Digest(bytes);
  refuseOther(asked, version, digest, location.digest);
  refuseOther(asked, version, digest, asked.digest);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) {
    const { subject, name, place } = asked;
    const sentence = `${placeOf(place.address)} serves ${name} ${version} as something that is no packed ${subject}`;
    throw invalid(subject, sentence);
  }
  pool.contents.put(grant, digest, bytes);
  return { version, digest, bytes };
}

function refuseOther(asked: Asked, version: string, found: string | undefined, promised: string | undefined): void {
  if (found === undefined || promised === undefined || found === promised) return;
  const { subject, name, place } = asked;
  const what = `${subject} ${name} ${version} of ${placeOf(place.address)}`;
  throw invalid(subject, `${what} is not what was promised: expected ${promised}, found ${found}`);
}

async function locate(client: AccessClient, asked: Asked, signal: AbortSignal): Promise<Location> {
  const { access, subject, name, version, place } = asked;
  const holds = { Helm: "chart", Pack: "pack", OCI: subject }[access.kind];
  if (holds !== subject) {
    throw new Failure(
      "InvalidSpec",
      `${access.name ?? placeOf(access.url)} is a registry of ${holds}s, not of ${subject}s`,
    );
  }
  const wanted: WantedVersion = { subject, name, version, place: placeOf(place.address) };
  if (access.kind === "OCI") {
    const repository = repositoryOf(client, asked);
    const found = await client.oci.find(repository, wanted, signal);
    return inRegistry(client, repository, { ...found, subject }, signal);
  }
  const listed = await client.repositories.find(place.url, wanted, signal);
  if (listed.url.protocol === OCI.slice(0, -2)) return listedOci(client, listed.url, { ...listed, subject }, signal);
  const { digest } = listed;
  if (digest === undefined && subject === "pack") {
    throw invalid(subject, `${wanted.place} lists ${name} ${listed.version} without a digest`);
  }
  const what = `${subject} ${name} ${listed.version}`;
  const fetch = (during: AbortSignal) =>
    client.repositories.download(listed.url, { what, subject, maxBytes: MAX_PACKED_BYTES }, during);
  return { version: listed.version, download: fetch, ...(digest === undefined ? {} : { digest }) };
}

/** The repository of an OCI registry where something is: below `basePath`, and packs below a folder of their own. */
function repositoryOf({ oci, access }: AccessClient, { place, subject, name }: Asked): OciRepository {
  const folder = [place.url.host, place.url.pathname, access.basePath ?? "", subject === "pack" ? PACKS : "", name];
  return oci.repositoryOf(folder.join("/"), place.scheme);
}

type Found = TaggedManifest & { subject: PackedQuestion["subject"] };

async function inRegistry(
  client: AccessClient,
  repository: OciRepository,
  { version, digest, manifest, subject }: Found,
  signal: AbortSignal,
): Promise<Location> {
  const what = `${repository.path} ${version}`;
  const content = contentOf(manifest, subject, `${what} of ${new URL(repository.origin).host}`);
  if (client.keys.length > 0) await verifySignature(client, { repository, digest, what }, signal);
  const request = { digest: content.digest, what, subject, maxBytes: MAX_PACKED_BYTES };
  const fetch = (during: AbortSignal) => client.oci.blob(repository, request, during);
  return { version, digest: content.digest, manifest: digest, download: fetch };
}

/** Some repositories over HTTP list charts that are in a registry: `oci://host/path:tag`. */
async function listedOci(
  client: AccessClient,
  url: URL,
  { version, subject }: Pick<Found, "version" | "subject">,
  signal: AbortSignal,
): Promise<Location> {
  const reference = url.href.slice(OCI.length);
  const colon = reference.lastIndexOf(":");
  const hasTag = colon > reference.lastIndexOf("/");
  const repository = client.oci.repositoryOf(hasTag ? reference.slice(0, colon) : reference);
  const tag = hasTag ? reference.slice(colon + 1) : version;
  const found = await client.oci.manifest(repository, { version: tag, subject }, signal);
  if (found === undefined) throw missing(subject, `${placeOf(url.href)} is listed, but is not there`);
  return inRegistry(client, repository, { ...found, version, subject }, signal);
}

import { createHash, type KeyObject, sign } from "node:crypto";
import { type Dispatcher, request } from "undici";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const EMPTY = "application/vnd.oci.empty.v1+json";
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** A registry that takes what tests push, without a tool in between. */
export interface PushTarget {
  /** `https://<host>` */
  url: string;
  /** The value of the header. */
  authorization?: string;
  dispatcher?: Dispatcher;
}

export interface OciDescriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

function ociDigest(bytes: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Pushes bytes into a repository, under their digest. */
export async function pushBlob(
  target: PushTarget,
  repository: string,
  { bytes, mediaType }: { bytes: Uint8Array | string; mediaType: string },
): Promise<OciDescriptor> {
  const digest = ociDigest(bytes);
  const { headers } = await send(target, { method: "POST", path: `/v2/${repository}/blobs/uploads/`, expected: 202 });
  const { pathname, searchParams } = new URL(String(headers["location"]), target.url);
  searchParams.set("digest", digest);
  const upload = { body: bytes, type: "application/octet-stream", expected: 201 };
  await send(target, { method: "PUT", path: `${pathname}?${searchParams}`, ...upload });
  return { mediaType, digest, size: bytes.length };
}

/** Pushes a manifest or an index under a tag, or under its digest. Returns its bytes. */
export async function pushManifest(
  target: PushTarget,
  repository: string,
  { manifest, reference }: { manifest: { mediaType: string }; reference?: string },
): Promise<string> {
  const body = JSON.stringify(manifest);
  const path = `/v2/${repository}/manifests/${reference ?? ociDigest(body)}`;
  await send(target, { method: "PUT", path, body, type: manifest.mediaType, expected: 201 });
  return body;
}

/** The bytes of the manifest that a tag names now. */
export async function pullManifest(target: PushTarget, repository: string, tag: string): Promise<string> {
  const path = `/v2/${repository}/manifests/${tag}`;
  return (await send(target, { method: "GET", path, accept: MANIFEST, expected: 200 })).text;
}

/** A manifest of one configuration and layers. */
export function imageManifest(config: OciDescriptor, layers: readonly OciDescriptor[], more: object = {}) {
  return { schemaVersion: 2, mediaType: MANIFEST, config, layers, ...more };
}

/**
 * What `cosign sign --key` pushes for a manifest: a simple signature under its tag (version 2), or a bundle that refers to the
 * manifest (version 3, and `--new-bundle-format`), in the form for registries that keep no list of referrers.
 */
export async function pushSignature(
  target: PushTarget,
  repository: string,
  { of, key, form = "tag" }: { of: string; key: KeyObject; form?: "tag" | "bundle" },
): Promise<void> {
  if (form === "bundle") return await pushBundle(target, repository, { of, key });
  const digest = ociDigest(of);
  const type = "cosign container image signature";
  const critical = { identity: { "docker-reference": "" }, image: { "docker-manifest-digest": digest }, type };
  const bytes = JSON.stringify({ critical, optional: null });
  const signature = sign("sha256", Buffer.from(bytes), key).toString("base64");
  const mediaType = "application/vnd.dev.cosign.simplesigning.v1+json";
  const layer = {
    ...(await pushBlob(target, repository, { bytes, mediaType })),
    annotations: { "dev.cosignproject.cosign/signature": signature },
  };
  const empty = { bytes: "{}", mediaType: "application/vnd.oci.image.config.v1+json" };
  const config = await pushBlob(target, repository, empty);
  const reference = `${digest.replace(":", "-")}.sig`;
  await pushManifest(target, repository, { manifest: imageManifest(config, [layer]), reference });
}

async function pushBundle(
  target: PushTarget,
  repository: string,
  { of, key }: { of: string; key: KeyObject },
): Promise<void> {
  const digest = ociDigest(of);
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: digest.slice("sha256:".length) } }],
    predicateType: "https://sigstore.dev/cosign/sign/v1",
  };
  const payload = JSON.stringify(statement);
  const payloadType = "application/vnd.in-toto+json";
  const signed = `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} ${payload}`;
  const signatures = [{ sig: sign("sha256", Buffer.from(signed), key).toString("base64") }];
  const dsseEnvelope = { payload: btoa(payload), payloadType, signatures };
  const verificationMaterial = { publicKey: { hint: "" } };
  const bytes = JSON.stringify({ mediaType: BUNDLE, verificationMaterial, dsseEnvelope });
  const layer = await pushBlob(target, repository, { bytes, mediaType: BUNDLE });
  const config = await pushBlob(target, repository, { bytes: "{}", mediaType: EMPTY });
  const subject = { mediaType: MANIFEST, digest, size: of.length };
  const more = { subject, artifactType: BUNDLE };
  const text = await pushManifest(target, repository, { manifest: imageManifest(config, [layer], more) });
  // The type is indeed not that of the manifest.
  const listed = { mediaType: MANIFEST, digest: ociDigest(text), size: text.length, artifactType: EMPTY };
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [listed] };
  await pushManifest(target, repository, { manifest: index, reference: digest.replace(":", "-") });
}

interface Sent {
  method: "GET" | "POST" | "PUT";
  path: string;
  expected: number;
  body?: Uint8Array | string;
  type?: string;
  accept?: string;
}

async function send(
  { url, authorization, dispatcher }: PushTarget,
  { method, path, expected, body, type, accept }: Sent,
): Promise<{ headers: Dispatcher.ResponseData["headers"]; text: string }> {
  const headers = {
    ...(authorization === undefined ? {} : { authorization }),
    ...(type === undefined ? {} : { "content-type": type }),
    ...(accept === undefined ? {} : { accept }),
  };
  const options = { method, headers, ...(body === undefined ? {} : { body }), ...(dispatcher ? { dispatcher } : {}) };
  const answer = await request(`${url}${path}`, options);
  const text = await answer.body.text();
  if (answer.statusCode !== expected) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
  return { headers: answer.headers, text };
}

import { createHash } from "node:crypto";
import type { WebServer } from "./web-server.ts";

export interface PushedLayer {
  mediaType: string;
  bytes: Uint8Array;
  annotations?: Record<string, string>;
}

export interface Push {
  repository: string;
  /** Without one, only the digest names it. */
  tag?: string;
  config?: string;
  artifactType?: string;
  layers: readonly PushedLayer[];
}

export const CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
export const FLUX_LAYER = "application/vnd.cncf.flux.content.v1.tar+gzip";
/** What oras gives a file of no particular type. */
export const FILE_LAYER = "application/vnd.oci.image.layer.v1.tar";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Makes a web server answer as an OCI registry does after a push. Tells the digest of the manifest. */
export function push(server: WebServer, { repository, tag, layers, ...kind }: Push): string {
  const base = `/v2/${repository}`;
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    ...(kind.artifactType === undefined ? {} : { artifactType: kind.artifactType }),
    config: {
      mediaType: kind.config ?? "application/vnd.unknown.config.v1+json",
      digest: digestOf("{}"),
      size: 2,
    },
    layers: layers.map(({ mediaType, bytes, annotations }) => ({
      mediaType,
      digest: digestOf(bytes),
      size: bytes.length,
      ...(annotations === undefined ? {} : { annotations }),
    })),
  });
  const digest = digestOf(manifest);
  const headers = { "content-type": MANIFEST, "docker-content-digest": digest };
  for (const reference of [digest, ...(tag === undefined ? [] : [tag])]) {
    server.serve(`${base}/manifests/${reference}`, manifest, headers);
  }
  for (const { bytes } of layers) server.serve(`${base}/blobs/${digestOf(bytes)}`, bytes);
  return digest;
}

/** Makes a web server list tags of a repository. */
export function listTags(server: WebServer, repository: string, tags: readonly string[]): void {
  server.serve(`/v2/${repository}/tags/list?n=1000`, JSON.stringify({ name: repository, tags }));
}

/** Lets only those through who show this `Authorization`; all others get the challenge. */
export function guard(server: WebServer, wanted: string, challenge: string): void {
  for (const [path, handler] of Object.entries(server.handlers)) {
    if (!path.startsWith("/v2/")) continue;
    server.handlers[path] = (request, response) => {
      if (request.headers.authorization === wanted) handler(request, response);
      else response.writeHead(401, { "www-authenticate": challenge }).end();
    };
  }
}

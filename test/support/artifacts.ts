import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tgz } from "../../src/source/testing/tar.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const FLUX_CONFIG = "application/vnd.cncf.flux.config.v1+json";
const FLUX_CONTENT = "application/vnd.cncf.flux.content.v1.tar+gzip";

export function sha256Of(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The texts of files as Flux packs them. */
export function packFiles(files: Readonly<Record<string, string>>): Buffer {
  return tgz([{ name: "./", type: "5" }, ...Object.entries(files).map(([name, content]) => ({ name, content }))]);
}

/** Pushes files into an OCI registry without TLS, in the layout of `flux push artifact`. Resolves with the manifest's digest. */
export async function pushArtifact(
  host: string,
  { repository, tag, files }: { repository: string; tag: string; files: Readonly<Record<string, string>> },
): Promise<string> {
  const base = `http://${host}/v2/${repository}`;
  const content = packFiles(files);
  const config = Buffer.from("{}");
  for (const blob of [config, content]) await pushBlob(base, blob);
  const described = (mediaType: string, bytes: Buffer) => ({
    mediaType,
    digest: `sha256:${sha256Of(bytes)}`,
    size: bytes.length,
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: described(FLUX_CONFIG, config),
    layers: [described(FLUX_CONTENT, content)],
  });
  const headers = { "content-type": MANIFEST };
  await taken(await fetch(`${base}/manifests/${tag}`, { method: "PUT", headers, body: manifest }));
  return `sha256:${sha256Of(manifest)}`;
}

async function pushBlob(base: string, bytes: Buffer): Promise<void> {
  const started = await taken(await fetch(`${base}/blobs/uploads/`, { method: "POST" }));
  const place = new URL(started.headers.get("location") ?? "", base);
  place.searchParams.set("digest", `sha256:${sha256Of(bytes)}`);
  const headers = { "content-type": "application/octet-stream" };
  await taken(await fetch(place, { method: "PUT", headers, body: new Uint8Array(bytes) }));
}

async function taken(response: Response): Promise<Response> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response;
}

export interface FileSite {
  readonly url: string;
  /** By path, such as `/a.yaml`; a test may change them. */
  readonly files: Map<string, string | Buffer>;
  /** The paths that have been asked for, in order. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

/** A web server with some files. */
export async function startFileSite(): Promise<FileSite> {
  const files = new Map<string, string | Buffer>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    requests.push(path);
    const content = files.get(path);
    if (content === undefined) response.writeHead(404).end();
    else response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, files, requests, stop };
}

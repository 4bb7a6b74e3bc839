import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { writeArchive } from "../../src/source/archive/write-archive.ts";
import { type PackFolder, packRegistry } from "../../src/source/pack-index.ts";
import { PackPush } from "../../src/source/pack-push.ts";
import { LOOPBACK_NETWORKS } from "../../src/text/addresses.ts";
import { writeFiles } from "./files.ts";

/** A pack as its author writes it: the texts of its files, and of its charts by their names. */
export interface WrittenPack {
  name: string;
  version: string;
  /** Of pack.json: `addon` if not given. */
  layer?: string;
  /** Of pack.json. */
  constraints?: object;
  charts?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  files?: Readonly<Record<string, string>>;
}

/** The pack's folder: charts have the version of the pack and stand in their order, manifests are those of `files`. */
function packFolder({
  name,
  version,
  layer = "addon",
  constraints = {},
  charts = {},
  files = {},
}: WrittenPack): PackFolder {
  const archives = Object.entries(charts).map(([chart, texts]) => {
    const about = { "Chart.yaml": JSON.stringify({ apiVersion: "v2", name: chart, version }), ...texts };
    return [`charts/${chart}-${version}.tgz`, writeArchive(bytesOf(about), chart)] as const;
  });
  const json = {
    name,
    displayName: name,
    version,
    layer,
    constraints,
    charts: archives.map(([path]) => path),
    kubeManifests: Object.keys(files).filter((path) => path.startsWith("manifests/")),
  };
  const texts = bytesOf({ "pack.json": JSON.stringify(json), "values.yaml": "", ...files });
  return { name, version, files: new Map([...texts, ...archives]) };
}

function bytesOf(texts: Readonly<Record<string, string>>): Map<string, Uint8Array> {
  return new Map(Object.entries(texts).map(([path, text]) => [path, Buffer.from(text)]));
}

/** Pushes packs to `oci://<host>/packs`, as `strata pack push` does. */
export async function pushPacks(host: string, packs: readonly WrittenPack[]): Promise<void> {
  await using pusher = new PackPush({ plainHttp: [host], allowedNetworks: LOOPBACK_NETWORKS });
  const registry = { kind: "OCI" as const, url: `oci://${host}/packs` };
  const signal = AbortSignal.timeout(30_000);
  for (const pack of packs) await pusher.push({ registry, ...packFolder(pack), replace: false }, signal);
}

/** Writes packs as folders into a folder, which is made; resolves with the path of each. */
export async function writePacks(folder: string, packs: readonly WrittenPack[]): Promise<string[]> {
  const folders = packs.map((pack) => ({ path: join(folder, `${pack.name}-${pack.version}`), ...packFolder(pack) }));
  for (const { path, files } of folders) await writeFiles(path, Object.fromEntries(files));
  return folders.map(({ path }) => path);
}

export interface PackSite {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves packs, and folders of packs, over HTTP, as any web server does with what `strata pack index` makes. */
export async function startPackSite(
  packs: readonly WrittenPack[],
  folders: readonly PackFolder[] = [],
): Promise<PackSite> {
  const served = packRegistry([...packs.map(packFolder), ...folders]);
  const server = createServer((request, response) => {
    const bytes = served.get((request.url ?? "/").slice(1));
    if (bytes) response.end(bytes);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url, stop };
}

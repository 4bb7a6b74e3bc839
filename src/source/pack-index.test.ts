import { expect, test } from "vitest";
import { LOOPBACK_NETWORKS } from "../text/addresses.ts";
import { packRegistry } from "./pack-index.ts";
import { RepositoryIndex } from "./repository-index.ts";
import { Sources } from "./sources.ts";
import { startWebServer } from "./testing/web-server.ts";

const signal = new AbortController().signal;

function folder(name: string, version: string, depth = "") {
  const files = { "pack.json": JSON.stringify({ name, version }), [`${depth}manifests/a.yaml`]: "kind: A\n" };
  const content = Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)] as const);
  return { name, version, files: new Map(content) };
}

const folders = [
  folder("shop", "1.10.0"),
  folder("shop", "1.9.0"),
  folder("shop", "1.5"),
  folder("größe.x-1", "v0.1.0", "very/".repeat(40)),
  folder("1.0", "1"),
];

test("any web server that has the files is a registry of packs", async () => {
  await using server = await startWebServer();
  await using sources = new Sources({ allowedNetworks: LOOPBACK_NETWORKS });
  for (const [path, bytes] of packRegistry(folders))
    server.serve(`/r/${path.replace("ö", "%C3%B6").replace("ß", "%C3%9F")}`, bytes);
  const registry = { kind: "Pack" as const, url: `${server.url}/r/` };
  for (const { name, version, files } of folders) {
    expect(await sources.packs.fetch({ registry, name, version }, signal)).toMatchObject({ version, files });
  }
  expect(await sources.packs.resolve({ registry, name: "shop", version: "1.x" }, signal)).toMatchObject({
    version: "1.10.0",
  });
  expect(await sources.registries.check(registry, signal)).toEqual({ entries: 3 });
});

test("the same folders in another order give the same bytes", () => {
  expect(packRegistry([...folders].reverse())).toEqual(packRegistry(folders));
});

test("no packs are an index all the same", () => {
  const index = packRegistry([]).get("index.yaml") ?? new Uint8Array();
  expect(RepositoryIndex.parse(Buffer.from(index).toString())?.names()).toEqual([]);
});

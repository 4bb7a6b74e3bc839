import { expect, test } from "vitest";
import type { KubeObject } from "../../objects/types.ts";
import { coreResource } from "../resource.ts";
import { answer, startServer } from "../testing/api-server.ts";
import { KindCache, type Parsed } from "./kind-cache.ts";

let version = 0;
interface Made {
  uid?: string;
  generation?: number;
  deletionTimestamp?: string;
  data?: Record<string, string>;
}

const line = (type: string, name: string, { data = {}, ...metadata }: Made = {}) =>
  `${JSON.stringify({ type, object: { metadata: { name, uid: name, resourceVersion: `${++version}`, ...metadata }, data } })}\n`;
const endOfList = `${JSON.stringify({
  type: "BOOKMARK",
  object: { metadata: { resourceVersion: "1", annotations: { "k8s.io/initial-events-end": "true" } } },
})}\n`;
const STRANGE = { data: { strange: "1" } };

test("what cannot be read is there all the same, as it was read last or not at all, until it is gone", async () => {
  let write: (...lines: string[]) => void = () => undefined;
  await using server = await startServer((seen, response) => {
    if (!seen.query.has("watch")) return answer(response, 200, { items: [] });
    write = (...lines) => void response.write(lines.join(""));
    write(line("ADDED", "known"), line("ADDED", "odd", STRANGE), endOfList);
  });
  const told: string[] = [];
  const warned: string[] = [];
  const cache = new KindCache<Parsed>({
    client: server.client(),
    resource: coreResource("ConfigMap", "configmaps", true),
    parse: (object: KubeObject) => {
      const { strange } = (object["data"] ?? {}) as Record<string, string>;
      return strange ? { ok: false, problems: [`is strange ${strange}`] } : { ok: true, value: object };
    },
    keyOf: ({ metadata }) => metadata.name ?? "",
    onChange: (key, change) => void told.push(`${key} ${change}`),
    onUnreadable: ({ metadata }) => void warned.push(metadata.name ?? ""),
    onError: () => undefined,
  });
  const state = () => [[...cache.objects.keys()], Object.fromEntries(cache.unreadable)];
  const until = (want: unknown) => expect.poll(state, { timeout: 5_000, interval: 5 }).toEqual(want);
  await cache.start();
  expect(state()).toEqual([["known"], { odd: ["is strange 1"] }]);
  expect([told, warned]).toEqual([["known spec", "odd spec"], ["odd"]]);
  write(line("MODIFIED", "known", STRANGE), line("ADDED", "last"));
  await until([["known", "last"], { odd: ["is strange 1"] }]);
  write(line("MODIFIED", "odd", { data: { strange: "otherwise" } }));
  await until([["known", "last"], { odd: ["is strange otherwise"] }]);
  write(line("MODIFIED", "odd"));
  await until([["known", "last", "odd"], {}]);
  write(line("MODIFIED", "known", { ...STRANGE, uid: "made anew" }));
  await until([["last", "odd"], { known: ["is strange 1"] }]);
  write(line("DELETED", "known", STRANGE));
  await until([["last", "odd"], {}]);
  expect(told.at(-1)).toBe("known spec");
  cache.stop();
});

test("what can be read no more keeps its spec and is not known to go, and its status is written on its version", async () => {
  let write: (...lines: string[]) => void = () => undefined;
  await using server = await startServer((seen, response) => {
    if (!seen.query.has("watch")) return answer(response, 200, { items: [] });
    write = (...lines) => void response.write(lines.join(""));
    write(line("ADDED", "known", { generation: 1 }), endOfList);
  });
  const told: string[] = [];
  const cache = new KindCache<Parsed>({
    client: server.client(),
    resource: coreResource("ConfigMap", "configmaps", true),
    parse: (object: KubeObject) => {
      const { strange } = (object["data"] ?? {}) as Record<string, string>;
      return strange
        ? { ok: false, problems: ["is strange"] }
        : { ok: true, value: { ...object, spec: object["data"] } };
    },
    keyOf: ({ metadata }) => metadata.name ?? "",
    onChange: (_key, change) => void told.push(change),
    onUnreadable: () => undefined,
    onError: () => undefined,
  });
  const known = () => cache.objects.get("known");
  await cache.start();
  const before = known();
  write(line("MODIFIED", "known", { ...STRANGE, generation: 2 }));
  await expect.poll(() => known()?.metadata.resourceVersion).toBe(`${version}`);
  expect(known()).toMatchObject({ spec: before?.spec, metadata: { generation: 1 } });
  const deletionTimestamp = "2026-01-01T00:00:00Z";
  write(line("MODIFIED", "known", { ...STRANGE, generation: 2, deletionTimestamp }));
  await expect.poll(() => known()?.metadata.resourceVersion).toBe(`${version}`);
  expect(known()?.metadata.deletionTimestamp).toBeUndefined();
  expect(told).toEqual(["spec", "status", "status"]);
  write(line("MODIFIED", "known", { generation: 3, deletionTimestamp, data: { now: "known" } }));
  await expect.poll(() => known()?.spec).toEqual({ now: "known" });
  expect(known()?.metadata.deletionTimestamp).toBe(deletionTimestamp);
  cache.stop();
});

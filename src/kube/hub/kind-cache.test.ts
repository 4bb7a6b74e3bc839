import { expect, test } from "vitest";
import type { KubeObject } from "../../objects/types.ts";
import { coreResource } from "../resource.ts";
import { answer, startServer } from "../testing/api-server.ts";
import { KindCache, type Parsed } from "./kind-cache.ts";

let version = 0;
const line = (type: string, name: string, { uid = name, data = {} }: { uid?: string; data?: object } = {}) =>
  `${JSON.stringify({ type, object: { metadata: { name, uid, resourceVersion: `${++version}` }, data } })}\n`;
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
      const isStrange = "strange" in ((object["data"] as object | undefined) ?? {});
      return isStrange ? { ok: false, problems: ["is strange"] } : { ok: true, value: object };
    },
    keyOf: ({ metadata }) => metadata.name ?? "",
    onChange: (key, change) => void told.push(`${key} ${change}`),
    onUnreadable: ({ metadata }) => void warned.push(metadata.name ?? ""),
    onError: () => undefined,
  });
  const state = () => [[...cache.objects.keys()], Object.fromEntries(cache.unreadable)];
  const until = (want: unknown) => expect.poll(state, { timeout: 5_000, interval: 5 }).toEqual(want);
  await cache.start();
  expect(state()).toEqual([["known"], { odd: ["is strange"] }]);
  expect([told, warned]).toEqual([["known spec", "odd spec"], ["odd"]]);
  write(line("MODIFIED", "known", STRANGE), line("ADDED", "last"));
  await until([["known", "last"], { odd: ["is strange"] }]);
  write(line("MODIFIED", "odd"));
  await until([["known", "last", "odd"], {}]);
  write(line("MODIFIED", "known", { ...STRANGE, uid: "made anew" }));
  await until([["last", "odd"], { known: ["is strange"] }]);
  write(line("DELETED", "known", STRANGE));
  await until([["last", "odd"], {}]);
  expect(told.at(-1)).toBe("known spec");
  cache.stop();
});

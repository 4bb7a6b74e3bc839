import { expect, test } from "vitest";
import { KubeClient } from "../kube/client.ts";
import { coreResource } from "../kube/resource.ts";
import { startServer } from "../kube/testing/api-server.ts";
import { keyOf, refOf } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import { DryRunClient } from "./dry-run-client.ts";

const MAPS = coreResource("ConfigMap", "configmaps", true);
const KEY = { namespace: "web", name: "settings" };
const OBJECT: KubeObject = { apiVersion: "v1", kind: "ConfigMap", metadata: KEY, data: { colour: "red" } };

/** What a client has that sends nothing, or only reads. */
const HARMLESS = [
  "constructor",
  "server",
  "fingerprint",
  "link",
  "rotate",
  "get",
  "find",
  "list",
  "listAll",
  "request",
  "watch",
  "close",
];

test("every method that could write is one of its own", () => {
  const methods = (client: object) => Object.getOwnPropertyNames(client).filter((name) => !HARMLESS.includes(name));
  const own = methods(DryRunClient.prototype);
  expect(methods(KubeClient.prototype).filter((name) => !own.includes(name))).toEqual([]);
});

test("whatever is written, the server is asked to store nothing, and answers with whole objects", async () => {
  await using server = await startServer(({ method, body }, response) => {
    response.setHeader("Content-Type", "application/json");
    response.end(method === "DELETE" ? body : JSON.stringify(OBJECT));
  });
  await using client = new DryRunClient(server.access, "strata-test");
  const { signal } = new AbortController();
  const options = { manager: "strata", signal, dryRun: false };
  await client.create(MAPS, OBJECT, options);
  await client.apply(MAPS, OBJECT, { ...options, force: true, metadataOnly: true });
  await client.mergePatch(MAPS, KEY, {}, options);
  await client.jsonPatch(MAPS, KEY, [], options);
  await client.delete(MAPS, KEY, { signal, dryRun: false });
  const asked = server.seen.map(({ method, query, body }) => [
    method,
    method === "DELETE" ? JSON.parse(body).dryRun : query.getAll("dryRun"),
  ]);
  const dry = ["All"];
  expect(asked).toEqual([
    ["POST", dry],
    ["PATCH", dry],
    ["PATCH", dry],
    ["PATCH", dry],
    ["DELETE", dry],
  ]);
  expect(client.applied(keyOf(refOf(OBJECT)))).toEqual(OBJECT);
});

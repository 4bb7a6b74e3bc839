import { expect, test } from "vitest";
import { createAuthority } from "../../test/support/certificates.ts";
import type { KubeObject } from "../objects/types.ts";
import { StatusWriter } from "./hub/status-writer.ts";
import { WorkQueue } from "./queue.ts";
import { coreResource } from "./resource.ts";
import { answer, type Script, startServer } from "./testing/api-server.ts";

const CONFIG_MAP = coreResource("ConfigMap", "configmaps", true);
const PROFILE = {
  ...CONFIG_MAP,
  group: "strata.dev",
  version: "v1alpha1",
  kind: "AddOnProfile",
  plural: "addonprofiles",
};
const { signal } = new AbortController();

const authority = createAuthority("ca");
const { certPem, keyPem } = authority.issue({ commonName: "server", hosts: ["127.0.0.1"] });
const tls = { cert: certPem, key: keyPem, ca: authority.certPem };

const serve: Script = (_seen, response) =>
  answer(response, 200, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", resourceVersion: "2" } });

/** Takes all requests, and answers none. */
const dead: Script = () => undefined;

test("what a dead cluster does not answer holds no other cluster, no pass over one, and no status", async () => {
  await using grave = await startServer(dead, tls, {});
  await using living = await startServer(serve, tls, {});
  await using hub = await startServer(serve, tls, {});
  const lost = grave.client();
  const alive = living.client();
  const asked = (client: typeof lost) => client.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal });
  const ends = Promise.allSettled(Array.from({ length: 40 }, () => asked(lost)));
  await expect.poll(() => grave.seen.length).toBe(16);

  const passes: string[] = [];
  const queue = new WorkQueue({
    groupOf: (key: string) => key.split("/")[0] ?? "",
    perGroup: 4,
    onError: (_key, error) => expect.unreachable(String(error)),
    work: async (key) => {
      await (key.startsWith("grave") ? ends : asked(alive));
      passes.push(key);
    },
  });
  for (let count = 0; count < 10; count += 1) queue.add(`grave/${count}`);
  queue.add("living/0");
  await expect.poll(() => passes).toEqual(["living/0"]);

  const writer = new StatusWriter(hub.client(), (error) => expect.unreachable(String(error)));
  const current = (): KubeObject => ({
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "a", namespace: "x", resourceVersion: "1" },
  });
  writer.set("a", { summary: { message: "grave: unreachable" } }, { resource: PROFILE, current });
  await writer.flush();
  expect(hub.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "PATCH /apis/strata.dev/v1alpha1/namespaces/x/addonprofiles/a/status",
  ]);
  expect(grave.seen, "all the time its own limit was full, and its own places taken").toHaveLength(16);
  writer.stop();
  await lost.close();
  await ends;
  await queue.shutdown(0);
});

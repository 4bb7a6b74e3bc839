import type { LookupFunction } from "node:net";
import { describe, expect, test } from "vitest";
import { createAuthority } from "../../../test/support/certificates.ts";
import { accessOf } from "../access.ts";
import { connect, type KubeClient } from "../client.ts";
import type { KubeClientOptions } from "../client-options.ts";
import { systemClock } from "../clock.ts";
import { coreResource } from "../resource.ts";
import { answer, type Script, type ScriptedServer, startServer } from "../testing/api-server.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { Fence, leaseClock, type WriteFence } from "./fence.ts";

const CONFIG_MAP = coreResource("ConfigMap", "configmaps", true);
const { signal } = new AbortController();
const key = { namespace: "default", name: "a" };
const object = { apiVersion: "v1", kind: "ConfigMap", metadata: key };
const options = { manager: "strata", signal };
const NOT_SENT = "not sent, because this process does not hold Strata's lease";

const authority = createAuthority("ca");
const { certPem, keyPem } = authority.issue({ commonName: "server", hosts: ["127.0.0.1", "server.test"] });

const servers = [
  { protocol: "HTTP/1.1", open: (script: Script) => startServer(script, { cert: certPem, key: keyPem }) },
  { protocol: "HTTP/2", open: (script: Script) => startServer(script, { cert: certPem, key: keyPem }, {}) },
];

const writes: { verb: string; write: (client: KubeClient) => Promise<unknown> }[] = [
  { verb: "create", write: (client) => client.create(CONFIG_MAP, object, options) },
  { verb: "apply", write: (client) => client.apply(CONFIG_MAP, object, { ...options, force: true }) },
  { verb: "merge patch", write: (client) => client.mergePatch(CONFIG_MAP, key, {}, options) },
  { verb: "JSON patch", write: (client) => client.jsonPatch(CONFIG_MAP, key, [], options) },
  { verb: "delete", write: (client) => client.delete(CONFIG_MAP, key, { signal }) },
];

const apply = writes[1]?.write as (client: KubeClient) => Promise<unknown>;
const sent = ({ seen }: ScriptedServer): string[] => seen.map(({ method }) => method).filter((name) => name !== "GET");

function openFence() {
  const clock = new FakeClock();
  const fence = new Fence(clock);
  fence.openUntil(10_000);
  const elapse = () => clock.advance(10_000);
  return { fence, elapse };
}

function clientOf({ port }: ScriptedServer, more: KubeClientOptions): KubeClient {
  return connect(accessOf({ server: `https://server.test:${port}`, caPem: authority.certPem }), {
    lookup: (_host, { all }, done) =>
      all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4),
    ...more,
  });
}

describe.each(servers)("over $protocol", ({ open }) => {
  test.each(writes)("$verb is sent while the fence is open, and not when its time is over", async ({ write }) => {
    await using server = await open((_seen, response) => answer(response, 200, object));
    const { fence, elapse } = openFence();
    await using client = clientOf(server, { fence });
    await write(client);
    expect(sent(server)).toHaveLength(1);
    await elapse();
    await expect(write(client)).rejects.toMatchObject({ code: "NOT_LEADER", message: NOT_SENT });
    await expect(write(client.asUser({ user: "ann" }))).rejects.toMatchObject({ code: "NOT_LEADER" });
    expect(sent(server)).toHaveLength(1);
    await expect(client.get(CONFIG_MAP, key, { signal })).resolves.toMatchObject(object);
  });

  test("a write that waits for another's answer is not sent any more", async () => {
    const held: (() => void)[] = [];
    await using server = await open((_seen, response) => held.push(() => answer(response, 200, object)));
    const { fence, elapse } = openFence();
    await using client = clientOf(server, { fence, concurrency: 1 });
    const first = apply(client);
    const second = apply(client);
    const refused = expect(second).rejects.toMatchObject({ code: "NOT_LEADER" });
    await expect.poll(() => held.length).toBe(1);
    await elapse();
    held[0]?.();
    await first;
    await refused;
    expect(sent(server)).toHaveLength(1);
  });

  test("a write that waits for its connection is not sent any more", async () => {
    await using server = await open((_seen, response) => answer(response, 200, object));
    const { fence, elapse } = openFence();
    const asked = Promise.withResolvers<() => void>();
    const lookup: LookupFunction = (_host, { all }, done) =>
      asked.resolve(() => (all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4)));
    await using client = clientOf(server, { fence, lookup });
    const refused = expect(apply(client)).rejects.toMatchObject({ code: "NOT_LEADER" });
    const resolve = await asked.promise;
    await elapse();
    resolve();
    await refused;
    expect(server.connections).toBe(1);
    expect(sent(server)).toEqual([]);
  });

  test("a write that waits for its token is not sent any more", async () => {
    await using server = await open((_seen, response) => answer(response, 200, object));
    const { fence, elapse } = openFence();
    const token = Promise.withResolvers<string>();
    const access = accessOf({ server: `https://127.0.0.1:${server.port}`, caPem: authority.certPem });
    await using client = connect({ ...access, token: () => token.promise }, { fence });
    const refused = expect(apply(client)).rejects.toMatchObject({ code: "NOT_LEADER" });
    await elapse();
    token.resolve("t");
    await refused;
    expect(sent(server)).toEqual([]);
  });
});

test("over HTTP/2, a write that was let through does not leave a process that was stopped meanwhile", async () => {
  await using server = await servers[1]!.open((_seen, response) => answer(response, 200, object));
  let now = 0;
  const fence = new Fence({ ...systemClock, now: () => now });
  fence.openUntil(10_000);
  let stops = false;
  const stopped: WriteFence = {
    check: () => {
      fence.check();
      // Before the event loop has come round.
      if (stops) queueMicrotask(() => (now = 60_000));
    },
  };
  await using client = clientOf(server, { fence: stopped });
  for (const { write } of writes) await write(client);
  expect(sent(server)).toHaveLength(writes.length);
  stops = true;
  const all = await Promise.allSettled(writes.map(({ write }) => write(client)));
  expect(all).toMatchObject(writes.map(() => ({ reason: { code: "NOT_LEADER", message: NOT_SENT } })));
  expect(sent(server)).toHaveLength(writes.length);
  await expect(client.get(CONFIG_MAP, key, { signal })).resolves.toMatchObject(object);
});

describe("a fence", () => {
  test("is shut before anybody opens it, and for good once it is closed", () => {
    const fence = new Fence(new FakeClock());
    expect(fence.isOpen).toBe(false);
    fence.openUntil(5);
    expect(fence.isOpen).toBe(true);
    fence.close();
    fence.openUntil(10);
    expect(fence.isOpen).toBe(false);
    expect(() => fence.check()).toThrow(NOT_SENT);
  });

  test("is not opened for a shorter time by a renewal that began earlier", () => {
    const fence = new Fence(new FakeClock());
    fence.openUntil(10);
    fence.openUntil(5);
    expect(fence.until).toBe(10);
  });
});

test("the clock of leases goes on as the machine's does, and never back", () => {
  const before = leaseClock.now();
  const began = performance.now();
  let last = before;
  while (performance.now() - began < 30) {
    const now = leaseClock.now();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
  // The time since boot comes in steps of 10 ms.
  expect(leaseClock.now() - before).toBeGreaterThanOrEqual(19);
});

import { expect, test } from "vitest";
import { FluxKinds } from "./flux-kinds.ts";
import { answer, startServer } from "./testing/api-server.ts";
import { FakeClock } from "./testing/fake-clock.ts";

/** A hub whose versions of Flux's GitRepository a test can change. */
async function hub(versions: string[] = []) {
  const state = { versions, down: false };
  const server = await startServer((_seen, response) => {
    if (state.down) return answer(response, 503, {});
    const resources = [
      {
        resource: "gitrepositories",
        responseKind: { group: "", version: "", kind: "GitRepository" },
        scope: "Namespaced",
        verbs: ["list"],
      },
    ];
    const items = [
      {
        metadata: { name: "source.toolkit.fluxcd.io" },
        versions: state.versions.map((version) => ({ version, resources })),
      },
    ];
    return answer(response, 200, { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", items });
  });
  const clock = new FakeClock();
  let changes = 0;
  let changed = Promise.withResolvers<void>();
  const onChange = () => {
    changes += 1;
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const kinds = new FluxKinds({ hub: server.client(), onChange, clock });
  return {
    state,
    server,
    clock,
    kinds,
    changed: () => changed.promise,
    changes: () => changes,
    [Symbol.asyncDispose]: async () => {
      kinds.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const GIT = new Set(["GitRepository"] as const);

test("a kind is watched in the version that the cluster serves, and looked for once", async () => {
  await using world = await hub(["v1beta2"]);
  const { kinds, changed, server } = world;
  const news = changed();
  kinds.want(GIT);
  expect(kinds.get("GitRepository")).toBeUndefined();
  await news;
  expect(kinds.get("GitRepository")).toMatchObject({ version: "v1beta2", plural: "gitrepositories" });
  const asked = server.seen.length;
  kinds.want(GIT);
  expect(server.seen).toHaveLength(asked);
  expect(world.clock.waiting).toEqual([]);
});

test("a kind that is not served is said so once, and looked for until it is", async () => {
  await using world = await hub();
  const { kinds, state, clock, changes } = world;
  let news = world.changed();
  kinds.want(GIT);
  await news;
  expect(kinds.get("GitRepository")).toMatchObject({
    reason: "KindNotFound",
    message: expect.stringContaining("install Flux"),
  });
  expect(clock.waiting).toEqual([1000]);
  await clock.advance(1000);
  await expect.poll(() => clock.waiting.length).toBe(1);
  expect(changes()).toBe(1);
  state.versions = ["v1"];
  news = world.changed();
  await clock.advance(60_000);
  await news;
  expect(kinds.get("GitRepository")).toMatchObject({ version: "v1" });
  expect(clock.waiting).toEqual([]);
});

test("nobody wants a kind any more: it is not looked for", async () => {
  await using world = await hub();
  const { kinds, clock, server } = world;
  const news = world.changed();
  kinds.want(GIT);
  await news;
  kinds.want(new Set());
  const asked = server.seen.length;
  await clock.advance(600_000);
  expect(server.seen).toHaveLength(asked);
  expect(clock.waiting).toEqual([]);
});

test("a version that is taken away is replaced by the one that is served now", async () => {
  await using world = await hub(["v1beta2"]);
  const { kinds, state } = world;
  let news = world.changed();
  kinds.want(GIT);
  await news;
  state.versions = ["v1"];
  news = world.changed();
  kinds.doubt("GitRepository");
  expect(kinds.get("GitRepository")).toMatchObject({ version: "v1beta2" });
  await news;
  expect(kinds.get("GitRepository")).toMatchObject({ version: "v1" });
});

test("a kind that was served and is not any more keeps its watch, which begins again by itself", async () => {
  await using world = await hub(["v1"]);
  const { kinds, state, clock, changes } = world;
  const news = world.changed();
  kinds.want(GIT);
  await news;
  state.versions = [];
  kinds.doubt("GitRepository");
  await expect.poll(() => clock.waiting.length).toBe(1);
  expect(kinds.get("GitRepository")).toMatchObject({ version: "v1" });
  state.versions = ["v1"];
  await clock.advance(60_000);
  await expect.poll(() => clock.waiting.length).toBe(0);
  expect(changes()).toBe(1);
});

test("a server that does not answer is asked again, and what it is asked for stays unknown in words", async () => {
  await using world = await hub(["v1"]);
  const { kinds, state, clock } = world;
  state.down = true;
  let news = world.changed();
  kinds.want(GIT);
  await news;
  expect(kinds.get("GitRepository")).toMatchObject({ reason: "ServerError" });
  state.down = false;
  news = world.changed();
  await clock.advance(60_000);
  await news;
  expect(kinds.get("GitRepository")).toMatchObject({ version: "v1" });
});

import { expect, test } from "vitest";
import type { KubeObject } from "../../objects/types.ts";
import { ApiError } from "../api-error.ts";
import type { KubeClient } from "../client.ts";
import { FakeClock, settle } from "../testing/fake-clock.ts";
import { HUB_RESOURCES } from "./kinds.ts";
import { StatusWriter } from "./status-writer.ts";

/** A hub with one object, whose watch tells only when the test says so. */
async function harness() {
  const clock = new FakeClock();
  await clock.advance(60_000);
  const server = { version: 1, status: { phase: "A" } as Record<string, unknown> };
  const live = (): KubeObject => ({
    apiVersion: "strata.dev/v1alpha1",
    kind: "ProfileDeployment",
    metadata: { name: "x", namespace: "acme", uid: "u", resourceVersion: String(server.version) },
    status: { ...server.status, ...headlineOf(server.status["phase"]) },
  });
  let cached = live();
  const patches: object[] = [];
  const client = {
    mergePatch: async (_resource: unknown, _key: unknown, patch: { metadata: object; status: object }) => {
      const { resourceVersion } = patch.metadata as { resourceVersion?: string };
      if (resourceVersion !== String(server.version))
        throw Object.assign(Object.create(ApiError.prototype), { status: 409 });
      server.version += 1;
      const { conditions: _, ...told } = patch.status as { conditions?: object };
      server.status = { ...server.status, ...told };
      patches.push(told);
      return live();
    },
  } as unknown as KubeClient;
  const writer = new StatusWriter(client, (error) => expect(error).toBeUndefined(), clock);
  const target = { resource: HUB_RESOURCES.ProfileDeployment, current: () => cached };
  const set = (phase: string, progress?: string) =>
    writer.set("key", { phase, ...headlineOf(phase), ...(progress ? { progress } : {}) }, target);
  const watch = () => {
    cached = live();
  };
  const pass = async () => {
    await clock.advance(250);
    await settle();
  };
  return { clock, server, patches, writer, target, set, watch, pass };
}

function headlineOf(reason: unknown): object {
  return { conditions: [{ type: "Ready", status: "False", reason }] };
}

test("several changes within a short time are one write", async () => {
  const { set, pass, patches } = await harness();
  set("B");
  set("C");
  await pass();
  expect(patches).toEqual([{ phase: "C" }]);
});

test("a status that turns back before the watch has told of the write is written all the same", async () => {
  const { set, pass, server, patches } = await harness();
  set("B");
  await pass();
  set("A");
  await pass();
  expect(server.status).toEqual({ phase: "A" });
  expect(patches).toEqual([{ phase: "B" }, { phase: "A" }]);
});

test("what was written is not written again while the watch is late", async () => {
  const { set, pass, patches } = await harness();
  set("B");
  await pass();
  set("B");
  await pass();
  expect(patches).toHaveLength(1);
});

test("when somebody else wrote in between, the newer object is waited for", async () => {
  const { set, pass, watch, server, clock } = await harness();
  set("B");
  await pass();
  server.version += 5;
  set("C");
  await pass();
  expect(server.status).toEqual({ phase: "B" });
  watch();
  await clock.advance(2_000);
  expect(server.status).toEqual({ phase: "C" });
});

test("Ready is written at once: people wait for it, and nothing follows", async () => {
  const { writer, target, patches, clock } = await harness();
  writer.set("key", { phase: "C", conditions: [{ type: "Ready", status: "True", reason: "Ready" }] }, target);
  await clock.advance(0);
  await settle();
  expect(patches).toEqual([{ phase: "C" }]);
});

test("what changes no state waits longer, and goes along with what does", async () => {
  const { set, pass, patches, clock } = await harness();
  set("A", "1 of 3");
  await pass();
  set("A", "2 of 3");
  await pass();
  expect(patches).toEqual([]);
  await clock.advance(1_500);
  await settle();
  expect(patches).toEqual([{ progress: "2 of 3" }]);
  set("A", "3 of 3");
  set("B", "3 of 3");
  await pass();
  expect(patches).toEqual([{ progress: "2 of 3" }, { phase: "B", progress: "3 of 3" }]);
});

import { describe, expect, it } from "vitest";
import type { KubeClient } from "../kube/client.ts";
import { coreResource } from "../kube/resource.ts";
import { applySetOf } from "../membership/applyset.ts";
import { keyOf } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import type { Tracked } from "../plan/seen.ts";
import type { ApplyItem } from "../plan/step.ts";
import type { Desired } from "../plan/types.ts";
import { applyItem } from "./apply-object.ts";
import type { WriteContext } from "./context.ts";
import { resultOf } from "./witness.ts";

const SET = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const signal = new AbortController().signal;
const ref = { group: "", version: "v1", kind: "ConfigMap", namespace: "web", name: "c" };
const claim = { layer: "one", adoption: "IfUnowned" as const };
const desired = {
  ref,
  key: keyOf(ref),
  object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { key: "ours" } },
  digest: "d",
} as unknown as Desired;

/** As it is in the cluster; by our apply, somebody else's label beside. */
function live(key: string, { resourceVersion = "7", mine = true } = {}): KubeObject {
  const own = {
    manager: mine ? SET.manager : "other",
    operation: "Apply" as const,
    time: "2030-01-01T00:00:00Z",
    fieldsV1: { "f:data": { "f:key": {} }, "f:metadata": { "f:labels": { [`f:${PART_OF}`]: {} } } },
  };
  const labels = { [PART_OF]: SET.id, theirs: "x" };
  const metadata = { name: "c", resourceVersion, labels, managedFields: [own] };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { key, more: "theirs" } };
}
const PART_OF = "applyset.kubernetes.io/part-of";
const sent = { ...desired, object: { ...desired.object, metadata: { name: "c", labels: { [PART_OF]: SET.id } } } };

async function verify(
  before: KubeObject,
  rest: Partial<ApplyItem> = {},
  answer: KubeObject | Error = live("ours", { resourceVersion: "8" }),
) {
  const writes: object[] = [];
  const client = {
    find: async () => before,
    apply: async (_resource: unknown, { metadata }: KubeObject, options: Record<string, boolean>) => {
      const { force, metadataOnly, dryRun } = options;
      writes.push({ version: metadata.resourceVersion, force, metadataOnly, ...(dryRun ? { dryRun } : {}) });
      if (answer instanceof Error) throw answer;
      return { object: answer };
    },
  } as unknown as KubeClient;
  const context = {
    client,
    set: SET,
    resourceFor: () => coreResource("ConfigMap", "configmaps", true),
    metadataOnly: () => true,
    toFailure: (error: unknown) => error,
  } as unknown as WriteContext;
  const item = {
    desired: sent,
    mode: "verify",
    observed: { observed: {} } as unknown as Tracked,
    ...rest,
  } as ApplyItem;
  const outcome = await applyItem(item, claim, { context, signal });
  return { outcome, writes, item };
}

describe("an object that others have written", () => {
  it("stays as it is when our values are ours", async () => {
    const { outcome, writes } = await verify(live("ours"));
    expect([outcome, writes]).toMatchObject([{ kind: "seen", differs: false }, []]);
  });

  it("is repaired on the version that was read when one is not", async () => {
    const { outcome, writes } = await verify(live("theirs"));
    expect(outcome).toMatchObject({ kind: "written", how: "repaired" });
    expect(writes).toEqual([{ version: "7", force: true, metadataOnly: false }]);
  });

  describe("where the layer leaves it so", () => {
    const dryRun = [{ version: "7", force: true, metadataOnly: false, dryRun: true }];
    const looksOnly = true;

    it("is only told of", async () => {
      const { outcome, writes } = await verify(live("theirs"), { looksOnly, values: "as it was" });
      expect([outcome, writes]).toMatchObject([{ kind: "seen", differs: true }, []]);
      const unknown = await verify(live("theirs"), { looksOnly });
      expect(unknown.outcome).toMatchObject({
        kind: "seen",
        differs: true,
        object: { metadata: { resourceVersion: "7" } },
      });
      expect(unknown.writes).toEqual(dryRun);
    });

    it("is as it should be when the API server writes our value otherwise", async () => {
      const { outcome, writes } = await verify(live("100m"), { looksOnly }, live("100m"));
      expect(outcome).toMatchObject({ kind: "seen", differs: false });
      expect(writes).toEqual(dryRun);
    });

    it("is told of also where no dry run is allowed", async () => {
      const refusal = Object.assign(new Error("does not support dry run"), { status: 400 });
      const { outcome } = await verify(live("theirs"), { looksOnly }, refusal);
      expect(outcome).toMatchObject({ kind: "seen", differs: true });
    });
  });

  it("is as it should be when our own apply leaves the value as it is, and that is remembered", async () => {
    const { outcome, item } = await verify(live("always"), {}, live("always"));
    expect(outcome).toMatchObject({ kind: "seen", differs: false });
    if (outcome.kind !== "seen") throw new Error(outcome.kind);
    const result = resultOf(item, outcome, SET);
    const values = "witness" in result ? result.witness?.values : undefined;
    expect(values).toBeDefined();
    const again = await verify(live("always"), { values });
    expect([again.outcome, again.writes]).toMatchObject([{ kind: "seen", differs: false }, []]);
    expect((await verify(live("theirs"), { values })).writes).toHaveLength(1);
  });

  it("is left to the watch when it is not ours any more", async () => {
    const { outcome, writes } = await verify(live("theirs", { mine: false }));
    expect([outcome, writes]).toMatchObject([{ kind: "seen", differs: false }, []]);
  });

  it("is looked at again when it changes meanwhile", async () => {
    const conflict = Object.assign(new Error("Conflict"), { status: 409 });
    await expect(verify(live("theirs"), {}, conflict)).rejects.toMatchObject({ reason: "StaleRead" });
  });
});

import { describe, expect, it } from "vitest";
import type { KubeClient } from "../kube/client.ts";
import { applySetOf, EMPTY_PARENT, parentObject } from "../membership/applyset.ts";
import { digestKeyOf, readParent, writeParent } from "./system-objects.ts";

const PROFILE = { kind: "AddOnProfile", namespace: "acme", name: "p" };
const SET = applySetOf(PROFILE);
const HUB = "11111111-aaaa";
const OTHER = "22222222-bbbb";
const signal = new AbortController().signal;
const parentOf = (hub: string) => ({ ...EMPTY_PARENT, hub });

/** A cluster in which a parent of a hub is, some fields of which belong to `manager`. */
function cluster(hub: string, manager: string) {
  const sent: { manager: string; force: boolean }[] = [];
  const client = {
    find: async () => parentObject(SET, PROFILE, parentOf(hub)),
    apply: async (_resource: unknown, _object: unknown, options: { manager: string; force: boolean }) => {
      sent.push({ manager: options.manager, force: options.force });
      if (options.force || manager === options.manager) return;
      throw Object.assign(new Error("conflict"), { status: 409, fieldConflicts: [{ field: ".metadata", manager }] });
    },
  } as unknown as KubeClient;
  return { client, sent };
}
const write = (client: KubeClient) =>
  writeParent(client, { set: SET, profile: PROFILE, parent: parentOf(HUB) }, signal);

describe("the parent of an ApplySet", () => {
  it("is written in the name of the hub, without force", async () => {
    const { client, sent } = cluster(HUB, "strata-hub-11111111");
    await write(client);
    expect(sent).toEqual([{ manager: "strata-hub-11111111", force: false }]);
  });

  it("is not written over another hub's, and says how to take over", async () => {
    const { client, sent } = cluster(OTHER, "strata-hub-22222222");
    const remedy = `delete ConfigMap strata-system/${SET.parent} in the cluster`;
    await expect(write(client)).rejects.toMatchObject({ reason: "Conflict", message: expect.stringContaining(remedy) });
    await expect(readParent(client, SET, HUB, signal)).rejects.toMatchObject({
      reason: "Conflict",
      retryAfterMs: 60_000,
    });
    expect(sent).toHaveLength(1);
  });

  it("is brought back when a person has edited it", async () => {
    const { client, sent } = cluster(HUB, "kubectl-edit");
    await write(client);
    expect(sent.map(({ force }) => force)).toEqual([false, true]);
  });
});

describe("the key of a cluster's digests", () => {
  it("is read once, also for other profiles, and anew behind an address where another cluster is by now", async () => {
    let reads = 0;
    const client = {
      find: async () => ({ data: { key: Buffer.from(`key ${++reads}`).toString("base64") } }),
    } as unknown as KubeClient;
    const keyOf = async (uid: string | undefined) =>
      Buffer.from(await digestKeyOf(client, uid, signal)).toString("utf8");
    expect([await keyOf("one"), await keyOf("one"), await keyOf("two"), await keyOf("two")]).toEqual([
      "key 1",
      "key 1",
      "key 2",
      "key 2",
    ]);
    expect([await keyOf(undefined), await keyOf(undefined)]).toEqual(["key 3", "key 4"]);
  });
});

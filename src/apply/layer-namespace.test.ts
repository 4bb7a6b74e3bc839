import { describe, expect, test } from "vitest";
import type { KubeClient } from "../kube/client.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { KubeObject, ObjectMeta } from "../objects/types.ts";
import { ensureNamespace, leaveNamespace } from "./layer-namespace.ts";

const SET = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const NOTHING = { labels: {}, annotations: {} };
const signal = new AbortController().signal;
const failing = (status: number) => Object.assign(new Error(String(status)), { status });

/** A cluster with or without the namespace, that may refuse to make one, or to show it. */
function cluster({ live, refuses = {} }: { live?: KubeObject; refuses?: { create?: number; get?: number } }) {
  const requests: string[] = [];
  let namespace = live;
  const client = {
    find: async () => {
      requests.push("get");
      if (refuses.get) throw failing(refuses.get);
      return namespace;
    },
    apply: async (_resource: unknown, object: KubeObject) => {
      requests.push(object.metadata.resourceVersion === "1" ? "create" : "apply");
      if (refuses.create) throw failing(refuses.create);
      if (object.metadata.resourceVersion === "1" && namespace) throw failing(409);
      namespace = object;
    },
  } as unknown as KubeClient;
  return { client, requests };
}

const there: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: "web" } };
const made: KubeObject = { ...there, metadata: { name: "web", annotations: { "strata.dev/created": "true" } } };
const wanted = (isNew: boolean, labels = {}) => ({ set: SET, name: "web", metadata: { ...NOTHING, labels }, isNew });

describe("ensureNamespace", () => {
  test.each<[string, Parameters<typeof cluster>[0], Parameters<typeof wanted>, string[]]>([
    ["makes a new one by one request", {}, [true], ["create"]],
    ["looks first where something speaks for it that it is there", {}, [false], ["get", "create"]],
    ["leaves one that others made", { live: there }, [false], ["get"]],
    ["looks at one that is there against all odds", { live: there }, [true], ["create", "get"]],
    ["joins the users of one that Strata made", { live: made }, [true], ["create", "get", "apply"]],
    [
      "gives one that others made the labels that are asked for",
      { live: there },
      [true, { a: "b" }],
      ["create", "get", "apply"],
    ],
    [
      "takes it to be there where it may neither make nor see it",
      { refuses: { create: 403, get: 403 } },
      [true],
      ["create", "get"],
    ],
  ])("%s", async (_, facts, args, want) => {
    const { client, requests } = cluster(facts);
    await ensureNamespace(client, wanted(...args), signal);
    expect(requests).toEqual(want);
  });

  test("says that it may not make one that is not there", async () => {
    const { client } = cluster({ refuses: { create: 403 } });
    await expect(ensureNamespace(client, wanted(true), signal)).rejects.toMatchObject({ status: 403 });
  });
});

describe("leaveNamespace", () => {
  const users = (...parents: string[]) => Object.fromEntries(parents.map((one) => [`user.strata.dev/${one}`, ""]));
  const own = users(SET.parent);

  /** What becomes of an empty namespace that Strata made, or did not make, and what is sent. */
  async function left(metadata: ObjectMeta, annotations: Record<string, string> = { "strata.dev/created": "true" }) {
    const sent: string[] = [];
    const live = { ...there, metadata: { name: "web", uid: "u", resourceVersion: "7", annotations, ...metadata } };
    const client = {
      find: async () => live,
      apply: async () => void sent.push("apply"),
      delete: async (_: unknown, __: unknown, { uid, resourceVersion }: Record<string, string>) =>
        void sent.push(`delete ${uid} ${resourceVersion}`),
    } as unknown as KubeClient;
    const outcome = await leaveNamespace(client, { set: SET, name: "web", resources: [], stale: [] }, signal);
    return [outcome, ...sent];
  }
  const kept = (why: string) => [{ kind: "kept", why }, "apply"];

  test("deletes the very one that it looked at, if Strata made it and nobody else has to do with it", async () => {
    expect(await left({ labels: own })).toEqual([{ kind: "deleting" }, "delete u 7"]);
  });

  test.each<[string, ObjectMeta, string]>([
    [
      "another profile uses",
      { labels: users("strata-1", SET.parent) },
      "another profile uses it (user.strata.dev/strata-1)",
    ],
    [
      "another profile has a manifest of",
      { labels: { ...own, "applyset.kubernetes.io/part-of": "applyset-other-v1" } },
      "another profile has it as an object of its own",
    ],
    [
      "Flux applies by now",
      { labels: own, managedFields: [{ manager: "kustomize-controller", operation: "Apply" }] },
      "field manager kustomize-controller has it as an object of its own",
    ],
  ])("only takes its labels off one that %s", async (_, metadata, why) => {
    expect(await left(metadata)).toEqual(kept(why));
  });

  test("only takes its labels off one that was there before, or that says that it stays", async () => {
    expect(await left({ labels: own }, {})).toEqual(kept("it was there before"));
    const annotations = { "strata.dev/created": "true", "strata.dev/prune": "Disabled" };
    expect(await left({ labels: own }, annotations)).toEqual(kept("it says so itself, by an annotation"));
  });

  test("has nothing to do with one that it does not use", async () => {
    expect(await left({ labels: users("strata-1") })).toEqual([{ kind: "left" }]);
  });
});

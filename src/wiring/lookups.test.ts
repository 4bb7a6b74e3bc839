import { describe, expect, test } from "vitest";
import { ApiError } from "../kube/api-error.ts";
import type { Resource } from "../kube/resource.ts";
import type { KubeObject } from "../objects/types.ts";
import type { LookupKey, LookupRule, WantedLookup } from "../render/types.ts";
import { type LookupSite, lookupReader } from "./lookups.ts";

const signal = new AbortController().signal;
const secrets: Resource = {
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,
  verbs: [],
  hasStatus: false,
};
const nodes: Resource = { ...secrets, kind: "Node", plural: "nodes", namespaced: false };
const key = (more: Partial<LookupKey> = {}, told: Partial<LookupKey> = {}): WantedLookup => {
  const about = { apiVersion: "v1", kind: "Secret", namespace: "web", name: "db", ...more };
  return { ...about, told: { ...about, ...told } };
};
/** All that these tests look up. */
const ALLOWED: LookupRule[] = ["Secret", "Secrets", "Node"].map((kind) => ({ apiVersion: "v1", kind }));
const object = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Secret", metadata: { name } });

/** A site that serves Secrets and Nodes, and says what it was asked. */
function site({ found, error, pages = [] }: { found?: KubeObject; error?: unknown; pages?: KubeObject[][] }) {
  const asked: string[] = [];
  const note = (...words: (string | undefined)[]) => {
    asked.push(words.map((word) => word ?? "-").join(" "));
    if (error) throw error;
  };
  const client = {
    async find(resource: Resource, { namespace, name }: { namespace?: string; name: string }) {
      note("find", resource.plural, namespace, name);
      return found;
    },
    async *list(resource: Resource, { namespace }: { namespace?: string }) {
      note("list", resource.plural, namespace);
      for (const items of pages) yield { items, resourceVersion: "7" };
    },
  };
  const resourceFor = ({ kind }: { kind: string }) => [secrets, nodes].find((one) => one.kind === kind);
  const view = { client, resourceFor, apiVersions: () => ["v1", "v1/Secret", "v1/Node"] } as unknown as LookupSite;
  const read = lookupReader(view);
  return {
    asked,
    read: (wanted: WantedLookup, during: AbortSignal, allowed = ALLOWED) =>
      read(wanted, during, { field: "pack.lookup", allowed }),
  };
}

function refused(status: number, reason: string, message: string): ApiError {
  const request = { verb: "get", resource: "secrets", kind: "Secret", namespace: "web", name: "db" } as const;
  return new ApiError({
    status,
    reason,
    message,
    details: { name: "db" },
    request,
    causes: [],
    retryAfterMs: undefined,
  });
}

describe("a lookup", () => {
  test("of an object reads it", async () => {
    const { read, asked } = site({ found: object("db") });
    expect(await read(key(), signal)).toEqual({ state: "Found", object: object("db") });
    expect(asked).toEqual(["find secrets web db"]);
  });

  test("without a name reads a list, of one namespace or of all", async () => {
    const { read, asked } = site({ pages: [[object("a")], [object("b")]] });
    const list = {
      apiVersion: "v1",
      kind: "SecretList",
      metadata: { resourceVersion: "7" },
      items: [object("a"), object("b")],
    };
    expect(await read(key({ name: "" }), signal)).toEqual({ state: "Found", object: list });
    expect(await read(key({ name: "", namespace: "" }), signal)).toEqual({ state: "Found", object: list });
    expect(asked).toEqual(["list secrets web", "list secrets -"]);
  });

  test.each([
    { of: "an object that is not there", more: {}, want: "Absent", requests: 1 },
    { of: "a namespaced object without a namespace", more: { namespace: "" }, want: "Absent", requests: 0 },
    { of: "a kind that its version does not have", more: { kind: "Secrets" }, want: "Absent", requests: 0 },
    {
      of: "a version that is not served",
      more: { apiVersion: "example.com/v1", kind: "Lamp" },
      want: "Unserved",
      requests: 0,
    },
    { of: "an object of the cluster", more: { kind: "Node", namespace: "" }, want: "Absent", requests: 1 },
  ])("of $of is $want", async ({ more, want, requests }) => {
    const { read, asked } = site({});
    expect(await read(key(more), signal)).toEqual({ state: want });
    expect(asked).toHaveLength(requests);
  });

  test("of what the server does not know is absent", async () => {
    const { read } = site({ error: refused(404, "NotFound", "the server could not find the requested resource") });
    expect(await read(key({ name: "" }), signal)).toEqual({ state: "Absent" });
  });

  test("that the identity may not make is a failure that names both", async () => {
    const words = `secrets "db" is forbidden: User "system:serviceaccount:acme:web" cannot get resource "secrets" in API group "" in the namespace "web"`;
    const { read } = site({ error: refused(403, "Forbidden", words) });
    await expect(read(key(), signal)).rejects.toMatchObject({
      reason: "Forbidden",
      message: expect.stringMatching(
        /^the chart may not look up v1 Secret web\/db: User "system:serviceaccount:acme:web" cannot get .*bind a role that allows it to ServiceAccount acme\/web$/,
      ),
    });
  });

  test("whose name is a value keeps it to itself, whatever the server repeats", async () => {
    const secretly = key({ namespace: "s3cret-ns", name: "s3cret" }, { namespace: "***", name: "***" });
    const words = `secrets "s3cret" is forbidden: User "me" cannot get resource "secrets" in API group "" in the namespace "s3cret-ns"`;
    const { read } = site({ error: refused(403, "Forbidden", words) });
    await expect(read(secretly, signal)).rejects.toMatchObject({
      reason: "Forbidden",
      message: expect.stringMatching(
        /^the chart may not look up v1 Secret \*\*\*\/\*\*\*: User "me" .* namespace "\*\*\*"/,
      ),
    });
    const broken = site({ error: refused(500, "InternalError", `etcd: "s3cret" in "s3cret-ns"`) });
    await expect(broken.read(secretly, signal)).rejects.toMatchObject({
      message: expect.not.stringContaining("s3cret"),
    });
  });

  test.each([
    { of: "a namespace", namespace: "web", allowed: false },
    { of: "no namespace", namespace: undefined, allowed: true },
  ])("of an object of the cluster is allowed by a rule with $of: $allowed", async ({ namespace, allowed }) => {
    const { read, asked } = site({ found: object("a") });
    const rule = { apiVersion: "v1", kind: "Node", ...(namespace === undefined ? {} : { namespace }) };
    const answer = read(key({ kind: "Node" }), signal, [rule]);
    if (allowed) expect(await answer).toMatchObject({ state: "Found" });
    else {
      const message = expect.stringMatching(
        /^the chart looks up v1 Node db, and its kind has no namespaces: a rule of pack\.lookup /,
      );
      await expect(answer).rejects.toMatchObject({ reason: "InvalidSpec", message });
    }
    expect(asked).toHaveLength(allowed ? 1 : 0);
  });

  test("of a list without an end is cut off", async () => {
    const large = { ...object("a"), data: { a: "x".repeat(9 * 1024 * 1024) } };
    const { read } = site({ pages: [[large], [large], [large]] });
    await expect(read(key({ name: "" }), signal)).rejects.toMatchObject({
      reason: "RenderFailed",
      message: expect.stringContaining("allow less in pack.lookup"),
    });
  });
});

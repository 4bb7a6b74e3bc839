import { describe, expect, test } from "vitest";
import { describeLookup, isAllowed, Lookups, MAX_LOOKUP_BYTES } from "./lookups.ts";
import type { LookupKey, LookupResult, LookupRule } from "./types.ts";

const signal = new AbortController().signal;
const secret = (namespace: string, name: string): LookupKey => ({ apiVersion: "v1", kind: "Secret", namespace, name });
const rule = (more: Partial<LookupRule> = {}): LookupRule => ({ apiVersion: "v1", kind: "Secret", ...more });

test.each([
  { of: "no rule", rules: [], want: [] },
  { of: "another kind", rules: [rule({ kind: "ConfigMap" })], want: [] },
  { of: "another version", rules: [rule({ apiVersion: "example.com/v1" })], want: [] },
  { of: "the kind", rules: [rule()], want: ["web/db", "web/*", "*", "dev/db"] },
  { of: "a namespace", rules: [rule({ namespace: "web" })], want: ["web/db", "web/*"] },
  { of: "a name", rules: [rule({ name: "db" })], want: ["web/db", "dev/db"] },
  { of: "one object", rules: [rule({ namespace: "web", name: "db" })], want: ["web/db"] },
  { of: "the second rule", rules: [rule({ kind: "Pod" }), rule({ namespace: "dev" })], want: ["dev/db"] },
])("$of allows $want", ({ rules, want }) => {
  const keys = [secret("web", "db"), secret("web", ""), secret("", ""), secret("dev", "db")];
  const allowed = keys.filter((key) => isAllowed(rules, key)).map(describeLookup);
  expect(allowed).toEqual(want.map((text) => `v1 Secret ${text}`));
});

const wanted = (namespace: string, name: string) => ({ ...secret(namespace, name), told: secret(namespace, name) });

describe("what a render looks up", () => {
  const reading = (result: LookupResult, asked: LookupKey[] = []) => ({
    field: "pack.lookup" as const,
    allowed: [rule({ namespace: "web" })],
    read: async (key: LookupKey) => {
      asked.push(key);
      return result;
    },
  });

  test("is gathered round after round", async () => {
    const lookups = new Lookups(reading({ state: "Found", object: { data: {} } }));
    await lookups.read([wanted("web", "a")], signal);
    await lookups.read([wanted("web", "b")], signal);
    const found = { state: "Found", object: { data: {} } };
    expect(lookups.known).toEqual([
      { ...secret("web", "a"), ...found },
      { ...secret("web", "b"), ...found },
    ]);
  });

  test("is not read when the renderer asks for more than is allowed", async () => {
    const asked: LookupKey[] = [];
    const lookups = new Lookups(reading({ state: "Absent" }, asked));
    await expect(lookups.read([wanted("web", "a"), wanted("kube-system", "b")], signal)).rejects.toMatchObject({
      reason: "RenderFailed",
      message: "the chart renderer asks for what pack.lookup does not allow",
    });
    expect(asked).toEqual([]);
  });

  test("may be 16 MiB, over all rounds", async () => {
    const half = "x".repeat(MAX_LOOKUP_BYTES / 2 - 100);
    const lookups = new Lookups(reading({ state: "Found", object: { data: half } }));
    await lookups.read([wanted("web", "a")], signal);
    await lookups.read([wanted("web", "b")], signal);
    await expect(lookups.read([wanted("web", "c")], signal)).rejects.toThrow(
      "the chart looks up more than 16 MiB of objects: allow less in pack.lookup",
    );
  });
});

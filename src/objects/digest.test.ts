import { describe, expect, it } from "vitest";
import { applySetId, hmacDigest, parentName, sha256Hex } from "./digest.ts";

const key = new TextEncoder().encode("key");

describe("digests", () => {
  it("sha256Hex is SHA-256 of the UTF-8 bytes", () => {
    expect(sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(sha256Hex("é")).toBe("4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c");
  });

  it("hmacDigest depends on value and key, not on the order of keys", () => {
    const digest = hmacDigest(key, { a: 1, b: [2] });
    expect(digest).toMatch(/^[0-9a-f]{16}$/);
    expect(hmacDigest(key, { b: [2], a: 1 })).toBe(digest);
    expect(hmacDigest(key, { b: [3], a: 1 })).not.toBe(digest);
    expect(hmacDigest(new TextEncoder().encode("other"), { a: 1, b: [2] })).not.toBe(digest);
  });

  it("applySetId is KEP-3659's, also for a cluster-scoped parent", () => {
    const parent = { name: "my-applyset", namespace: "default", kind: "ConfigMap", group: "" };
    expect(applySetId(parent)).toBe("applyset-lSj9YxVbXob4QC4KVTQTwwM03s2PSru-LPuGsvmqLaQ-v1");
    const cluster = { name: "x", namespace: "", kind: "Widget", group: "example.com" };
    expect(applySetId(cluster)).toBe("applyset-e97gs7GAFFHzPLxBwDqyQYearP67pQmMO9cSoZEjoqQ-v1");
  });

  it("parentName depends on every part", () => {
    const names = [
      parentName("ClusterProfile", "acme", "base"),
      parentName("AddOnProfile", "acme", "base"),
      parentName("ClusterProfile", "acme", "base", "acme/edge-17"),
      parentName("SystemProfile", "", "base"),
    ];
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^strata-[0-9a-f]{16}$/);
    expect(names[0]).toBe(`strata-${sha256Hex("ClusterProfile/acme/base").slice(0, 16)}`);
    expect(names[2]).toBe(`strata-${sha256Hex("ClusterProfile/acme/base/acme/edge-17").slice(0, 16)}`);
  });
});

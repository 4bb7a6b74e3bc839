import { describe, expect, it } from "vitest";
import { maskObject, maskSecrets } from "./mask.ts";
import type { KubeObject } from "./types.ts";

describe("maskSecrets", () => {
  it.each([
    ["plain", "login with hunter22 failed", ["hunter22"], "login with (hidden) failed"],
    ["twice", "hunter22hunter22", ["hunter22"], "(hidden)(hidden)"],
    ["base64", `data: ${Buffer.from("hunter22").toString("base64")}`, ["hunter22"], "data: (hidden)"],
    ["quoted", 'bad value "a\\"b\\nc"', ['a"b\nc'], 'bad value "(hidden)"'],
    [
      "one line of many",
      "near line MIIEabcdef",
      ["-----BEGIN-----\nMIIEabcdef\n-----END-----\n"],
      "near line (hidden)",
    ],
    ["without its line break", "token abcdef.", ["abcdef\n"], "token (hidden)."],
    ["one inside another", "secret-long", ["secret", "secret-long"], "(hidden)"],
    ["too short to hide", "on and on", ["on", ""], "on and on"],
    ["none", "nothing here", [], "nothing here"],
  ])("%s", (_, text, secrets, want) => {
    expect(maskSecrets(text, secrets)).toBe(want);
  });
});

describe("maskObject", () => {
  const last = "kubectl.kubernetes.io/last-applied-configuration";
  const secret: KubeObject = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "a", annotations: { [last]: '{"data":{"k":"djE="}}', note: "kept" } },
    data: { k: "djE=" },
    stringData: { s: "v2" },
    type: "Opaque",
  };

  it("keeps the keys of a Secret and hides every value", () => {
    const before = JSON.stringify(secret);
    expect(maskObject(secret)).toEqual({
      ...secret,
      metadata: { name: "a", annotations: { [last]: "(hidden)", note: "kept" } },
      data: { k: "(hidden)" },
      stringData: { s: "(hidden)" },
    });
    expect(JSON.stringify(secret)).toBe(before);
  });

  it("hides data that is no map", () => {
    expect(maskObject({ ...secret, data: "djE=" })["data"]).toBe("(hidden)");
  });

  it("leaves other objects alone", () => {
    const configMap = { ...secret, kind: "ConfigMap" };
    expect(maskObject(configMap)).toBe(configMap);
  });
});

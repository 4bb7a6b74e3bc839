import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KubeObject } from "../objects/types.ts";
import { toYaml } from "../objects/yaml.ts";
import { hideIn, hideSecrets, maskPair, secrecyOf } from "./diff-mask.ts";

const CANARY = "canary-opens-the-door";
const OLD_CANARY = "older-canary-of-last-year";
const base64 = (text: string) => Buffer.from(text).toString("base64");

const NOTHING = secrecyOf({ exact: [], contained: [], sealed: [] });

function secret(data: Record<string, string>, annotations?: Record<string, string>): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "door", namespace: "web", ...(annotations ? { annotations } : {}) },
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
  };
}

function deployment(env: readonly { name: string; value: string }[], more: object = {}): KubeObject {
  const containers = [{ name: "app", env }];
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "app" }, spec: { containers, ...more } };
}

function textOf(sides: { before?: KubeObject | undefined; after?: KubeObject | undefined }): string {
  return toYaml([sides.before ?? null, sides.after ?? null]);
}

describe("a Secret", () => {
  test("shows which of its values differ, and none of them", () => {
    const { before, after } = maskPair(
      {
        before: secret({ same: "one", other: "two", gone: "three" }),
        after: secret({ same: "one", other: "2", new: "4" }),
      },
      NOTHING,
      false,
    );
    expect(before?.["data"]).toEqual({ same: "***", other: "*** (before)", gone: "***" });
    expect(after?.["data"]).toEqual({ same: "***", other: "*** (after)", new: "***" });
  });

  test("keeps its name, also when that is a value", () => {
    const { after } = maskPair({ after: secret({ name: "door-of-the-house" }) }, NOTHING, false);
    expect(after?.metadata.name).toBe("door");
  });

  test.each([
    ["as kubectl keeps it", "kubectl.kubernetes.io/last-applied-configuration", `{"data":{"a":"${base64("short")}"}}`],
    ["as Rancher keeps it", "objectset.rio.cattle.io/applied", "H4sIAAAA"],
    ["in any long annotation", "example.com/copy", "x".repeat(201)],
    ["plain", "example.com/hint", `it is ${CANARY}!`],
    ["in base64", "example.com/hint", base64(CANARY)],
  ])("hides a copy of its values in an annotation, %s", (_, key, value) => {
    const { before, after } = maskPair(
      {
        before: secret({ a: CANARY }, { [key]: value, plain: "shown" }),
        after: secret({ a: CANARY }, { [key]: "new" }),
      },
      NOTHING,
      false,
    );
    expect(before?.metadata.annotations).toEqual({ [key]: "*** (before)", plain: "shown" });
    expect(after?.metadata.annotations).toEqual({ [key]: "*** (after)" });
  });

  test("shows no value, whatever it and its other side hold", () => {
    const value = fc
      .string({ minLength: 8, maxLength: 40, unit: "grapheme" })
      .filter((text) => text.trim().length >= 8);
    const map = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), value, { minKeys: 1, maxKeys: 4 });
    fc.assert(
      fc.property(map, map, (before, after) => {
        const shown = textOf(maskPair({ before: secret(before), after: secret(after) }, NOTHING, false));
        for (const one of [...Object.values(before), ...Object.values(after)]) {
          expect(shown).not.toContain(one);
          expect(shown).not.toContain(base64(one));
        }
      }),
    );
  });
});

describe("other objects", () => {
  const fromSecret = secrecyOf({ exact: [CANARY, "7654"], contained: [], sealed: ["sealed"] });

  test("are shown as they are", () => {
    const pair = { before: deployment([{ name: "A", value: "1" }]), after: deployment([{ name: "A", value: "2" }]) };
    expect(maskPair(pair, NOTHING, false)).toEqual(pair);
  });

  test.each([
    ["as it is", CANARY],
    ["in a longer text", `postgres://app:${CANARY}@db`],
    ["in base64", base64(CANARY)],
  ])("hide a value that a layer takes from a Secret, %s, and what stood there before", (_, value) => {
    const before = deployment([{ name: "PASSWORD", value: OLD_CANARY }]);
    const after = deployment([
      { name: "COLOUR", value: "blue" },
      { name: "PASSWORD", value },
    ]);
    const shown = textOf(maskPair({ before, after }, fromSecret, false));
    expect(shown).not.toContain("canary");
    expect(shown).toContain("blue");
    expect(shown).toContain("*** (before)");
    expect(shown).toContain("*** (after)");
  });

  test("hide a short value only where it stands alone", () => {
    const after = deployment([
      { name: "PIN", value: "7654" },
      { name: "PORT", value: "17654" },
    ]);
    const shown = textOf(maskPair({ after }, fromSecret, false));
    expect(shown).toContain("'17654'");
    expect(shown).not.toContain("'7654'");
  });

  test("that stand in a Secret as a whole show only their fields", () => {
    const { after } = maskPair({ after: deployment([], { replicas: 3, paused: true }) }, fromSecret, true);
    expect(after?.["spec"]).toEqual({ containers: [{ name: "***", env: [] }], replicas: "***", paused: "***" });
    expect(after?.metadata.name).toBe("app");
  });

  test("that stand in a Secret as a whole show no annotation either", () => {
    const object = deployment([]);
    const marked = { ...object, metadata: { name: "app", labels: { a: "shown" }, annotations: { copy: "hidden" } } };
    const { after } = maskPair({ after: marked }, fromSecret, true);
    expect(after?.metadata).toEqual({ name: "app", labels: { a: "shown" }, annotations: { copy: "***" } });
  });

  test("keep the order of their fields", () => {
    const { after } = maskPair({ after: { ...deployment([]), zebra: 1, ape: 2 } }, NOTHING, false);
    expect(Object.keys(after ?? {})).toEqual(["apiVersion", "kind", "metadata", "spec", "zebra", "ape"]);
  });
});

test("an object that is no side of a comparison shows its keys, and (hidden) for what is secret", () => {
  const last = "kubectl.kubernetes.io/last-applied-configuration";
  const hidden = hideSecrets(secret({ code: CANARY }, { [last]: "{}", note: "kept" }), NOTHING, false);
  expect(hidden["data"]).toEqual({ code: "(hidden)" });
  expect(hidden.metadata.annotations).toEqual({ [last]: "(hidden)", note: "kept" });
  const secrecy = secrecyOf({ exact: ["4711"], contained: [CANARY], sealed: [] });
  const env = [
    { name: "pin", value: "4711" },
    { name: "url", value: `https://me:${CANARY}@host` },
    { name: "size", value: "47112" },
  ];
  expect(hideSecrets(deployment(env), secrecy, false)["spec"]).toEqual({
    containers: [
      {
        name: "app",
        env: [
          { name: "pin", value: "(hidden)" },
          { name: "url", value: "(hidden)" },
          { name: "size", value: "47112" },
        ],
      },
    ],
  });
});

test("a sentence of others shows no value, and no half of one", () => {
  const secrecy = secrecyOf({ exact: [CANARY], contained: [`${CANARY}-and-more`], sealed: [] });
  expect(hideIn(`denied: ${CANARY}-and-more, ${CANARY}, ${base64(CANARY)}`, secrecy)).toBe("denied: ***, ***, ***");
});

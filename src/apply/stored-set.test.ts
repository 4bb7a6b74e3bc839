import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { packSet, type StoredSet, unpackSet } from "./stored-set.ts";

const mapOf = (value: string): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "m" },
  data: { value },
});

function setOf(value: string): StoredSet {
  const source = { chart: '{"metadata":{}}', config: "{}" };
  const release = { chart: "shop", hooks: [], manifest: `value: ${value}`, notes: "", source };
  return { inputs: "1f2e", specDigest: "3d4c", content: { objects: [mapOf(value)], crds: [], release } };
}

describe("a stored set", () => {
  it("comes back as it was packed, without what the chart's source has", () => {
    const { source: _, ...release } = setOf("a").content.release ?? {};
    const { content, ...about } = setOf("a");
    expect(unpackSet(packSet(setOf("a")))).toEqual({ ...about, content: { ...content, release } });
  });

  it("has room for text that stands both in the manifest and in the objects, however far apart", () => {
    expect(Buffer.from(packSet(setOf(randomBytes(600_000).toString("base64"))), "base64").length).toBeLessThan(700_000);
  });

  it("that is too large for a Secret is refused with its size, and none of its content", () => {
    const pack = () => packSet(setOf(randomBytes(1_600_000).toString("base64")));
    expect(pack).toThrow(
      /^the rendered objects have 1\.\d MiB when packed; the Secret in strata-system that keeps them holds 1 MiB: split/,
    );
    expect(failureOf(pack)).toMatchObject({ reason: "TooLarge" });
  });

  it.each([
    ["no base64", "%%%"],
    ["another format", Buffer.from("{}").toString("base64")],
  ])("that cannot be read (%s) is none", (_name, packed) => {
    expect(unpackSet(packed)).toBeUndefined();
  });
});

function failureOf(pack: () => unknown): Failure | undefined {
  try {
    pack();
  } catch (error) {
    return error as Failure;
  }
  return undefined;
}

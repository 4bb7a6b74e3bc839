import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { packSet, packStored, type StoredSet, unpackSet } from "./stored-set.ts";

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
  it("comes back as it was packed, without what the chart's source has", async () => {
    const { source: _, ...release } = setOf("a").content.release ?? {};
    const { content, ...about } = setOf("a");
    expect(unpackSet(await packSet(setOf("a")))).toEqual({ ...about, content: { ...content, release } });
  });

  it("has room for text that stands both in the manifest and in the objects, however far apart", async () => {
    const packed = await packSet(setOf(randomBytes(600_000).toString("base64")));
    expect(Buffer.from(packed, "base64").length).toBeLessThan(700_000);
  });

  it("that is too large for a Secret is refused with its size, and none of its content", async () => {
    const failure = await failureOf(packSet(setOf(randomBytes(1_600_000).toString("base64"))));
    expect(failure.message).toMatch(
      /^the rendered objects have 1\.\d MiB when packed; the Secret in strata-system that keeps them holds 1 MiB: split/,
    );
    expect(failure.reason).toBe("TooLarge");
  });

  it("of more than can be read again is refused, however small it would be when packed", async () => {
    const failure = await failureOf(packStored("a".repeat(64 * 1024 * 1024), { what: "it has", remedy: "split it" }));
    expect(failure.message).toBe(
      "it has more than 64 MiB; the Secret in strata-system that keeps them holds 1 MiB: split it",
    );
    expect(failure.reason).toBe("TooLarge");
  });

  it("is packed while others go on", async () => {
    const turns: string[] = [];
    setImmediate(() => turns.push("others"));
    await packSet(setOf(randomBytes(500_000).toString("base64")));
    turns.push("packed");
    expect(turns).toEqual(["others", "packed"]);
  });

  it.each([
    ["no base64", "%%%"],
    ["another format", Buffer.from("{}").toString("base64")],
  ])("that cannot be read (%s) is none", (_name, packed) => {
    expect(unpackSet(packed)).toBeUndefined();
  });
});

async function failureOf(packing: Promise<unknown>): Promise<Failure> {
  return await packing.then(
    () => expect.unreachable("it was packed"),
    (error) => error as Failure,
  );
}

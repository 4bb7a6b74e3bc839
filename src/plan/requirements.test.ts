import { describe, expect, it } from "vitest";
import { withRequirements } from "./requirements.ts";
import type { PlannedLayer } from "./types.ts";

const helm = { repo: "https://charts.example.com", chart: "a", version: "1.x" };

function layer(name: string, { version, ...spec }: Record<string, unknown> & { version?: string }): PlannedLayer {
  const content = { objects: [], crds: [], ...(version ? { version } : {}) };
  const state = { kind: "known", content, desired: [], hooks: [], digest: "d", problems: [], unknownKinds: [] };
  return { spec: { name, ...spec }, inputs: undefined, state, namespace: "a" } as unknown as PlannedLayer;
}

const pack = { registryRef: { name: "r" }, name: "p", version: "1.x" };
const packs = new Map([["storage", { version: "2.9.1", warnings: [] }]]);
const above = [
  layer("cni", { helm, version: "1.18.4" }),
  layer("storage.driver", { helm, part: { of: "storage" }, version: "9.0.0" }),
];

describe("what a layer requires of others", () => {
  it.each<[string, string, string | undefined]>([
    ["cni", "1.18.x", undefined],
    ["cni", ">=1.19", "requires layer cni >=1.19; 1.18.4 is there"],
    ["storage", "2.9.x", undefined],
    ["storage", "9.x", "requires layer storage 9.x; 2.9.1 is there"],
  ])("leaf: Profile spec.layers[].requires.layers[].version: %s %s", (name, version, message) => {
    const asking = layer("app", { helm, version: "1.0.0", requires: { layers: [{ name, version }] } });
    const state = withRequirements([...above, asking], packs).at(-1)?.state;
    if (message === undefined) expect(state).toBe(asking.state);
    else expect(state).toMatchObject({ kind: "missing", failure: { reason: "RequirementNotMet", message } });
  });

  it("is told all at once, and does not stop a pack from being opened", () => {
    const requires = {
      layers: [above[0], { spec: { name: "x" } }].map((one) => ({ name: one?.spec.name, version: "3.x" })),
    };
    const asking = layer("app", { pack, requires });
    const message = "requires layer cni 3.x; 1.18.4 is there; layer x 3.x, and no layer before this one has that name";
    expect(withRequirements([...above, asking], packs).at(-1)?.state).toMatchObject({ failure: { message } });
    const opening = { ...asking, state: { kind: "unpacked" as const, key: "k" } };
    expect(withRequirements([...above, opening], packs).at(-1)).toBe(opening);
  });
});

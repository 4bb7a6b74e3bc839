import { describe, expect, it } from "vitest";
import { EMPTY_PARENT, type Parent } from "../membership/applyset.ts";
import type { LayerView } from "./layer-view.ts";
import { leftoversDue, listedNames, listedReleases } from "./leftovers.ts";
import type { RemovalView } from "./removal.ts";
import type { Seen } from "./seen.ts";
import { packLayer } from "./testdata/packs.ts";
import type { EngineLayer, Plan } from "./types.ts";

const part = (of: string, name: string, fields: Partial<EngineLayer> = {}): EngineLayer => {
  const { pack: _, ...rest } = packLayer(`${of}.${name}`);
  return {
    ...rest,
    helm: { chart: name, version: "1.0.0", releaseName: `${of}-${name}` },
    part: { kind: "chart", of, name },
    ...fields,
  } as EngineLayer;
};

function planOf(layers: readonly EngineLayer[]): Plan {
  const planned = layers.map((spec) => ({
    spec,
    namespace: "web",
    inputs: undefined,
    state: { kind: "unknown" as const },
  }));
  return { layers: planned, packs: new Map(), outputs: { named: [], secrets: [] }, readsNodes: false };
}

const parentOf = (layers: readonly string[], releases: Parent["releases"] = []): Parent => ({
  ...EMPTY_PARENT,
  hub: "hub",
  layers,
  releases,
});

interface Given {
  /** The parts of the layer `web`, in order. */
  parts: readonly string[];
  /** What the parent has, in its order. */
  known: readonly string[];
  /** The parts whose objects are all written. */
  applied: readonly string[];
  fields?: Partial<EngineLayer>;
  /** Parts that are healthy too. */
  ready?: readonly string[];
  /** Parts that are as good as that, with something that somebody changed and that is left so. */
  drifted?: readonly string[];
  /** A part that went back to what it was. */
  rolledBack?: string;
  releases?: Parent["releases"];
}

/** Nothing was Ready, and nothing is there. */
const SEEN = { rows: new Map(), site: { members: () => [] } } as unknown as Seen;
const BACK = { kind: "known", content: { release: { rolledBack: { from: 2, to: 1 } } } } as never;

/** Which leftover comes after which part. */
function dueOf({
  parts,
  known,
  applied,
  releases = [],
  fields = {},
  ready = [],
  drifted = [],
  rolledBack,
}: Given): Record<string, string> {
  const plan = planOf(parts.map((name) => part("web", name, fields)));
  const layers = plan.layers.map((one) => (one.spec.name === `web.${rolledBack}` ? { ...one, state: BACK } : one));
  const names = plan.layers.map(({ spec }) => spec.name);
  const removals = known.filter((name) => !names.includes(name)).toReversed();
  const views = names.map((name) => {
    const state = ready.includes(name.slice(4)) ? "Ready" : "Waiting";
    const left = drifted.includes(name.slice(4)) ? { state: "Drifted", stateBefore: "Ready" } : {};
    return { name, state, ...left, applied: applied.includes(name.slice(4)) } as LayerView;
  });
  const due = leftoversDue(
    removals.map((layer): RemovalView => ({ layer, left: 1, message: "" })),
    { seen: SEEN, plan: { ...plan, layers }, views, parent: parentOf(known, releases) },
  );
  return Object.fromEntries([...due].map(([after, { layer }]) => [after, layer]));
}

describe("what is left of a layer goes", () => {
  it.each<[string, Given, Record<string, string>]>([
    [
      "after the last part, when all are written",
      { parts: ["new", "b"], known: ["web.old", "web.new", "web.b"], applied: ["new", "b"] },
      { "web.b": "web.old" },
    ],
    [
      "not before a part is written that may stand in its place, wherever it stood",
      { parts: ["new", "b"], known: ["web.old", "web.new", "web.b"], applied: ["new"] },
      {},
    ],
    [
      "not after the first part either if it is what the layer was before it had a pack",
      { parts: ["a", "b"], known: ["web", "web.a", "web.b"], applied: ["a"] },
      {},
    ],
    [
      "not if a part is again what it was, because the new failed",
      { parts: ["a", "b"], known: ["web.old", "web.a", "web.b"], applied: ["a", "b"], rolledBack: "b" },
      {},
    ],
    [
      "not while a part may still go back to what it was",
      {
        parts: ["a", "b"],
        known: ["web.old", "web.a", "web.b"],
        applied: ["a", "b"],
        ready: ["a"],
        fields: { onFailure: "Rollback" },
      },
      {},
    ],
    [
      "when no part can go back any more",
      {
        parts: ["a", "b"],
        known: ["web.old", "web.a", "web.b"],
        applied: ["a", "b"],
        ready: ["a", "b"],
        fields: { onFailure: "Rollback" },
      },
      { "web.b": "web.old" },
    ],
    [
      "also while something of a part is left as somebody changed it",
      {
        parts: ["a", "b"],
        known: ["web.old", "web.a", "web.b"],
        applied: ["a", "b"],
        ready: ["a"],
        drifted: ["b"],
        fields: { onFailure: "Rollback" },
      },
      { "web.b": "web.old" },
    ],
    [
      "one after the other, the last first",
      { parts: ["a"], known: ["web.a", "web.x", "web.y"], applied: ["a"] },
      { "web.a": "web.y" },
    ],
    [
      "not here when its layer has left the list",
      { parts: ["a"], known: ["web.a", "shop", "shop.x"], applied: ["a"] },
      {},
    ],
    [
      "not before its release was taken over by the part that wants it",
      {
        parts: ["a", "b"],
        known: ["web.old", "web.a", "web.b"],
        applied: ["a"],
        releases: [{ layer: "web.old", namespace: "web", name: "web-b" }],
      },
      {},
    ],
  ])("%s", (_, given, want) => expect(dueOf(given)).toEqual(want));
});

describe("what a layer that prunes nothing had before", () => {
  const known = parentOf(
    ["web", "web.a", "web.old"],
    [
      { layer: "web.a", namespace: "web", name: "web-a" },
      { layer: "web.old", namespace: "web", name: "old" },
    ],
  );

  it("stays listed, with its release", () => {
    const plan = planOf([part("web", "a", { prune: "Never" })]);
    expect(listedNames(plan, known)).toEqual(["web", "web.a", "web.old"]);
    expect(listedReleases(plan, known).map(({ layer }) => layer)).toEqual(["web.a", "web.old"]);
  });

  it("is forgotten when it prunes", () => {
    const plan = planOf([part("web", "a")]);
    expect(listedNames(plan, known)).toEqual(["web", "web.a"]);
    expect(listedReleases(plan, known).map(({ layer }) => layer)).toEqual(["web.a"]);
  });
});

import { describe, expect, it } from "vitest";
import type { Layer } from "../api/types.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { KubeObject } from "../objects/types.ts";
import { configMap, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";
import {
  driftProblems,
  fightSentence,
  isFoughtOver,
  isKnownToDiffer,
  lastWriteOf,
  leftStanding,
  looks,
  rewriteSentence,
} from "./drift.ts";
import type { KnownLayer } from "./layer-view.ts";
import { place } from "./place.ts";
import type { Attempt, Seen, Tracked } from "./seen.ts";
import type { Desired } from "./types.ts";

const set = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const desired = {
  key: "c",
  digest: "d",
  createOnly: false,
  ref: { kind: "ConfigMap", namespace: "web", name: "c" },
} as Desired;
const layerIn = (mode?: string): KnownLayer =>
  ({
    spec: { name: "one", ...(mode ? { drift: { mode } } : {}) },
    state: { digest: "all", desired: [desired] },
  }) as unknown as KnownLayer;

const OWN = "2030-01-01T00:00:10Z";
interface Observation {
  stamp?: string;
  own?: string;
  other?: string | undefined;
  /** The field manager that wrote last. */
  by?: string;
  frozen?: boolean;
}
function tracked({ stamp = "s1", own = OWN, other, by = "rival", frozen = false }: Observation = {}): Tracked {
  const fieldsV1 = { "f:metadata": { "f:labels": { "f:applyset.kubernetes.io/part-of": {} } } };
  const entries = [{ manager: set.manager, operation: "Apply", time: own, fieldsV1 }];
  const lastOther = other === undefined ? undefined : { manager: by, time: other };
  return { observed: { partOf: set.id, entries, stamp, lastOther, frozen, terminating: false } } as unknown as Tracked;
}
function seen(attempt?: Partial<Attempt>, row: object = {}): Seen {
  const attempts = new Map(attempt ? [["c", { digest: "d", ...attempt }]] : []);
  const site = { prepared: { parent: { adopted: new Map([["c", "u1"]]) } } };
  return { now: 1_000_000, set, attempts, rows: new Map([["one", row]]), site } as unknown as Seen;
}
const looked = (at: Seen, observation: Observation, mode?: string) =>
  looks(layerIn(mode), [{ desired, tracked: tracked(observation), standing: "current" }], at);

describe("an object whose values are looked at", () => {
  const known = { witness: { stamp: "s1", values: "v" } };

  it.each([
    ["nobody has written since our own write", seen(known), {}, 0],
    ["somebody has", seen(known), { stamp: "s2" }, 1],
    ["it is to be left as it is", seen(known), { stamp: "s2", frozen: true }, 0],
    ["a fresh process sees that we wrote last", seen(), { other: "2030-01-01T00:00:09Z" }, 0],
    ["a fresh process sees a write in the same second", seen(), { other: OWN }, 1],
    [
      "a fresh process sees what our own hand did in the same second, before it applied",
      seen(),
      { other: OWN, by: set.manager },
      0,
    ],
    ["a fresh process sees a later write by our name", seen(), { other: "2030-01-01T00:00:11Z", by: set.manager }, 1],
    ["a fresh process sees a later write", seen(), { other: "2030-01-01T00:00:11Z" }, 1],
    [
      "a fresh process sees a write by our name that was not ours",
      seen({}, { writtenAt: "2030-01-01T00:00:05Z" }),
      {},
      1,
    ],
    ["a fresh process sees the last write that was ours", seen({}, { writtenAt: OWN }), {}, 0],
  ])("because %s, or not", (_name, at, observation, want) => expect(looked(at, observation).items).toHaveLength(want));

  it("is compared with what our last write was answered with, and only looked at under Warn", () => {
    expect(looked(seen(known), { stamp: "s2" }).items[0]).toMatchObject({
      mode: "verify",
      values: "v",
      lent: "u1",
      looksOnly: false,
    });
    expect(looked(seen(known), { stamp: "s2" }, "Warn").items[0]).toMatchObject({ looksOnly: true });
    expect(looked(seen(known), { stamp: "s2" }, "Ignore").items).toEqual([]);
  });

  it("is looked at ever more seldom while it is written again and again", () => {
    const beaten = (count: number) => looked(seen({ ...known, lookedAt: 1_000_000, looks: count }), { stamp: "s2" });
    expect([1, 2, 3, 40].map((count) => beaten(count).wakeAt)).toEqual([1_010_000, 1_020_000, 1_040_000, 1_600_000]);
    expect(beaten(1).items).toEqual([]);
    expect(looked(seen({ ...known, lookedAt: 900_000, looks: 1 }), { stamp: "s2" }).items).toHaveLength(1);
  });

  it("differs as long as nobody has written again", () => {
    const at = seen({ ...known, differs: true });
    expect(isKnownToDiffer({ desired, tracked: tracked({}) }, at)).toBe(true);
    expect(isKnownToDiffer({ desired, tracked: tracked({ stamp: "s2" }) }, at)).toBe(false);
    const modes = ["Warn", "Ignore", "Correct"].map((mode) => looked(at, {}, mode).items.length);
    expect(modes).toEqual([0, 0, 1]);
  });
});

describe("what differs", () => {
  const ready = { readyDigest: "all" };
  it.each([
    ["is repaired", undefined, "drifted", seen({}, ready), "drifted"],
    ["is left under Warn", "Warn", "drifted", seen({}, ready), "left"],
    ["is left under Ignore", "Ignore", "missing", seen({}, ready), "left"],
    [
      "is left though the layer was never Ready, if this process made it",
      "Warn",
      "missing",
      seen({ fields: "f", content: "all" }),
      "left",
    ],
    [
      "is made again when the layer has changed since this process made it",
      "Warn",
      "missing",
      seen({ fields: "f", content: "older" }, { readyDigest: "older" }),
      "missing",
    ],
    [
      "is awaited then, if it is still on its way out",
      "Ignore",
      "terminating",
      seen({ fields: "f", content: "older" }, { readyDigest: "older" }),
      "terminating",
    ],
    [
      "is left when it was made for the change, and goes again",
      "Ignore",
      "missing",
      seen({ fields: "f", content: "all" }, { readyDigest: "older" }),
      "left",
    ],
    ["is made if it was never there", "Warn", "missing", seen({}, { readyDigest: "older" }), "missing"],
    ["is not made again while it goes", "Ignore", "terminating", seen({}, ready), "left"],
    ["is written when the layer has changed", "Ignore", "outdated", seen({}, ready), "outdated"],
    ["is what it should be", "Warn", "current", seen({}, ready), "current"],
  ] as const)("%s", (_name, mode, standing, at, want) => {
    expect(leftStanding(layerIn(mode), { desired, tracked: undefined }, { standing, seen: at })).toBe(want);
  });
});

it("hides nothing else: a core layer that leaves drift as it is has to be as expected", () => {
  const profile = profileOf([{ name: "k8s", drift: { mode: "Warn" }, objects: [configMap("a")] }]);
  const [layer] = profile.spec.layers;
  if (layer) Object.assign(layer, { type: "Kubernetes", expect: { version: ">=99" } });
  const world = new Simulation(profile);
  const unmet = { state: "Blocked", reason: "ExpectationNotMet", gateOpen: false };
  expect(world.run().layers).toMatchObject([unmet]);
  for (const tracked of world.live.values()) tracked.observed = { ...tracked.observed, helmWrote: true };
  const [view] = world.run().layers;
  expect(view).toMatchObject(unmet);
  expect(view?.warnings).toEqual([
    expect.stringContaining("ConfigMap acme/a changed or deleted by somebody, and left so"),
  ]);
});

describe("the last write of a layer", () => {
  const last = (at: Seen, observation?: Observation) =>
    lastWriteOf(layerIn(), [{ desired, tracked: observation && tracked(observation) }], at);
  const witness = (writtenAt: string) => ({ witness: { stamp: "s", writtenAt } });

  it("is one that this process or one before it knows of", () => {
    expect(last(seen(witness("2030-01-02T00:00:00Z"), { writtenAt: OWN }))).toBe("2030-01-02T00:00:00Z");
    expect(last(seen(witness("2029-01-02T00:00:00Z"), { writtenAt: OWN }))).toBe(OWN);
    expect(last(seen())).toBeUndefined();
  });

  it("waits for what is still to be looked at: it would seem to be ours", () => {
    const other = { ...desired, key: "other" };
    const at = seen({}, { writtenAt: "2030-01-01T00:00:05Z" });
    const attempts = new Map([["other", { digest: "d", ...witness("2030-01-01T00:01:00Z") }]]);
    const views = [
      { desired, tracked: tracked({}) },
      { desired: other, tracked: undefined },
    ];
    expect(lastWriteOf(layerIn(), views, { ...at, attempts })).toBe("2030-01-01T00:00:05Z");
    expect(lastWriteOf(layerIn(), views.slice(1), { ...at, attempts })).toBe("2030-01-01T00:01:00Z");
  });
});

it("names who fights for an object, if that is known", () => {
  const about = { desired: { ...desired, ref: { ...desired.ref, group: "", version: "v1" } } };
  const what = "ConfigMap web/c is changed or deleted again and again by";
  expect(fightSentence({ ...about, tracked: tracked({ other: OWN }) })).toBe(
    `${what} field manager rival: repaired more slowly`,
  );
  expect(fightSentence({ ...about, tracked: undefined })).toBe(`${what} somebody else: repaired more slowly`);
  const scaled = (other?: string) => {
    const { observed } = tracked({ other });
    return fightSentence({ ...about, tracked: { observed: { ...observed, scaler: "hpa" } } as Tracked });
  };
  expect(scaled()).toBe(`${what} field manager hpa: repaired more slowly`);
  expect(scaled("2030-01-01T00:00:09Z")).toBe(`${what} field manager hpa: repaired more slowly`);
  expect(scaled(OWN)).toBe(`${what} field manager rival: repaired more slowly`);
});

describe("values that are written again and again while no field is taken", () => {
  const about = { desired: { ...desired, ref: { ...desired.ref, group: "", version: "v1" } } };
  const damped = { witness: { stamp: "s1" }, repeats: 3, retryAt: 1_001_000 };

  it.each([
    ["written again since", damped, { stamp: "s2" }, true],
    ["left alone since", damped, { stamp: "s1" }, false],
    ["repaired at once, as long as it is seldom", { ...damped, retryAt: undefined }, { stamp: "s2" }, false],
    ["to be looked at again by now", { ...damped, retryAt: 1_000_000 }, { stamp: "s2" }, false],
    ["not to be read now", { ...damped, failure: {} }, { stamp: "s2" }, false],
  ])("are a fight over what was %s, or not", (_name, attempt, observation, want) => {
    const at = seen(attempt as Partial<Attempt>);
    expect(isFoughtOver({ ...about, tracked: tracked(observation) }, at)).toBe(want);
  });

  it("are told with who had a hand in it: whoever changes them has no entry of his own", () => {
    const what = "ConfigMap web/c gets other values again and again";
    const end = ", or from an admission policy or webhook: repaired more slowly";
    expect(rewriteSentence({ ...about, tracked: tracked({ other: OWN }) })).toBe(
      `${what} when field manager rival writes it${end}`,
    );
    expect(rewriteSentence({ ...about, tracked: tracked({}) })).toBe(
      `${what} by somebody who writes as Strata does${end}`,
    );
  });
});

describe("drift.ignore", () => {
  const web: KubeObject = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", labels: { app: "web" } },
    spec: { replicas: 1 },
  };
  const ignored = (...ignore: NonNullable<NonNullable<Layer["drift"]>["ignore"]>) => {
    const layer = { name: "one", drift: { ignore } } as unknown as Layer;
    const about = { namespace: "acme", set, digestKey: new Uint8Array(), scopes: () => "Namespaced" as const };
    return place({ objects: [web], crds: [] }, { layer, ...about }).desired[0];
  };
  const jsonPointers = ["/spec/replicas"];
  const labelled = (key: string, operator: "In" | "Exists", values?: string[]) => ({
    labelSelector: { matchExpressions: [{ key, operator, ...(values ? { values } : {}) }] },
  });

  // leaf: Profile spec.layers[].drift.ignore[].target.group
  // leaf: Profile spec.layers[].drift.ignore[].target.version
  // leaf: Profile spec.layers[].drift.ignore[].target.kind
  // leaf: Profile spec.layers[].drift.ignore[].target.name
  // leaf: Profile spec.layers[].drift.ignore[].target.namespace
  // leaf: Profile spec.layers[].drift.ignore[].target.labelSelector.matchLabels
  // leaf: Profile spec.layers[].drift.ignore[].target.labelSelector.matchExpressions[].key
  // leaf: Profile spec.layers[].drift.ignore[].target.labelSelector.matchExpressions[].operator
  // leaf: Profile spec.layers[].drift.ignore[].target.labelSelector.matchExpressions[].values
  it.each([
    [{ group: "apps" }, { group: "" }],
    [{ version: "v1" }, { version: "v2" }],
    [{ kind: "Deployment" }, { kind: "StatefulSet" }],
    [{ name: "web" }, { name: "other" }],
    [{ namespace: "acme" }, { namespace: "other" }],
    [{ labelSelector: { matchLabels: { app: "web" } } }, { labelSelector: { matchLabels: { app: "other" } } }],
    [labelled("app", "Exists"), labelled("other", "Exists")],
    [labelled("app", "In", ["web"]), labelled("app", "In", ["other"])],
  ])("is for %j and not for %j", (own, other) => {
    expect(ignored({ target: own, jsonPointers })?.ignored).toEqual(jsonPointers);
    expect(ignored({ target: other, jsonPointers })?.ignored).toBeUndefined();
  });

  it("is refused for what makes the object the one that it is, and for all labels at once", () => {
    const wrong = (pointer: string) =>
      driftProblems({ drift: { ignore: [{ target: {}, jsonPointers: ["/a", pointer] }] } });
    expect(wrong("/metadata/labels")).toEqual([
      "drift.ignore[0].jsonPointers[1]: /metadata/labels cannot be ignored: name a field below it, such as a single label",
    ]);
    expect(["/kind", "/metadata", "/metadata/name"].map((pointer) => wrong(pointer).length)).toEqual([1, 1, 1]);
    expect(wrong("/metadata/annotations/strata.dev~1layer")).toEqual([
      "drift.ignore[0].jsonPointers[1]: /metadata/annotations/strata.dev~1layer cannot be ignored: Strata sets it itself; take it out",
    ]);
    expect(wrong("/metadata/labels/applyset.kubernetes.io~1part-of")).toHaveLength(1);
    expect(["/spec", "/metadata/labels/a", "/metadata/annotations/a~1b"].flatMap(wrong)).toEqual([]);
  });

  // leaf: Profile spec.layers[].drift.ignore[].jsonPointers
  it("adds up over rules, and changes neither what is created nor its digest", () => {
    const both = ignored(
      { target: {}, jsonPointers },
      { target: {}, jsonPointers: ["/spec/paused", "/spec/replicas"] },
    );
    expect(both?.ignored).toEqual(["/spec/replicas", "/spec/paused"]);
    expect([both?.object, both?.digest]).toEqual([ignored()?.object, ignored()?.digest]);
  });
});

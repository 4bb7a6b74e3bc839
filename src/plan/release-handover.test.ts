import { describe, expect, it } from "vitest";
import { Failure } from "../errors.ts";
import { applySetOf, EMPTY_PARENT } from "../membership/applyset.ts";
import type { ChartLayer } from "./chart-layer.ts";
import type { Surroundings } from "./layer-view.ts";
import type { ReleaseRecord } from "./release.ts";
import { openRevision } from "./release-opening.ts";
import { evaluateUninstall } from "./uninstall.ts";

const set = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const release = { namespace: "web", name: "shop" };
const progress = { inputs: "1", operation: "install" as const, runs: {} };
const record = { release, version: 1, status: "deployed", parent: set.parent, layer: "web", uid: "u", progress };

function seenWith(records: object[], pack?: object): Surroundings["seen"] {
  return {
    now: 0,
    set,
    profile: { spec: { layers: [{ name: "web", ...(pack ? { pack } : {}) }] } },
    contents: new Map(),
    attempts: new Map(),
    site: { releases: () => records, scopeOf: () => "Namespaced" },
  } as never;
}

describe("a release that another profile has", () => {
  const open = (kind: string, adoption = "IfUnowned") => {
    const spec = { name: "web", adoption, helm: { chart: "shop", version: "1", releaseName: "shop" } };
    const layer = { spec, namespace: "web", inputs: { digest: "2" }, state: { content: { release: { hooks: [] } } } };
    const theirs = { ...record, parent: "theirs", layer: "shop" } as ReleaseRecord;
    const seen = { ...seenWith([theirs]), profileOf: () => "ClusterProfile acme/base" };
    Object.assign(seen.profile, { kind });
    return openRevision(layer as unknown as ChartLayer, [theirs], { seen, order: ["web"] } as never);
  };

  it.each([
    ["a higher tier takes over as it is", "SystemProfile", "OpenRelease"],
    ["one of the same tier waits for", "ClusterProfile", "ClaimRelease"],
    ["one of a lower tier waits for", "AddOnProfile", "ClaimRelease"],
  ])("%s", (_what, kind, want) => {
    const { step, failure } = open(kind);
    expect(step).toMatchObject({ kind: want, ...(want === "OpenRelease" ? { revision: 2, adopts: false } : {}) });
    expect(failure?.message).toEqual(
      want === "OpenRelease" ? undefined : expect.stringContaining("belongs to layer shop of ClusterProfile acme/base"),
    );
  });

  it("stays where it is for a layer that takes nothing that exists", () => {
    for (const kind of ["SystemProfile", "AddOnProfile"]) {
      expect(open(kind, "Never").failure?.reason).toBe("Conflict");
      expect(open(kind, "Never").step).toBeUndefined();
    }
  });
});

describe("a layer that was a chart and has a pack now", () => {
  const open = (name: string, of: string) => {
    const spec = { name, helm: { chart: "shop", version: "1", releaseName: "shop" }, part: { of } };
    const layer = { spec, namespace: "web", inputs: { digest: "2" }, state: { content: { release: { hooks: [] } } } };
    const around = { seen: seenWith([record]), order: ["web", "other", name] } as never;
    return openRevision(layer as unknown as ChartLayer, [record as ReleaseRecord], around);
  };

  it("goes on with its release, which no other layer may", () => {
    expect(open("web.app", "web").step).toMatchObject({ kind: "OpenRelease", revision: 2, adopts: false });
    expect(open("other.app", "other").failure).toBeInstanceOf(Failure);
  });

  it("looks for the hooks of a release that goes in its record: the pack is stored where the chart was", () => {
    const going = [{ ...record, progress: { ...progress, uninstalling: true } }];
    const prepared = {
      digestKey: new Uint8Array(32),
      parent: { ...EMPTY_PARENT, hub: "hub", releases: [{ layer: "web", ...release }] },
    };
    const step = (pack?: object) =>
      evaluateUninstall("web", undefined, { seen: seenWith(going, pack), prepared, isTurn: true })?.step;
    expect(step()).toMatchObject({ kind: "Recall" });
    expect(step({})).toMatchObject({ kind: "ForgetRelease" });
  });
});

import { describe, expect, it } from "vitest";
import type { DeploymentLayerStatus, LayerState } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { isSettled, type LayerView, skipped } from "../plan/layer-view.ts";
import type { DeploymentView } from "../plan/next-step.ts";
import type { RemovalView } from "../plan/removal.ts";
import { loadedPack, packLayer, partsOf } from "../plan/testdata/packs.ts";
import type { Plan, PlannedLayer } from "../plan/types.ts";
import { deploymentStatus } from "./deployment-status.ts";

const { parts, version } = partsOf(packLayer("web"), loadedPack("web", { charts: ["types", "app"] }));

function plannedOf(spec: PlannedLayer["spec"]): PlannedLayer {
  const content = { objects: [], crds: [], version: "2.0.0" };
  const about = { content, desired: [], hooks: [], problems: [], unknownKinds: [] };
  return { spec, inputs: undefined, namespace: "web", state: { kind: "known", digest: `d-${spec.name}`, ...about } };
}

const viewOf = (name: string, state: LayerState, message: string): LayerView => ({
  name,
  state,
  reason: state,
  message,
  gateOpen: state === "Ready",
  applied: true,
  health: { ready: state === "Ready" ? 3 : 1, total: 3, counts: [], unhealthy: [], late: [] } as never,
});

function statusOf(
  planned: PlannedLayer[],
  views: LayerView[],
  {
    warnings = [],
    rows = [],
    removals = [],
  }: { warnings?: string[]; rows?: DeploymentLayerStatus[]; removals?: RemovalView[] } = {},
) {
  const plan: Plan = {
    layers: planned,
    packs: new Map([["web", { version, warnings }]]),
    outputs: { named: [], secrets: [] },
    readsNodes: false,
  };
  const done = views.every(isSettled) && removals.length === 0;
  const view: DeploymentView = {
    layers: views,
    removals,
    step: { kind: "None" },
    wakeAt: undefined,
    done,
    looking: false,
  };
  const times = { now: "2026-11-22T12:00:00Z", generation: 1, profileGeneration: 1 };
  return deploymentStatus(plan, view, { ...times, previous: { layers: rows } });
}

describe("the row of a pack", () => {
  it.each<[string, LayerState, Partial<RemovalView>, object]>([
    ["tells of itself until it is Ready", "Waiting", {}, { state: "Waiting", message: "app: no pod" }],
    ["and then of what is left of what it was before", "Ready", {}, { state: "Removing", message: "2 objects left" }],
    [
      "or sooner if that cannot be removed",
      "Waiting",
      { message: "may not delete", failure: new Failure("Forbidden", "may not delete") },
      { state: "Failed", message: "may not delete" },
    ],
  ])("%s", (_, state, more, want) => {
    const views = [viewOf("web.types", "Ready", "healthy"), viewOf("web.app", state, "no pod")];
    const removals = [{ layer: "web", left: 2, message: "2 objects left", ...more }];
    expect(statusOf(parts.map(plannedOf), views, { removals }).layers).toMatchObject([{ name: "web", ...want }]);
  });

  it("is Ready when all its parts are, counts their objects and shows what one should know", () => {
    const views = [viewOf("web.types", "Ready", "healthy"), viewOf("web.app", "Ready", "healthy")];
    const { layers, conditions } = statusOf(parts.map(plannedOf), views, { warnings: ["values: charts.ap"] });
    expect(layers).toMatchObject([
      {
        name: "web",
        source: "pack ours/web",
        version: "1.0.0",
        state: "Ready",
        ready: "6/6",
        gate: "Open",
        message: "2 parts are healthy",
        warnings: ["values: charts.ap"],
        parts: [
          { name: "web.types", state: "Ready", readyDigest: "d-web.types" },
          { name: "web.app", state: "Ready" },
        ],
      },
    ]);
    expect(conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
  });

  it("says what the first late part says", () => {
    const views = [viewOf("web.types", "Ready", "healthy"), viewOf("web.app", "Waiting", "Deployment app 0/1")];
    const { layers, summary } = statusOf(parts.map(plannedOf), views);
    expect(layers).toMatchObject([
      { name: "web", state: "Waiting", gate: "Closed", message: "app: Deployment app 0/1" },
    ]);
    expect(layers?.[0]?.ready).toBeUndefined();
    expect(summary).toEqual({ layer: "web", message: "app: Deployment app 0/1" });
  });

  it("keeps the parts that it had, and their version, while the pack is fetched anew", () => {
    const before = statusOf(parts.map(plannedOf), [viewOf("web.types", "Ready", ""), viewOf("web.app", "Ready", "")]);
    const unopened = { ...plannedOf(packLayer("web")), state: { kind: "unpacked" as const, key: "k" } };
    const { layers } = statusOf([unopened], [viewOf("web", "Resolving", "fetching the pack")], {
      rows: before.layers ?? [],
    });
    expect(layers?.[0]).toMatchObject({ version: "1.0.0", parts: before.layers?.[0]?.parts });
    expect(layers?.[0]?.state).toBe("Resolving");
  });
});

describe("the row of a skipped layer", () => {
  const spec = { ...packLayer("web"), pack: undefined, helm: {} } as never;
  const planned = { ...plannedOf(spec), state: { kind: "skipped" as const } };
  const rows = [{ name: "web", state: "Ready" as const, readyDigest: "d-web" }];

  it("is open, and forgets with which content the layer was Ready: it may come back", () => {
    const { layers, conditions } = statusOf([planned], [skipped(planned)], { rows });
    expect(layers).toMatchObject([{ name: "web", state: "Skipped", gate: "Open" }]);
    expect(layers?.[0]?.readyDigest).toBeUndefined();
    expect(conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
  });

  it("tells how far its removal is", () => {
    const removals = [{ layer: "web", left: 2, message: "2 objects left" }];
    const { layers, summary } = statusOf([planned], [skipped(planned)], { rows, removals });
    expect(layers).toMatchObject([{ name: "web", type: "AddOn", state: "Removing", message: "2 objects left" }]);
    expect(summary).toEqual({ layer: "web", message: "2 objects left" });
  });

  it("of a pack has no parts any more", () => {
    const pack = { ...plannedOf(packLayer("web")), state: { kind: "skipped" as const } };
    const parts = [{ name: "web.app", state: "Ready" as const, readyDigest: "d" }];
    const { layers } = statusOf([pack], [skipped(pack)], { rows: [{ name: "web", state: "Ready", parts }] });
    expect(layers?.[0]?.parts).toBeUndefined();
  });
});

import { expect, it } from "vitest";
import type { DeploymentLayerStatus } from "../api/types.ts";
import type { LayerView } from "../plan/layer-view.ts";
import { driftFields } from "./drifted.ts";

const done = { object: "Job shop/a", digest: "d" };
const run = { object: "Job shop/b", digest: "d", uid: "u" };
const previous = { name: "one", state: "Waiting", finished: [done], running: [run] } as DeploymentLayerStatus;
const looked = { state: "Waiting", health: {} };

it.each([
  ["stands while the layer is not looked at", { state: "Resolving" }, { finished: [done], running: [run] }],
  [
    "is what the last look has found",
    { ...looked, running: [{ ...run, uid: "v" }] },
    { running: [{ ...run, uid: "v" }] },
  ],
  ["is nothing when the last look found nothing", looked, {}],
  ["is nothing of a layer that is not wanted", { state: "Skipped" }, {}],
])("what is told of Jobs %s", (_name, view, want) => {
  expect(driftFields(view as unknown as LayerView, previous)).toEqual(want);
});

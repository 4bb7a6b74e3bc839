import { expect, test } from "vitest";
import type { DeploymentLayerStatus } from "../api/types.ts";
import { transitions } from "./transitions.ts";

const told = (message: string): string[] => {
  const row: DeploymentLayerStatus = { name: "web", state: "Blocked", reason: "PruneHeld", message };
  return transitions(undefined, { layers: [row] }).map((tiding) => `${tiding.type} ${tiding.reason} ${tiding.message}`);
};

test("an event names the layer once", () => {
  expect(told("ConfigMap web/c exists")).toEqual(["Warning PruneHeld layer web: ConfigMap web/c exists"]);
  expect(told("layer web comes out without objects")).toEqual([
    "Warning PruneHeld layer web comes out without objects",
  ]);
  expect(told("layer webs is late")).toEqual(["Warning PruneHeld layer web: layer webs is late"]);
});

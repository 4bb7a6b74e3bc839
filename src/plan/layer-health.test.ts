import { describe, expect, it } from "vitest";
import { judgeHealth } from "./layer-health.ts";
import type { Seen } from "./seen.ts";
import type { EngineLayer } from "./types.ts";

const CHECK = { apiVersion: "lamps.example/v1", kind: "Lamp", name: "main", current: "self.status.on" };

function healthOf(part: object | undefined, lamp: object | "absent"): string[] {
  const seen = { now: 0, rows: new Map(), site: { named: () => lamp } } as unknown as Seen;
  const layer = {
    name: "lamps",
    timeout: "5m",
    healthChecks: [CHECK],
    ...(part ? { part } : {}),
  } as unknown as EngineLayer;
  const { state, message } = judgeHealth(layer, [], seen);
  return state === "Ready" ? [state] : [state, message];
}

describe("an object that a health check names and the layer does not bring", () => {
  it.each([
    ["is waited for", undefined, "absent", ["Waiting", "Lamp main: does not exist yet"]],
    ["is judged", undefined, { metadata: {}, status: { on: true } }, ["Ready"]],
    [
      "is not waited for by a part of a pack before the last, for that may bring it",
      { isFollowed: true },
      "absent",
      ["Ready"],
    ],
    ["is waited for by the last part of a pack", {}, "absent", ["Waiting", "Lamp main: does not exist yet"]],
  ] as const)("%s", (_, part, lamp, want) => {
    expect(healthOf(part, lamp)).toEqual(want);
  });
});

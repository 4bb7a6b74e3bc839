import { expect, it } from "vitest";
import type { Profile } from "../api/types.ts";
import type { Hub } from "./hub.ts";
import { ProfileWiring } from "./profiles.ts";

const profile = (reason: string, spec: object = {}, lastTransitionTime = "2026-11-22T12:00:00Z"): Profile => {
  const condition = { type: "Ready", status: "False", reason, message: "", lastTransitionTime };
  const value = { spec: { unmatchPolicy: "Delete", layers: [], ...spec }, status: { conditions: [condition] } };
  return value as unknown as Profile;
};

/** It has let go and holds again: what it has been leaving since the first time is held no more. */
const LATER = profile("MassUnmatch", {}, "2026-11-22T13:00:00Z");

it.each<[what: string, told: (Profile | undefined)[], want: boolean]>([
  ["that never held anything lets nothing go", [profile("NotReady"), profile("NotReady")], false],
  ["that holds lets nothing go, however often that is told", [profile("MassUnmatch"), profile("MassUnmatch")], false],
  ["lets go when the clusters are matched again", [profile("MassUnmatch"), profile("NotReady")], true],
  ["lets go when a person allows it", [profile("MassUnmatch"), profile("MassUnmatch", { allowMassPrune: true })], true],
  ["lets go with its profile", [profile("MassUnmatch"), undefined], true],
  ["lets go where it holds again by the time that is told", [profile("MassUnmatch"), LATER], true],
  ["that holds again lets nothing go, however often that is told", [profile("MassUnmatch"), LATER, LATER], false],
  ["lets go once", [profile("MassUnmatch"), profile("NotReady"), profile("NotReady")], false],
])("a brake %s", (_, told, want) => {
  let current: Profile | undefined;
  const hub = { cache: { profile: () => current } } as unknown as Hub;
  const wiring = new ProfileWiring(hub, () => undefined);
  const answers = told.map((one) => {
    current = one;
    return wiring.noticeBrake("key");
  });
  expect(answers.at(-1)).toBe(want);
});

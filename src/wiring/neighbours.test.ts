import { describe, expect, it } from "vitest";
import { applySetOf } from "../membership/applyset.ts";
import type { Hub } from "./hub.ts";
import { neighboursOf } from "./neighbours.ts";

const ref = (name: string) => ({ kind: "AddOnProfile", namespace: "acme", name });
const links: Record<string, object> = {
  here: { uid: "uid", state: { kind: "live" } },
  sameByAnotherName: { uid: "uid", state: { kind: "live" } },
  elsewhere: { uid: "other", state: { kind: "live" } },
  connecting: { uid: undefined, state: { kind: "connecting" } },
  dead: { uid: undefined, state: { kind: "failing" } },
};

/** How the neighbours of a deployment on `here` are: another profile's on a cluster, of the generation 2. */
function neighbours(cluster: string, { still = 2, leaving = false, profile = "other" } = {}) {
  const deployment = {
    metadata: leaving ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {},
    spec: { profileRef: ref(profile) },
  };
  const cache = {
    deployments: new Map([["other", deployment]]),
    profile: () => ({ kind: "AddOnProfile", metadata: { ...ref(profile), generation: 2 } }),
  };
  const hub = { cache, linkOf: (name: string) => links[name] } as unknown as Hub;
  const own = { key: "own", uid: "uid", set: applySetOf(ref("own")).id };
  return neighboursOf(own, { hub, clusterOf: () => cluster, still: new Map([["other", still]]) });
}

describe("the other profiles on a cluster", () => {
  it.each<[string, Parameters<typeof neighbours>, string]>([
    ["have done all that they can", ["here"], "still"],
    ["have a new spec to bring", ["here", { still: 1 }], "moving"],
    ["reach it by another name", ["sameByAnotherName", { still: 1 }], "moving"],
    ["are on another cluster", ["elsewhere", { still: 1 }], "still"],
    ["may be on it: theirs is only being connected to", ["connecting"], "moving"],
    ["are on one that does not answer", ["dead", { still: 1 }], "still"],
    ["are none that is leaving", ["here", { leaving: true, still: 1 }], "still"],
    ["are none of the same profile", ["here", { profile: "own", still: 1 }], "still"],
    ["are on one that is not known at all", ["unknown", { still: 1 }], "still"],
  ])("%s", (_, [cluster, more], want) => {
    expect(neighbours(cluster, more)).toBe(want);
  });
});

import { describe, expect, it } from "vitest";
import { Failure } from "../errors.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { KubeObject } from "../objects/types.ts";
import { awaited, occupationOf, retryTime } from "./occupied.ts";
import type { Attempt, Seen, Tracked } from "./seen.ts";
import type { Desired, PlannedLayer } from "./types.ts";

const set = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const ref = { group: "", version: "v1", kind: "ConfigMap", namespace: "web", name: "c" };
const desired = { ref, key: "c", digest: "d", fromCrdsFolder: false } as Desired;
const layer = { spec: { name: "one", adoption: "IfUnowned" }, namespace: "web" } as PlannedLayer;
const refused = new Failure("Conflict", "as it was refused");

function seen(live: KubeObject | "absent" | "unknown", attempt: Partial<Attempt> = {}): Seen {
  const was: Attempt = {
    digest: "d",
    failure: refused,
    retryAt: 600_000,
    writtenAt: 0,
    attempts: 1,
    occupiedBy: "",
    ...attempt,
  };
  return { now: 1_000, set, attempts: new Map([["c", was]]), site: { named: () => live } } as unknown as Seen;
}
const partOf = (id: string): Tracked => ({ observed: { partOf: id, entries: [] } }) as unknown as Tracked;
const named = (annotations: Record<string, string>): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "c", namespace: "web", annotations },
});
const of = (tracked: Tracked | undefined, at: Seen) => ({
  kind: occupationOf(layer, { desired, tracked }, at)?.kind,
  retry: retryTime(layer, { desired, tracked }, at),
});
const NEVER = Number.POSITIVE_INFINITY;

describe("an object that somebody else had when it was last written", () => {
  it.each([
    ["the same profile has it still", partOf("a"), { occupiedBy: "a" }, { kind: "taken", retry: NEVER }],
    ["another profile has it now: its name is asked for", partOf("b"), { occupiedBy: "a" }, { kind: "free", retry: 0 }],
    ["a profile has it now, and nobody had before", partOf("b"), {}, { kind: "free", retry: 0 }],
  ])("%s", (_name, tracked, attempt, want) => expect(of(tracked, seen("unknown", attempt))).toEqual(want));

  it.each([
    ["is not known yet: as it was refused", "unknown" as const, { kind: "unknown", retry: 600_000 }],
    ["is gone", "absent" as const, { kind: "free", retry: 0 }],
    ["is nobody's any more", named({}), { kind: "free", retry: 0 }],
    ["is a tool's still", named({ "meta.helm.sh/release-name": "web" }), { kind: "taken", retry: NEVER }],
  ])("and that no watch of members tells of: it %s", (_name, live, want) => {
    expect(of(undefined, seen(live, { occupiedBy: "a" }))).toEqual(want);
  });

  it("is looked at by its name when it has a copy of our label", () => {
    expect(of(partOf(set.id), seen(named({ "meta.helm.sh/release-name": "web" })))).toMatchObject({ kind: "taken" });
  });

  it("says whose it is now", () => {
    const at = seen(named({ "meta.helm.sh/release-name": "web" }));
    const occupation = occupationOf(layer, { desired, tracked: undefined }, at);
    expect(occupation).toMatchObject({ failure: { message: expect.stringContaining("Helm release web") } });
  });

  it("is tried ever more slowly when it is never free in truth", () => {
    const retries = [1, 2, 3, 4, 40].map((attempts) => of(undefined, seen("absent", { attempts })).retry);
    expect(retries).toEqual([0, 250, 500, 1_000, 60_000]);
  });

  it("is nothing to a new content, which is tried at once", () => {
    expect(of(undefined, seen("absent", { digest: "older" }))).toEqual({ kind: undefined, retry: undefined });
  });
});

describe("what a layer waits for", () => {
  it("is watched by name unless a profile has it, and comes to the layer", () => {
    const one = (tracked: Tracked | undefined, at: Seen) => awaited(layer, [{ desired, tracked }], at);
    expect(one(partOf("a"), seen("unknown", { occupiedBy: "a" }))).toEqual([
      { ref, key: "c", isNamed: false, heir: "one" },
    ]);
    expect(one(undefined, seen("unknown"))).toEqual([{ ref, key: "c", isNamed: true, heir: "one" }]);
    expect(one(undefined, seen("absent"))).toEqual([]);
  });

  it("comes not to one that takes nothing that exists", () => {
    const strict = { ...layer, spec: { ...layer.spec, adoption: "Never" } } as PlannedLayer;
    const [object] = awaited(strict, [{ desired, tracked: partOf("a") }], seen("unknown", { occupiedBy: "a" }));
    expect(object?.heir).toBeUndefined();
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import { configMap, ReleaseWorld } from "../../test/support/release-world.ts";
import { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { type Neighbours, noticeLook, patienceOf } from "./settling.ts";

const MINUTE = 60_000;
const heirs = { claim: (key: string) => key === "claimed", intend: (key: string) => key === "intended" };

type DropFirst<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;

const newClocks = (): Parameters<typeof patienceOf>[0] => ({ looks: 0, turns: new Map(), holds: new Map() });

/** A pass that comes to look at the cluster. */
function look(clocks: Parameters<typeof patienceOf>[0], ...around: DropFirst<Parameters<typeof patienceOf>>) {
  noticeLook(clocks);
  return patienceOf(clocks, ...around);
}

describe("what goes", () => {
  let clocks = newClocks();
  beforeEach(() => {
    clocks = newClocks();
  });

  /** In so many milliseconds it may go, by one more look in its turn; undefined: now. */
  function left(now: number, neighbours: Neighbours = "still"): number | undefined {
    const pruneAt = look(clocks, { neighbours: () => neighbours, heirs }, now).pruneAt("a");
    return pruneAt === undefined ? undefined : pruneAt - now;
  }

  it("waits a breath from when its turn has come: the other profile may be made next", () => {
    expect([700_000, 700_400, 701_000].map((now) => left(now))).toEqual([1_000, 600, undefined]);
  });

  it("waits for a profile that is on its way, and not for ever", () => {
    const looks = [0, 1_000, 10_000, 29_999, 30_000].map((now) => left(now, "moving"));
    expect(looks).toEqual([1_000, 500, 500, 500, undefined]);
  });

  it("has its own time, whatever else has waited before", () => {
    expect([0, 1_000].map((now) => left(now))).toEqual([1_000, undefined]);
    const { pruneAt } = look(clocks, { neighbours: () => "still", heirs }, 2_000);
    expect([pruneAt("a"), pruneAt("b")]).toEqual([undefined, 3_000]);
  });

  it("does not wait meanwhile when its turn is over", () => {
    expect(left(0)).toBe(1_000);
    expect(left(400)).toBe(600);
    look(clocks, { neighbours: () => "still", heirs }, 500);
    expect(left(600)).toBe(400);
  });

  it("waits no longer in the end, however often its turn is over after a moment", () => {
    const looks = [...Array(40).keys()].map((minute) => {
      noticeLook(clocks);
      return left(minute * MINUTE, "moving");
    });
    expect(looks.slice(0, 30)).not.toContain(undefined);
    expect(looks.slice(30).filter((ms) => ms !== undefined)).toEqual([]);
  });

  it("waits no less when the clock of the machine is put back", () => {
    expect([10_000, 5_000, 5_999, 6_000].map((now) => left(now))).toEqual([1_000, 1_000, 1, undefined]);
  });

  it("asks how the other profiles are only when that tells", () => {
    let asked = 0;
    const neighbours = (): Neighbours => {
      asked += 1;
      return "moving";
    };
    for (const now of [0, 1_000, 2_000, 31_000]) {
      const { pruneAt } = look(clocks, { neighbours, heirs }, now);
      for (const key of ["a", "b"]) pruneAt(key);
    }
    expect(asked).toBe(2);
  });
});

describe("what another profile is about to take", () => {
  it.each(["turn", "brake"] as const)("is waited for, and not for ever: %s", (at) => {
    const clocks = newClocks();
    const looks = [0, 9 * MINUTE, 10 * MINUTE].map((now) => {
      const patient = look(clocks, { neighbours: () => "still", heirs }, now).heirs;
      return [patient.intend("intended", at), patient.intend("other", at), patient.claim("claimed")];
    });
    expect(looks).toEqual([true, true, false].map((isIntended) => [isIntended, false, true]));
  });

  it("has had no time while a brake held it", () => {
    const clocks = newClocks();
    const looks = ([0, 20 * MINUTE] as const).map((now) => {
      const patient = look(clocks, { neighbours: () => "still", heirs }, now).heirs;
      return [patient.intend("intended", "brake"), now > 0 && patient.intend("intended", "turn")];
    });
    expect(looks).toEqual([
      [true, false],
      [false, true],
    ]);
  });
});

describe("a profile, when another one is about to take what it gives up", () => {
  const CONFIG = "/ConfigMap/web/config";
  const PLAIN = { manifests: [{ object: configMap("config") }] };
  let world: ReleaseWorld;

  async function installed(layer: object = PLAIN): Promise<void> {
    world = new ReleaseWorld({ objects: [configMap("config")] }, layer);
    await world.settle();
    world.cluster.log.length = 0;
    for (const key of ["helm/web/shop", CONFIG, `${CONFIG}-2`]) world.intents.add(key);
  }

  /** What has gone by so many minutes later. */
  async function goneAfter(minutes: number): Promise<string[]> {
    world.now += minutes * MINUTE;
    await world.settle();
    return world.cluster.log.filter((line) => line !== "apply other");
  }

  it.each([
    ["an object", PLAIN, "prune config"],
    ["a Helm release", {}, "v1 uninstalling"],
  ])("waits from when all that stays is Ready, however late that is: %s", async (_what, layer, want) => {
    await installed(layer);
    world.sick.set("other", "InProgress");
    world.drop();
    expect(await goneAfter(0)).toEqual([]);
    expect(await goneAfter(20)).toEqual([]);
    world.sick.clear();
    expect(await goneAfter(0)).toEqual([]);
    expect(await goneAfter(9)).toEqual([]);
    expect((await goneAfter(1))[0]).toBe(want);
  });

  it.each([
    ["another object", "config-2"],
    ["one of the same name", "config"],
  ])("waits also for what goes later under the same spec: %s", async (_what, name) => {
    await installed();
    const live = world.cluster.all("ConfigMap").find(({ metadata }) => metadata.name === "config") as KubeObject;
    world.drop();
    await world.settle();
    expect(await goneAfter(10)).toEqual(["prune config"]);
    world.cluster.put({ ...live, metadata: { ...live.metadata, name, uid: "later" } });
    expect(await goneAfter(0)).toEqual(["prune config"]);
    expect(await goneAfter(9)).toEqual(["prune config"]);
    expect(await goneAfter(1)).toEqual(["prune config", `prune ${name}`]);
  });

  it.each([
    ["does not answer", { lost: new Failure("Unreachable", "no answer") }, { lost: undefined }],
    ["is none of the profile's", { matched: false }, { matched: true }],
  ])("does not wait while the cluster %s: nobody can take anything then", async (_why, away, back) => {
    await installed();
    world.drop();
    await world.settle();
    Object.assign(world, away);
    await goneAfter(5);
    await goneAfter(20);
    Object.assign(world, back);
    expect(await goneAfter(0)).toEqual([]);
    expect(await goneAfter(9)).toEqual([]);
    expect(await goneAfter(1)).toEqual(["prune config"]);
  });
});

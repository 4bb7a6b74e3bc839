import { describe, expect, it } from "vitest";
import { configMap, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";
import { expiredVerdict, finishedOf, lastRun, runningOf } from "./expiry.ts";
import type { KnownLayer } from "./layer-view.ts";
import { REMOVAL } from "./removal.ts";
import type { Attempt, Seen, Tracked } from "./seen.ts";
import type { Desired } from "./types.ts";

const jobWith = (spec: object): Desired =>
  ({
    ref: { group: "batch", version: "v1", kind: "Job", namespace: "shop", name: "migrate" },
    key: "job",
    digest: "d",
    object: { apiVersion: "batch/v1", kind: "Job", metadata: { name: "migrate" }, spec },
  }) as unknown as Desired;
const job = jobWith({ ttlSecondsAfterFinished: 0 });
const layerOf = (desired: Desired) =>
  ({ spec: { name: "one" }, state: { desired: [desired] } }) as unknown as KnownLayer;
const as = (state: string, observed: object = {}): Tracked =>
  ({ observed: { digest: "d", uid: "u", terminating: false, ...observed }, verdict: { state } }) as unknown as Tracked;

interface World {
  live?: Tracked;
  last?: Tracked;
  row?: object;
  attempt?: Partial<Attempt>;
}
function seen({ live, last, row = {}, attempt }: World): Seen {
  const site = { member: () => live, expired: () => last };
  return {
    site,
    rows: new Map([["one", row]]),
    attempts: new Map(attempt ? [["job", attempt]] : []),
  } as unknown as Seen;
}
const done = { object: "Job shop/migrate", digest: "d" };
const run = { ...done, uid: "u" };

describe("a Job with a TTL", () => {
  it.each<[string, World, string | undefined]>([
    ["that never ran is made", {}, undefined],
    ["that is there is judged as it is", { live: as("Current") }, undefined],
    ["that was done when it went stays gone", { last: as("Current") }, "Current"],
    ["that had failed stays gone, and failed", { last: as("Failed") }, "Failed"],
    ["that somebody deleted while it ran is made again", { last: as("InProgress") }, undefined],
    [
      "that is done and on its way out stays gone",
      { live: as("Terminating", { terminating: true }), last: as("Current") },
      "Current",
    ],
    ["that a process before this one saw done stays gone", { row: { finished: [done] } }, "Current"],
    ["that was another one then is made", { row: { finished: [{ ...done, digest: "older" }] } }, undefined],
    ["whose manifest has changed since is made", { last: as("Current", { digest: "older" }) }, undefined],
    [
      "that ended while nobody looked stays gone",
      { row: { running: [run] }, attempt: { digest: "d", ended: "Complete" } },
      "Current",
    ],
    ["that failed while nobody looked stays gone, and failed", { attempt: { digest: "d", ended: "Failed" } }, "Failed"],
    ["that ended so with another manifest is made", { attempt: { digest: "older", ended: "Complete" } }, undefined],
    ["of which nobody knows how it ended is made", { row: { running: [run] } }, undefined],
    [
      "that we deleted ourselves is made",
      { last: as("Current"), attempt: { digest: REMOVAL, removed: "u" } },
      undefined,
    ],
  ])("%s", (_name, world, want) => expect(expiredVerdict(job, layerOf(job), seen(world))?.state).toBe(want));

  it("is told in the status from the moment on that it is done", () => {
    expect(finishedOf(layerOf(job), seen({ live: as("Current") }))).toEqual([done]);
    expect(finishedOf(layerOf(job), seen({ live: as("Failed") }))).toEqual([{ ...done, failed: true }]);
    expect(finishedOf(layerOf(job), seen({ live: as("InProgress"), row: { finished: [done] } }))).toEqual([]);
    expect(finishedOf(layerOf(job), seen({ row: { finished: [done] } }))).toEqual([done]);
  });
});

describe("a Job with a TTL that is not done", () => {
  it.each([
    ["is told of by its uid", { live: as("InProgress") }, [run]],
    ["is told of anew when it runs again", { live: as("InProgress", { uid: "v" }), row: { running: [run] } }, "v"],
    ["is told of while it is gone and nobody knows why", { row: { running: [run] } }, [run]],
    ["was another one", { row: { running: [{ ...run, digest: "older" }] } }, []],
    ["is there with an older manifest", { live: as("InProgress", { digest: "older" }), row: { running: [run] } }, []],
    ["never ran", {}, []],
    ["is done by now", { live: as("Current"), row: { running: [run] } }, []],
    ["has ended while nobody looked", { row: { running: [run] }, attempt: { digest: "d", ended: "Failed" } }, []],
  ] as const)("%s", (_name, world, want) => {
    const told = runningOf(layerOf(job), seen(world));
    expect(told).toEqual(want === "v" ? [{ ...run, uid: "v" }] : want);
  });

  it("is known to the next process by its manifest", () => {
    const world = seen({ row: { running: [run] } });
    expect(lastRun(job, layerOf(job), world)).toBe("u");
    expect(lastRun({ ...job, digest: "newer" }, layerOf(job), world)).toBeUndefined();
  });

  it("without a TTL nobody tells of it", () => {
    const plain = jobWith({});
    expect(runningOf(layerOf(plain), seen({ live: as("InProgress") }))).toEqual([]);
  });
});

describe("a Job with a TTL that is gone when Strata starts", () => {
  function restarted(isSick: boolean) {
    const world = new Simulation(profileOf([{ name: "one", objects: [configMap("settings"), job.object] }]));
    world.served.set("Job.batch", "Namespaced");
    if (isSick) world.sick.add("migrate");
    expect(world.run().layers[0]?.state).toBe(isSick ? "Waiting" : "Ready");
    const { uid } = [...world.live.values()].find(({ observed }) => observed.ref.name === "migrate")!.observed;
    world.restart();
    for (const name of ["migrate", "settings"]) world.lose(name);
    world.steps.length = 0;
    for (let count = 0; count < 10 && world.steps.at(-1)?.kind !== "Apply"; count++) {
      const { step } = world.evaluate();
      world.steps.push(step);
      if (step.kind !== "Apply") world.take(step);
    }
    return { world, uid };
  }
  const written = ({ steps }: Simulation) => steps.flatMap((step) => (step.kind === "Apply" ? step.items : []));

  it("is asked for how it ended, and stays gone when it has", () => {
    const { world, uid } = restarted(true);
    const settings = written(world);
    expect(settings.map(({ desired, lastRun }) => [desired.ref.name, lastRun])).toEqual([["settings", undefined]]);
    world.take(world.steps.at(-1)!);
    const { step } = world.evaluate();
    const [item] = step.kind === "Apply" ? step.items : [];
    expect(item).toMatchObject({ desired: { ref: { name: "migrate" } }, mode: "create", lastRun: uid });
    world.attempts.set(item!.desired.key, { digest: item!.desired.digest, ended: "Complete" });
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["settings"]);
    expect(world.row("one")).toMatchObject({ state: "Ready", finished: [{ object: "Job acme/migrate" }] });
    expect(world.row("one")).not.toHaveProperty("running");
  });

  it("is not asked for when it was done before", () => {
    const { world } = restarted(false);
    expect(written(world).map(({ desired, lastRun }) => [desired.ref.name, lastRun])).toEqual([
      ["settings", undefined],
    ]);
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["settings"]);
  });
});

it("A Job without a TTL is made again, whoever deleted it", () => {
  const plain = jobWith({});
  expect(
    expiredVerdict(plain, layerOf(plain), seen({ last: as("Current"), row: { finished: [done] } })),
  ).toBeUndefined();
});

import { expect, test } from "vitest";
import { type QueueEvent, WorkQueue } from "./queue.ts";
import { FakeClock, settle } from "./testing/fake-clock.ts";

/** A queue whose passes end when the test says so; keys are `cluster/name`. */
function harness(options: { perGroup?: number; perGroupElsewhere?: number; total?: number } = {}) {
  const clock = new FakeClock();
  const started: string[] = [];
  const running = new Map<string, PromiseWithResolvers<void>>();
  const errors: string[] = [];
  const events: QueueEvent<string>[] = [];
  const signals: AbortSignal[] = [];
  const queue = new WorkQueue<string>({
    clock,
    groupOf: (key) => key.split("/")[0] ?? "",
    work: (key, signal) => {
      started.push(key);
      signals.push(signal);
      const end = Promise.withResolvers<void>();
      running.set(key, end);
      return end.promise;
    },
    onError: (key, error) => errors.push(`${key}: ${String(error)}`),
    onEvent: (event) => events.push(event),
    ...options,
  });
  const finish = async (key: string, error?: Error) => {
    const end = running.get(key);
    running.delete(key);
    if (error) {
      end?.reject(error);
    } else {
      end?.resolve();
    }
    await settle();
  };
  return { clock, queue, started, running, errors, events, signals, finish };
}

test("a key that waits is worked on once, however often it is added", async () => {
  const { queue, started, finish } = harness({ perGroup: 1 });
  queue.add("a/1");
  for (let i = 0; i < 5; i += 1) {
    queue.add("a/2");
  }
  await settle();
  await finish("a/1");
  await finish("a/2");
  expect(started).toEqual(["a/1", "a/2"]);
});

test("a key added while its pass runs, runs once more afterwards, never at the same time", async () => {
  const { queue, started, running, finish } = harness();
  queue.add("a/1");
  await settle();
  queue.add("a/1");
  queue.add("a/1");
  await settle();
  expect(started).toEqual(["a/1"]);
  await finish("a/1");
  expect(started).toEqual(["a/1", "a/1"]);
  await finish("a/1");
  expect(started).toHaveLength(2);
  expect(running.size).toBe(0);
});

test("a cluster that hangs keeps its own workers only", async () => {
  const { queue, started } = harness({ perGroup: 2 });
  for (const key of ["dead/1", "dead/2", "dead/3", "dead/4", "live/1"]) {
    queue.add(key);
  }
  await settle();
  expect(started).toEqual(["dead/1", "dead/2", "live/1"]);
  expect(queue.depth).toBe(2);
});

test("clusters that hang, however many, keep no place that one that answers needs", async () => {
  const { clock, queue, started, finish } = harness({ perGroup: 2, total: 4 });
  const dead = ["d1/1", "d1/2", "d2/1", "d2/2"];
  for (const key of [...dead, "live/1", "d1/3"]) queue.add(key);
  await clock.advance(1_999);
  expect(started, "nobody knows yet who hangs").toEqual(dead);
  await clock.advance(1);
  expect(started, "their places among their own they keep").toEqual([...dead, "live/1"]);
  await finish("live/1");
  for (const key of ["live/2", "live/3", "other/1"]) queue.add(key);
  await settle();
  expect(started.slice(5)).toEqual(["live/2", "live/3", "other/1"]);
  for (const key of [...dead, ...started.slice(5)]) await finish(key);
  await finish("d1/3");
  expect(clock.waiting).toEqual([]);
});

test("of passes that are slow no more are counted than there are", async () => {
  const { clock, queue, started, finish } = harness({ perGroup: 1, total: 1 });
  queue.add("slow/1");
  await clock.advance(2_000);
  queue.add("a/1");
  queue.add("b/1");
  await settle();
  await finish("slow/1");
  expect(started, "its place was given away once, and is not given back twice").toEqual(["slow/1", "a/1"]);
});

test("a pass that waits elsewhere leaves its place to others, and goes on when there is room again", async () => {
  const { queue, started, running, events, finish } = harness({ perGroup: 1, total: 1 });
  queue.add("a/1");
  await settle();
  const answer = Promise.withResolvers<string>();
  const steps: string[] = [];
  const away = queue.elsewhere("a/1", () => answer.promise).then((word) => steps.push(word));
  for (const key of ["a/1", "a/2", "a/3"]) queue.add(key);
  await settle();
  expect(started, "never twice at a time, elsewhere or not").toEqual(["a/1", "a/2"]);
  answer.resolve("the answer");
  await settle();
  expect(steps, "before there is room").toEqual([]);
  await finish("a/2");
  await away;
  expect([started, steps], "who comes back goes before who is new").toEqual([["a/1", "a/2"], ["the answer"]]);
  await finish("a/1");
  await finish("a/3");
  await finish("a/1");
  expect(started).toEqual(["a/1", "a/2", "a/3", "a/1"]);
  expect(running.size).toBe(0);
  expect(events.filter(({ type }) => type === "finished")).toHaveLength(4);
});

test("a pass whose wait elsewhere fails comes back too", async () => {
  const { queue, started, finish } = harness({ perGroup: 1 });
  queue.add("a/1");
  await settle();
  await expect(queue.elsewhere("a/1", () => Promise.reject(new Error("no answer")))).rejects.toThrow("no answer");
  queue.add("a/2");
  await settle();
  expect(started).toEqual(["a/1"]);
  await finish("a/1");
  expect(started).toEqual(["a/1", "a/2"]);
});

test("where too many are elsewhere, a pass keeps its place", async () => {
  const { queue, started } = harness({ perGroup: 1, perGroupElsewhere: 2 });
  for (const key of ["a/1", "a/2", "a/3", "a/4"]) {
    queue.add(key);
    await settle();
    void queue.elsewhere(key, () => new Promise(() => {}));
    await settle();
  }
  expect(started).toEqual(["a/1", "a/2", "a/3"]);
});

test("work of a key that does not run is only done", async () => {
  const { queue } = harness();
  expect(await queue.elsewhere("a/1", async () => "done")).toBe("done");
});

test("a pass that is elsewhere holds up a shutdown until it has come back and ended", async () => {
  const { queue, started, finish } = harness({ perGroup: 1 });
  queue.add("a/1");
  await settle();
  const answer = Promise.withResolvers<void>();
  const away = queue.elsewhere("a/1", () => answer.promise);
  queue.add("a/2");
  await settle();
  expect(started).toEqual(["a/1", "a/2"]);
  let isDown = false;
  const down = queue.shutdown(1000).then(() => {
    isDown = true;
  });
  await finish("a/2");
  expect(isDown).toBe(false);
  answer.resolve();
  await away;
  await finish("a/1");
  await down;
});

test("groups take turns when the workers are fewer than the work", async () => {
  const { queue, started, finish } = harness({ perGroup: 4, total: 1 });
  for (const key of ["a/1", "a/2", "a/3", "b/1", "b/2", "c/1"]) {
    queue.add(key);
  }
  await settle();
  for (let i = 0; i < 6; i += 1) {
    await finish(started.at(-1) ?? "");
  }
  expect(started).toEqual(["a/1", "a/2", "b/1", "c/1", "a/3", "b/2"]);
});

test("of several addAfter the earliest wins, and it runs once", async () => {
  const { clock, queue, started, finish } = harness();
  queue.addAfter("a/1", 500);
  queue.addAfter("a/1", 100);
  queue.addAfter("a/1", 900);
  await clock.advance(99);
  expect(started).toEqual([]);
  await clock.advance(1);
  expect(started).toEqual(["a/1"]);
  await finish("a/1");
  await clock.advance(10_000);
  expect(started).toEqual(["a/1"]);
});

test("a pass that starts drops the key's timer; one that is set during the pass stays", async () => {
  const { clock, queue, started, finish } = harness();
  queue.addAfter("a/1", 500);
  queue.add("a/1");
  await settle();
  queue.addAfter("a/1", 2_000);
  await finish("a/1");
  await clock.advance(1_000);
  expect(started).toHaveLength(1);
  await clock.advance(1_000);
  expect(started).toHaveLength(2);
});

test("retries back off with jitter from 1 s to 60 s, and begin anew after forget", async () => {
  const { clock, queue, finish } = harness();
  clock.chance = 1;
  const delays: number[] = [];
  const retryAndRun = async () => {
    queue.retry("a/1");
    delays.push(...clock.waiting);
    await clock.advance(60_000);
    await finish("a/1");
  };
  for (let i = 0; i < 5; i += 1) {
    await retryAndRun();
  }
  queue.forget("a/1");
  await retryAndRun();
  expect(delays).toEqual([3_000, 9_000, 27_000, 60_000, 60_000, 3_000]);
});

test("a throwing pass is told and tried again", async () => {
  const { clock, queue, started, errors, finish } = harness();
  queue.add("a/1");
  await settle();
  await finish("a/1", new Error("boom"));
  expect(errors).toEqual(["a/1: Error: boom"]);
  await clock.advance(1_000);
  expect(started).toEqual(["a/1", "a/1"]);
});

test("what the server asked for (Retry-After) is waited for, and at most a tenth more", async () => {
  const { clock, queue } = harness();
  clock.chance = 0.5;
  queue.retry("a/1", 20_000);
  expect(clock.waiting).toEqual([21_000]);
});

test("shutdown starts nothing more, waits for what runs, and aborts it after the grace time", async () => {
  const { clock, queue, started, signals, errors, finish } = harness({ perGroup: 1 });
  queue.add("a/1");
  queue.add("a/2");
  queue.addAfter("a/3", 10);
  await settle();
  let ended = false;
  const shutdown = queue.shutdown(5_000).then(() => {
    ended = true;
  });
  queue.add("b/1");
  await clock.advance(4_999);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  await clock.advance(1);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  expect(ended).toBe(false);
  await finish("a/1", new Error("cut off"));
  await shutdown;
  expect(errors, "what is cut off is no failure").toEqual([]);
  expect(started).toEqual(["a/1"]);
  expect(clock.waiting).toEqual([]);
});

test("shutdown of an idle queue ends at once", async () => {
  const { queue } = harness();
  await queue.shutdown(5_000);
});

test("events tell depth, waiting time and running time", async () => {
  const { clock, queue, events, finish } = harness({ perGroup: 1 });
  queue.add("a/1");
  queue.add("a/2");
  await clock.advance(70);
  await finish("a/1");
  await clock.advance(30);
  await finish("a/2");
  expect(events).toEqual([
    { type: "queued", key: "a/1", depth: 1 },
    { type: "started", key: "a/1", depth: 0, waitedMs: 0 },
    { type: "queued", key: "a/2", depth: 1 },
    { type: "finished", key: "a/1", depth: 1, ranMs: 70, failed: false },
    { type: "started", key: "a/2", depth: 0, waitedMs: 70 },
    { type: "finished", key: "a/2", depth: 0, ranMs: 30, failed: false },
  ]);
});

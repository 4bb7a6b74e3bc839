import { expect, test } from "vitest";
import { Limiter } from "./limiter.ts";
import { settle } from "./testing/fake-clock.ts";

const { signal } = new AbortController();

function harness(limit: number) {
  const limiter = new Limiter(limit);
  const running = new Map<string, PromiseWithResolvers<void>>();
  const started: string[] = [];
  const run = (name: string, by: AbortSignal = signal) =>
    limiter.run(by, () => {
      started.push(name);
      const end = Promise.withResolvers<void>();
      running.set(name, end);
      return end.promise;
    });
  return { run, running, started };
}

test("work starts in the order it came, never more than allowed at a time", async () => {
  const { run, running, started } = harness(2);
  const all = ["a", "b", "c", "d"].map((name) => run(name));
  await settle();
  expect(started).toEqual(["a", "b"]);
  running.get("b")?.resolve();
  await settle();
  expect(started).toEqual(["a", "b", "c"]);
  for (const name of ["a", "c"]) {
    running.get(name)?.resolve();
  }
  await settle();
  running.get("d")?.resolve();
  await Promise.all(all);
});

test("work that fails gives its room back", async () => {
  const { run, running, started } = harness(1);
  const failing = expect(run("a")).rejects.toThrow("no");
  const next = run("b");
  await settle();
  running.get("a")?.reject(new Error("no"));
  await failing;
  await settle();
  expect(started).toEqual(["a", "b"]);
  running.get("b")?.resolve();
  await next;
});

test("whoever is aborted in the line leaves it, and takes no room with it", async () => {
  const { run, running, started } = harness(1);
  const first = run("a");
  const controller = new AbortController();
  const second = expect(run("b", controller.signal)).rejects.toThrow("gone");
  controller.abort(new Error("gone"));
  await second;
  running.get("a")?.resolve();
  await first;
  const third = run("c");
  await settle();
  expect(started).toEqual(["a", "c"]);
  running.get("c")?.resolve();
  await third;
  await expect(run("d", controller.signal)).rejects.toThrow("gone");
});

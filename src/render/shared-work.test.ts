import { describe, expect, test } from "vitest";
import { SharedWork } from "./shared-work.ts";

/** Work that ends when the test says so. */
function work() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const starts: AbortSignal[] = [];
  const start = (signal: AbortSignal) => {
    starts.push(signal);
    return promise;
  };
  return { start, starts, resolve, reject };
}

const patient = new AbortController().signal;

describe("equal work", () => {
  test("is started once, and only its first caller is told so", async () => {
    const shared = new SharedWork<string>();
    const { start, starts, resolve } = work();
    const both = [shared.join("a", start, patient), shared.join("a", start, patient)];
    resolve("done");
    expect(await Promise.all(both)).toEqual([
      { value: "done", isFirst: true },
      { value: "done", isFirst: false },
    ]);
    expect(starts).toHaveLength(1);
  });

  test("is started again when it has ended, whichever way", async () => {
    const shared = new SharedWork<string>();
    const failing = work();
    const first = shared.join("a", failing.start, patient);
    failing.reject(new Error("broken"));
    await expect(first).rejects.toThrow("broken");
    const again = work();
    again.resolve("done");
    expect(await shared.join("a", again.start, patient)).toEqual({ value: "done", isFirst: true });
  });

  test("goes on while one caller is left, and is aborted when the last has gone", async () => {
    const shared = new SharedWork<string>();
    const { start, starts } = work();
    const one = new AbortController();
    const two = new AbortController();
    const both = Promise.allSettled([shared.join("a", start, one.signal), shared.join("a", start, two.signal)]);
    one.abort(new Error("first gone"));
    await Promise.resolve();
    expect(starts[0]?.aborted).toBe(false);
    two.abort(new Error("second gone"));
    const [first, second] = await both;
    expect(starts[0]?.aborted).toBe(true);
    expect(first).toMatchObject({ reason: { message: "first gone" } });
    expect(second).toMatchObject({ reason: { message: "second gone" } });
  });

  test("that was abandoned is not joined by the next caller", async () => {
    const shared = new SharedWork<string>();
    const abandoned = work();
    const impatient = new AbortController();
    const gone = shared.join("a", abandoned.start, impatient.signal);
    impatient.abort(new Error("gone"));
    await expect(gone).rejects.toThrow("gone");
    const fresh = work();
    fresh.resolve("done");
    expect(await shared.join("a", fresh.start, patient)).toEqual({ value: "done", isFirst: true });
  });

  test("is not started by a caller that is gone already", async () => {
    const { start, starts } = work();
    await expect(new SharedWork<string>().join("a", start, AbortSignal.abort(new Error("gone")))).rejects.toThrow(
      "gone",
    );
    expect(starts).toEqual([]);
  });
});

test("other work does not wait", async () => {
  const shared = new SharedWork<string>();
  const endless = work();
  const impatient = new AbortController();
  const waiting = shared.join("a", endless.start, impatient.signal).catch(() => "gone");
  expect(await shared.join("b", async () => "done", patient)).toMatchObject({ value: "done" });
  impatient.abort();
  expect(await waiting).toBe("gone");
});

import { describe, expect, it } from "vitest";
import type { ApplyItem } from "../plan/step.ts";
import { newMemory } from "./memory.ts";
import { remember } from "./remember.ts";

const item = { desired: { key: "k", digest: "d", ref: { group: "", version: "v1", kind: "ConfigMap", name: "a" } } };
const step = { kind: "Apply", layer: {}, items: [item] } as never;

function harness() {
  const memory = newMemory({}, undefined);
  const write = (now: number, digest = "d") => {
    const written = { ...item, desired: { ...item.desired, digest } } as unknown as ApplyItem;
    const results = [{ item: written, ok: true, how: "created", fields: "f" }] as const;
    remember(memory, step, { kind: "Applied", results }, { now, random: 0 });
    return memory.attempts.get("k")?.retryAt;
  };
  return { write };
}

describe("remember: an object that is written again and again", () => {
  it("repairs at once at first, then ever more slowly, up to once a minute", () => {
    const { write } = harness();
    const delays = Array.from({ length: 12 }, (_, index) => (write(index) ?? index) - index);
    expect(delays).toEqual([0, 0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it("counts anew for new content, and after a quiet time", () => {
    const { write } = harness();
    for (let now = 0; now < 5; now++) write(now);
    expect(write(5, "other")).toBeUndefined();
    for (let now = 6; now < 9; now++) write(now, "other");
    expect(write(8 + 11 * 60_000, "other")).toBeUndefined();
  });
});

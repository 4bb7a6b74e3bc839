import { describe, expect, it } from "vitest";
import { Failure } from "../errors.ts";
import { EMPTY_PARENT } from "../membership/applyset.ts";
import type { ApplyItem, Step } from "../plan/step.ts";
import { loadedPack } from "../plan/testdata/packs.ts";
import { PackLost } from "../plan/valued-pack.ts";
import { newMemory } from "./memory.ts";
import { noticeRegistry, noticeSpec, remember } from "./remember.ts";

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

describe("remember: packs and what was made of them", () => {
  const moment = { now: 0, random: 0 };
  const content = { objects: [], crds: [] };

  /** Layer `web` with a pack, and what its chart gave. */
  function withPack(unverified?: Failure) {
    const memory = newMemory({}, undefined);
    const loaded = { ...loadedPack("web"), ...(unverified === undefined ? {} : { unverified }) };
    memory.packs.set("web", { key: "k", attempts: 1, result: { kind: "loaded", loaded } });
    const result = { kind: "known" as const, content };
    memory.contents.set("web.app", { inputs: "i", specDigest: "s", attempts: 1, result });
    const inputs = { digest: "other", specDigest: "s" };
    const step = {
      kind: "Render",
      layer: { spec: { name: "web.app", part: { of: "web" } }, inputs },
    } as unknown as Step;
    return { memory, step };
  }

  it("reads packs again when a Registry has changed, but not what is rendered; neither a new spec nor an answer does so", () => {
    const { memory } = withPack();
    noticeSpec(memory, 2);
    noticeRegistry(memory, "answers");
    expect(memory.packs.has("web")).toBe(true);
    noticeRegistry(memory, "changed");
    expect(memory.packs.has("web")).toBe(false);
    expect(memory.contents.has("web.app")).toBe(true);
  });

  it("reads a pack again of which something new was made although it was not verified: by now it is", () => {
    const refused = new Failure("VerificationFailed", "not signed");
    const { memory, step } = withPack(refused);
    remember(memory, step, { kind: "Rendered", result: refused }, moment);
    expect(memory.packs.has("web")).toBe(true);
    remember(memory, step, { kind: "Rendered", result: content }, moment);
    expect(memory.packs.has("web")).toBe(false);
  });

  it("reads a pack again of which nothing is stored any more", () => {
    const { memory, step } = withPack();
    remember(memory, step, { kind: "Rendered", result: new PackLost("web") }, moment);
    expect(memory.packs.has("web")).toBe(false);
  });

  it("does not read a verified pack again", () => {
    const { memory, step } = withPack();
    remember(memory, step, { kind: "Rendered", result: content }, moment);
    expect(memory.packs.has("web")).toBe(true);
  });

  it("forgets what a layer was before it had a pack: should it be that again, it is made anew", () => {
    const { memory } = withPack();
    memory.contents.set("web", { inputs: "i", specDigest: "s", attempts: 1, result: { kind: "known", content } });
    const fetch = { kind: "FetchPack", layer: { spec: { name: "web" } }, key: "k" } as unknown as Step;
    remember(memory, fetch, { kind: "Fetched", result: loadedPack("web") }, moment);
    expect([...memory.contents.keys()]).toEqual(["web.app"]);
  });

  it("forgets a layer that has gone: should it come again, it is a new one", () => {
    const { memory } = withPack();
    const narrow = { kind: "Narrow", parent: EMPTY_PARENT, gone: ["web", "web.app"] } as unknown as Step;
    memory.installed.set("web.app", {} as never);
    remember(memory, narrow, { kind: "Reached", parent: { ...EMPTY_PARENT, hub: "hub" } }, moment);
    expect([memory.packs.size, memory.contents.size, memory.installed.size]).toEqual([0, 0, 0]);
  });
});

import { describe, expect, it } from "vitest";
import { Failure } from "../errors.ts";
import { EMPTY_PARENT } from "../membership/applyset.ts";
import type { Outcome } from "../plan/outcome.ts";
import type { ApplyItem, Step } from "../plan/step.ts";
import { loadedPack } from "../plan/testdata/packs.ts";
import { PackLost } from "../plan/valued-pack.ts";
import { type DeploymentMemory, newMemory } from "./memory.ts";
import { afterLook, noticeLeaving, noticeRegistry, noticeSpec, remember } from "./remember.ts";

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

describe("remember: a repair", () => {
  const told = (how: "repaired" | "retaken") => {
    const memory = newMemory({}, undefined);
    const repair = { ...item, mode: "repair" } as unknown as ApplyItem;
    const results = [{ item: repair, ok: true, how, fields: "f" }] as const;
    return remember(memory, step, { kind: "Applied", results }, { now: 0, random: 0 }).map(({ reason }) => reason);
  };

  it("is told, unless it changed no value", () => {
    expect(told("repaired")).toEqual(["Repaired"]);
    expect(told("retaken")).toEqual([]);
  });
});

describe("remember: an object whose values were looked at", () => {
  const about = { ...item, mode: "verify" } as unknown as ApplyItem;
  const witness = { stamp: "s", values: "v" };
  const look = (memory: DeploymentMemory, now: number, how: "verified" | "differs") => {
    const results = [{ item: about, ok: true, how, witness }] as const;
    expect(remember(memory, step, { kind: "Applied", results }, { now, random: 0 })).toEqual([]);
    return memory.attempts.get("k");
  };

  it("keeps what is known of our write, and counts the looks of late", () => {
    const memory = newMemory({}, undefined);
    const write = { digest: "d", fields: "f", content: "all", repeats: 1, writtenAt: 5 };
    memory.attempts.set("k", write);
    expect(look(memory, 10, "verified")).toEqual({
      ...write,
      ...{ witness, lookedAt: 10, looks: 1 },
    });
    expect(look(memory, 11, "verified")?.looks).toBe(2);
    expect(look(memory, 11 + 30 * 60_000, "verified")?.looks).toBe(1);
  });

  it("takes values that are not ours for no measure", () => {
    const memory = newMemory({}, undefined);
    expect(look(memory, 10, "differs")).toMatchObject({ differs: true, witness: { stamp: "s", values: undefined } });
    expect(look(memory, 11, "verified")).not.toHaveProperty("differs");
  });

  it("loses nothing of it when the look fails", () => {
    const memory = newMemory({}, undefined);
    look(memory, 10, "verified");
    const failure = new Failure("Forbidden", "no");
    remember(memory, step, { kind: "Applied", results: [{ item: about, ok: false, failure }] }, { now: 11, random: 0 });
    expect(memory.attempts.get("k")).toMatchObject({ witness, failure });
  });
});

it("remember: a Job that has ended is not created again, and nobody hears of it", () => {
  const memory = newMemory({}, undefined);
  const create = { ...item, mode: "create", lastRun: "u" } as unknown as ApplyItem;
  const results = [{ item: create, ok: true, how: "ended", end: "Failed" }] as const;
  expect(remember(memory, step, { kind: "Applied", results }, { now: 0, random: 0 })).toEqual([]);
  expect(memory.attempts.get("k")).toEqual({ digest: "d", ended: "Failed" });
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

describe("a step that writes over what another Strata may have written", () => {
  const about = { key: "k", digest: "ours" };
  const step = (digest: string | undefined): Step =>
    ({ kind: "Apply", items: [{ desired: about, mode: "update", observed: { observed: { digest } } }] }) as never;
  const brought = (): DeploymentMemory => {
    const memory = newMemory({}, undefined);
    memory.prepared = {} as never;
    memory.attempts.set("k", { digest: "ours", fields: "f" });
    return memory;
  };

  it("waits for one look at whose it is", () => {
    const memory = brought();
    expect(afterLook(memory, step("theirs"))).toEqual({ kind: "Prepare" });
    expect(memory.prepared).toBeUndefined();
    expect(afterLook(memory, step("theirs"))).toEqual(step("theirs"));
    expect(afterLook(memory, step("theirs"))).toEqual({ kind: "Prepare" });
  });

  it.each([
    ["of a mark that somebody took off, or that was handed over", undefined],
    ["of an object that only drifted", "ours"],
  ])("does not wait because %s", (_name, digest) => {
    expect(afterLook(brought(), step(digest))).toEqual(step(digest));
  });

  it("does not wait when the layer has another content by now", () => {
    const memory = brought();
    memory.attempts.set("k", { digest: "older", fields: "f" });
    expect(afterLook(memory, step("older"))).toEqual(step("older"));
  });
});

describe("a step that takes something away", () => {
  const hook = (event: string) => ({ kind: "RunHook", hook: { hook: { events: [event] } } }) as unknown as Step;
  const mark = (uninstalling: boolean) => ({ kind: "MarkRelease", progress: { uninstalling } }) as unknown as Step;

  it.each<[string, Step]>([
    ["objects", { kind: "Remove", layer: "web", items: [] }],
    ["a namespace", { kind: "LeaveNamespace", namespace: "web" }],
    ["the record of all", { kind: "Forget" }],
    ["a release, by its mark", mark(true)],
    ["a release, by its hook before", hook("pre-delete")],
    ["a release, by its hook after", hook("post-delete")],
    ...(["ForgetRelease", "HandOverRelease", "RemoveStrays"] as const).map((kind): [string, Step] => [
      kind,
      { kind } as unknown as Step,
    ]),
  ])("waits for one look at whose it is: %s", (_name, step) => {
    const memory = newMemory({}, undefined);
    memory.prepared = {} as never;
    expect(afterLook(memory, step)).toEqual({ kind: "Prepare" });
    expect(memory.prepared).toBeUndefined();
    expect(afterLook(memory, step)).toBe(step);
    expect(afterLook(memory, step)).toEqual({ kind: "Prepare" });
  });

  it("needs no second look after the first of all", () => {
    const memory = newMemory({}, undefined);
    expect(afterLook(memory, { kind: "Prepare" })).toEqual({ kind: "Prepare" });
    expect(afterLook(memory, { kind: "Forget" })).toEqual({ kind: "Forget" });
  });

  it.each([mark(false), hook("pre-upgrade")])("does not wait for what an upgrade does", (step) => {
    expect(afterLook(newMemory({}, undefined), step)).toBe(step);
  });
});

describe("an object that went", () => {
  const item = { tracked: { observed: { key: "k", uid: "u" } }, how: "delete" } as never;
  const removed = (how: "deleted" | "released") => {
    const memory = newMemory({}, undefined);
    const results = [{ item, ok: true, how }] as const;
    remember(memory, { kind: "Remove" } as never, { kind: "Removed", results }, { now: 0, random: 0 });
    return memory.attempts.get("k")?.removed;
  };

  it("is on its way out until the watch tells of it, but not when another profile has it now", () => {
    expect(removed("deleted")).toBe("u");
    expect(removed("released")).toBeUndefined();
  });
});

describe("remember: a deployment that leaves its cluster", () => {
  it("is as new from then on to whoever takes over what it leaves, also when its spec is an old one", () => {
    const memory = newMemory({}, undefined);
    const known = (notice: () => void) => {
      for (const waits of [memory.turns, memory.holds]) waits.set("a", { ms: 1_000, at: 0, look: 1 });
      notice();
      return memory.turns.size + memory.holds.size;
    };
    expect(known(() => noticeSpec(memory, 1))).toBe(0);
    expect(known(() => noticeSpec(memory, 1))).toBe(2);
    expect(known(() => noticeLeaving(memory, false))).toBe(2);
    expect(known(() => noticeLeaving(memory, true))).toBe(0);
    expect(known(() => noticeLeaving(memory, true))).toBe(2);
  });
});

describe("remember: a namespace that was there when it was looked for", () => {
  const applied = (failure: Failure): [Step, Outcome] => {
    const ref = { group: "", version: "v1", kind: "ConfigMap", namespace: "web", name: "a" };
    const about = { ...item, desired: { ...item.desired, ref } } as unknown as ApplyItem;
    return [step, { kind: "Applied", results: [{ item: about, ok: false, failure }] }];
  };
  const released = (failure: Failure): [Step, Outcome] => {
    const open = { kind: "OpenRelease", attempt: { key: "r", digest: "d" } } as unknown as Step;
    return [open, { kind: "Released", failure }];
  };
  const gone = new Failure("NamespaceNotFound", "namespace web does not exist");
  const going = new Failure("NamespaceTerminating", "namespace web is being terminated");

  it.each<[string, [Step, Outcome], string[]]>([
    ["is looked for again when an object misses it, and no other is", applied(gone), ["other"]],
    // Its objects may be in any namespace of the layer.
    ["is looked for again, and all others, when a release misses one", released(gone), []],
    ["is waited for as long as it is on its way out, by objects", applied(going), ["web", "other"]],
    ["is waited for as long as it is on its way out, by releases", released(going), ["web", "other"]],
  ])("%s", (_, [step, outcome], want) => {
    const memory = newMemory({}, undefined);
    for (const name of ["web", "other"]) memory.namespaces.set(name, { digest: "d" });
    remember(memory, step, outcome, { now: 0, random: 0 });
    expect([...memory.namespaces.keys()]).toEqual(want);
  });
});

import { describe, expect, it } from "vitest";
import { type Ending, ended, hookOf } from "../../test/support/release-world.ts";
import { Failure } from "../errors.ts";
import { keyOf } from "../objects/identity.ts";
import { scopeOfBuiltIn } from "../objects/scope.ts";
import type { KubeObject, ObjectRef } from "../objects/types.ts";
import { evaluateHooks, type HookView, hooksOf, watchedHooks } from "./hooks.ts";
import { placeHooks } from "./place.ts";
import type { HookRun, ReleaseProgress, ReleaseRecord } from "./release.ts";
import type { Attempt, Seen } from "./seen.ts";
import type { Step } from "./step.ts";
import type { Hook } from "./types.ts";

const EVENT = "pre-install";
const SECOND = 1_000;
const pre = (name: string, about: Partial<Hook> = {}) => hookOf(name, [EVENT], about);

/** One event of one revision; each step leaves what the cluster would have of it. */
class Run {
  now = Date.parse("2026-01-05T10:00:00Z");
  readonly live = new Map<string, KubeObject>();
  readonly log: string[] = [];
  readonly endings = new Map<string, Ending>();
  readonly attempts = new Map<string, Attempt>();
  named: Seen["site"]["named"] = (ref) => this.live.get(keyOf(ref as ObjectRef)) ?? "absent";
  /** What the watch told of an object when it was deleted. */
  last: KubeObject | undefined;
  runs: Record<string, HookRun> = {};
  version = 1;
  readonly #hooks: readonly Hook[];
  #uids = 0;

  constructor(...hooks: Hook[]) {
    this.#hooks = hooks;
  }

  view(): HookView {
    const progress: ReleaseProgress = { inputs: "a", operation: "install", runs: this.runs };
    const record = { uid: "0123456789", version: this.version, progress } as ReleaseRecord;
    const { placed } = placeHooks(this.#hooks, {
      layer: { name: "shop" },
      namespace: "web",
      scopes: () => "Namespaced",
    });
    const about = { event: EVENT, layer: "shop", record, hooks: hooksOf(placed, EVENT), timeoutMs: 60 * SECOND };
    return evaluateHooks(about, this.#seen());
  }

  #seen(): Seen {
    // Nothing but what Kubernetes brings, and that in one version.
    const servedIn: Seen["site"]["servedIn"] = (kind) => scopeOfBuiltIn(kind) !== undefined && kind.version === "v1";
    const site = { named: this.named, servedIn, deleted: () => this.last, explain: () => undefined };
    return { now: this.now, attempts: this.attempts, site } as unknown as Seen;
  }

  /** Takes steps until there is none. */
  settle(): HookView {
    for (let count = 0; count < 100; count++) {
      const view = this.view();
      if (!view.step) return view;
      this.take(view.step);
    }
    throw new Error(`no end: ${this.log.slice(-5)}`);
  }

  take(step: Step): void {
    if ("attempt" in step) this.attempts.set(step.attempt.key, { digest: step.attempt.digest, writtenAt: this.now });
    if (step.kind === "RunHook") {
      this.log.push(`run ${step.hook.ref.name}`);
      this.put(step.hook.object, { "strata.dev/hook": step.id });
    } else if (step.kind === "NoteHook") {
      const { phase, attempt, why } = step.ended;
      this.log.push(`${step.run} ${phase}`);
      const times = { startedAt: new Date(this.now).toISOString(), completedAt: new Date(this.now).toISOString() };
      this.runs = { ...this.runs, [step.run]: { phase, attempt, ...times, ...(why ? { why } : {}) } };
    } else if (step.kind === "RemoveHook") {
      this.log.push(`delete ${step.ref.name}`);
      this.live.delete(keyOf(step.ref));
    }
  }

  put(object: KubeObject, annotations: Record<string, string>): void {
    this.#uids += 1;
    const creationTimestamp = new Date(this.now).toISOString();
    const metadata = { ...object.metadata, annotations, uid: `u${this.#uids}`, creationTimestamp };
    const { kind, apiVersion } = object;
    const [version = "", group = ""] = apiVersion.split("/").toReversed();
    const ref = { group, version, kind, namespace: "web", name: metadata.name ?? "" };
    this.live.set(keyOf(ref), ended({ ...object, metadata }, this.endings.get(ref.name) ?? "Succeeded"));
  }
}

describe("the order of hooks", () => {
  it("is by weight, then by name, then as Helm sorted them by kind", () => {
    const hooks = [
      pre("same", { kind: "Secret" }),
      pre("b"),
      pre("last", { weight: 10 }),
      pre("a"),
      pre("first", { weight: -5 }),
      pre("same", { kind: "Job" }),
      hookOf("other", ["post-install"]),
    ];
    const { placed } = placeHooks(hooks, { layer: { name: "shop" }, namespace: "web", scopes: () => "Namespaced" });
    const order = hooksOf(placed, EVENT).map(({ hook }) => `${hook.kind} ${hook.name}`);
    expect(order).toEqual(["Job first", "Job a", "Job b", "Secret same", "Job same", "Job last"]);
  });

  it.each([
    ["unknown", undefined, "web"],
    ["with namespaces", "Namespaced", "web"],
    ["without", "Cluster", undefined],
  ] as const)("may be of a kind that a hook before it brings: %s", (_, scope, namespace) => {
    const scopes = () => scope;
    const { placed, problems } = placeHooks([pre("a")], { layer: { name: "shop" }, namespace: "web", scopes });
    expect(problems).toEqual([]);
    expect(placed.map(({ ref }) => ref.namespace)).toEqual([namespace]);
  });

  it("watches the objects of the events that may run, and no other", () => {
    const hooks = [pre("a"), hookOf("b", ["post-install"]), hookOf("c", ["test"])];
    const { placed } = placeHooks(hooks, { layer: { name: "shop" }, namespace: "web", scopes: () => "Namespaced" });
    expect(watchedHooks(placed, [EVENT, "post-install"]).map(({ name }) => name)).toEqual(["a", "b"]);
  });
});

describe("the hooks of an event", () => {
  it("run one after the other; how each ended is noted before the next begins", () => {
    const run = new Run(pre("a"), pre("b"));
    expect(run.settle().done).toBe(true);
    expect(run.log).toEqual(["run a", `${EVENT}/0 Succeeded`, "run b", `${EVENT}/1 Succeeded`]);
  });

  it("are done when there is none", () => {
    expect(new Run(hookOf("other", ["post-install"])).view()).toEqual({ done: true, message: "", late: [] });
  });

  it("hold the next one back while one is running, and say so", () => {
    const run = new Run(pre("a"), pre("b"));
    run.endings.set("a", "Running");
    const view = run.settle();
    expect(view).toMatchObject({ done: false, wakeAt: run.now + 60 * SECOND });
    expect(view.message).toMatch(/^running pre-install hook Job web\/a: /);
    expect(view.late.map(({ observed }) => observed.ref.name)).toEqual(["a"]);
    expect(run.log).toEqual(["run a"]);
  });

  it.each([
    ["a ConfigMap", pre("a", { kind: "ConfigMap" }), true],
    ["a Pod that is only running", pre("a", { kind: "Pod" }), false],
  ])("with %s", (_name, hook, done) => {
    expect(new Run(hook).settle().done).toBe(done);
  });

  const unserved = [
    ["of a kind that the cluster does not serve", "example.com/v1", "Widget"],
    ["in a version in which the cluster does not serve the kind", "rbac.authorization.k8s.io/v1beta1", "Role"],
  ] as const;

  it.each(unserved)("%s are tried all the same: the answer says so", (_, apiVersion, kind) => {
    const run = new Run(pre("a", { kind, object: { apiVersion, kind, metadata: { name: "a", namespace: "web" } } }));
    run.named = () => "unknown";
    expect(run.view().step).toMatchObject({ kind: "RunHook" });
  });

  it.each(unserved)("%s are gone, and need no deleting", (_, apiVersion, kind) => {
    const object = { apiVersion, kind, metadata: { name: "a", namespace: "web" } };
    const run = new Run(pre("a", { kind, object, deletePolicies: ["hook-succeeded"] }));
    run.runs = { [`${EVENT}/0`]: { phase: "Succeeded", attempt: 1, startedAt: "", completedAt: "" } };
    run.named = () => "unknown";
    expect(run.view()).toMatchObject({ done: true });
  });

  it("wait until it is known what is there", () => {
    const run = new Run(pre("a"));
    run.named = () => "unknown";
    expect(run.view()).toMatchObject({ done: false });
    expect(run.view().step).toBeUndefined();
  });

  it("that may not be read say so", () => {
    const run = new Run(pre("a"));
    run.named = () => new Failure("Forbidden", "may not read Jobs");
    expect(run.view()).toMatchObject({ done: false, message: "may not read Jobs", failure: { reason: "Forbidden" } });
  });
});

const crd = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.com", namespace: "web" },
};

describe("delete policies", () => {
  const succeeded = ["hook-succeeded"];
  const rows: [name: string, hooks: Hook[], endings: [string, Ending][], deleted: string[]][] = [
    ["none: nothing is deleted afterwards", [pre("a")], [], []],
    [
      "hook-succeeded: after the whole event, last first",
      [pre("a", { deletePolicies: succeeded }), pre("b"), pre("c", { deletePolicies: succeeded })],
      [],
      ["delete c", "delete a"],
    ],
    ["hook-succeeded: not what has failed", [pre("a", { deletePolicies: succeeded })], [["a", "Failed"]], []],
    [
      "hook-succeeded: what succeeded goes also when a later one fails",
      [pre("a", { deletePolicies: succeeded }), pre("b")],
      [["b", "Failed"]],
      ["delete a"],
    ],
    ["hook-failed: what has failed", [pre("a", { deletePolicies: ["hook-failed"] })], [["a", "Failed"]], ["delete a"]],
    ["hook-failed: not what has succeeded", [pre("a", { deletePolicies: ["hook-failed"] })], [], []],
    [
      "any: never a CRD, for all custom objects would go with it",
      [pre("widgets.example.com", { kind: crd.kind, object: crd, deletePolicies: succeeded })],
      [],
      [],
    ],
  ];
  it.each(rows)("%s", (_name, hooks, endings, deleted) => {
    const run = new Run(...hooks);
    for (const [name, ending] of endings) run.endings.set(name, ending);
    run.settle();
    const { log } = run;
    expect(log.filter((line) => line.startsWith("delete"))).toEqual(deleted);
    expect(log.slice(log.length - deleted.length)).toEqual(deleted);
  });

  it("leave alone what another run has made since", () => {
    const run = new Run(pre("a", { deletePolicies: succeeded }));
    run.runs = { [`${EVENT}/0`]: { phase: "Succeeded", attempt: 1, startedAt: "", completedAt: "" } };
    run.put(hookOf("a", []).object, { "strata.dev/hook": `shop/v2/${EVENT}/0/1` });
    expect(run.settle().done).toBe(true);
    expect(run.live.size).toBe(1);
  });
});

describe("what is in the way of a hook", () => {
  const older = { "strata.dev/hook": "shop/v1/pre-install/0/1" };
  const rows: [name: string, policies: string[], annotations: Record<string, string>, log: string[]][] = [
    ["an older run: it goes first", [], older, ["delete a", "run a", `${EVENT}/0 Succeeded`]],
    ["an older run goes by any policy", ["hook-failed"], older, ["delete a", "run a", `${EVENT}/0 Succeeded`]],
    ["somebody's object goes by the default policy", [], {}, ["delete a", "run a", `${EVENT}/0 Succeeded`]],
    ["somebody's object stays without before-hook-creation", ["hook-succeeded"], {}, []],
    ["another layer's hook stays likewise", ["hook-succeeded"], { "strata.dev/hook": "shopping/v1/test/0/1" }, []],
  ];
  it.each(rows)("%s", (_name, deletePolicies, annotations, log) => {
    const run = new Run(pre("a", { deletePolicies }));
    run.version = 2;
    run.put(pre("a").object, annotations);
    const view = run.settle();
    expect(run.log).toEqual(log);
    if (log.length === 0)
      expect(view.failure?.message).toContain("Job web/a exists, and its delete policy has no before");
  });

  it.each([
    ["of an older run", older],
    ["of somebody else", {}],
  ])("is never deleted when it is a CRD %s: all custom objects would go with it", (_, annotations) => {
    const run = new Run(pre("widgets.example.com", { kind: "List", object: crd }));
    run.version = 2;
    run.put(crd, annotations);
    expect(run.settle().done).toBe(true);
    expect(run.log).toEqual(["run widgets.example.com", `${EVENT}/0 Succeeded`]);
  });

  it("is awaited while it is on its way out", () => {
    const run = new Run(pre("a"));
    run.version = 2;
    const job = pre("a").object;
    run.put({ ...job, metadata: { ...job.metadata, deletionTimestamp: "2026-01-05T10:00:00Z" } }, older);
    const view = run.view();
    expect(view.message).toBe("running pre-install hook Job web/a: its predecessor is being deleted");
    expect(view.step).toBeUndefined();
  });
});

describe("a hook that does not succeed", () => {
  it("is tried again after 5 s, 10 s, 20 s, and never later than after 5 minutes", () => {
    const run = new Run(pre("a"));
    run.endings.set("a", "Failed");
    const delays = Array.from({ length: 9 }, () => {
      const view = run.settle();
      expect(view.failure?.message).toMatch(/^pre-install hook Job web\/a failed: /);
      const delay = (view.wakeAt ?? 0) - run.now;
      run.now = view.wakeAt ?? run.now;
      return delay / SECOND;
    });
    expect(delays).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    expect(run.log.filter((line) => line === "run a")).toHaveLength(9);
  });

  it("does not run what succeeded before it again", () => {
    const run = new Run(pre("a"), pre("b"));
    run.endings.set("b", "Failed");
    run.now = run.settle().wakeAt ?? 0;
    run.endings.clear();
    expect(run.settle().done).toBe(true);
    expect(run.log.filter((line) => line === "run a")).toHaveLength(1);
  });

  it("has failed at its deadline, and says what it was waiting for", () => {
    const run = new Run(pre("a"));
    run.endings.set("a", "Running");
    run.now = run.settle().wakeAt ?? 0;
    expect(run.settle().failure?.message).toMatch(/failed: has not ended after 60 s: Job web\/a/);
    expect(run.log).toEqual(["run a", `${EVENT}/0 Failed`]);
  });

  it("has its whole time, though the cluster's clock is far behind", () => {
    const run = new Run(pre("a"));
    run.endings.set("a", "Running");
    run.take(run.view().step ?? { kind: "None" });
    for (const [key, live] of run.live) {
      const creationTimestamp = new Date(run.now - 3600 * SECOND).toISOString();
      run.live.set(key, { ...live, metadata: { ...live.metadata, creationTimestamp } });
    }
    run.now += 59 * SECOND;
    expect(run.settle()).toMatchObject({ done: false, wakeAt: run.now + SECOND });
    expect(run.log).toEqual(["run a"]);
  });

  it("has failed when somebody deleted it, but not while the watch may only be late", () => {
    const run = new Run(pre("a"));
    run.endings.set("a", "Running");
    run.settle();
    run.live.clear();
    const view = run.settle();
    expect(view.step).toBeUndefined();
    expect(run.log).toEqual(["run a"]);
    run.now = view.wakeAt ?? 0;
    expect(run.settle().failure?.message).toContain("somebody deleted it before it had ended");
  });
});

describe("a Job that its TTL takes away", () => {
  const deletionTimestamp = "2026-01-05T10:00:01Z";
  const leaving = (ending: Ending): Run => {
    const run = new Run(pre("a"));
    run.endings.set("a", ending);
    run.take(run.view().step ?? { kind: "None" });
    for (const [key, live] of run.live) {
      const metadata = { ...live.metadata, deletionTimestamp, finalizers: ["foregroundDeletion"] };
      run.live.set(key, { ...live, metadata });
    }
    return run;
  };

  it.each([
    ["Succeeded", true],
    ["Failed", false],
  ] as const)("has %s while it is on its way out", (ending, done) => {
    const run = leaving(ending);
    expect(run.settle().done).toBe(done);
    expect(run.log).toEqual(["run a", `${EVENT}/0 ${ending}`]);
  });

  it.each([
    ["Succeeded", true],
    ["Failed", false],
  ] as const)("has %s although it was gone before anybody looked", (ending, done) => {
    const run = leaving(ending);
    run.last = [...run.live.values()][0];
    run.live.clear();
    expect(run.settle().done).toBe(done);
    expect(run.log).toEqual(["run a", `${EVENT}/0 ${ending}`]);
  });

  it("and that was still running was deleted by somebody", () => {
    const run = leaving("Running");
    run.last = [...run.live.values()][0];
    run.live.clear();
    run.now = run.settle().wakeAt ?? 0;
    expect(run.settle().failure?.message).toContain("somebody deleted it before it had ended");
  });

  it("is another one when it was of an older run", () => {
    const run = leaving("Succeeded");
    run.last = [...run.live.values()][0];
    run.live.clear();
    run.version = 2;
    run.endings.set("a", "Running");
    run.settle();
    expect(run.log).toEqual(["run a", "run a"]);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProfile } from "../api/parse.ts";
import type { Profile } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { applySetOf, EMPTY_PARENT, type Parent } from "../membership/applyset.ts";
import { fieldsDigest } from "../membership/fields.ts";
import { observe } from "../membership/observed.ts";
import { groupKindKey } from "../objects/identity.ts";
import type { GroupKind, KubeObject } from "../objects/types.ts";
import { buildPlan } from "./build-plan.ts";
import { namespaceDigest } from "./layer-namespace.ts";
import { manifestsContent } from "./manifests.ts";
import { type DeploymentView, evaluate, evaluateTeardown } from "./next-step.ts";
import type { PackMemory } from "./packs.ts";
import { withMark } from "./place.ts";
import { REMOVAL } from "./removal.ts";
import type { Attempt, Seen, Tracked } from "./seen.ts";
import type { Step } from "./step.ts";
import { loadedPack } from "./testdata/packs.ts";
import type { ContentMemory, LayerContent } from "./types.ts";

const SERVED: Readonly<Record<string, "Namespaced" | "Cluster">> = {
  ConfigMap: "Namespaced",
  Secret: "Namespaced",
  "Deployment.apps": "Namespaced",
  Namespace: "Cluster",
  "CustomResourceDefinition.apiextensions.k8s.io": "Cluster",
};

type Layer = { name: string; objects: KubeObject[] } & Record<string, unknown>;

function profileOf(layers: Layer[]): Profile {
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "p", namespace: "acme", generation: 1 },
    spec: {
      clusterRefs: [{ name: "local" }],
      namespace: "acme",
      layers: layers.map(({ objects, ...layer }) => ({
        ...layer,
        ...(layer["pack"] ? {} : { manifests: objects.map((object) => ({ object })) }),
      })),
    },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

const configMap = (name: string, data: Record<string, string> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});
const deployment = (name: string): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {},
});

/** A cluster as data: what a plan sees of it, and what each step would leave there. Nothing of an API server but the outcome. */
class Simulation {
  readonly live = new Map<string, Tracked>();
  readonly attempts = new Map<string, Attempt>();
  readonly contents = new Map<string, ContentMemory>();
  installed: Seen["installed"] = new Map();
  /** What is to be known of every object that an output is read from. */
  named: ReturnType<Seen["site"]["named"]> = "unknown";
  /** What is stored of layers, by name. */
  readonly stored = new Map<string, LayerContent>();
  readonly namespaces = new Map<string, Attempt>();
  readonly packs = new Map<string, PackMemory>();
  /** What fetching a pack gives, by the key of the step. */
  fetched: PackMemory["result"] | undefined;
  readonly steps: Step[] = [];
  readonly sick = new Set<string>();
  readonly watched = new Set<string>();
  /** Kinds whose first watch takes long. */
  readonly slow = new Set<string>();
  readonly served = new Map(Object.entries(SERVED));
  /** Kinds that the identity may not read. */
  readonly refused = new Set<string>();
  /** By kind, the key of the CRD that serves it. */
  readonly crds = new Map<string, string>();
  parent: Parent = { ...EMPTY_PARENT, hub: "hub" };
  rows: Seen["rows"] = new Map();
  profile: Profile;
  #versions = 0;

  constructor(profile: Profile) {
    this.profile = profile;
  }

  get set() {
    return applySetOf({ kind: this.profile.kind, namespace: "acme", name: "p" });
  }

  seen(): Seen {
    const scopeOf = (kind: GroupKind) => this.served.get(groupKindKey(kind));
    return {
      now: 0,
      profile: this.profile,
      set: this.set,
      referents: () => ({ kind: "absent" }),
      packs: this.packs,
      macros: new Map(),
      contents: this.contents,
      installed: this.installed,
      attempts: this.attempts,
      namespaces: this.namespaces,
      leaving: new Map(),
      rows: this.rows,
      cluster: { name: "local", target: undefined },
      fixed: {},
      site: {
        prepared: { digestKey: KEY, parent: this.parent },
        kubernetesVersion: "v1.36.3",
        scopeOf,
        served: (kind) => scopeOf(kind) !== undefined,
        servedIn: (kind) => scopeOf(kind) !== undefined,
        watchState: (kind) => {
          if (this.refused.has(groupKindKey(kind))) return new Failure("Forbidden", "may not be read");
          if (scopeOf(kind) === undefined) return "unserved";
          if (!this.watched.has(groupKindKey(kind))) return "unwatched";
          return this.slow.has(groupKindKey(kind)) ? "starting" : "live";
        },
        crdOf: (kind) => this.crds.get(groupKindKey(kind)),
        member: (key) => this.live.get(key),
        members: () => this.live.values(),
        named: () => this.named,
        nodes: () => undefined,
        deleted: () => undefined,
        releases: () => [],
        explain: () => undefined,
      },
    };
  }

  evaluate(): DeploymentView {
    const seen = this.seen();
    const prepared = { digestKey: KEY, parent: this.parent };
    const view = evaluate(buildPlan(seen, prepared), seen, prepared);
    const known = new Map(
      buildPlan(seen, prepared).layers.map(({ spec, state }) => [
        spec.name,
        state.kind === "known" ? state.digest : "",
      ]),
    );
    this.rows = new Map(
      view.layers.map(({ name, state }) => {
        const readyDigest = state === "Ready" ? known.get(name) : this.rows.get(name)?.readyDigest;
        return [name, { name, state, ...(readyDigest ? { readyDigest } : {}) }];
      }),
    );
    return view;
  }

  /** Takes steps until there is nothing to do; fails when that takes too long. */
  run(judge: () => DeploymentView = () => this.evaluate()): DeploymentView {
    for (let count = 0; count < 400; count++) {
      const view = judge();
      if (view.step.kind === "None" || view.step.kind === "Forget") return view;
      this.steps.push(view.step);
      this.take(view.step);
    }
    throw new Error(`no end: ${this.steps.slice(-5).map(({ kind }) => kind)}`);
  }

  tearDown(): DeploymentView {
    return this.run(() => evaluateTeardown(this.seen(), { digestKey: KEY, parent: this.parent }));
  }

  take(step: Step): void {
    if (step.kind === "Render") this.#render(step);
    else if (step.kind === "Recall") this.#recall(step.layer);
    else if (step.kind === "FetchPack" && this.fetched)
      this.packs.set(step.layer.spec.name, { key: step.key, attempts: 1, result: this.fetched });
    else if (step.kind === "Reach" || step.kind === "Narrow") this.parent = step.parent;
    else if (step.kind === "EnsureNamespace")
      this.namespaces.set(step.namespace, { digest: namespaceDigest(step.metadata) });
    else if (step.kind === "LeaveNamespace") this.parent = { ...this.parent, ownNamespaces: new Set() };
    else if (step.kind === "Remove") this.#remove(step);
    else if (step.kind === "Apply") {
      for (const { desired } of step.items) this.#apply(withMark(desired, step.layer.spec.name), desired.digest);
    }
    if (step.kind === "Reach") for (const { kind } of step.watches) this.watched.add(groupKindKey(kind));
  }

  #recall(layer: string): void {
    const content = this.stored.get(layer) ?? { objects: [], crds: [] };
    this.contents.set(layer, { inputs: "", specDigest: "", attempts: 1, result: { kind: "known", content } });
  }

  #render({ layer: { spec, inputs } }: Step & { kind: "Render" }): void {
    if (!inputs) return;
    const { digest, specDigest } = inputs;
    const content = spec.part?.kind === "manifests" ? filesContent(spec.part) : manifestsContent(spec, inputs.texts);
    if (content instanceof Failure) throw content;
    this.contents.set(spec.name, { inputs: digest, specDigest, attempts: 1, result: { kind: "known", content } });
  }

  #remove({ items }: Step & { kind: "Remove" }): void {
    for (const {
      tracked: { observed },
    } of items) {
      this.live.delete(observed.key);
      this.attempts.set(observed.key, { digest: REMOVAL, removed: observed.uid });
    }
  }

  #apply(object: KubeObject, digest: string): void {
    const fieldsV1 = { "f:metadata": { "f:labels": { "f:applyset.kubernetes.io/part-of": {} } } };
    const managedFields = [{ manager: this.set.manager, operation: "Apply" as const, fieldsV1 }];
    this.#versions += 1;
    const uid = String(this.#versions);
    const observed = observe({ ...object, metadata: { ...object.metadata, uid, resourceVersion: uid, managedFields } });
    if (!observed) throw new Error("not observable");
    const verdict = this.sick.has(observed.ref.name)
      ? { state: "InProgress" as const, message: "0/1 replicas available" }
      : { state: "Current" as const, message: "" };
    this.live.set(observed.key, { observed, verdict });
    // The field digest of the answer: the very one that the watch tells later.
    this.attempts.set(observed.key, { digest, fields: observed.entries.map(fieldsDigest).join() });
  }

  applied(): string[] {
    return this.steps.flatMap((step) =>
      step.kind === "Apply" ? step.items.map(({ desired }) => desired.ref.name) : [],
    );
  }

  names(): string[] {
    return [...this.live.values()].map(({ observed }) => observed.ref.name).sort();
  }
}

function filesContent({ files }: { files: readonly { content: string }[] }): LayerContent {
  return { objects: files.map(({ content }) => JSON.parse(content)), crds: [] };
}

const KEY = new Uint8Array(32);

describe("evaluate: a profile's layers, one after the other", () => {
  it("brings every layer, in order, and then has nothing to do", () => {
    const world = new Simulation(
      profileOf([
        { name: "one", objects: [configMap("a")] },
        { name: "two", objects: [deployment("b")] },
      ]),
    );
    const view = world.run();
    expect(view.done).toBe(true);
    expect(world.applied()).toEqual(["a", "b"]);
    expect(view.layers.map(({ state }) => state)).toEqual(["Ready", "Ready"]);
  });

  it("writes the parent before the first object of a kind", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [configMap("a"), deployment("b")] }]));
    world.run();
    const kinds = world.steps.map(({ kind }) => kind);
    expect(kinds.indexOf("Reach")).toBeLessThan(kinds.indexOf("Apply"));
    expect([...world.parent.kinds].sort()).toEqual(["ConfigMap", "Deployment.apps"]);
  });

  it("does not touch the layers behind one that is never healthy", () => {
    const world = new Simulation(profileOf(["a", "b", "c"].map((name) => ({ name, objects: [deployment(name)] }))));
    world.sick.add("b");
    const view = world.run();
    expect(view.layers.map(({ state }) => state)).toEqual(["Ready", "Waiting", "Pending"]);
    expect(view.layers[2]?.message).toBe("waits for layer b");
    expect(world.names()).toEqual(["a", "b"]);
  });

  it("goes on behind a layer whose gate is Applied", () => {
    const world = new Simulation(
      profileOf([
        { name: "a", gate: "Applied", objects: [deployment("a")] },
        { name: "b", objects: [configMap("b")] },
      ]),
    );
    world.sick.add("a");
    expect(world.run().layers.map(({ state }) => state)).toEqual(["Waiting", "Ready"]);
  });

  it("leaves later layers alone when an earlier one degrades, and still repairs them", () => {
    const world = new Simulation(
      profileOf([
        { name: "a", objects: [deployment("a")] },
        { name: "b", objects: [configMap("b")] },
      ]),
    );
    world.run();
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "a") tracked.verdict = { state: "InProgress", message: "late" };
    for (const [key, { observed }] of world.live) if (observed.ref.name === "b") world.live.delete(key);
    world.steps.length = 0;
    const view = world.run();
    expect(world.applied()).toEqual(["b"]);
    expect(view.layers.map(({ state }) => state)).toEqual(["Waiting", "Ready"]);
  });

  it("writes only what changed", () => {
    const objects = (value: string) => [configMap("a", { key: value }), configMap("b")];
    const world = new Simulation(profileOf([{ name: "one", objects: objects("1") }]));
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([{ name: "one", objects: objects("2") }]);
    expect(world.run().done).toBe(true);
    expect(world.applied()).toEqual(["a"]);
  });

  it("prunes what a layer dropped right after its apply, also while it is not healthy", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [deployment("old")] }]));
    world.run();
    world.sick.add("new");
    world.profile = profileOf([{ name: "one", objects: [deployment("new")] }]);
    expect(world.run().layers[0]?.state).toBe("Waiting");
    expect(world.names()).toEqual(["new"]);
  });

  it("keeps what a layer dropped when prune is Never", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [configMap("old"), configMap("new")] }]));
    world.run();
    world.profile = profileOf([{ name: "one", prune: "Never", objects: [configMap("new")] }]);
    world.run();
    expect(world.names()).toEqual(["new", "old"]);
  });

  it("skips a layer whose when is false: it is removed in its turn, nobody waits for it, and it comes back", () => {
    const layers = (when: string) =>
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", when, objects: [configMap("b1"), configMap("b2")] },
        { name: "c", objects: [configMap("c")] },
      ]);
    const world = new Simulation(layers("false"));
    const first = world.run();
    expect(first.layers.map(({ state }) => state)).toEqual(["Ready", "Skipped", "Ready"]);
    expect(first.done).toBe(true);
    expect(world.names()).toEqual(["a", "c"]);
    world.profile = layers("true");
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["a", "b1", "b2", "c"]);
    world.profile = layers("false");
    world.attempts.clear();
    const { removals, done } = world.evaluate();
    expect(removals).toMatchObject([{ layer: "b", left: 2 }]);
    expect(done).toBe(false);
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["a", "c"]);
    expect(world.parent.layers).toEqual(["a", "c"]);
  });

  it("removes what a skipped layer left only when all others are Ready", () => {
    const layers = (when: string) =>
      profileOf([
        { name: "a", objects: [deployment("a")] },
        { name: "b", when, objects: [configMap("b")] },
      ]);
    const world = new Simulation(layers("true"));
    world.run();
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "a") tracked.verdict = { state: "InProgress", message: "late" };
    world.profile = layers("false");
    expect(world.run().layers.map(({ state }) => state)).toEqual(["Waiting", "Skipped"]);
    expect(world.names()).toEqual(["a", "b"]);
  });

  it("tells of all names that do not exist before anything is applied", () => {
    const world = new Simulation(
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", when: "variables.b", objects: [configMap("b")] },
        { name: "c", namespace: `\${{ variables.c }}`, objects: [configMap("c")] },
      ]),
    );
    const { layers, done } = world.run();
    expect(layers.map(({ state, reason, message }) => [state, reason, message])).toEqual([
      ["Pending", "WaitingForLayer", "waits for layer b: nothing new is applied until its expressions are right"],
      ["Failed", "InvalidValues", "when: variables.b is not declared in spec.variables; there is none"],
      ["Failed", "InvalidValues", "namespace: variables.c is not declared in spec.variables; there is none"],
    ]);
    expect(done).toBe(false);
    expect(world.names()).toEqual([]);
  });

  it("changes nothing while an expression is wrong, and repairs what runs", () => {
    const layers = (value: string, when: string) =>
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", objects: [configMap("b", { key: value })] },
        { name: "c", when, objects: [configMap("c")] },
      ]);
    const world = new Simulation(layers("1", "true"));
    world.run();
    world.profile = layers("2", "variables.c");
    world.live.clear();
    world.steps.length = 0;
    const view = world.run();
    expect(view.layers.map(({ state }) => state)).toEqual(["Ready", "Pending", "Failed"]);
    expect(world.applied()).toEqual(["a", "c"]);
    world.profile = layers("2", "true");
    expect(world.run().done).toBe(true);
    expect(world.applied()).toEqual(["a", "c", "b"]);
  });

  it("leaves what runs as it is when a requirement is not met any more", () => {
    const layers = (kubernetes: string) =>
      profileOf([
        { name: "a", requires: { kubernetes }, objects: [configMap("a")] },
        { name: "b", objects: [configMap("b")] },
      ]);
    const world = new Simulation(layers(">=1.33"));
    world.run();
    world.profile = layers(">=1.40");
    const view = world.run();
    expect(view.layers.map(({ state }) => state)).toEqual(["Blocked", "Ready"]);
    expect(view.layers[0]?.message).toBe("requires Kubernetes >=1.40; this cluster has v1.36.3");
    expect(world.names()).toEqual(["a", "b"]);
  });

  it("hands an object from one layer to another without a delete", () => {
    const world = new Simulation(
      profileOf([
        { name: "one", objects: [configMap("x"), configMap("y")] },
        { name: "two", objects: [configMap("z")] },
      ]),
    );
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([
      { name: "one", objects: [configMap("y")] },
      { name: "two", objects: [configMap("z"), configMap("x")] },
    ]);
    expect(world.run().done).toBe(true);
    expect(world.steps.some(({ kind }) => kind === "Remove")).toBe(false);
    expect(world.names()).toEqual(["x", "y", "z"]);
  });

  it("removes layers that left the list last, in reverse order", () => {
    const layers = ["a", "b", "c", "d"].map((name) => ({ name, objects: [configMap(name)] }));
    const world = new Simulation(profileOf(layers));
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([...layers.filter(({ name }) => name === "a"), { name: "e", objects: [configMap("e")] }]);
    expect(world.run().done).toBe(true);
    const order = world.steps.flatMap((step) =>
      step.kind === "Apply" ? ["apply"] : step.kind === "Remove" ? [step.layer] : [],
    );
    expect(order).toEqual(["apply", "d", "c", "b"]);
    expect(world.names()).toEqual(["a", "e"]);
  });

  it("refuses an object that stands in two layers, and keeps the first", () => {
    const world = new Simulation(
      profileOf([
        { name: "one", objects: [configMap("x")] },
        { name: "two", objects: [configMap("x"), configMap("y")] },
      ]),
    );
    const view = world.run();
    expect(view.layers[1]).toMatchObject({
      state: "Failed",
      reason: "InvalidManifest",
      message: "ConfigMap acme/x is in layer one already: keep it in one of the two",
    });
    expect(world.names()).toEqual(["x", "y"]);
  });

  const crd: KubeObject = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.example.com" },
    spec: { group: "example.com", scope: "Namespaced", names: { kind: "Thing", plural: "things" }, versions: [] },
  };
  const thing: KubeObject = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "t" } };

  it("looks for the kinds of its own CRDs before it writes the rest, which goes on while their watches start", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [thing, crd, configMap("a"), deployment("b")] }]));
    world.slow.add("Thing.example.com");
    for (let count = 0; count < 10 && world.evaluate().step.kind !== "Discover"; count++)
      world.take(world.evaluate().step);
    expect(world.names()).toEqual(["things.example.com"]);
    world.served.set("Thing.example.com", "Namespaced");
    expect(world.run().done).toBe(false);
    expect(world.names()).toEqual(["a", "b", "things.example.com"]);
    world.slow.clear();
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["a", "b", "t", "things.example.com"]);
    world.slow.add("Thing.example.com");
    expect(world.evaluate()).toMatchObject({ looking: true, step: { kind: "None" } });
  });

  it("applies a custom object when its CRD, of the same layer, is served", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [thing, crd] }]));
    for (let count = 0; count < 10 && world.evaluate().step.kind !== "Discover"; count++)
      world.take(world.evaluate().step);
    expect(world.names()).toEqual(["things.example.com"]);
    expect(world.evaluate().step).toMatchObject({ kind: "Discover", wanted: [{ kind: "Thing" }] });
    world.served.set("Thing.example.com", "Namespaced");
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["t", "things.example.com"]);
  });

  it.each([
    ["of a group that nobody knows", "example.com/v1", "Thing"],
    ["that Kubernetes no longer serves", "policy/v1beta1", "PodSecurityPolicy"],
    ["that is misspelt", "apps/v1", "Deploymnt"],
  ])("names a kind %s, and applies the rest", (_, apiVersion, kind) => {
    const world = new Simulation(
      profileOf([{ name: "one", objects: [{ apiVersion, kind, metadata: { name: "t" } }, configMap("a")] }]),
    );
    world.attempts.set("discovery", { digest: "Thing", retryAt: 1 });
    const view = world.run();
    expect(view.layers[0]).toMatchObject({ state: "Failed", reason: "KindNotFound" });
    expect(view.wakeAt).toBe(1);
    expect(world.names()).toEqual(["a"]);
  });
});

describe("evaluateTeardown", () => {
  it("takes layers back in reverse order, each gone before the next", () => {
    const world = new Simulation(profileOf(["a", "b", "c"].map((name) => ({ name, objects: [configMap(name)] }))));
    world.run();
    world.steps.length = 0;
    expect(world.tearDown().step.kind).toBe("Forget");
    expect(world.steps.flatMap((step) => (step.kind === "Remove" ? [step.layer] : []))).toEqual(["c", "b", "a"]);
    expect(world.names()).toEqual([]);
  });

  it("watches again all that the parent names before it believes that anything is gone", () => {
    const world = new Simulation(profileOf([{ name: "a", objects: [configMap("a")] }]));
    world.run();
    world.watched.clear();
    expect(evaluateTeardown(world.seen(), { digestKey: KEY, parent: world.parent }).step.kind).toBe("Reach");
  });

  it("waits for an object that is on its way out, and names the finalizer that holds it", () => {
    const world = new Simulation(profileOf([{ name: "a", objects: [configMap("a")] }]));
    world.run();
    for (const tracked of world.live.values())
      tracked.observed = { ...tracked.observed, terminating: true, finalizers: ["example.com/keep"] };
    const view = world.tearDown();
    expect(view.step.kind).toBe("None");
    expect(view.removals[0]?.message).toBe(
      "1 object left; ConfigMap acme/a is being deleted, held by finalizer example.com/keep",
    );
  });

  it("releases what was adopted and what holds data instead of deleting it", () => {
    const claim: KubeObject = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" } };
    const world = new Simulation(profileOf([{ name: "a", objects: [configMap("mine"), configMap("adopted"), claim] }]));
    world.served.set("PersistentVolumeClaim", "Namespaced");
    world.run();
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "adopted") tracked.observed = { ...tracked.observed, adopted: true };
    world.steps.length = 0;
    world.tearDown();
    const how = world.steps.flatMap((step) =>
      step.kind === "Remove" ? step.items.map(({ tracked, how }) => `${tracked.observed.ref.name} ${how}`) : [],
    );
    expect(how.sort()).toEqual(["adopted release", "data release", "mine delete"]);
  });
});

const namespace = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
const placed = (object: KubeObject, where: string): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace: where },
});
/** What went and how, in the order in which it went; what went in one step stands together. */
function goings(world: Simulation): string[] {
  return world.steps.flatMap((step) =>
    step.kind === "Remove"
      ? [step.items.map(({ tracked, how }) => `${how} ${tracked.observed.ref.name}`).join(", ")]
      : [],
  );
}

describe("a layer with a pack", () => {
  const web = (version = "1.0.0"): Layer => ({
    name: "web",
    objects: [],
    pack: { registryRef: { name: "ours" }, name: "web", version },
  });
  const loaded = (name: string) => {
    const files = { "manifests/a.yaml": JSON.stringify(configMap(name)) };
    return { kind: "loaded" as const, loaded: loadedPack("web", { files }) };
  };
  const down = { kind: "failed" as const, failure: new Failure("SourceUnavailable", "no answer"), retryAt: 9 };

  function withPack(): Simulation {
    const world = new Simulation(profileOf([{ name: "first", objects: [configMap("f")] }, web()]));
    world.fetched = loaded("a");
    world.run();
    return world;
  }

  it("is opened before anything is written, and comes in its turn", () => {
    const world = withPack();
    expect(world.steps[0]?.kind).toBe("FetchPack");
    expect(world.applied()).toEqual(["f", "a"]);
    expect(world.parent.layers).toEqual(["first", "web", "web.manifests"]);
  });

  it("keeps what it has, under its name, while another version cannot be had", () => {
    const world = withPack();
    world.profile = profileOf([{ name: "first", objects: [configMap("f"), configMap("g")] }, web("2.0.0")]);
    world.fetched = down;
    const view = world.run();
    expect(view.layers.map(({ name, state }) => [name, state])).toEqual([
      ["first", "Ready"],
      ["web", "Failed"],
    ]);
    expect(view.removals).toEqual([]);
    expect(world.names()).toEqual(["a", "f", "g"]);
    expect(world.parent.layers).toEqual(["first", "web", "web.manifests"]);
  });

  it("prunes what another version of it no longer has", () => {
    const world = withPack();
    world.profile = profileOf([{ name: "first", objects: [configMap("f")] }, web("2.0.0")]);
    world.fetched = loaded("b");
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["b", "f"]);
  });

  describe("that is not healthy", () => {
    const pack = (...objects: KubeObject[]) => {
      const files = objects.map((one) => [`manifests/${one.metadata.name}.yaml`, JSON.stringify(one)]);
      return { kind: "loaded" as const, loaded: loadedPack("web", { files: Object.fromEntries(files) }) };
    };
    const plain = (name: string, more = {}): Layer => ({ name: "web", objects: [deployment(name)], ...more });

    /** The layer as it is now becomes `next`, of which the Deployment `new` is never healthy. */
    function becomes(world: Simulation, next: Layer): DeploymentView {
      world.sick.add("new");
      world.profile = profileOf([next]);
      return world.run();
    }

    it("loses what it was before it had a pack right after its apply", () => {
      const world = new Simulation(profileOf([plain("old")]));
      world.run();
      world.fetched = pack(deployment("new"));
      expect(becomes(world, web()).layers[0]?.state).toBe("Waiting");
      expect(world.names()).toEqual(["new"]);
    });

    it("loses its parts right after the apply of what it has instead of a pack", () => {
      const world = new Simulation(profileOf([web()]));
      world.fetched = pack(deployment("old"));
      world.run();
      expect(becomes(world, plain("new")).layers[0]?.state).toBe("Waiting");
      expect(world.names()).toEqual(["new"]);
    });

    it("keeps its parts when prune is Never", () => {
      const world = new Simulation(profileOf([web()]));
      world.fetched = pack(deployment("old"));
      world.run();
      expect(becomes(world, plain("next", { prune: "Never" })).done).toBe(true);
      expect(world.names()).toEqual(["next", "old"]);
      expect(world.parent.layers).toEqual(["web", "web.manifests"]);
    });

    it("loses nothing while another layer may want it", () => {
      const world = new Simulation(profileOf([plain("old")]));
      world.run();
      world.fetched = pack(deployment("new"));
      world.sick.add("new");
      const profile = profileOf([web(), { name: "late", objects: [configMap("x")] }]);
      const [, late] = profile.spec.layers;
      if (late) late.manifests = [{ configMapRef: { name: "gone" } }];
      world.profile = profile;
      world.run();
      expect(world.names()).toEqual(["new", "old"]);
      world.profile = profileOf([web(), { name: "late", objects: [deployment("old")] }]);
      world.run();
      expect(world.names()).toEqual(["new", "old"]);
      world.sick.clear();
      for (const tracked of world.live.values()) tracked.verdict = { state: "Current", message: "" };
      expect(world.run().done).toBe(true);
      expect(goings(world)).toEqual([]);
    });
  });

  it("that has nothing but values now loses all that it had", () => {
    const world = withPack();
    world.profile = profileOf([{ name: "first", objects: [configMap("f")] }, web("2.0.0")]);
    world.fetched = { kind: "loaded", loaded: loadedPack("web") };
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["f"]);
    expect(world.parent.layers).toEqual(["first", "web"]);
  });

  it("takes over what the layer had as manifests, of which the rest goes, and gives it back", () => {
    const plain = { name: "web", objects: [configMap("a"), configMap("old")] };
    const world = new Simulation(profileOf([plain]));
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([web()]);
    world.fetched = loaded("a");
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual(["delete old"]);
    expect(world.parent.layers).toEqual(["web", "web.manifests"]);
    world.steps.length = 0;
    world.profile = profileOf([{ ...plain, objects: [configMap("a")] }]);
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual([]);
    expect(world.names()).toEqual(["a"]);
    expect(world.parent.layers).toEqual(["web"]);
  });

  it("keeps a part that another version of it no longer has when prune is Never", () => {
    const world = withPack();
    world.parent = { ...world.parent, layers: [...world.parent.layers, "web.gone"] };
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "a") tracked.observed = { ...tracked.observed, layer: "web.gone" };
    world.profile = profileOf([
      { name: "first", objects: [configMap("f")] },
      { ...web("2.0.0"), prune: "Never" },
    ]);
    world.fetched = loaded("b");
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["a", "b", "f"]);
    world.profile = profileOf([{ name: "first", objects: [configMap("f")] }, web("2.0.0")]);
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["b", "f"]);
  });

  it("goes with all its parts, and with what is stored of it", () => {
    const world = withPack();
    world.profile = profileOf([{ name: "first", objects: [configMap("f")] }]);
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["f"]);
    const narrow = world.steps.findLast((step) => step.kind === "Narrow");
    expect(narrow).toMatchObject({ gone: ["web", "web.manifests"] });
    expect(world.parent.layers).toEqual(["first"]);
  });
});

describe("what others live in", () => {
  const home = { name: "home", objects: [namespace("shop")] };
  const app = { name: "app", objects: [placed(configMap("a"), "shop")] };
  const other = { name: "other", objects: [configMap("b")] };

  it("releases a Namespace that left the profile while another layer's objects are in it", () => {
    const world = new Simulation(profileOf([home, app]));
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([app]);
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual(["release shop"]);
    expect(world.names()).toEqual(["a"]);
  });

  it("prunes a Namespace after what was dropped with it, also of another layer", () => {
    const world = new Simulation(
      profileOf([
        { name: "home", objects: [namespace("shop"), configMap("x")] },
        { name: "app", objects: [...app.objects, configMap("y")] },
      ]),
    );
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([
      { name: "home", objects: [configMap("x")] },
      { name: "app", objects: [configMap("y")] },
    ]);
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual(["delete a", "delete shop"]);
  });

  it("prunes waves backwards: data is released before the Namespace around it goes", () => {
    const claim = placed({ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" } }, "shop");
    const world = new Simulation(
      profileOf([
        { name: "one", objects: [namespace("shop"), claim, placed(deployment("web"), "shop"), configMap("x")] },
      ]),
    );
    world.served.set("PersistentVolumeClaim", "Namespaced");
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([{ name: "one", objects: [configMap("x")] }]);
    world.run();
    expect(goings(world)).toEqual(["delete web", "release data", "delete shop"]);
  });

  it.each([
    ["before", [home, app, other]],
    ["after", [app, home, other]],
  ])("takes a Namespace back after the objects in it, when its layer stands %s theirs", (_where, layers) => {
    const world = new Simulation(profileOf(layers));
    world.run();
    world.steps.length = 0;
    expect(world.tearDown().step.kind).toBe("Forget");
    expect(goings(world)).toEqual(["delete b", "delete a", "delete shop"]);
  });

  it("does not delete a CRD under the custom objects of a layer that stays", () => {
    const crd: KubeObject = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.com" },
      spec: { group: "example.com", scope: "Namespaced", names: { kind: "Thing", plural: "things" }, versions: [] },
    };
    const things = {
      name: "things",
      objects: [{ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "t" } }],
    };
    const world = new Simulation(profileOf([{ name: "crds", objects: [crd] }, things]));
    world.served.set("Thing.example.com", "Namespaced");
    world.crds.set("Thing.example.com", "apiextensions.k8s.io/CustomResourceDefinition//things.example.com");
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([things]);
    world.run();
    expect(goings(world)).toEqual(["release things.example.com"]);
    expect(world.names()).toEqual(["t"]);
  });
});

describe("a layer that waits for an output that it had", () => {
  const outputs = [{ name: "key", object: { apiVersion: "v1", kind: "ConfigMap", name: "s" }, value: "self.data.key" }];
  const layers = (objects: KubeObject[]): Layer[] => [
    { name: "a", outputs, objects: [configMap("a")] },
    { name: "b", namespace: `ns-\${{ layers.a.outputs.key }}`, objects },
    { name: "c", objects: [configMap("c")] },
  ];
  const source = configMap("s", { key: "x" });

  /** Ready, and then without the output. */
  function waiting(objects = [configMap("b"), configMap("b2")], more = {}): Simulation {
    const world = new Simulation(
      profileOf(layers(objects).map((one) => (one.name === "b" ? { ...one, ...more } : one))),
    );
    world.named = source;
    expect(world.run().done).toBe(true);
    world.installed = new Map(
      buildPlan(world.seen(), { digestKey: KEY, parent: world.parent }).layers.flatMap((layer) =>
        layer.state.kind === "known" ? [[layer.spec.name, { ...layer, state: layer.state }] as const] : [],
      ),
    );
    world.named = "absent";
    world.steps.length = 0;
    return world;
  }
  const without = (world: Simulation, name: string): void => {
    for (const [key, { observed }] of world.live) if (observed.ref.name === name) world.live.delete(key);
  };

  it("is mended as it was Ready last, and says what it waits for", () => {
    const world = waiting();
    expect(world.run().layers[1]).toMatchObject({ state: "Pending", reason: "WaitingForOutput" });
    expect(world.steps).toEqual([]);
    without(world, "b");
    expect(world.evaluate().layers[1]?.message).toMatch(
      /^waits for output key .*; ConfigMap ns-x\/b changed or deleted/,
    );
    expect(world.run().layers[1]).toMatchObject({ state: "Pending", reason: "WaitingForOutput" });
    expect(world.applied()).toEqual(["b"]);
    expect(world.names()).toEqual(["a", "b", "b2", "c"]);
  });

  it("leaves to another layer what that one has by now", () => {
    const world = waiting();
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "b") tracked.observed = { ...tracked.observed, layer: "c" };
    world.run();
    expect(world.applied()).not.toContain("b");
  });

  it.each([
    ["that is what was Ready", configMap("b"), ["b"]],
    ["but from nothing else", configMap("b", { other: "1" }), []],
  ])("is mended by a fresh process from what is stored, %s", (_, object, want) => {
    const world = waiting([configMap("b")], { namespace: "acme", when: 'layers.a.outputs.key == "x"' });
    world.installed = new Map();
    world.contents.delete("b");
    world.stored.set("b", { objects: [object], crds: [] });
    without(world, "b");
    world.run();
    expect(world.steps.filter(({ kind }) => kind === "Recall")).toHaveLength(1);
    expect(world.applied()).toEqual(want);
  });
});

describe("what could be lost or forgotten", () => {
  it("prunes nothing while a layer that might want it cannot be rendered", () => {
    const layers = (first: KubeObject[], last: object) => [
      { name: "one", objects: first },
      { name: "two", objects: [configMap("y")], ...last },
    ];
    const world = new Simulation(profileOf(layers([configMap("x"), configMap("moving")], {})));
    world.run();
    const profile = profileOf(layers([configMap("x")], {}));
    const [, two] = profile.spec.layers;
    if (two) two.manifests = [{ configMapRef: { name: "gone" } }];
    world.profile = profile;
    const view = world.run();
    expect(view.layers[1]).toMatchObject({ state: "Blocked", reason: "ReferenceNotFound" });
    expect(world.names()).toContain("moving");
    world.profile = profileOf(layers([configMap("x")], { objects: [configMap("y"), configMap("moving")] }));
    world.steps.length = 0;
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual([]);
  });

  it("says when a dropped object cannot be removed, and comes back to it", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [configMap("old"), configMap("new")] }]));
    world.run();
    const [key = ""] = [...world.live].find(([, { observed }]) => observed.ref.name === "old") ?? [];
    world.attempts.set(key, { digest: REMOVAL, failure: new Failure("Forbidden", "may not delete old"), retryAt: 7 });
    world.profile = profileOf([{ name: "one", objects: [configMap("new")] }]);
    const view = world.run();
    expect(view.layers[0]).toMatchObject({ state: "Failed", reason: "Forbidden", message: "may not delete old" });
    expect(view).toMatchObject({ done: false, wakeAt: 7 });
  });

  it("takes back what somebody took the layer's mark off", () => {
    const world = new Simulation(profileOf(["a", "b"].map((name) => ({ name, objects: [configMap(name)] }))));
    world.run();
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "a") tracked.observed = { ...tracked.observed, layer: undefined };
    expect(world.tearDown().step.kind).toBe("Forget");
    expect(world.names()).toEqual([]);
  });

  it("is not done before it knows what layers that left the list still have", () => {
    const world = new Simulation(
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", objects: [deployment("b")] },
      ]),
    );
    world.run();
    world.profile = profileOf([{ name: "a", objects: [configMap("a")] }]);
    const hidden = [...world.live].filter(([, { observed }]) => observed.ref.name === "b");
    for (const [key] of hidden) world.live.delete(key);
    world.watched.delete("Deployment.apps");
    world.contents.clear();
    let view = world.evaluate();
    for (; view.step.kind === "Render"; view = world.evaluate()) world.take(view.step);
    expect(view.layers[0]?.state).toBe("Ready");
    expect(view).toMatchObject({ step: { kind: "Reach" }, done: false });
  });

  it("looks only where members may be: not for each kind in each namespace", () => {
    const world = new Simulation(
      profileOf([{ name: "a", objects: [placed(configMap("a"), "one"), placed(deployment("b"), "two")] }]),
    );
    world.run();
    world.watched.clear();
    const { step } = evaluateTeardown(world.seen(), { digestKey: KEY, parent: world.parent });
    const watches = step.kind === "Reach" ? step.watches : [];
    expect(watches.map(({ kind, namespace }) => `${groupKindKey(kind)}/${namespace}`)).toEqual([
      "ConfigMap/one",
      "Deployment.apps/two",
    ]);
  });

  it("keeps in mind where it may not look any more, and does not call a layer gone that may be there", () => {
    const world = new Simulation(
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", objects: [deployment("b")] },
      ]),
    );
    world.run();
    world.live.delete([...world.live.keys()].find((key) => key.endsWith("/b")) ?? "");
    world.refused.add("Deployment.apps");
    world.profile = profileOf([{ name: "a", objects: [configMap("a")] }]);
    const view = world.run();
    expect(view).toMatchObject({ done: false, step: { kind: "None" }, blocked: { reason: "Forbidden" } });
    expect([...world.parent.kinds].sort()).toEqual(["ConfigMap", "Deployment.apps"]);
  });

  it("waits with an object that somebody undoes each time, and says so", () => {
    const world = new Simulation(profileOf([{ name: "a", objects: [configMap("a")] }]));
    world.run();
    for (const [key, attempt] of world.attempts) world.attempts.set(key, { ...attempt, retryAt: 9 });
    world.live.clear();
    const view = world.run();
    expect(view.layers[0]).toMatchObject({ state: "Drifted", reason: "DriftFight" });
    expect(view.wakeAt).toBe(9);
  });
});

describe("whatever the list was and becomes", () => {
  const names = ["a", "b", "c", "d", "e"];
  const layers = fc
    .uniqueArray(fc.constantFrom("l1", "l2", "l3", "l4"), { minLength: 1 })
    .chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(names, { minLength: list.length }),
        fc.array(fc.nat(9), { minLength: 5, maxLength: 5 }),
      ),
    )
    .map(([list, objects, values]) =>
      list.map((name, index) => ({
        name,
        objects: objects
          .filter((_, position) => position % list.length === index)
          .map((object, position) => configMap(object, { v: String(values[position]) })),
      })),
    );

  it("ends with exactly the objects of the last list, and a teardown leaves none", () => {
    fc.assert(
      fc.property(layers, layers, (before, after) => {
        const world = new Simulation(profileOf(before));
        expect(world.run().done).toBe(true);
        world.profile = profileOf(after);
        expect(world.run().done).toBe(true);
        expect(world.names()).toEqual(
          after.flatMap(({ objects }) => objects.map(({ metadata }) => metadata.name ?? "")).sort(),
        );
        expect(world.evaluate().step.kind).toBe("None");
        world.tearDown();
        expect(world.names()).toEqual([]);
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});

import { parseProfile } from "../../api/parse.ts";
import type { DeploymentLayerStatus, Profile, ProfileDeploymentStatus } from "../../api/types.ts";
import { Failure } from "../../errors.ts";
import { applySetOf, EMPTY_PARENT, type Parent } from "../../membership/applyset.ts";
import { fieldsDigest } from "../../membership/fields.ts";
import { observe } from "../../membership/observed.ts";
import { groupKindKey } from "../../objects/identity.ts";
import type { GroupKind, KubeObject } from "../../objects/types.ts";
import { buildPlan } from "../../plan/build-plan.ts";
import { DISCOVERY } from "../../plan/evaluate-objects.ts";
import type { LayerInputs } from "../../plan/inputs.ts";
import { namespaceDigest } from "../../plan/layer-namespace.ts";
import { manifestsContent } from "../../plan/manifests.ts";
import { type DeploymentView, evaluate, evaluateTeardown } from "../../plan/next-step.ts";
import type { PackMemory } from "../../plan/packs.ts";
import { withMark } from "../../plan/place.ts";
import { REMOVAL } from "../../plan/removal.ts";
import { type Attempt, type Heirs, NO_CONDITIONS, type Seen, type Tracked } from "../../plan/seen.ts";
import type { Step } from "../../plan/step.ts";
import type { ContentMemory, EngineLayer, LayerContent, Plan } from "../../plan/types.ts";
import { deploymentStatus, rowsAndParts } from "../../status/deployment-status.ts";
import type { DeploymentMemory } from "../memory.ts";
import { forgetReplaced, rememberPlan } from "../remember-plan.ts";
import { endWaits, type Neighbours, noticeLook, patienceOf } from "../settling.ts";

const SERVED: Readonly<Record<string, "Namespaced" | "Cluster">> = {
  ConfigMap: "Namespaced",
  Secret: "Namespaced",
  "Deployment.apps": "Namespaced",
  Namespace: "Cluster",
  "CustomResourceDefinition.apiextensions.k8s.io": "Cluster",
};

export type Layer = { name: string; objects: KubeObject[] } & Record<string, unknown>;

export function profileOf(layers: Layer[]): Profile {
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

export const configMap = (name: string, data: Record<string, string> = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});
export const deployment = (name: string): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {},
});

/** A cluster as data: what a plan sees of it, and what each step would leave there. Nothing of an API server but the outcome. */
export class Simulation {
  readonly live = new Map<string, Tracked>();
  readonly attempts = new Map<string, Attempt>();
  readonly contents = new Map<string, ContentMemory>();
  /** What a process remembers of its plans; another one begins with nothing. */
  memory: Pick<DeploymentMemory, "installed" | "conditions"> = { installed: new Map(), conditions: NO_CONDITIONS };
  now = Date.parse("2026-11-23T07:00:00Z");
  /** What is to be known of every object that an output is read from. */
  named: ReturnType<Seen["site"]["named"]> | Seen["site"]["named"] = "unknown";
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
  status: ProfileDeploymentStatus | undefined;
  profile: Profile;
  pruneAt: number | undefined;
  /** How other profiles are, where their time runs by the looks at the cluster; else `pruneAt` tells it. */
  neighbours: Neighbours | undefined;
  readonly waits: Pick<DeploymentMemory, "looks" | "turns" | "holds"> = {
    looks: 0,
    turns: new Map(),
    holds: new Map(),
  };
  /** What other profiles wait for, and what they are yet to try, by the names of objects. */
  readonly claimed = new Set<string>();
  readonly intended = new Set<string>();
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
      now: this.now,
      profile: this.profile,
      set: this.set,
      referents: () => ({ kind: "absent" }),
      packs: this.packs,
      macros: new Map(),
      contents: this.contents,
      ...this.memory,
      attempts: this.attempts,
      namespaces: this.namespaces,
      leaving: new Map(),
      isTold: this.#isTold(),
      rows: new Map(rowsAndParts(this.status).map((row) => [row.name, row])),
      cluster: { name: "local", target: undefined },
      fixed: {},
      ...this.#patience(),
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
        named: (ref) => (typeof this.named === "function" ? this.named(ref) : this.named),
        nodes: () => undefined,
        storage: () => ({ classes: undefined, drivers: undefined }),
        deleted: () => undefined,
        releases: () => [],
        explain: () => undefined,
      },
    };
  }

  #patience(): Pick<Seen, "pruneAt" | "heirs"> {
    const { neighbours, now } = this;
    const heirs: Heirs = {
      claim: (key) => this.claimed.has(this.live.get(key)?.observed.ref.name ?? ""),
      intend: (key) => this.intended.has(this.live.get(key)?.observed.ref.name ?? ""),
    };
    if (neighbours === undefined) return { pruneAt: () => this.pruneAt, heirs };
    noticeLook(this.waits);
    return patienceOf(this.waits, { neighbours: () => neighbours, heirs }, now);
  }

  plan(): Plan {
    return buildPlan(this.seen(), { digestKey: KEY, parent: this.parent });
  }

  /** A pass up to its step: what is judged is remembered and told. */
  evaluate(): DeploymentView {
    const seen = this.seen();
    const prepared = { digestKey: KEY, parent: this.parent };
    const plan = buildPlan(seen, prepared);
    const view = evaluate(plan, seen, prepared);
    rememberPlan(this.memory, plan, view.layers);
    endWaits({ ...this.waits, prepared }, plan, seen.site);
    forgetReplaced(this.memory, view.step, plan);
    const now = new Date(this.now).toISOString();
    if (view.looking && this.#isTold()) return view;
    const profileGeneration = this.profile.metadata.generation ?? 1;
    this.status = deploymentStatus(plan, view, { now, generation: 1, profileGeneration, previous: this.status });
    return view;
  }

  #isTold(): boolean {
    return this.status?.profileGeneration === this.profile.metadata.generation;
  }

  row(name: string): DeploymentLayerStatus | undefined {
    return rowsAndParts(this.status).find((row) => row.name === name);
  }

  /** All that was sick is well. */
  heal(): void {
    this.sick.clear();
    for (const tracked of this.live.values()) tracked.verdict = { state: "Current", message: "" };
  }

  /** Somebody deletes an object. */
  lose(name: string): void {
    for (const [key, { observed }] of this.live) if (observed.ref.name === name) this.live.delete(key);
  }

  /** Another process begins: it knows what is in the cluster and in the status. */
  restart(): void {
    this.memory = { installed: new Map(), conditions: NO_CONDITIONS };
    for (const map of [this.contents, this.packs, this.attempts, this.namespaces]) map.clear();
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
    else if (step.kind === "Reach" || step.kind === "Narrow") this.#reach(step);
    else if (step.kind === "Discover")
      this.attempts.set(DISCOVERY, { digest: "", attempts: 1, retryAt: this.now + 1_000 });
    else if (step.kind === "EnsureNamespace")
      this.namespaces.set(step.namespace, { digest: namespaceDigest(step.metadata) });
    else if (step.kind === "LeaveNamespace") this.parent = { ...this.parent, ownNamespaces: new Set() };
    else if (step.kind === "Remove") this.#remove(step);
    else if (step.kind === "Apply") {
      for (const { desired } of step.items) this.#apply(withMark(desired, step.layer.spec.name), desired.digest);
    }
  }

  #reach(step: Step & { kind: "Reach" | "Narrow" }): void {
    this.parent = step.parent;
    for (const { kind } of step.kind === "Reach" ? step.watches : []) this.watched.add(groupKindKey(kind));
    for (const name of step.kind === "Narrow" ? step.gone : [])
      for (const map of [this.contents, this.packs, this.memory.installed]) map.delete(name);
  }

  #recall(layer: string): void {
    const content = this.stored.get(layer) ?? { objects: [], crds: [] };
    this.contents.set(layer, { inputs: "", specDigest: "", attempts: 1, result: { kind: "known", content } });
  }

  #render({ layer: { spec, inputs } }: Step & { kind: "Render" }): void {
    if (!inputs) return;
    const { digest, specDigest } = inputs;
    const content = contentOf(spec, inputs);
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

/** A chart has one Deployment with its name, and its Helm release is left out. */
function contentOf(spec: EngineLayer, { texts }: LayerInputs): LayerContent | Failure {
  if (spec.part?.kind === "chart")
    return { objects: [deployment(spec.part.name)], crds: [], version: spec.helm?.version ?? "" };
  return spec.part ? filesContent(spec.part) : manifestsContent(spec, texts);
}

function filesContent({ files }: { files: readonly { content: string }[] }): LayerContent {
  return { objects: files.map(({ content }) => JSON.parse(content)), crds: [] };
}

export const KEY = new Uint8Array(32);

import { parseProfile } from "../../src/api/parse.ts";
import type { Profile, ProfileDeploymentStatus } from "../../src/api/types.ts";
import type { Heir } from "../../src/apply/context.ts";
import { noteHook, removeHook, runHook } from "../../src/apply/hook-steps.ts";
import { claimRelease, handOverRelease } from "../../src/apply/release-handover.ts";
import type { ReleaseCache, ReleaseContext } from "../../src/apply/release-records.ts";
import { forgetRelease, markRelease, openRelease, rollback } from "../../src/apply/release-steps.ts";
import { removeStrays } from "../../src/apply/release-strays.ts";
import { recallHooks } from "../../src/apply/sealed-release.ts";
import { keptOf, type StoredSet } from "../../src/apply/stored-set.ts";
import { Failure } from "../../src/errors.ts";
import { applySetOf, EMPTY_PARENT, type Parent } from "../../src/membership/applyset.ts";
import { applyEntryOf, fieldsDigest } from "../../src/membership/fields.ts";
import { observe } from "../../src/membership/observed.ts";
import { parseJson, stringifyJson } from "../../src/objects/json.ts";
import { scopeOfBuiltIn } from "../../src/objects/scope.ts";
import type { KubeObject } from "../../src/objects/types.ts";
import type { LayerInputs } from "../../src/plan/inputs.ts";
import { plainObjects } from "../../src/plan/manifests.ts";
import type { Outcome, RemoveResult } from "../../src/plan/outcome.ts";
import { withMark } from "../../src/plan/place.ts";
import { type ReleaseRecord, type ReleaseStatus, readRecord, recordName } from "../../src/plan/release.ts";
import type { SiteView, Tracked } from "../../src/plan/seen.ts";
import type { RemoveItem, Step } from "../../src/plan/step.ts";
import { newDeployment } from "../../src/plan/targets.ts";
import type { Hook, LayerContent, PlannedLayer, ReleaseSource } from "../../src/plan/types.ts";
import { DeploymentReconciler } from "../../src/reconcile/deployment.ts";
import type { DeploymentFacts, Interest } from "../../src/reconcile/ports.ts";
import { CutOff, MemoryCluster } from "./memory-cluster.ts";

/** What the renderer makes of the chart `shop`. */
interface Chart {
  objects?: readonly KubeObject[];
  /** Those of its `crds/` folder. */
  crds?: readonly KubeObject[];
  hooks?: readonly Hook[];
  version?: string;
}

export type Ending = "Succeeded" | "Failed" | "Running";

const HOME = "web";
const RELEASE = { namespace: HOME, name: "shop" };
const KEY = new Uint8Array(32);

/** A hook of a chart: a Job, if nothing else is said. */
export function hookOf(name: string, events: readonly string[], about: Partial<Hook> = {}): Hook {
  const { kind = "Job" } = about;
  const apiVersion = kind === "Job" ? "batch/v1" : "v1";
  const object = { apiVersion, kind, metadata: { name, namespace: HOME } };
  const manifest = stringifyJson(object);
  const policies = { deletePolicies: [], outputLogPolicies: [] };
  return { name, kind, path: `shop/${name}.yaml`, events, weight: 0, ...policies, manifest, object, ...about };
}

/** What a Job's controller says at its end. */
export function ended(job: KubeObject, ending: Ending): KubeObject {
  if (ending === "Running" || job.kind !== "Job") return job;
  const type = ending === "Succeeded" ? "Complete" : "Failed";
  return { ...job, status: { conditions: [{ type, status: "True", reason: "BackoffLimitExceeded" }] } };
}

export function configMap(name: string, data: Record<string, string> = {}): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data };
}

/**
 * One layer with a chart, on a cluster that is data. The story and the steps on releases are the real ones; an apply leaves
 * what a server-side apply would. Each write can be the last of its process.
 */
export class ReleaseWorld {
  now = Date.parse("2026-01-05T10:00:00Z");
  readonly cluster = new MemoryCluster(() => this.now);
  /** How the runs of a hook end, by its name and in order; the last ending goes on for ever. */
  readonly endings = new Map<string, Ending[]>();
  /** Names of objects and hooks that the API server refuses, and its reason: for good, if nothing else is said. */
  readonly refused = new Set<string>();
  refusal = new Failure("InvalidObject", "spec.size: must not be negative");
  /** Somebody has deleted the namespace: nothing can be made in it until it is ensured. */
  homeless = false;
  /** Who waits for objects and releases, by key, and what others are about to write. */
  readonly heirs = new Map<string, Heir>();
  readonly intents = new Set<string>();
  /** Why the cluster cannot be reached now. */
  lost: Failure | undefined;
  /** Whether the profile goes to the cluster. */
  matched = true;
  /** Names of objects that cannot be deleted now. */
  readonly unprunable = new Set<string>();
  /** Objects that are late, by name. */
  readonly sick = new Map<string, "InProgress" | "Failed">();
  /** What people were told, as `Reason: message`. */
  readonly told: string[] = [];
  readonly set = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
  status: ProfileDeploymentStatus | undefined;
  onStatus: () => void = () => undefined;
  /** What it wants watched, and of what others have. */
  interest: Interest | undefined;
  renders = 0;
  /** Whether the chart's registry cannot be reached. */
  registryIsDown = false;
  finished = false;
  #chart: Chart = {};
  #profile: Profile;
  #parent: Parent = { ...EMPTY_PARENT, hub: "hub" };
  readonly #stored = new Map<string, { inputs: string; content: LayerContent }>();
  #deletedAt: string | undefined;
  #wakeIn: number | undefined;
  #acted = false;
  #site = {};
  #cache: ReleaseCache = new Map();
  #reconciler: DeploymentReconciler;
  #revisions = 0;

  constructor(chart: Chart, layer: object = {}) {
    this.#profile = this.#profileOf({});
    this.#reconciler = this.#start();
    this.change(chart, layer);
    this.cluster.onCreate = (object) => this.#run(object);
  }

  /** Another content of the layer. */
  change(chart: Chart, layer: object = {}): void {
    const values = { revision: this.#revisions };
    const helm = { repo: "https://charts.example", chart: "shop", version: "1.0.0" };
    this.#chart = chart;
    const source = "manifests" in layer ? {} : { helm, values };
    this.#profile = this.#profileOf({ name: "shop", ...source, ...layer });
  }

  /** The chart's layer leaves the list. */
  drop(): void {
    this.#profile = this.#profileOf({ name: "other", manifests: [{ object: configMap("other") }] });
  }

  tearDown(): void {
    this.#deletedAt = new Date(this.now).toISOString();
  }

  /** The controller of a Job that is running says that it has succeeded. */
  finish(job: string): void {
    for (const live of this.cluster.all("Job"))
      if (live.metadata.name === job) this.cluster.put(ended(live, "Succeeded"));
  }

  /** A new process: it knows what the cluster and the status know. */
  restart(): void {
    this.#site = {};
    this.#cache = new Map();
    this.#reconciler = this.#start();
  }

  get layer(): { state: string | undefined; reason: string | undefined; message: string } {
    const row = this.status?.layers?.find(({ name }) => name === "shop");
    return { state: row?.state, reason: row?.reason, message: row?.message ?? "" };
  }

  /** What the parent remembers. */
  get parent(): Parent {
    return this.#parent;
  }

  /** In how many milliseconds time alone brings the next pass. */
  get wakeIn(): number | undefined {
    return this.#wakeIn;
  }

  get records(): ReleaseRecord[] {
    const records = this.cluster.all("Secret").flatMap((secret) => readRecord(secret) ?? []);
    return records.toSorted((a, b) => a.version - b.version);
  }

  /** `1 superseded`, `2 deployed`. */
  get history(): string[] {
    return this.records.map(({ version, status }) => `${version} ${status}`);
  }

  /** A record that the `helm` command of a person writes, with the labels that it finds on the one before. */
  helm(version: number, status: ReleaseStatus, about: { chart?: string; objects?: readonly KubeObject[] } = {}): void {
    const last = this.cluster.all("Secret").at(-1)?.metadata.labels ?? {};
    const handedOn = Object.entries(last).filter(([key]) => key.startsWith("strata.dev/"));
    const own = { owner: "helm", name: "shop", status, version: String(version), modifiedAt: String(this.now / 1000) };
    const name = recordName(RELEASE, version);
    const labels = { ...Object.fromEntries(handedOn), ...own };
    const manifest = (about.objects ?? []).map((object) => stringifyJson(object)).join("\n---\n");
    const chart = { metadata: { name: about.chart ?? "shop" } };
    const text = stringifyJson({ ...RELEASE, version, manifest, chart, info: { status } });
    const data = { release: Buffer.from(Buffer.from(text).toString("base64")).toString("base64") };
    this.cluster.put({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: HOME, labels }, data });
  }

  /**
   * Passes until there is nothing to do now. The breath that other profiles have before anything goes is over, unless this is
   * about them: that of what a layer drops, and then that of a release that it had before.
   */
  async settle(): Promise<void> {
    let breaths = this.heirs.size + this.intents.size > 0 ? 0 : 2;
    for (let count = 0; count < 300; count++) {
      this.#acted = false;
      this.#wakeIn = undefined;
      await this.#reconciler.reconcile("p", new AbortController().signal);
      if (this.finished) return;
      if (this.#acted) continue;
      if (breaths === 0 || (this.#wakeIn ?? Infinity) > 1_000) return;
      breaths -= 1;
      this.now += 1_000;
    }
    throw new Error(`no end: ${this.cluster.log.slice(-5)}: ${this.layer.message}`);
  }

  /** Settles, and lets time pass while it is not so. */
  async settleUntil(isSo: () => boolean): Promise<void> {
    for (let count = 0; count < 60; count++) {
      await this.settle();
      if (isSo()) return;
      this.now += Math.max(1_000, this.#wakeIn ?? 60_000);
    }
    throw new Error(`never: ${this.layer.message}; ${this.history}; ${this.cluster.log.slice(-5)}`);
  }

  /** Settles with a process that is cut off at its n-th write, and with one after it. Whether there was such a write. */
  async settleCutOff(write: number, written: boolean, isSo: () => boolean): Promise<boolean> {
    this.cluster.cutOff = { after: write, written };
    try {
      await this.settleUntil(isSo);
      return false;
    } catch (error) {
      if (!(error instanceof CutOff)) throw error;
    } finally {
      this.cluster.cutOff = undefined;
    }
    this.restart();
    await this.settleUntil(isSo);
    return true;
  }

  #profileOf(layer: object): Profile {
    this.#revisions += 1;
    const name = "none";
    const parsed = parseProfile({
      apiVersion: "strata.dev/v1alpha1",
      kind: "AddOnProfile",
      metadata: { name: "p", namespace: "acme", generation: this.#revisions },
      spec: {
        clusterRefs: [{ name: "local" }],
        namespace: HOME,
        layers: [{ name, ...("name" in layer ? {} : { manifests: [{ object: configMap(name) }] }), ...layer }],
      },
    });
    if (!parsed.ok) throw new Error(parsed.problems.join());
    return parsed.value;
  }

  #start(): DeploymentReconciler {
    return new DeploymentReconciler({
      now: () => this.now,
      random: () => 1,
      observe: () => this.#facts(),
      act: async (step, _facts, signal) => await this.#act(step, signal),
      want: (_key, interest) => {
        this.interest = interest;
      },
      report: (_key, status) => {
        this.status = status;
        this.onStatus();
      },
      tell: (_facts, { reason, message }) => void this.told.push(`${reason}: ${message}`),
      tellForGood: (_facts, { reason, message }) => void this.told.push(`${reason}: ${message}`),
      absence: async () => undefined,
      isTenantGoing: async () => false,
      finish: async () => {
        this.finished = true;
      },
      again: (_key, afterMs) => {
        this.#wakeIn = Math.min(this.#wakeIn ?? afterMs, afterMs);
      },
    });
  }

  #facts(): DeploymentFacts {
    const going = this.#deletedAt ? { deletionTimestamp: this.#deletedAt } : {};
    const profile = { ...this.#profile, metadata: { ...this.#profile.metadata, ...going } } as Profile;
    const fresh = newDeployment(profile, { name: "local" });
    const metadata = { ...fresh.metadata, ...going };
    const deployment = { ...fresh, metadata, ...(this.status ? { status: this.status } : {}) };
    const place = {
      set: this.set,
      site: this.#site,
      view: this.#view(),
      neighbours: () => "still" as const,
      heirs: { claim: (key: string) => this.heirs.has(key), intend: (key: string) => this.intents.has(key) },
      profileOf: () => undefined,
    };
    return {
      key: "p",
      deployment,
      profile,
      cluster: undefined,
      side: "Workload",
      street: () => undefined,
      target: this.lost ? { kind: "failing", failure: this.lost } : { kind: "ready", place },
      isUnreadable: false,
      matched: this.matched,
      isTenantGoing: false,
      isPlaceGoing: false,
      hasHeir: () => "no",
      referents: () => ({ kind: "absent" }),
    };
  }

  #view(): Omit<SiteView, "prepared"> {
    return {
      kubernetesVersion: "v1.36.3",
      scopeOf: scopeOfBuiltIn,
      served: (kind) => scopeOfBuiltIn(kind) !== undefined,
      servedIn: (kind) => scopeOfBuiltIn(kind) !== undefined,
      watchState: () => "live",
      crdOf: () => undefined,
      member: (key) => this.#members().find(({ observed }) => observed.key === key),
      members: () => this.#members(),
      named: (ref) => this.cluster.get(ref) ?? "absent",
      deleted: () => undefined,
      nodes: () => undefined,
      storage: () => ({ classes: undefined, drivers: undefined }),
      releases: ({ namespace, name }) =>
        this.records.filter(({ release }) => release.namespace === namespace && release.name === name),
      explain: () => undefined,
    };
  }

  #members(): Tracked[] {
    return this.cluster.all().flatMap((object) => {
      const observed = observe(object);
      const state = this.sick.get(object.metadata.name ?? "") ?? "Current";
      return observed ? [{ observed, verdict: { state, message: state === "Current" ? "" : "0/1 ready" } }] : [];
    });
  }

  async #act(step: Step, signal: AbortSignal): Promise<Outcome> {
    this.#acted = true;
    switch (step.kind) {
      case "Prepare":
        return { kind: "Prepared", digestKey: KEY, parent: this.#parent };
      case "Reach":
      case "Narrow":
        this.#parent = step.parent;
        return { kind: "Reached", parent: step.parent };
      case "EnsureNamespace":
        this.homeless = false;
        return { kind: "NamespaceEnsured" };
      case "LeaveNamespace":
        return { kind: "NamespaceLeft", result: { state: "left" } };
      case "Render":
        return { kind: "Rendered", result: this.#render(step.layer) };
      case "Recall":
        return { kind: "Recalled", content: this.#stored.get(step.layer)?.content };
      case "Apply":
        return this.#apply(step);
      case "Remove":
        return { kind: "Removed", results: step.items.map((item) => this.#remove(item)) };
      case "Forget":
        return { kind: "Forgotten" };
      default:
        return await this.#onRelease(step, signal);
    }
  }

  #remove(item: RemoveItem): RemoveResult {
    const { ref } = item.tracked.observed;
    if (this.unprunable.has(ref.name)) return { item, ok: false, failure: new Failure("ServerError", "500") };
    const heir = this.heirs.get(item.tracked.observed.key);
    this.cluster.write(`${heir ? "give" : "prune"} ${ref.name}`, () => this.cluster.remove(ref));
    return { item, ok: true, how: "deleted" };
  }

  #render({ spec, inputs }: PlannedLayer): LayerContent | Failure {
    const stored = this.#stored.get(spec.name);
    if (!inputs || stored?.inputs === inputs.digest) return stored?.content ?? { objects: [], crds: [] };
    const attachments = plainObjects(spec, spec.helm ? "attachments" : "manifests", inputs.texts);
    if (attachments instanceof Failure) return attachments;
    if (!spec.helm) return { objects: attachments, crds: [] };
    const { objects = [], crds = [], hooks = [] } = this.#chart;
    const manifest = [...attachments, ...objects].map((object) => stringifyJson(object)).join("\n---\n");
    const about = { version: this.#version, digest: `sha256:${this.#version}` };
    const content = { ...about, objects, crds, attachments, release: { chart: "shop", hooks, manifest, notes: "" } };
    this.renders += 1;
    this.#keep(spec.name, inputs, content);
    return content;
  }

  /** As a stored set comes back to the next process. */
  #keep(layer: string, { digest, specDigest }: LayerInputs, content: LayerContent): void {
    const text = stringifyJson(keptOf({ inputs: digest, specDigest, content }));
    this.#stored.set(layer, parseJson(text) as StoredSet);
  }

  get #version(): string {
    return this.#chart.version ?? "1.0.0";
  }

  #source({ spec }: PlannedLayer): ReleaseSource | Failure {
    if (this.registryIsDown) return new Failure("SourceUnavailable", "the registry cannot be reached");
    const chart = stringifyJson({ metadata: { name: "shop", version: this.#version }, templates: [] });
    return { chart, config: stringifyJson(spec.values ?? {}) };
  }

  #apply(step: Step & { kind: "Apply" }): Outcome {
    const results = step.items.map((item) => {
      if (this.refused.has(item.desired.ref.name)) return { item, ok: false as const, failure: this.refusal };
      const object = withMark(item.desired, step.layer.spec.name);
      const { name: _, namespace: __, ...owned } = object.metadata;
      const fieldsV1 = fieldsOf({ ...object, metadata: owned });
      const managedFields = [{ manager: this.set.manager, operation: "Apply" as const, fieldsV1 }];
      const live = this.cluster.write(`apply ${item.desired.ref.name}`, () =>
        this.cluster.put({ ...object, metadata: { ...object.metadata, managedFields } }),
      );
      const entry = applyEntryOf(live, this.set.manager);
      return { item, ok: true as const, how: "updated" as const, fields: entry ? fieldsDigest(entry) : "" };
    });
    return { kind: "Applied", results };
  }

  /** As the real `act`: a step on a release that fails concerns its layer alone. */
  async #onRelease(step: Step, signal: AbortSignal): Promise<Outcome> {
    try {
      return await this.#dispatch(step, signal);
    } catch (error) {
      if (error instanceof CutOff) throw error;
      return {
        kind: "Released",
        failure: error instanceof Failure ? error : new Failure("ServerError", String(error)),
      };
    }
  }

  async #dispatch(step: Step, signal: AbortSignal): Promise<Outcome> {
    const on = this.#context();
    if (this.homeless && (step.kind === "OpenRelease" || step.kind === "RunHook"))
      throw new Failure("NamespaceNotFound", `namespace ${HOME} does not exist`);
    switch (step.kind) {
      case "OpenRelease":
        return await openRelease(step, on, signal);
      case "MarkRelease":
        return await markRelease(step, on, signal);
      case "RunHook":
        if (this.refused.has(step.hook.ref.name)) throw this.refusal;
        return await runHook(step, on, signal);
      case "NoteHook":
        return await noteHook(step, on, signal);
      case "RemoveHook":
        return await removeHook(step, on, signal);
      case "RemoveStrays":
        return await removeStrays(step, on, signal);
      case "ClaimRelease":
        return await claimRelease(step, on, signal);
      case "HandOverRelease":
        return await handOverRelease(step, on, signal);
      case "ForgetRelease":
        return await forgetRelease(step, on, signal);
      case "Rollback":
        return await rollback(step, on, signal);
      case "RecallHooks":
        return await recallHooks(step, on, signal);
      default:
        throw new Error(`an unknown step: ${step.kind}`);
    }
  }

  #context(): ReleaseContext {
    const { cluster } = this;
    return {
      set: this.set,
      cache: this.#cache,
      now: () => new Date(this.now),
      recordRelease: () => undefined,
      forgetRelease: () => undefined,
      sourceOf: async (layer) => this.#source(layer),
      store: async ({ spec, inputs }, content) => {
        cluster.write("store", () => inputs && this.#keep(spec.name, inputs, content));
      },
      writes: {
        client: cluster.client,
        set: this.set,
        resourceFor: (kind) => cluster.resourceFor(kind),
        versionsOf: () => [],
        resources: async () => cluster.resources,
        stale: () => [],
        hideEchoes: true,
        metadataOnly: () => false,
        // A cut-off is no answer of the cluster.
        toFailure: (error, what) => {
          if (error instanceof CutOff) throw error;
          const isForbidden = (error as { status?: number }).status === 403;
          return new Failure(isForbidden ? "Forbidden" : "ServerError", `${what}: ${String(error)}`);
        },
        ownerOf: async () => undefined,
        profileKind: "AddOnProfile",
        heirOf: (key) => this.heirs.get(key),
      },
    };
  }

  #run(object: KubeObject): KubeObject {
    const [next = "Succeeded", ...rest] = this.endings.get(object.metadata.name ?? "") ?? [];
    if (rest.length > 0) this.endings.set(object.metadata.name ?? "", rest);
    return ended(object, next);
  }
}

/** What an apply of an object owns. */
function fieldsOf(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([key, below]) => [
      `f:${key}`,
      typeof below === "object" && below !== null && !Array.isArray(below) ? fieldsOf(below) : {},
    ]),
  );
}

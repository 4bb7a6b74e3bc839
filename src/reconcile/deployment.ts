import type { Profile, ProfileDeploymentStatus } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { parseApiVersion } from "../objects/identity.ts";
import { buildPlan } from "../plan/build-plan.ts";
import { wantedRelease } from "../plan/chart-layer.ts";
import { healthChecksOf } from "../plan/layer-health.ts";
import { type DeploymentView, evaluate, evaluateTeardown, namespaceRef } from "../plan/next-step.ts";
import type { ReleaseName } from "../plan/release.ts";
import type { NamedRef, Seen } from "../plan/seen.ts";
import type { Step } from "../plan/step.ts";
import type { Plan } from "../plan/types.ts";
import { blockedStatus, deploymentStatus, rowsAndParts } from "../status/deployment-status.ts";
import { earlierDoubt, lookAgain } from "./doubts.ts";
import { type DeploymentMemory, newMemory, type Renewal } from "./memory.ts";
import type { DeploymentFacts, DeploymentPorts, Interest, Place, Tiding } from "./ports.ts";
import { noticeRegistry, noticeSpec, remember, rememberTrouble } from "./remember.ts";
import { forgetReplaced, rememberPlan } from "./remember-plan.ts";

const NO_PLAN: Plan = { layers: [], packs: new Map(), outputs: { named: [], secrets: [] }, readsNodes: false };
const NO_INTEREST: Interest = { late: [], named: [], kept: [], releases: [], nodes: false };

/**
 * Brings one profile to one cluster, one step per pass: observe, judge, act, report. Any pass may be the first after a
 * crash, and no pass waits for anything but its own step: what has to be waited for is watched, and wakes the next pass.
 */
export class DeploymentReconciler {
  readonly #ports: DeploymentPorts;
  readonly #memories = new Map<string, DeploymentMemory>();

  constructor(ports: DeploymentPorts) {
    this.#ports = ports;
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const facts = this.#ports.observe(key);
    if (!facts) return this.#drop(key);
    const { deployment, profile, target } = facts;
    const leaving = deployment.metadata.deletionTimestamp !== undefined;
    if (leaving && (!profile || keepsObjects(profile) || target.kind === "gone"))
      return await this.#leave(facts, signal);
    // Of a profile on its way out nothing more is installed; what is there goes when the deployment is deleted in its turn.
    if (!profile || (profile.metadata.deletionTimestamp !== undefined && !leaving)) return;
    if (target.kind !== "ready") return this.#blocked(facts, profile);
    await this.#pass(facts, { profile, place: target.place, leaving }, signal);
  }

  /** An object that was in somebody's way has changed: what was refused because of it is tried again. Whether that is so. */
  wake(key: string, objectKey: string): boolean {
    const attempt = this.#memories.get(key)?.attempts.get(objectKey);
    if (attempt?.failure?.retry !== "waiting") return false;
    attempt.retryAt = 0;
    return true;
  }

  /** A Registry that layers come from has changed or answers again: what could not be had is tried again, what is rendered stays. */
  renewSources(key: string, how: Renewal): void {
    const memory = this.#memories.get(key);
    if (!memory) return;
    noticeRegistry(memory, how);
    if (memory.renewed !== "changed") memory.renewed = how;
  }

  async #pass(
    facts: DeploymentFacts,
    { profile, place, leaving }: { profile: Profile; place: Place; leaving: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const memory = this.#memoryOf(facts, place);
    noticeSpec(memory, profile.metadata.generation);
    const now = this.#ports.now();
    lookAgain(memory, now);
    const seen = seenFrom(facts, { profile, place, memory, now });
    const { prepared } = memory;
    const plan = prepared && !leaving ? buildPlan(seen, prepared) : NO_PLAN;
    const view = prepared && (leaving ? evaluateTeardown(seen, prepared) : evaluate(plan, seen, prepared));
    const step: Step = view?.step ?? { kind: "Prepare" };
    if (step.kind === "None") memory.trouble = undefined;
    // What is said of a step that failed as a whole stands until it went well.
    const silent = memory.trouble !== undefined || (view?.looking === true && speaksOf(facts, profile));
    rememberPlan(memory, plan, view?.layers ?? []);
    if (view && !silent) this.#report(facts, { profile, plan, view, memory });
    this.#ports.want(facts.key, interestOf(plan, view, memory));
    if (memory.trouble && now < memory.trouble.retryAt) {
      this.#inTrouble(facts, profile, memory.trouble);
      return;
    }
    forgetReplaced(memory, step, plan);
    const wakeAt = earlierDoubt(memory, view?.wakeAt);
    if (step.kind !== "None") await this.#act(step, { facts, profile, memory }, signal);
    else if (wakeAt !== undefined) this.#ports.again(facts.key, Math.max(0, wakeAt - now));
  }

  async #act(
    step: Step,
    { facts, profile, memory }: { facts: DeploymentFacts; profile: Profile; memory: DeploymentMemory },
    signal: AbortSignal,
  ): Promise<void> {
    const moment = () => ({ now: this.#ports.now(), random: this.#ports.random() });
    memory.renewed = undefined;
    try {
      const outcome = await this.#ports.act(step, facts, signal);
      for (const tiding of remember(memory, step, outcome, moment())) this.#ports.tell(facts, tiding);
      if (memory.renewed) noticeRegistry(memory, memory.renewed);
      if (outcome.kind === "Forgotten") return await this.#leave(facts, signal);
    } catch (error) {
      // A pass that is cut off has not failed; whoever cut it off begins the next one.
      if (signal.aborted || !(error instanceof Failure)) throw error;
      const isNews = memory.trouble?.failure.message !== error.message;
      rememberTrouble(memory, error, moment());
      if (memory.renewed) noticeRegistry(memory, memory.renewed);
      if (isNews) this.#ports.tell(facts, { type: "Warning", reason: error.reason, message: error.message });
      if (memory.trouble) this.#inTrouble(facts, profile, memory.trouble);
      return;
    }
    this.#ports.again(facts.key, 0);
  }

  #report(
    facts: DeploymentFacts,
    { profile, plan, view, memory }: { profile: Profile; plan: Plan; view: DeploymentView; memory: DeploymentMemory },
  ): void {
    const status = deploymentStatus(plan, view, this.#statusContext(facts, profile, memory));
    this.#publish(facts, memory, status);
  }

  #inTrouble(
    facts: DeploymentFacts,
    profile: Profile,
    { failure, retryAt }: NonNullable<DeploymentMemory["trouble"]>,
  ): void {
    const memory = this.#memories.get(facts.key);
    if (memory)
      this.#publish(
        facts,
        memory,
        blockedStatus(profile.spec.layers, failure, this.#statusContext(facts, profile, memory)),
      );
    this.#ports.again(facts.key, Math.max(0, retryAt - this.#ports.now()));
  }

  /** Another cluster, a kubeconfig that cannot be used, or no answer: the layers stay as they are, and say why. */
  #blocked(facts: DeploymentFacts, profile: Profile): void {
    const { target } = facts;
    const memory = this.#memories.get(facts.key) ?? newMemory({}, facts.deployment.status);
    this.#memories.set(facts.key, memory);
    this.#ports.want(facts.key, NO_INTEREST);
    if (target.kind === "connecting" || target.kind === "ready") return;
    const name = facts.deployment.spec.clusterRef.name;
    const failure =
      target.kind === "failing"
        ? target.failure
        : new Failure("ReferenceNotFound", `TargetCluster ${name} does not exist`);
    this.#publish(
      facts,
      memory,
      blockedStatus(profile.spec.layers, failure, this.#statusContext(facts, profile, memory)),
    );
  }

  #publish(facts: DeploymentFacts, memory: DeploymentMemory, status: ProfileDeploymentStatus): void {
    for (const tiding of transitions(memory.status, status)) this.#ports.tell(facts, tiding);
    memory.status = status;
    this.#ports.report(facts.key, status);
  }

  #statusContext(
    facts: DeploymentFacts,
    profile: Profile,
    memory: DeploymentMemory,
  ): Parameters<typeof deploymentStatus>[2] {
    return {
      now: new Date(this.#ports.now()).toISOString().replace(/\.\d+Z$/, "Z"),
      generation: facts.deployment.metadata.generation ?? 0,
      profileGeneration: profile.metadata.generation ?? 0,
      previous: memory.status,
    };
  }

  async #leave(facts: DeploymentFacts, signal: AbortSignal): Promise<void> {
    await this.#ports.finish(facts.key, signal);
    this.#drop(facts.key);
  }

  #drop(key: string): void {
    this.#memories.delete(key);
    this.#ports.want(key, NO_INTEREST);
  }

  #memoryOf({ key, deployment }: DeploymentFacts, { site }: Place): DeploymentMemory {
    const known = this.#memories.get(key);
    if (known?.site === site) return known;
    const fresh = newMemory(site, known?.status ?? deployment.status);
    this.#memories.set(key, fresh);
    return fresh;
  }
}

/** Whether the status tells of the profile as it is now. */
function speaksOf({ deployment }: DeploymentFacts, profile: Profile): boolean {
  return deployment.status?.profileGeneration === profile.metadata.generation;
}

/** Leaving a cluster without the profile's own deletion is an unmatch: the objects stay, and are recognised later. */
function keepsObjects(profile: Profile): boolean {
  return profile.metadata.deletionTimestamp === undefined || profile.spec.deletionPolicy === "Orphan";
}

function seenFrom(
  { referents, cluster, deployment }: DeploymentFacts,
  { profile, place, memory, now }: { profile: Profile; place: Place; memory: DeploymentMemory; now: number },
): Seen {
  return {
    now,
    profile,
    set: place.set,
    site: { ...place.view, prepared: memory.prepared },
    referents,
    packs: memory.packs,
    macros: memory.macros,
    contents: memory.contents,
    installed: memory.installed,
    conditions: memory.conditions,
    attempts: memory.attempts,
    namespaces: memory.namespaces,
    leaving: memory.leaving,
    rows: new Map(rowsAndParts(memory.status).map((row) => [row.name, row])),
    cluster: { name: deployment.spec.clusterRef.name, target: cluster },
    fixed: Object.fromEntries(
      memory.status?.variables?.flatMap(({ name, digest }) => (digest ? [[name, digest]] : [])) ?? [],
    ),
  };
}

/** Late objects are looked into for the culprit; what health checks and outputs name and namespaces on their way out are watched by name. */
function interestOf(plan: Plan, view: DeploymentView | undefined, memory: DeploymentMemory): Interest {
  const hooks = [...(view?.layers ?? []), ...(view?.removals ?? [])].flatMap((one) => one.hooks ?? []);
  const late = view?.layers.flatMap(({ health }) => health?.late ?? []) ?? [];
  const checks = plan.layers.flatMap(({ spec }) => {
    const compiled = healthChecksOf(spec);
    return compiled.ok ? compiled.value : [];
  });
  const about = checks.map(({ apiVersion, kind, namespace, name }) => ({
    ...parseApiVersion(apiVersion),
    kind,
    namespace,
    name,
  }));
  const named = about.flatMap((ref): NamedRef[] => (ref.name === undefined ? [] : [{ ...ref, name: ref.name }]));
  const leaving = [...memory.leaving].filter(([, state]) => state === "deleting").map(([name]) => namespaceRef(name));
  return {
    late: [...hooks.flatMap((one) => one.late), ...late],
    named: [...named, ...plan.outputs.named, ...leaving, ...hooks.flatMap((one) => one.named)],
    kept: about,
    releases: [...releasesOf(plan), ...(memory.prepared?.parent.releases ?? [])],
    nodes: plan.readsNodes,
  };
}

/** The Helm releases of all listed charts: their records are known by the time a layer's turn comes. */
function releasesOf(plan: Plan): ReleaseName[] {
  return plan.layers.flatMap((layer) => wantedRelease(layer) ?? []);
}

/** One event per transition of a layer: that it is Ready, or what went wrong. */
function transitions(before: ProfileDeploymentStatus | undefined, after: ProfileDeploymentStatus): Tiding[] {
  const old = new Map(before?.layers?.map((row) => [row.name, row]));
  return (after.layers ?? []).flatMap((row): Tiding[] => {
    const previous = old.get(row.name);
    if (previous?.state === row.state && previous.reason === row.reason) return [];
    if (row.state === "Ready" && previous?.state !== "Drifted") {
      return [{ type: "Normal", reason: "LayerReady", message: `layer ${row.name} is Ready` }];
    }
    if (row.state !== "Failed" && row.state !== "Blocked") return [];
    return [
      { type: "Warning", reason: row.reason ?? row.state, message: `layer ${row.name}: ${row.message ?? row.state}` },
    ];
  });
}

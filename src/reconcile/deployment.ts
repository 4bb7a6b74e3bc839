import type { Profile, ProfileDeploymentStatus } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { timeText } from "../objects/time.ts";
import { besideOf } from "../plan/beside.ts";
import { buildPlan } from "../plan/build-plan.ts";
import type { Beside } from "../plan/gates.ts";
import { type DeploymentView, evaluate, evaluateTeardown } from "../plan/next-step.ts";
import type { Seen } from "../plan/seen.ts";
import type { Step } from "../plan/step.ts";
import type { Plan } from "../plan/types.ts";
import { awayStatus } from "../status/away-status.ts";
import { blockedStatus, deploymentStatus, rowsAndParts, suspendedStatus } from "../status/deployment-status.ts";
import type { StatusContext } from "../status/verdict.ts";
import { earlierDoubt, lookAgain } from "./doubts.ts";
import { interestOf, NO_INTEREST } from "./interest.ts";
import { type Away, isGoing, isPowerless, leftBehind, powerlessness, wayOut } from "./leaving.ts";
import { type DeploymentMemory, isInstalled, newMemory, type Renewal } from "./memory.ts";
import type { DeploymentFacts, DeploymentPorts, Place } from "./ports.ts";
import { afterLook, noticeLeaving, noticeRegistry, noticeSpec, remember, rememberTrouble } from "./remember.ts";
import { forgetReplaced, rememberPlan } from "./remember-plan.ts";
import { endWaits, noticeLook, patienceOf } from "./settling.ts";
import { transitions } from "./transitions.ts";

/** What the hub says and a watch has not told yet is looked at again after so long. */
const LOOK_MS = 1_000;
const NO_PLAN: Plan = { layers: [], packs: new Map(), outputs: { named: [], secrets: [] }, readsNodes: false };

/** What a pass is about. */
interface About {
  profile: Profile;
  place: Place;
  leaving: boolean;
  beside?: Beside;
}

/** What the status of a pass is made of. */
interface Told {
  profile: Profile;
  plan: Plan;
  view: DeploymentView;
  memory: DeploymentMemory;
  /** Speaks in the place of all that is in view. */
  refusal: Failure | undefined;
}

/**
 * Brings one profile to one cluster, one step per pass: observe, judge, act, report. Any pass may be the first after a
 * crash, and no pass waits for anything but its own step: what has to be waited for is watched, and wakes the next pass.
 */
export class DeploymentReconciler {
  readonly #ports: DeploymentPorts;
  readonly #memories = new Map<string, DeploymentMemory>();
  /** The uids of deployments that have ended, until the watch tells that they are gone: what was told of them is told once. */
  readonly #ended = new Map<string, string | undefined>();

  constructor(ports: DeploymentPorts) {
    this.#ports = ports;
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const facts = this.#observe(key);
    if (!facts) return this.#drop(key);
    const { deployment, profile, target, side } = facts;
    const leaving = deployment.metadata.deletionTimestamp !== undefined;
    if (leaving && (await this.#goes(facts, signal))) return;
    // Of a profile on its way out, or on a cluster that it goes to no more, nothing is touched before the deployment is deleted.
    if (!profile || (!leaving && (isGoing(facts) || !facts.matched)))
      return this.#ports.want(key, { ...NO_INTEREST, generation: profile?.metadata.generation });
    if (profile.spec.suspend && !leaving) return this.#suspended(facts, profile);
    const beside = leaving ? undefined : this.#besideOf(facts);
    // Also while the cluster does not answer: that it was told so is what the order of profiles there goes by.
    if (beside instanceof Failure) return this.#refused(facts, profile, beside);
    if (target.kind !== "ready") return this.#blocked(facts, profile);
    // The cluster's own layers go before what makes the cluster.
    if (leaving && side === "Management" && facts.street()?.sibling)
      return this.#ports.want(key, { ...NO_INTEREST, waiting: true });
    await this.#pass(facts, { profile, place: target.place, leaving, ...(beside ? { beside } : {}) }, signal);
  }

  #observe(key: string): DeploymentFacts | undefined {
    const facts = this.#ports.observe(key);
    if (facts && this.#ended.has(key) && this.#ended.get(key) === facts.deployment.metadata.uid) return undefined;
    this.#ended.delete(key);
    const memory = this.#memories.get(key);
    if (memory) noticeLook(memory);
    return facts;
  }

  /** Another profile stands in the way: what runs stays, and a change of that one is noticed. */
  #refused(facts: DeploymentFacts, profile: Profile, failure: Failure): void {
    this.#blocked({ ...facts, target: { kind: "failing", failure } }, profile);
    // It has nothing to do: nobody waits for what it may want.
    this.#ports.want(facts.key, { ...NO_INTEREST, generation: profile.metadata.generation, waiting: true });
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

  /** What this deployment waits for besides its own layers, or why it may not come to the cluster at all. */
  #besideOf({ key, deployment, street }: DeploymentFacts): Beside | Failure | undefined {
    const around = street();
    return around && besideOf(around, isInstalled(this.#memories.get(key), deployment.status));
  }

  async #pass(facts: DeploymentFacts, { leaving, ...about }: About, signal: AbortSignal): Promise<void> {
    const { profile, place, beside } = about;
    const memory = this.#memoryOf(facts, place);
    const now = this.#ports.now();
    noticeSpec(memory, profile.metadata.generation);
    noticeLeaving(memory, leaving);
    lookAgain(memory, now);
    const seen = seenFrom(facts, { ...about, memory, now });
    const { prepared } = memory;
    const { plan, view } = judged(seen, prepared, leaving);
    const next = view?.step ?? { kind: "Prepare" };
    if (next.kind === "None") memory.trouble = undefined;
    // What is said of a step that failed as a whole stands until it went well.
    const silent = memory.trouble !== undefined || (view?.looking === true && speaksOf(facts, profile));
    const powerless = powerlessness(facts, view, prepared?.parent);
    if (powerless) return await this.#leaveBehind(facts, { ...powerless, signal });
    rememberPlan(memory, plan, view?.layers ?? []);
    if (view) endWaits(memory, plan, place.view);
    if (view && !silent) this.#report(facts, { profile, plan, view, memory, refusal: beside?.refusal });
    this.#ports.want(facts.key, interestOf({ plan, side: facts.side, beside }, view, memory));
    if (memory.trouble && now < memory.trouble.retryAt) {
      this.#inTrouble(facts, profile, memory.trouble);
      return;
    }
    // Not before it is said what is to be watched: that goes by what was prepared, which a look forgets.
    const step = afterLook(memory, next);
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
      if (isTakenOver(step, memory, error)) return await this.#leaveAsIs(facts, error, signal);
      if (isPowerless(facts, error)) return await this.#leaveBehind(facts, { why: error.message, signal });
      return this.#stumbled(error, { facts, profile, memory });
    }
    this.#ports.again(facts.key, 0);
  }

  /** A step failed as a whole. */
  #stumbled(
    error: Failure,
    { facts, profile, memory }: { facts: DeploymentFacts; profile: Profile; memory: DeploymentMemory },
  ): void {
    const isNews = memory.trouble?.failure.message !== error.message;
    rememberTrouble(memory, error, { now: this.#ports.now(), random: this.#ports.random() });
    if (memory.renewed) noticeRegistry(memory, memory.renewed);
    if (isNews) this.#ports.tell(facts, { type: "Warning", reason: error.reason, message: error.message });
    if (memory.trouble) this.#inTrouble(facts, profile, memory.trouble);
  }

  #report(facts: DeploymentFacts, { profile, plan, view, memory, refusal }: Told): void {
    const context = this.#statusContext(facts, profile, memory);
    const { layers } = profile.spec;
    const status = refusal ? blockedStatus(layers, refusal, context) : deploymentStatus(plan, view, context);
    this.#publish(facts, memory, status);
  }

  #inTrouble(
    facts: DeploymentFacts,
    profile: Profile,
    { failure, retryAt }: NonNullable<DeploymentMemory["trouble"]>,
  ): void {
    const memory = this.#memories.get(facts.key);
    if (memory) this.#publishBlocked(facts, profile, { memory, failure });
    this.#ports.again(facts.key, Math.max(0, retryAt - this.#ports.now()));
  }

  /** All layers stay as they are: nothing is looked at, nothing is written. */
  #suspended(facts: DeploymentFacts, profile: Profile): void {
    const memory = this.#lastMemoryOf(facts);
    this.#ports.want(facts.key, { ...NO_INTEREST, generation: profile.metadata.generation });
    this.#publish(facts, memory, suspendedStatus(profile.spec.layers, this.#statusContext(facts, profile, memory)));
  }

  /** Another cluster, a kubeconfig that cannot be used, or no answer: the layers stay as they are, and say why. */
  #blocked(facts: DeploymentFacts, profile: Profile): void {
    const { target } = facts;
    const memory = this.#lastMemoryOf(facts);
    const isTwin = target.kind === "failing" && target.isTwin === true;
    this.#ports.want(facts.key, { ...NO_INTEREST, waiting: isTwin });
    if (target.kind === "connecting" || target.kind === "ready") return;
    const name = facts.deployment.spec.clusterRef.name;
    const failure =
      target.kind === "failing"
        ? target.failure
        : new Failure("ReferenceNotFound", `TargetCluster ${name} does not exist`);
    this.#publishBlocked(facts, profile, { memory, failure });
  }

  #publishBlocked(
    facts: DeploymentFacts,
    profile: Profile,
    { memory, failure }: { memory: DeploymentMemory; failure: Failure },
  ): void {
    const context = this.#statusContext(facts, profile, memory);
    this.#publish(facts, memory, blockedStatus(profile.spec.layers, failure, context));
  }

  #publish(facts: DeploymentFacts, memory: DeploymentMemory, status: ProfileDeploymentStatus): void {
    for (const tiding of transitions(memory.status, status)) this.#ports.tell(facts, tiding);
    memory.status = status;
    this.#ports.report(facts.key, status);
  }

  #statusContext(facts: DeploymentFacts, profile: Profile, memory: DeploymentMemory): StatusContext {
    return {
      now: timeText(this.#ports.now()),
      generation: facts.deployment.metadata.generation ?? 0,
      profileGeneration: profile.metadata.generation ?? 0,
      previous: memory.status,
    };
  }

  /** Where a deployment on its way out takes nothing back, does what it does instead; answers whether that was so. */
  async #goes(facts: DeploymentFacts, signal: AbortSignal): Promise<boolean> {
    const now = this.#ports.now();
    const way = wayOut(facts, now);
    if (way.kind === "remove") return way.isUnseen && typeof (await this.#absence(facts, signal)) !== "string";
    if (way.kind === "keep") {
      // The namespace's own end may not have been told yet: with it the profile goes, and by another policy.
      if (!way.isAsked && (await this.#ports.isTenantGoing(facts, signal))) this.#ports.again(facts.key, LOOK_MS);
      else await this.#leave(facts, signal);
    } else if (way.kind === "gone") {
      const absence = await this.#absence(facts, signal);
      if (typeof absence === "string") await this.#leaveBehind(facts, { why: absence, signal });
      else if (absence) await this.#away(facts, { ...way, kind: "away", failure: absence }, signal);
    } else if (way.kind === "away") await this.#away(facts, way, signal);
    // What the brake holds is woken when that lets go.
    return true;
  }

  /** What is gone, by a live look, or why nobody may look. When that finds all there, a watch will tell, and a pass comes to see. */
  async #absence(facts: DeploymentFacts, signal: AbortSignal): ReturnType<DeploymentPorts["absence"]> {
    const absence = await this.#ports.absence(facts, signal);
    if (absence === undefined) this.#ports.again(facts.key, LOOK_MS);
    return absence;
  }

  /** The cluster may come back: what is there is taken back then. */
  async #away(facts: DeploymentFacts, { failure, until, isOnMemory }: Away, signal: AbortSignal): Promise<void> {
    if (until <= this.#ports.now())
      return await this.#leaveBehind(facts, { why: `${failure.message}, for longer than deletionGrace`, signal });
    const { profile, key } = facts;
    const memory = this.#lastMemoryOf(facts);
    this.#ports.want(key, NO_INTEREST);
    const end = timeText(until);
    const term = isOnMemory ? "for its kubeconfig Secret does not exist" : "when deletionGrace is over";
    const message = `${failure.message}; what is there is left there from ${end} on, ${term}`;
    const why = new Failure(failure.reason, message, { cause: failure });
    if (profile) this.#publish(facts, memory, awayStatus(why, this.#statusContext(facts, profile, memory)));
    this.#ports.again(key, until - this.#ports.now());
  }

  /** Ends without having taken back what it brought, and says what that is. */
  async #leaveBehind(
    facts: DeploymentFacts,
    { why, left, signal }: { why: string; left?: string; signal: AbortSignal },
  ): Promise<void> {
    const what = left ?? leftBehind(this.#memories.get(facts.key)?.status ?? facts.deployment.status);
    if (what !== undefined)
      this.#ports.tellForGood(facts, {
        type: "Warning",
        reason: "ObjectsLeft",
        message: `${why}: left there: ${what}`,
      });
    await this.#leave(facts, signal);
  }

  /** What another hub has taken over is not ours to delete. */
  async #leaveAsIs(facts: DeploymentFacts, { message }: Failure, signal: AbortSignal): Promise<void> {
    this.#ports.tell(facts, { type: "Warning", reason: "ObjectsLeft", message: `nothing is deleted: ${message}` });
    await this.#leave(facts, signal);
  }

  async #leave(facts: DeploymentFacts, signal: AbortSignal): Promise<void> {
    const { key, deployment } = facts;
    await this.#ports.finish(key, signal);
    this.#ended.set(key, deployment.metadata.uid);
    this.#drop(key);
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

  /** While its cluster is not looked at: of whichever site it is. */
  #lastMemoryOf({ key, deployment }: DeploymentFacts): DeploymentMemory {
    const memory = this.#memories.get(key) ?? newMemory({}, deployment.status);
    this.#memories.set(key, memory);
    return memory;
  }
}

function judged(
  seen: Seen,
  prepared: DeploymentMemory["prepared"],
  leaving: boolean,
): { plan: Plan; view: DeploymentView | undefined } {
  if (!prepared) return { plan: NO_PLAN, view: undefined };
  if (leaving) return { plan: NO_PLAN, view: evaluateTeardown(seen, prepared) };
  const plan = buildPlan(seen, prepared);
  return { plan, view: evaluate(plan, seen, prepared) };
}

function isTakenOver(step: Step, memory: DeploymentMemory, { reason }: Failure): boolean {
  return step.kind === "Prepare" && memory.isLeaving && reason === "Conflict";
}

/** Whether the status tells of the profile as it is now. */
function speaksOf({ deployment }: DeploymentFacts, profile: Profile): boolean {
  return deployment.status?.profileGeneration === profile.metadata.generation;
}

function seenFrom(
  { referents, cluster, deployment, side }: DeploymentFacts,
  { profile, place, memory, now, beside }: Omit<About, "leaving"> & { memory: DeploymentMemory; now: number },
): Seen {
  return {
    ...(beside ? { beside } : {}),
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
    isTold: memory.status?.profileGeneration === profile.metadata.generation,
    rows: new Map(rowsAndParts(memory.status).map((row) => [row.name, row])),
    cluster: { name: deployment.spec.clusterRef.name, target: cluster },
    side,
    profileOf: (parent) => place.profileOf(parent),
    ...patienceOf(memory, place, now),
    fixed: Object.fromEntries(
      memory.status?.variables?.flatMap(({ name, digest }) => (digest ? [[name, digest]] : [])) ?? [],
    ),
  };
}

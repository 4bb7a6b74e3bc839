import { durationMs } from "../api/duration.ts";
import type { DeploymentLayerStatus, Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import {
  awaitsController,
  compileHealthChecks,
  covers,
  evaluate,
  type HealthCheck,
  type Verdict,
} from "../health/index.ts";
import { describeRef, groupKindKey, parseApiVersion } from "../objects/identity.ts";
import type { Result } from "../objects/types.ts";
import type { Seen, Tracked } from "./seen.ts";
import type { Desired, EngineLayer } from "./types.ts";

/** The health of a layer whose objects are all written. */
export interface LayerHealth {
  state: "Ready" | "Waiting" | "Failed";
  reason: string;
  message: string;
  ready: number;
  total: number;
  counts: readonly { kind: string; ready: number; total: number }[];
  unhealthy: readonly { object: string; message: string }[];
  /** Objects whose pods and events should be watched for the culprit. */
  late: readonly Tracked[];
  wakeAt?: number;
  /** Only a person can mend it: a health check that does not work. */
  failure?: Failure;
}

interface Judged {
  name: string;
  kind: string;
  verdict: Verdict;
  tracked: Tracked | undefined;
}

/** A desired object with what the watches hold of it. */
interface Judgeable {
  desired: Desired;
  tracked: Tracked | undefined;
  /** Of one that was done, and that the cluster has deleted. */
  expired?: Verdict | undefined;
}

export const UNHEALTHY_LISTED = 10;

/**
 * Judges the objects of a layer by their own rules (`healthChecks`) and kstatus, and says in one sentence who is late.
 *
 * @param views the layer's objects with what the watches hold of each
 */
export function judgeHealth(layer: EngineLayer, views: readonly Judgeable[], seen: Seen): LayerHealth {
  const checks = healthChecksOf(layer);
  // A layer whose checks cannot be read does not come here: it is refused before anything is written.
  const readable = checks.ok ? checks.value : [];
  const members = views.map((view) => judgeMember(view, readable));
  const judged = [...members, ...(layer.part?.isFollowed ? [] : judgeNamed(readable, views, seen))];
  const late = judged.filter(({ verdict }) => verdict.state !== "Current");
  const base = {
    ready: judged.length - late.length,
    total: judged.length,
    counts: countsOf(judged),
    unhealthy: late.slice(0, UNHEALTHY_LISTED).map((one) => ({ object: one.name, message: sentenceOf(one, seen) })),
    late: late.flatMap(({ tracked }) => tracked ?? []),
  };
  const [culprit] = [...late].sort((a, b) => severity(a) - severity(b));
  if (!culprit) return { ...base, state: "Ready", reason: "Ready", message: readyMessage(judged.length) };
  const more = late.length > 1 ? ` (and ${late.length - 1} more)` : "";
  const message = `${sentenceOf(culprit, seen)}${more}`;
  if (culprit.verdict.badCheck) return { ...base, ...refused(new Failure("InvalidSpec", message)) };
  if (culprit.verdict.state === "Failed") return { ...base, state: "Failed", reason: "Unhealthy", message };
  return { ...base, ...waiting(layer, message, seen) };
}

/**
 * The views of a layer that was Ready with this very content: an object of which only the generation moved, because
 * somebody annotated it, say, counts as Current until its controller has spoken.
 */
export function untilObserved<T extends { tracked: Tracked | undefined }>(views: readonly T[]): T[] {
  return views.map((view) => {
    const { tracked } = view;
    if (tracked?.verdict.state !== "InProgress" || !tracked.object || !awaitsController(tracked.object)) return view;
    return { ...view, tracked: { ...tracked, verdict: { state: "Current", message: "" } } };
  });
}

const compiled = new WeakMap<object, Result<HealthCheck[]>>();

/** The compiled checks of a layer; compiled once per version of the profile. */
export function healthChecksOf(layer: Layer): Result<HealthCheck[]> {
  if (!layer.healthChecks) return { ok: true, value: [] };
  const known = compiled.get(layer.healthChecks) ?? compileHealthChecks(layer.healthChecks);
  compiled.set(layer.healthChecks, known);
  return known;
}

function judgeMember(
  { desired: { ref, object: desired }, tracked, expired }: Judgeable,
  checks: readonly HealthCheck[],
): Judged {
  const about = { name: describeRef(ref), kind: groupKindKey(ref), tracked };
  if (expired) return { ...about, verdict: expired };
  if (!tracked) return { ...about, verdict: { state: "InProgress", message: "is not there yet" } };
  const check = checks.find((candidate) => covers(candidate, desired));
  if (!check) return { ...about, verdict: tracked.verdict };
  const { object } = tracked;
  // Whole objects are kept from the moment on that a check needs them; until they are here nobody can tell.
  const verdict: Verdict = object ? evaluate(check, object) : { state: "InProgress", message: "is being read" };
  return { ...about, verdict };
}

/**
 * A check that names an object which no layer brings (an operator made it, say) waits for that object as well. In a pack
 * only the last part does: one before it must not wait for what a later one brings.
 */
function judgeNamed(checks: readonly HealthCheck[], views: readonly { desired: Desired }[], seen: Seen): Judged[] {
  return checks.flatMap((check) => {
    const { apiVersion, kind, name, namespace } = check;
    if (name === undefined) return [];
    const isMember = views.some(({ desired }) => desired.ref.name === name && covers(check, desired.object));
    if (isMember) return [];
    const object = seen.site.named({ ...parseApiVersion(apiVersion), kind, namespace, name });
    const verdict = judgeOutsider(check, object);
    return [{ name: describeRef({ kind, namespace, name }), kind, verdict, tracked: undefined }];
  });
}

function judgeOutsider(check: HealthCheck, object: ReturnType<Seen["site"]["named"]>): Verdict {
  if (object instanceof Failure) return { state: "InProgress", message: object.message };
  if (typeof object === "object") return evaluate(check, object);
  return { state: "InProgress", message: object === "absent" ? "does not exist yet" : "is being read" };
}

/** A layer that is late: Waiting until its timeout is over, and Failed from then on. */
export function waiting(
  layer: Layer,
  message: string,
  seen: Seen,
): Pick<LayerHealth, "state" | "reason" | "message" | "wakeAt"> {
  const since = waitingSince(seen.rows.get(layer.name), seen.now);
  const deadline = since + (durationMs(layer.timeout) ?? 0);
  if (seen.now < deadline) return { state: "Waiting", reason: "NotReady", message, wakeAt: deadline };
  return { state: "Failed", reason: "Timeout", message: `not ready after ${layer.timeout}: ${message}` };
}

/**
 * A layer that timed out stays so until it is healthy, changes or gets a longer timeout, which counts from when it was
 * applied; the row remembers, also across restarts.
 */
function waitingSince(row: DeploymentLayerStatus | undefined, now: number): number {
  if (!row?.lastTransitionTime || !row.appliedAt) return now;
  if (row.state === "Failed" && row.reason === "Timeout") return Date.parse(row.appliedAt);
  return row.state === "Waiting" ? Date.parse(row.lastTransitionTime) : now;
}

function sentenceOf({ name, verdict, tracked }: Judged, seen: Seen): string {
  const explained =
    tracked?.object && tracked.verdict.state !== "Current" && !verdict.badCheck
      ? seen.site.explain({ ...tracked, object: tracked.object })
      : undefined;
  return explained ?? `${name}: ${verdict.message}`;
}

function severity({ verdict }: Judged): number {
  return verdict.state === "Failed" ? 0 : 1;
}

function countsOf(judged: readonly Judged[]): LayerHealth["counts"] {
  const counts = new Map<string, { kind: string; ready: number; total: number }>();
  for (const { kind, verdict } of judged) {
    const count = counts.get(kind) ?? { kind, ready: 0, total: 0 };
    count.total += 1;
    if (verdict.state === "Current") count.ready += 1;
    counts.set(kind, count);
  }
  return [...counts.values()];
}

function readyMessage(total: number): string {
  return total === 1 ? "1 object is healthy" : `${total} objects are healthy`;
}

function refused(failure: Failure): Pick<LayerHealth, "state" | "reason" | "message" | "failure"> {
  return { state: "Failed", reason: failure.reason, message: failure.message, failure };
}

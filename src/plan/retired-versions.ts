import { Failure } from "../errors.ts";
import { kindServedBy, versionsOf } from "../objects/crd-versions.ts";
import { describeRef, gvkOf, isCrd } from "../objects/identity.ts";
import type { GroupKind, KubeObject } from "../objects/types.ts";
import { failing, type KnownLayer, type LayerView, type Surroundings, working } from "./layer-view.ts";
import { onceRendered } from "./render-step.ts";
import type { Attempt, Tracked } from "./seen.ts";
import { standingOf } from "./standing.ts";
import type { RetireVersions } from "./step.ts";
import type { Desired, PlannedLayer } from "./types.ts";

/** Nobody tells who has begun to use a version since it was looked: so long a look holds. */
const LOOKED_MS = 30_000;

/** Versions that a CRD serves and its next content does not. */
export interface Retirement {
  crd: Desired;
  /** The kind that it serves. */
  kind: GroupKind;
  versions: readonly string[];
  /** One that is served before and after: what knows the old ones is moved to it. Undefined when there is none. */
  to: string | undefined;
}

/**
 * Before a CRD serves a version no more, nobody may be left who uses it: who owns the fields of an object stands there in the
 * versions in which they were written, and the API server can compare nothing with a version that is gone (kubernetes#111937).
 *
 * @returns undefined when no CRD of the layer retires a version, or all is done for it
 */
export function retiringView(layer: KnownLayer, around: Surroundings): LayerView | undefined {
  for (const crd of layer.state.desired) {
    const tracked = isCrd(crd.ref) ? around.seen.site.member(crd.key) : undefined;
    const retirement = tracked && retirementOf(crd, tracked.observed.servedVersions ?? []);
    if (!retirement || !isToChange(layer, crd, { tracked, around })) continue;
    // What can be rendered tells what it writes, and in which version.
    const render = around.unknown && onceRendered({ kind: "None" }, around.unknown, around.seen);
    if (render) return { ...working(layer, "Applying", "looking who uses versions that go"), step: render };
    const asked = askedFor(retirement, around.layers);
    if (asked) return failing(layer, asked);
    const view = lookedAt(layer, retirement, { tracked, around });
    if (view) return view;
  }
  return undefined;
}

/** What a CRD retires when it gets its next content, from the versions that it serves now. */
export function retirementOf(crd: Desired, served: readonly string[]): Retirement | undefined {
  const next = versionsOf(crd.object).filter((version) => version.served === true);
  const names = next.map(({ name }) => name);
  const versions = served.filter((version) => !names.includes(version));
  const kind = kindServedBy(crd.object);
  // What is no CRD at all, the API server refuses.
  if (versions.length === 0 || versionsOf(crd.object).length === 0 || !kind) return undefined;
  const staying = next.filter(({ name }) => served.includes(name));
  const to = (staying.find(({ storage }) => storage === true) ?? staying[0])?.name;
  return { crd, kind, versions, to };
}

/** The beginning of the sentence about it. */
export function describeRetirement({ crd, versions }: Retirement): string {
  const what = versions.length === 1 ? "version" : "versions";
  return `${describeRef(crd.ref)}: ${what} ${versions.join(", ")} would be served no more`;
}

interface About {
  tracked: Tracked;
  around: Surroundings;
}

function isToChange({ spec }: KnownLayer, crd: Desired, { tracked, around: { seen } }: About): boolean {
  return ["outdated", "drifted"].includes(standingOf(crd, spec.name, tracked, seen));
}

/** Why it cannot be: a layer of the profile goes on writing in a version that goes. */
function askedFor(retirement: Retirement, layers: readonly PlannedLayer[]): Failure | undefined {
  for (const { spec, state, installed = [] } of layers) {
    const states = state.kind === "known" ? [state] : installed.map((one) => one.state);
    const user = states.flatMap(({ desired }) => desired).find(({ object }) => isWrittenIn(object, retirement));
    if (!user) continue;
    const remedy = `write it in ${retirement.to ?? "another version"} first`;
    const what = `layer ${spec.name} brings ${describeRef(user.ref)} in ${user.object.apiVersion}`;
    return new Failure("VersionInUse", `${describeRetirement(retirement)}, and ${what}: ${remedy}`);
  }
  return undefined;
}

function isWrittenIn(object: KubeObject, { kind: { group, kind }, versions }: Retirement): boolean {
  const gvk = gvkOf(object);
  return gvk.group === group && gvk.kind === kind && versions.includes(gvk.version);
}

/** What came of the look at the objects of the kind, or the step that looks. */
function lookedAt(layer: KnownLayer, retirement: Retirement, { tracked, around }: About): LayerView | undefined {
  const { key, digest } = retirement.crd;
  const look = { key: `versions/${key}`, digest: `${digest}/${tracked.observed.resourceVersion}` };
  const step: RetireVersions = { kind: "RetireVersions", look, retirement };
  const known = around.seen.attempts.get(look.key);
  const attempt: Attempt | undefined = known?.digest === look.digest ? known : undefined;
  if (attempt && !attempt.failure && around.seen.now < (attempt.lookedAt ?? 0) + LOOKED_MS) return undefined;
  if (!attempt?.failure) return { ...working(layer, "Applying", "looking who uses versions that go"), step };
  const { failure, retryAt = 0 } = attempt;
  return { ...failing(layer, failure), ...(around.seen.now < retryAt ? { wakeAt: retryAt } : { step }) };
}

import { durationMs } from "../api/duration.ts";
import type { Claim } from "../membership/judge.ts";
import { type HookEvent, hooksOf } from "./hooks.ts";
import type { KnownLayer, Surroundings } from "./layer-view.ts";
import { releaseNameOf } from "./place.ts";
import { type ReleaseName, type ReleaseProgress, type ReleaseRecord, releaseAttempt, releaseKey } from "./release.ts";
import type { ReleaseAttempt } from "./step.ts";
import type { ChartRelease, PlannedLayer } from "./types.ts";

/** A layer whose objects are those of a Helm release. */
export interface ChartLayer extends KnownLayer {
  namespace: string;
  state: KnownLayer["state"] & { content: { release: ChartRelease } };
}

export function isChart(layer: KnownLayer): layer is ChartLayer {
  return layer.namespace !== undefined && layer.state.content.release !== undefined;
}

export function releaseOf({ spec, namespace }: Pick<ChartLayer, "spec" | "namespace">): ReleaseName {
  return { namespace, name: releaseNameOf(spec) };
}

/** The release that a layer has, or will have. */
export function wantedRelease({ spec, namespace }: Pick<PlannedLayer, "spec" | "namespace">): ReleaseName | undefined {
  return spec.helm && namespace !== undefined ? { namespace, name: releaseNameOf(spec) } : undefined;
}

/** What a layer may take of objects that exist. */
export function claimOf(layer: Pick<PlannedLayer, "spec" | "namespace">): Claim {
  const { name, adoption, recreate } = layer.spec;
  return { layer: name, adoption, release: wantedRelease(layer), ...(recreate ? { recreate } : {}) };
}

/** The record that the layer's present content has, and how far it is. */
export interface OpenRecord extends ReleaseRecord {
  progress: ReleaseProgress;
}

export interface About {
  record: OpenRecord;
  records: readonly ReleaseRecord[];
  around: Surroundings;
}

/** Helm's own default for how long an operation may take. */
export const HELM_TIMEOUT_MS = 5 * 60_000;

export function attemptAt({ spec }: ChartLayer, sort: "record" | "rollback", digest: string): ReleaseAttempt {
  return { key: releaseAttempt(spec.name, sort), digest };
}

/** The question whether a layer may write the records of its release, which another profile has. */
export function claimAttempt(layer: Pick<PlannedLayer, "spec" | "namespace">): ReleaseAttempt {
  const release = wantedRelease(layer);
  return { key: releaseAttempt(layer.spec.name, "claim"), digest: release ? releaseKey(release) : "" };
}

export function eventOf({ spec, state }: ChartLayer, event: string, record: ReleaseRecord): HookEvent {
  const timeoutMs = durationMs(spec.timeout) ?? HELM_TIMEOUT_MS;
  return { event, layer: spec.name, record, hooks: hooksOf(state.hooks, event), timeoutMs };
}

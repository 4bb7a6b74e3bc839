import { setCondition } from "../api/conditions.ts";
import type { Registry, RegistryStatus } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { cut } from "./deployment-status.ts";

/** What is known of a registry: that it answers and what it has, or why not. */
export type RegistryState = { kind: "failing"; failure: Failure } | { kind: "synced"; entries?: number };

/**
 * The status of a Registry. What was known of one that does not answer stays.
 *
 * @param now RFC 3339
 * @param inputsDigest of what it was asked with
 */
export function registryStatus(
  { metadata, spec, status }: Registry,
  state: RegistryState,
  { now, inputsDigest }: { now: string; inputsDigest: string },
): RegistryStatus {
  const observedGeneration = metadata.generation ?? 0;
  const { entries: _, ...before } = status ?? {};
  const credentials = spec.secretRef || spec.certSecretRef ? " and accepts the credentials" : "";
  const condition = {
    type: "Ready",
    observedGeneration,
    ...(state.kind === "synced"
      ? { status: "True" as const, reason: "Synced", message: `the registry answers${credentials}` }
      : { status: "False" as const, reason: state.failure.reason, message: cut(state.failure.message) }),
  };
  const known =
    state.kind === "synced"
      ? { lastSyncTime: now, ...(state.entries === undefined ? {} : { entries: state.entries }) }
      : status?.entries === undefined
        ? {}
        : { entries: status.entries };
  const conditions = [...setCondition(status?.conditions ?? [], condition, now)];
  return { ...before, observedGeneration, conditions, ...known, inputsDigest };
}

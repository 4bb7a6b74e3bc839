import { setCondition } from "../api/conditions.ts";
import type { Registry, RegistryStatus } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { cut } from "./row-text.ts";

/** What is known of a registry: that it answers and what it has, or why not. */
export type RegistryState =
  | { kind: "failing"; failure: Failure }
  | { kind: "synced"; entries?: number; credentials?: keyof typeof CREDENTIALS };

/** What was seen of the credentials. */
const CREDENTIALS = {
  accepted: " and accepts the credentials",
  unasked: " and did not ask for the credentials",
  shown: " when it is shown the credentials",
};

/**
 * The status of a Registry. What was known of one that does not answer stays.
 *
 * @param now RFC 3339
 * @param inputsDigest of what it was asked with
 */
export function registryStatus(
  { metadata, status }: Pick<Registry, "metadata" | "status">,
  state: RegistryState,
  { now, inputsDigest }: { now: string; inputsDigest: string },
): RegistryStatus {
  const observedGeneration = metadata.generation ?? 0;
  const { entries: _, ...before } = status ?? {};
  const seen = state.kind === "synced" && state.credentials ? CREDENTIALS[state.credentials] : "";
  const condition = {
    type: "Ready",
    observedGeneration,
    ...(state.kind === "synced"
      ? { status: "True" as const, reason: "Synced", message: `the registry answers${seen}` }
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

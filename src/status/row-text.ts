import { MAX_MESSAGE, MAX_SOURCE } from "../api/schema/status.ts";
import type { Layer } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import { isObserved } from "../plan/core-layers.ts";

/** How a layer's source reads in a table: `https://charts.example/web` or `manifests`. */
export function sourceOf(layer: Layer): string {
  const { helm, pack } = layer;
  if (pack) return cut(`pack ${pack.registryRef.name}/${pack.name}`, MAX_SOURCE);
  if (isObserved(layer)) return "observed";
  if (!helm) return "manifests";
  const where = helm.repo?.replace(/\/$/, "") ?? helm.registryRef?.name;
  return cut(`helm ${where}/${helm.chart}`, MAX_SOURCE);
}

/** Messages are bounded so that a status stays small. */
export function cut(message: string, length = MAX_MESSAGE): string {
  return message.length <= length ? message : `${message.slice(0, length - 1)}…`;
}

/** What a row says of a cluster that cannot be worked on; since when, stays so with other words, and after a restart. */
export function awayFields(
  { reason, message }: Failure,
  known: { reason?: string; lastTransitionTime?: string } | undefined,
  now: string,
): { reason: string; message: string; lastTransitionTime: string } {
  const begun = (known?.reason === reason && known.lastTransitionTime) || now;
  const words = reason === "Unreachable" ? `unreachable since ${begun}: ${message}` : message;
  return { reason, message: cut(words), lastTransitionTime: begun };
}

/** A state keeps the time at which it began; a repeated timeout or failure of another sort begins anew. */
export function since(
  row: { state: string },
  previous: { state: string; lastTransitionTime?: string } | undefined,
  now: string,
): string {
  return previous?.state === row.state && previous.lastTransitionTime ? previous.lastTransitionTime : now;
}

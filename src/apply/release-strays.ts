import { PART_OF_LABEL } from "../api/names.ts";
import { Failure, type FailureReason } from "../errors.ts";
import { saysKeep } from "../membership/observed.ts";
import { describeRef, isVolume, keyOf, refOf } from "../objects/identity.ts";
import type { ObjectRef } from "../objects/types.ts";
import { parseManifests } from "../objects/yaml.ts";
import type { ReleaseRecord } from "../plan/release.ts";
import type { Step } from "../plan/step.ts";
import type { PlannedLayer } from "../plan/types.ts";
import { isConflictError, isNotFoundError } from "./conflicts.ts";
import type { HelmRelease } from "./release-payload.ts";
import { annotate, DONE, type ReleaseContext, type Released } from "./release-records.ts";
import { reasonToKeep } from "./remove-object.ts";

/**
 * Deletes what is still of the release and nobody else's, one after the other, and last what came first: a Namespace after
 * what is in it. What must not go, or may not be deleted, stays and is told.
 */
export async function removeStrays(
  { record, strays }: Step & { kind: "RemoveStrays" },
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<Released> {
  const kept: string[] = [];
  for (const text of strays.toReversed()) {
    const why = await removeStray(text, record, context, signal);
    if (why !== undefined) kept.push(why);
  }
  const { strays: _, ...progress } = record.progress ?? { inputs: "", operation: "upgrade", runs: {} };
  await annotate(record, progress, context, signal);
  const more = kept.length > MOST_TOLD ? `; and ${kept.length - MOST_TOLD} more` : "";
  const message = `${kept.slice(0, MOST_TOLD).join("; ")}${more}`;
  return kept.length === 0 ? DONE : { ...DONE, note: { reason: "ObjectKept", message } };
}

const MOST_TOLD = 5;

/** @returns why it stays; undefined when it went, or was never this release's to delete */
async function removeStray(
  text: string,
  { release }: ReleaseRecord,
  { writes }: ReleaseContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [group = "", version = "", kind = "", namespace = "", name = ""] = text.split("/");
  const resource = writes.resourceFor({ group, version, kind });
  if (!resource) return undefined;
  const ref = { group, version, kind, name, ...(resource.namespaced ? { namespace } : {}) };
  const { client } = writes;
  try {
    const live = await client.find(resource, ref, { metadataOnly: true, signal });
    const annotations = live?.metadata.annotations ?? {};
    const isOfRelease =
      annotations["meta.helm.sh/release-name"] === release.name &&
      annotations["meta.helm.sh/release-namespace"] === release.namespace;
    if (!live || !isOfRelease || saysKeep(live) || live.metadata.labels?.[PART_OF_LABEL] !== undefined)
      return undefined;
    // Whatever is in it stays alive, our own members too.
    const set = { ...writes.set, id: "" };
    const why = isVolume(ref) ? "it may hold data" : await reasonToKeep(ref, { ...writes, client, set }, signal);
    if (why !== undefined) return `${describeRef(ref)} stays: ${why}`;
    const { uid = "", resourceVersion = "" } = live.metadata;
    await client.delete(resource, ref, { uid, resourceVersion, propagationPolicy: "Background", signal });
    return undefined;
  } catch (error) {
    if (isNotFoundError(error)) return undefined;
    if (isConflictError(error)) throw new Failure("StaleRead", `${describeRef(ref)} was changed just now; tried again`);
    return staying(writes.toFailure(error, describeRef(ref)));
  }
}

/** What passes is waited for; of anything else, Helm goes on as well. */
function staying(failure: Failure): string {
  if (PASSING.includes(failure.reason)) throw failure;
  return `${failure.message}; it stays`;
}

const PASSING: readonly FailureReason[] = ["Unreachable", "Throttled", "ServerError", "Unauthorized", "StaleRead"];

/** So much is parsed of what somebody else wrote, in lines and items: more would take seconds. */
const MOST_LINES = 100_000;
/** So much of an annotation's 256 KiB the keys may take. */
const MOST_TEXT = 100_000;

export interface Strays {
  /** The objects of a release that the layer does not bring, as keys. */
  listed: string[];
  /** What is not among them, in words. */
  left?: string;
}

/** What goes again of a release that somebody changed. */
export function straysOf(release: HelmRelease, layer: PlannedLayer): Strays {
  const { manifest = "" } = release;
  const parsed = linesOf(manifest) <= MOST_LINES ? parseManifests(manifest, "manifest") : undefined;
  if (layer.state.kind !== "known") return { listed: [] };
  if (!parsed?.ok) return { listed: [], left: "what only that revision brought stays: its manifest cannot be read" };
  const wanted = new Set(layer.state.desired.flatMap(({ ref }) => [keyOf(ref), keyOf({ ...ref, namespace: "" })]));
  const refs = parsed.value.map((object) => refOf(object));
  const strays = refs
    .filter(
      (ref) => !wanted.has(keyOf(ref)) && !wanted.has(keyOf({ ...ref, namespace: ref.namespace ?? release.namespace })),
    )
    .map((ref) => strayText(ref, release.namespace));
  let room = MOST_TEXT;
  const listed = strays.filter((text) => {
    room -= text.length;
    return room >= 0;
  });
  const more = strays.length - listed.length;
  return {
    listed,
    ...(more > 0 ? { left: `${more} objects that only that revision brought stay: they are too many` } : {}),
  };
}

function linesOf(text: string): number {
  let count = 0;
  for (const letter of text) if ("\n[{,".includes(letter)) count += 1;
  return count;
}

const strayText = ({ group, version, kind, namespace, name }: ObjectRef, home: string): string =>
  [group, version, kind, namespace ?? home, name].join("/");

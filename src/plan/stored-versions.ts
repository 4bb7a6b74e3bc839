import { Failure } from "../errors.ts";
import { describeRef, isCrd, refOf } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import type { KnownLayer } from "./layer-view.ts";
import type { Seen } from "./seen.ts";
import { standingOf } from "./standing.ts";

/**
 * Why a layer cannot be brought to its content before somebody has acted: a CRD of it would lose a version in which objects
 * may be stored. The API server would refuse that CRD alone (apiextensions: `ValidateCustomResourceDefinitionUpdate`), with
 * other objects of the layer written already.
 */
export function versionsInUse({ spec, state }: KnownLayer, seen: Seen): Failure | undefined {
  for (const desired of state.desired) {
    if (!isCrd(desired.ref)) continue;
    const tracked = seen.site.member(desired.key);
    if (!tracked || standingOf(desired, spec.name, tracked, seen) !== "outdated") continue;
    const failure = droppedVersions(desired.object, tracked.observed.storedVersions ?? []);
    if (failure) return failure;
  }
  return undefined;
}

/** The failure of a CRD whose next version lacks one that `status.storedVersions` of the live one names. */
export function droppedVersions(next: KubeObject, stored: readonly string[]): Failure | undefined {
  const versions = versionsOf(next);
  const dropped = stored.filter((name) => !versions.some((version) => version.name === name));
  if (versions.length === 0 || dropped.length === 0) return undefined;
  const storage = versions.find((version) => version.storage)?.name;
  const [what, them] = dropped.length === 1 ? ["version", "it"] : ["versions", "them"];
  const status = JSON.stringify({ status: { storedVersions: [storage] } });
  const command = `kubectl patch crd ${next.metadata.name} --subresource=status --type=merge -p '${status}'`;
  return new Failure(
    "VersionInUse",
    `${describeRef(refOf(next))}: ${what} ${dropped.join(", ")} would go, and objects may still be stored in ${them} ` +
      `(status.storedVersions): write all of them once in ${storage ?? "the version that is stored"}, as ` +
      `kube-storage-version-migrator does, then take ${them} out of status.storedVersions${storage ? `: ${command}` : ""}`,
  );
}

function versionsOf(crd: KubeObject): { name?: string; storage?: boolean }[] {
  const { versions } = (crd["spec"] ?? {}) as { versions?: unknown };
  return Array.isArray(versions) ? versions.filter((version) => typeof version === "object" && version !== null) : [];
}

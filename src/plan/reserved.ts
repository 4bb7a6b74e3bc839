import { GROUP, PART_OF_LABEL, PRUNE_ANNOTATION, RECONCILE_ANNOTATION } from "../api/names.ts";
import { Failure } from "../errors.ts";
import { describeRef, refOf } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";

/** Labels and annotations by which Strata knows what is whose: nobody else sets them. */
export function isReservedMark(key: string): boolean {
  if (key === PRUNE_ANNOTATION || key === RECONCILE_ANNOTATION) return false;
  const [prefix = ""] = key.split("/", 1);
  return key === PART_OF_LABEL || prefix === GROUP || prefix.endsWith(`.${GROUP}`);
}

/** Why an object of a layer cannot be applied: it claims to be marked already, as a copy of a live object does. */
export function reservedMarkFailure(object: KubeObject): Failure | undefined {
  const mark = reservedMark(object);
  if (!mark) return undefined;
  const where = `metadata.${mark.field}: ${mark.key} is set by Strata itself`;
  return new Failure("InvalidManifest", `${describeRef(refOf(object))}: ${where}; take it out of the manifest`);
}

/** The first reserved label or annotation of an object. */
export function reservedMark({ metadata }: KubeObject): { field: "labels" | "annotations"; key: string } | undefined {
  for (const field of ["labels", "annotations"] as const) {
    const key = Object.keys(metadata[field] ?? {}).find(isReservedMark);
    if (key !== undefined) return { field, key };
  }
  return undefined;
}

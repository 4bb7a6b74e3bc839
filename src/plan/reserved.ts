import { GROUP, PART_OF_LABEL } from "../api/names.ts";
import { Failure } from "../errors.ts";
import { describeRef, refOf } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";

/** Labels and annotations by which Strata knows what is whose: nobody else sets them. */
export function isReservedMark(key: string): boolean {
  const [prefix = ""] = key.split("/", 1);
  return key === PART_OF_LABEL || prefix === GROUP || prefix.endsWith(`.${GROUP}`);
}

/** Why an object of a layer cannot be applied: it claims to be marked already, as a copy of a live object does. */
export function reservedMarkFailure(object: KubeObject): Failure | undefined {
  for (const field of ["labels", "annotations"] as const) {
    const key = Object.keys(object.metadata[field] ?? {}).find(isReservedMark);
    if (key === undefined) continue;
    const where = `metadata.${field}: ${key} is set by Strata itself`;
    return new Failure("InvalidManifest", `${describeRef(refOf(object))}: ${where}; take it out of the manifest`);
  }
  return undefined;
}

import { PlaceSet } from "../pack/path-key.ts";
import { keysBelow } from "./sensitive-values.ts";

/** What is said of a Secret's value where everybody would read it. */
export const SEEN_BY_ALL = "must not come from a Secret, as everybody sees it";

/**
 * What a pack's values say of names, labels and annotations that are seen by all who may list namespaces or Helm releases, and
 * of the checks that the status tells of.
 */
const NAMES = [
  "pack.namespace",
  "pack.additionalNamespaces",
  "pack.namespaceLabels",
  "pack.namespaceAnnotations",
  "pack.releaseNameOverride",
  "readinessCheck",
];

/**
 * What in the values of a pack everybody sees, and comes from something sensitive; one sentence each.
 *
 * @param keys (`pathKey`) of all that does, from the root of the values
 */
export function namesFromSecrets(keys: readonly string[]): string[] {
  const secret = new PlaceSet(keys);
  return NAMES.filter((name) => secret.touches(`.${name}`)).map((name) => `${name}: ${SEEN_BY_ALL}`);
}

/** The same for values with expressions; `where` is what their root is called, with which each of the paths begins. */
export function namesInValues(paths: readonly string[], where: string): string[] {
  return namesFromSecrets(keysBelow(paths, where)).map((problem) => `${where}.${problem}`);
}

/** What is said of a Secret's value where everybody would read it. */
export const SEEN_BY_ALL = "must not come from a Secret, as everybody sees it";

/** What a pack's values say of names that are seen by all who may list namespaces or Helm releases. */
const NAMES = ["namespace", "additionalNamespaces", "releaseNameOverride"] as const;

/**
 * Names in the values of a pack that come from something sensitive; one sentence each.
 *
 * @param paths of all that does, from the root of the values
 */
export function namesFromSecrets(paths: readonly (readonly (string | number)[])[]): string[] {
  return NAMES.filter((name) =>
    paths.some(([root, key]) => root === "pack" && (key === undefined || key === name)),
  ).map((name) => `pack.${name}: ${SEEN_BY_ALL}`);
}

/** The same for values with expressions; `where` is what their root is called, with which each of the paths begins. */
export function namesInValues(paths: readonly string[], where: string): string[] {
  const steps = paths.map((path) => path.slice(where.length + 1).split(/[.[]/));
  return namesFromSecrets(steps).map((problem) => `${where}.${problem}`);
}

import type { ChartRelease, Hook } from "./types.ts";

/** What Helm writes down for a hook without a policy, when it runs it. */
export const DEFAULT_DELETE_POLICIES: readonly string[] = ["before-hook-creation"];

/** What a rollback to a revision would apply, as its seal covers it. */
export function sealed({ manifest, hooks }: Pick<ChartRelease, "manifest"> & { hooks: readonly Hook[] }): unknown {
  return [
    manifest,
    hooks.map(({ path, manifest: text, events, weight, deletePolicies }) => [
      path,
      text,
      events,
      weight,
      deletePolicies.length > 0 ? deletePolicies : DEFAULT_DELETE_POLICIES,
    ]),
  ];
}

import type { ChartRelease, Hook } from "./types.ts";

/** What a rollback to a revision would apply, as its seal covers it. */
export function sealed({ manifest, hooks }: Pick<ChartRelease, "manifest"> & { hooks: readonly Hook[] }): unknown {
  return [
    manifest,
    hooks.map(({ path, manifest: text, events, weight, deletePolicies }) => [
      path,
      text,
      events,
      weight,
      deletePolicies,
    ]),
  ];
}

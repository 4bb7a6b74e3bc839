import { CRD_CHARTS } from "./charts-crds.ts";
import { DEPENDENCY_CHARTS } from "./charts-dependencies.ts";
import { HOOK_CHARTS } from "./charts-hooks.ts";
import { OBJECT_CHARTS } from "./charts-objects.ts";
import { RELEASE_CHARTS } from "./charts-release.ts";
import { VALUES_CHARTS } from "./charts-values.ts";
import { WORKLOAD_CHARTS } from "./charts-workloads.ts";
import { YAML_CHARTS } from "./charts-yaml.ts";
import type { CorpusChart, Difference } from "./types.ts";

/** All charts, each made for one feature of Helm. */
export const CORPUS: readonly CorpusChart[] = [
  ...RELEASE_CHARTS,
  ...VALUES_CHARTS,
  ...DEPENDENCY_CHARTS,
  ...CRD_CHARTS,
  ...YAML_CHARTS,
  ...OBJECT_CHARTS,
  ...WORKLOAD_CHARTS,
  ...HOOK_CHARTS,
];

const RELEASES = ["install", "upgrade", "removal", "rollback"] as const;

/** What is not the same with any chart. */
export const COMMON_DIFFERENCES: readonly Difference[] = [
  { name: "apply-method", steps: RELEASES, lines: /^Release\/.*: apply_method: Strata has "csa", helm has "ssa"$/ },
  {
    name: "descriptions",
    steps: RELEASES,
    lines: /^Release\/.*: description: Strata has "(install|upgrade) failed: .*, helm has ".* failed: /,
  },
  {
    name: "rollback-renders",
    steps: ["rollback"],
    lines: /^Release\/.*: description: Strata has "Upgrade complete", helm has "Rollback to [12]"$/,
  },
];

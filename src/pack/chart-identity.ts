import type { Result } from "../objects/types.ts";
import { parseValues } from "../plan/values.ts";
import { own } from "./maps.ts";

/** How a chart calls itself. */
export interface ChartIdentity {
  name: string;
  version: string;
  /** The names (or aliases) of its subcharts, which are keys of its values too. */
  subcharts: readonly string[];
}

/**
 * Reads a chart's Chart.yaml: a pack's values stand under `charts.<name>`.
 *
 * @param where names the file in problems: `pack karpenter 1.5.1, charts/karpenter-1.5.1.tgz, Chart.yaml`
 */
export function chartIdentity(chartYaml: string, where: string): Result<ChartIdentity> {
  const parsed = parseValues(chartYaml, where);
  if (!parsed.ok) return parsed;
  const [name, version] = [own(parsed.value, "name"), own(parsed.value, "version")];
  const problems = Object.entries({ name, version }).flatMap(([field, value]) =>
    typeof value === "string" && value !== "" ? [] : [`${where}: ${field}: must be a text that is not empty`],
  );
  if (typeof name !== "string" || typeof version !== "string" || problems.length > 0) return { ok: false, problems };
  return { ok: true, value: { name, version, subcharts: subchartsOf(own(parsed.value, "dependencies")) } };
}

function subchartsOf(dependencies: unknown): string[] {
  if (!Array.isArray(dependencies)) return [];
  return dependencies.flatMap((dependency: unknown) => {
    const name = own(dependency, "alias") ?? own(dependency, "name");
    return typeof name === "string" ? [name] : [];
  });
}

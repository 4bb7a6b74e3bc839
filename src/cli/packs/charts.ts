import { chartIdentity, type KnownChart, type PackChart } from "../../pack/index.ts";
import { parseValues } from "../../plan/values.ts";
import { ArchiveRefused, readArchive } from "../../source/archive/read-archive.ts";

export interface ReadCharts {
  charts: KnownChart[];
  problems: string[];
}

const CHART = "Chart.yaml";
const VALUES = "values.yaml";

/** The charts of a pack as their archives have them, in order. Problems name the pack and the archive. */
export async function readCharts(charts: readonly PackChart[], where: string): Promise<ReadCharts> {
  const result: ReadCharts = { charts: [], problems: [] };
  for (const { path, archive } of charts) {
    const what = `${where}, ${path}`;
    try {
      const files = await readArchive(archive, { stripRoot: true });
      const chart = chartOf(files, what);
      if (typeof chart === "string") result.problems.push(chart);
      else result.charts.push(chart);
    } catch (error) {
      if (!(error instanceof ArchiveRefused)) throw error;
      result.problems.push(`${what}: the archive ${error.message}`);
    }
  }
  const names = result.charts.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  for (const name of new Set(twice))
    result.problems.push(`${where}: two charts are named ${name}: values and releases go by that name`);
  return result;
}

function chartOf(files: ReadonlyMap<string, Uint8Array>, what: string): KnownChart | string {
  const identity = chartIdentity(textOf(files.get(CHART)), `${what}, ${CHART}`);
  if (!identity.ok) return identity.problems.join("; ");
  const { name, subcharts } = identity.value;
  const values = parseValues(textOf(files.get(VALUES)), VALUES);
  return { name, subcharts, ...(values.ok ? { values: values.value } : {}) };
}

function textOf(bytes: Uint8Array = new Uint8Array()): string {
  return new TextDecoder().decode(bytes);
}

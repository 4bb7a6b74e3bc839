import { join } from "node:path";
import { writeChart } from "../files.ts";
import type { CorpusChart, Files, Release, Version } from "./types.ts";

const RELEASES = ["install", "upgrade", "removal"] as const satisfies readonly Release[];

export const VERSIONS: Readonly<Record<Release, string>> = { install: "1.0.0", upgrade: "2.0.0", removal: "3.0.0" };

/** Every chart changes in its second version and loses a template in its third. */
const LEAVING: Files = {
  "templates/leaving.yaml": `apiVersion: v1
kind: ConfigMap
metadata: { name: leaving }
data: { version: {{ .Chart.Version }} }
`,
};

/** A version of a chart, complete. */
export interface FullVersion {
  readonly files: Files;
  readonly chart: Readonly<Record<string, unknown>>;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What a release of a chart consists of, with all that it has from the versions before. */
export function versionOf(chart: CorpusChart, release: Release): FullVersion {
  const steps: (Version | undefined)[] = [chart, chart.upgrade, { ...chart.removal, files: withoutLeaving(chart) }];
  const empty: FullVersion = { files: LEAVING, chart: {}, values: {} };
  return steps.slice(0, RELEASES.indexOf(release) + 1).reduce<FullVersion>(
    (before, step) => ({
      files: { ...before.files, ...step?.files },
      chart: { ...before.chart, ...step?.chart },
      values: step?.values ?? before.values,
    }),
    empty,
  );
}

function withoutLeaving({ removal }: CorpusChart): Files {
  return { "templates/leaving.yaml": null, ...removal?.files };
}

/** Writes the folders of all versions of the charts, `<folder>/<chart>-<version>`. */
export async function writeCharts(charts: readonly CorpusChart[], folder: string): Promise<void> {
  for (const chart of charts) for (const release of RELEASES) await writeRelease(chart, release, folder);
}

async function writeRelease(chart: CorpusChart, release: Release, folder: string): Promise<void> {
  const place = join(folder, `${chart.name}-${VERSIONS[release]}`);
  const { files, chart: fields } = versionOf(chart, release);
  const present = Object.entries(files).flatMap(([path, content]) =>
    content === null ? [] : [[path, content] as const],
  );
  const about = { name: chart.name, version: VERSIONS[release], fields: { ...fields } };
  await writeChart(place, { ...about, files: Object.fromEntries(present) });
}

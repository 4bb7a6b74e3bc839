import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { differencesOf, type Pair } from "../support/helm-corpus/compare.ts";
import { COMMON_DIFFERENCES, CORPUS } from "../support/helm-corpus/corpus.ts";
import { DIFFERENCES } from "../support/helm-corpus/differences.ts";
import { helmStep } from "../support/helm-corpus/helm-side.ts";
import { takeSnapshot } from "../support/helm-corpus/snapshot.ts";
import { strataStep } from "../support/helm-corpus/strata-side.ts";
import type { CorpusChart, Step } from "../support/helm-corpus/types.ts";
import { writeCharts } from "../support/helm-corpus/write-charts.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import { apply, trustedTenant } from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";
import { until } from "../support/waiting.ts";

const STEPS: readonly Step[] = ["install", "upgrade", "removal", "rollback", "uninstall"];

/** How long two clusters may take to become equal when both have done a step: controllers are behind. */
const PATIENCE_MS = 20_000;
const ALL_STEPS_MS = 1_800_000;

/** A pattern of names, for a run with only some of them. */
const only = process.env["STRATA_HELM_CHARTS"];
const charts = CORPUS.filter(({ name }) => only === undefined || new RegExp(only).test(name));

let ours: ControlPlane;
let theirs: ControlPlane;
let strata: StrataProcess;
let repo: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
/** What went otherwise than it should, by chart; `""` is what belongs to no chart. */
const problems = new Map<string, string[]>();

beforeAll(async () => {
  folder = await temporaryFolder("helm-corpus");
  await writeCharts(charts, join(folder.path, "charts"));
  repo = await startChartRepo(join(folder.path, "charts"));
  ours = await startControlPlane({ name: "strata", nodes: 1, audit: false });
  theirs = await startControlPlane({ name: "helm", nodes: 1, audit: false });
  strata = await startStrata(ours);
  await trustedTenant(ours, "acme");
  await runAll();
}, ALL_STEPS_MS);

afterAll(async () => {
  await strata?.kill();
  await Promise.all([ours?.stop(), theirs?.stop(), repo?.stop(), folder?.remove()]);
});

function tell(chart: string, step: Step, lines: readonly string[]): void {
  problems.set(chart, [...(problems.get(chart) ?? []), ...lines.map((line) => `${step}: ${line}`)]);
}

/** Does every step with every chart on both clusters, and compares all that lives there after each. */
async function runAll(): Promise<void> {
  const known = await Promise.all([ours, theirs].map(async (plane) => new Set((await takeSnapshot(plane)).keys())));
  const look = async (): Promise<Pair> => {
    const [strataSees, helmSees] = await Promise.all([takeSnapshot(ours, known[0]), takeSnapshot(theirs, known[1])]);
    return { strata: strataSees, helm: helmSees };
  };
  await Promise.all([ours, theirs].map(prepare));
  let before = await look();
  for (const step of STEPS) {
    for (const { meanwhile } of charts) {
      if (meanwhile?.before !== step) continue;
      await Promise.all([ours, theirs].map((plane) => plane.kubectlOk(meanwhile.kubectl)));
    }
    const [byStrata, byHelm] = await Promise.all([
      strataStep(charts, step, { plane: ours, repo: repo.url }),
      helmStep(charts, step, { plane: theirs, repo: repo.url }),
    ]);
    for (const [chart, problem] of [...byStrata, ...byHelm]) tell(chart, step, [problem]);
    before = await compare(step, before, look);
  }
}

async function prepare(plane: ControlPlane): Promise<void> {
  const namespaces = charts.flatMap(({ name, namespaces = [] }) => [name, ...namespaces]);
  await apply(plane, ...namespaces.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })));
  const before = charts.flatMap((chart) => chart.before ?? []);
  if (before.length > 0) await apply(plane, ...before);
}

async function compare(step: Step, before: Pair, look: () => Promise<Pair>): Promise<Pair> {
  const deadline = Date.now() + PATIENCE_MS;
  // What has been equal once is: a hook that fails is tried again, and is there only now and then.
  let open: readonly (CorpusChart | undefined)[] = [...charts, undefined];
  let now = before;
  let found: ReadonlyMap<string, string[]> = new Map();
  const linesOf = (chart: CorpusChart | undefined): string[] =>
    verdictOf(chart, step, found.get(chart?.name ?? "") ?? []);
  const settled = async (): Promise<boolean> => {
    now = await look();
    found = differencesOf(charts, now, before);
    open = open.filter((chart) => linesOf(chart).length > 0);
    return open.length === 0 || Date.now() > deadline;
  };
  await until(settled, { what: `the comparison after ${step}`, programs: [] });
  for (const chart of open) tell(chart?.name ?? "", step, linesOf(chart));
  return now;
}

/** Differences that no name justifies, and named ones that are not there. */
function verdictOf(chart: CorpusChart | undefined, step: Step, lines: readonly string[]): string[] {
  const named = (chart?.differences ?? []).filter(({ steps }) => steps.includes(step));
  const known = [...named, ...COMMON_DIFFERENCES.filter(({ steps }) => steps.includes(step))];
  const unnamed =
    chart?.onlyStrata && step !== "uninstall" ? [] : lines.filter((line) => !known.some((one) => one.lines.test(line)));
  const absent = named.filter((one) => !lines.some((line) => one.lines.test(line)));
  return [...unnamed, ...absent.map(({ name, lines: wanted }) => `no longer differs by ${name}: ${wanted}`)];
}

test("docs/helm.md says why of every difference", async () => {
  const text = await readFile(new URL("../../docs/helm.md", import.meta.url), "utf8");
  const [, section = ""] = text.split("\n## Differences\n");
  const named = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  expect(named.sort()).toEqual([...DIFFERENCES].sort());
});

describe("Strata leaves what helm leaves, after install, upgrade, removal of templates, rollback and uninstall, when the chart", () => {
  test.each(charts)("$name has $feature", ({ name }) => {
    expect(problems.get(name) ?? []).toEqual([]);
  });

  test("is none of them", () => {
    expect(problems.get("") ?? []).toEqual([]);
  });
});

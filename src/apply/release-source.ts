import { Failure } from "../errors.ts";
import { stringifyJson } from "../objects/json.ts";
import { layerValues } from "../plan/inputs.ts";
import { latestOf, type ReleaseRecord } from "../plan/release.ts";
import type { OpenRelease } from "../plan/step.ts";
import type { ChartRelease, LayerContent, PlannedLayer, ReleaseSource } from "../plan/types.ts";
import { type HelmRelease, sourceIn } from "./release-payload.ts";
import { type ReleaseContext, read } from "./release-records.ts";

type ChartContent = LayerContent & { release: ChartRelease };

/**
 * The chart and the values for the record of a revision: as they were rendered just now, else from an older record of the
 * same content, else from the chart's source. Objects are not made of it, so that it fails nothing: what is nowhere to be had
 * is left out.
 */
export async function sourceOf(
  step: OpenRelease,
  content: ChartContent,
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<ReleaseSource> {
  const { source, rolledBack } = content.release;
  if (source) return source;
  const recorded = await recordedSource(step, content, context, signal);
  if (recorded) return recorded;
  // The chart's source has the chart of the revision that failed.
  const fetched = rolledBack ? undefined : await context.sourceOf(step.layer, signal);
  return fetched === undefined || fetched instanceof Failure ? leanSource(step.layer, content) : fetched;
}

async function recordedSource(
  { records, progress }: OpenRelease,
  { release: { rolledBack, chart } }: ChartContent,
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<ReleaseSource | undefined> {
  const own = records.filter(({ parent }) => parent === context.set.parent);
  const record =
    latestOf(own.filter(({ inputs }) => inputs === progress.inputs)) ??
    own.find(({ version }) => version === rolledBack?.to);
  const release = record && (await readIfPossible(record, context, signal));
  return release?.chart?.metadata?.name === chart ? sourceIn(release) : undefined;
}

/** What the record holds; undefined when it cannot be read. */
export async function readIfPossible(
  record: ReleaseRecord,
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<HelmRelease | undefined> {
  try {
    return await read(record, context, signal);
  } catch (error) {
    if (error instanceof Failure && error.reason === "InvalidObject") return undefined;
    throw error;
  }
}

function leanSource({ inputs }: PlannedLayer, { version = "", release }: ChartContent): ReleaseSource {
  const chart = stringifyJson({ metadata: { apiVersion: "v2", name: release.chart, version } });
  const values = inputs && !release.rolledBack ? layerValues(inputs) : {};
  return { chart, config: values instanceof Failure ? "{}" : stringifyJson(values) };
}

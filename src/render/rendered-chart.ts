import { Failure, type FailureReason } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { parseManifests } from "../objects/yaml.ts";
import { refuseHooks } from "./hooks.ts";
import type { RenderAnswer, RenderDocument } from "./protocol.ts";
import type { ChartMetadata, RenderedChart } from "./types.ts";

type AnswerError = NonNullable<RenderAnswer["error"]>;

const PHRASES: Record<AnswerError["kind"], { reason: FailureReason; verb: string }> = {
  Chart: { reason: "InvalidChart", verb: "cannot be used" },
  Release: { reason: "InvalidSpec", verb: "cannot be released" },
  Values: { reason: "InvalidValues", verb: "refuses the values" },
  KubeVersion: { reason: "RenderFailed", verb: "does not fit the cluster" },
  Template: { reason: "RenderFailed", verb: "does not render" },
};

const MAX_PROBLEMS = 3;

function nameOf(chart: { name: string; version: string } | undefined): string {
  return chart === undefined ? "the chart" : `chart ${chart.name} ${chart.version}`;
}

/** Parses documents and notes in `templates` where each object comes from. */
function objectsOf(
  documents: RenderDocument[],
  chart: ChartMetadata,
  templates: Map<KubeObject, string>,
): KubeObject[] {
  const problems: string[] = [];
  const objects: KubeObject[] = [];
  for (const { path, content } of documents) {
    const parsed = parseManifests(content, path);
    if (!parsed.ok) problems.push(...parsed.problems);
    else {
      for (const object of parsed.value) templates.set(deepFreeze(object), path);
      objects.push(...parsed.value);
    }
  }
  if (problems.length > 0) {
    const more = problems.length > MAX_PROBLEMS ? `; and ${problems.length - MAX_PROBLEMS} more` : "";
    const told = problems.slice(0, MAX_PROBLEMS).join("; ");
    throw new Failure("RenderFailed", `${nameOf(chart)} does not render to valid objects: ${told}${more}`);
  }
  return objects;
}

/** A rendered chart is shared by all clusters that asked for the same: whoever changed it would change it for all. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const item of Object.values(value)) deepFreeze(item);
  return value;
}

/**
 * What a renderer's answer means.
 *
 * @throws Failure InvalidChart, InvalidSpec, InvalidValues, RenderFailed or HooksNotSupported; the sentence names the
 * chart and the template, and holds nothing of the values
 */
export function renderedChartOf({ chart, result, error }: RenderAnswer): RenderedChart {
  if (error !== undefined) {
    const { reason, verb } = PHRASES[error.kind];
    throw new Failure(reason, `${nameOf(chart)} ${verb}: ${error.message}`);
  }
  if (chart === undefined || result === undefined) throw new Error("the renderer's answer is empty");
  const { appVersion } = chart;
  const metadata = { name: chart.name, version: chart.version, ...(appVersion === undefined ? {} : { appVersion }) };
  refuseHooks(nameOf(metadata), result.hooks);
  const templates = new Map<KubeObject, string>();
  return {
    chart: metadata,
    objects: objectsOf(result.manifests, metadata, templates),
    crds: objectsOf(result.crds, metadata, templates),
    notes: result.notes,
    templateOf: (object) => templates.get(object),
  };
}

import { Failure, type FailureReason } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { parseManifests } from "../objects/yaml.ts";
import { partsOf } from "../plan/hooks.ts";
import { failedLookups, type LookupField } from "../plan/refused-lookups.ts";
import type { Hook } from "../plan/types.ts";
import { describeLookup } from "./lookups.ts";
import type { RenderAnswer, RenderDocument, RenderHook } from "./protocol.ts";
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

/** Parses what a chart made, and remembers where each object comes from and what is wrong. */
class Documents {
  readonly templates = new Map<KubeObject, string>();
  readonly #problems: string[] = [];

  objects(documents: readonly RenderDocument[]): KubeObject[] {
    return documents.flatMap(({ path, content }) => {
      const parsed = parseManifests(content, path);
      if (!parsed.ok) {
        this.#problems.push(...parsed.problems);
        return [];
      }
      for (const object of parsed.value) this.templates.set(deepFreeze(object), path);
      return parsed.value;
    });
  }

  hooks(hooks: readonly RenderHook[]): Hook[] {
    return hooks.flatMap(({ content: manifest, ...hook }) => {
      const before = this.#problems.length;
      const objects = this.objects([{ path: hook.path, content: manifest }]);
      const isEmpty = objects.length === 0 && this.#problems.length === before;
      if (isEmpty) this.#problems.push(`${hook.path}: a hook must have an object`);
      return partsOf({ ...hook, manifest }, objects);
    });
  }

  /** @throws Failure RenderFailed with the first problems */
  refuseProblems(chart: ChartMetadata, inVain: string): void {
    if (this.#problems.length === 0) return;
    const more = this.#problems.length > MAX_PROBLEMS ? `; and ${this.#problems.length - MAX_PROBLEMS} more` : "";
    const told = this.#problems.slice(0, MAX_PROBLEMS).join("; ");
    throw new Failure("RenderFailed", `${nameOf(chart)} does not render to valid objects: ${told}${more}${inVain}`);
  }
}

/** The text of a release's manifest; Helm's `renderResources` in pkg/action/action.go writes it like this. */
function releaseManifest(documents: readonly RenderDocument[]): string {
  return documents.map(({ path, content }) => `---\n# Source: ${path}\n${content}\n`).join("");
}

/** Helm reads the objects from that text, where one more line feed ends each document: a `|+` scalar there keeps it. */
function asHelmReads({ path, content }: RenderDocument): RenderDocument {
  return { path, content: `${content}\n` };
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
 * @param lookupField where the layer says what its charts may look up; undefined where no cluster was looked at
 * @throws Failure InvalidChart, InvalidSpec, InvalidValues or RenderFailed; the sentence names the chart and the
 * template, and holds nothing of the values
 */
export function renderedChartOf(
  { chart, result, error, refused: keys = [] }: RenderAnswer,
  lookupField?: LookupField,
): RenderedChart {
  const refused = keys.map(describeLookup);
  const words = failedLookups(refused, lookupField);
  const inVain = words === undefined ? "" : `; it was ${words}`;
  if (error !== undefined) {
    const { reason, verb } = PHRASES[error.kind];
    throw new Failure(reason, `${nameOf(chart)} ${verb}: ${error.message}${inVain}`);
  }
  if (chart === undefined || result === undefined) throw new Error("the renderer's answer is empty");
  const { appVersion } = chart;
  const metadata = { name: chart.name, version: chart.version, ...(appVersion === undefined ? {} : { appVersion }) };
  const documents = new Documents();
  const rendered = {
    chart: metadata,
    objects: documents.objects(result.manifests.map(asHelmReads)),
    crds: documents.objects(result.crds),
    hooks: documents.hooks(result.hooks),
    manifest: releaseManifest(result.manifests),
    chartJson: result.chartJson,
    notes: result.notes,
    refusedLookups: refused,
    templateOf: (object: KubeObject) => documents.templates.get(object),
  };
  documents.refuseProblems(metadata, inVain);
  return rendered;
}

import { z } from "zod";
import { parseJson, stringifyJson } from "../objects/json.ts";
import type { MacroExpression } from "../pack/macro-types.ts";
import type { KnownLookup } from "./lookups.ts";
import type { ManifestsRequest, RenderRequest } from "./types.ts";

/** The JSON lines that `strata-render` speaks; `render/protocol.go` is the other side. */

const document = z.object({ path: z.string(), content: z.string() });

const hook = z.object({
  name: z.string(),
  kind: z.string(),
  path: z.string(),
  events: z.array(z.string()),
  weight: z.number(),
  deletePolicies: z.array(z.string()),
  outputLogPolicies: z.array(z.string()),
  content: z.string(),
});

const lookupKey = z.object({ apiVersion: z.string(), kind: z.string(), namespace: z.string(), name: z.string() });

const result = z.object({
  manifests: z.array(document),
  crds: z.array(document),
  hooks: z.array(hook),
  notes: z.string(),
  chartJson: z.string(),
  random: z.boolean(),
});

const failure = z.object({
  kind: z.enum(["Chart", "Release", "Values", "KubeVersion", "Template"]),
  message: z.string(),
});

const chartAnswer = z.object({
  id: z.string(),
  chart: z.object({ name: z.string(), version: z.string(), appVersion: z.string().optional() }).optional(),
  result: result.optional(),
  error: failure.optional(),
  wanted: z.array(lookupKey.extend({ told: lookupKey })).optional(),
  refused: z.array(lookupKey).optional(),
});

const templateAnswer = z.object({
  id: z.string(),
  files: z.array(document.extend({ error: failure.optional() })).optional(),
  random: z.boolean().optional(),
  error: failure.optional(),
});

const macrosAnswer = z.object({
  id: z.string(),
  macros: z.array(z.object({ value: z.unknown().optional(), error: failure.optional() })).optional(),
});

export type RenderDocument = z.infer<typeof document>;
export type RenderHook = z.infer<typeof hook>;
export type RenderAnswer = z.infer<typeof chartAnswer>;
export type TemplateAnswer = z.infer<typeof templateAnswer>;
export type MacrosAnswer = z.infer<typeof macrosAnswer>;

/** What a renderer is asked, and how its answer is read. */
export interface Question<T extends { id: string }> {
  /** What breaks or is late, in failures: `the chart`. */
  subject: string;
  fields: object;
  /** Throws when the line is no answer to such a question. */
  read(line: string): T;
}

/** A chart, with what is known of its lookups so far. */
export function chartQuestion(request: RenderRequest, known: readonly KnownLookup[]): Question<RenderAnswer> {
  const { releaseName: name, namespace, revision, isUpgrade, kubeVersion, apiVersions } = request;
  const fields = {
    chart: Buffer.from(request.chartBytes).toString("base64"),
    values: request.values,
    release: { name, namespace, revision, isUpgrade },
    capabilities: { kubeVersion, apiVersions },
    ownKinds: request.ownKinds ?? false,
    lookup: { allowed: request.lookup?.allowed ?? [], known },
  };
  return { subject: "the chart", fields, read: (line) => chartAnswer.parse(JSON.parse(line)) };
}

/** Files that are templates by themselves, each with its values. */
export function templateQuestion(
  request: ManifestsRequest,
  files: readonly { path: string; content: string; values: unknown }[],
): Question<TemplateAnswer> {
  const { pack, releaseName: name, namespace, revision, isUpgrade, kubeVersion, apiVersions } = request;
  const fields = {
    op: "template",
    metadata: pack,
    files,
    spectro: request.spectro,
    release: { name, namespace, revision, isUpgrade },
    capabilities: { kubeVersion, apiVersions },
  };
  return { subject: `pack ${pack.name}`, fields, read: (line) => templateAnswer.parse(JSON.parse(line)) };
}

export function macrosQuestion(macros: readonly MacroExpression[]): Question<MacrosAnswer> {
  // Here values come back that no YAML reads again: their digits count.
  return { subject: "a macro", fields: { op: "macros", macros }, read: (line) => macrosAnswer.parse(parseJson(line)) };
}

/** The question as one line, with its line feed. */
export function questionLine(id: string, fields: object, deadlineMs: number): string {
  return `${stringifyJson({ id, ...fields, deadlineMs })}\n`;
}

/** Throws when the line is not the answer to this question. */
export function readAnswer<T extends { id: string }>(id: string, question: Question<T>, line: string): T {
  const answer = question.read(line);
  if (answer.id !== id) throw new Error(`the renderer answered ${answer.id} instead of ${id}`);
  return answer;
}

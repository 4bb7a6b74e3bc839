import { z } from "zod";
import { stringifyJson } from "../objects/json.ts";
import type { KnownLookup } from "./lookups.ts";
import type { RenderRequest } from "./types.ts";

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
  refused: z.array(lookupKey),
});

const answer = z.object({
  id: z.string(),
  chart: z.object({ name: z.string(), version: z.string(), appVersion: z.string().optional() }).optional(),
  result: result.optional(),
  error: z
    .object({ kind: z.enum(["Chart", "Release", "Values", "KubeVersion", "Template"]), message: z.string() })
    .optional(),
  wanted: z.array(lookupKey.extend({ told: lookupKey })).optional(),
});

export type RenderDocument = z.infer<typeof document>;
export type RenderHook = z.infer<typeof hook>;
export type RenderAnswer = z.infer<typeof answer>;

/** A request with what is known of its lookups so far. */
export interface RenderQuestion {
  request: RenderRequest;
  known: readonly KnownLookup[];
}

/** The question as one line, with its line feed. */
export function requestLine(id: string, { request, known }: RenderQuestion, deadlineMs: number): string {
  const { releaseName: name, namespace, revision, isUpgrade, kubeVersion, apiVersions } = request;
  const line = stringifyJson({
    id,
    chart: Buffer.from(request.chartBytes).toString("base64"),
    values: request.values,
    release: { name, namespace, revision, isUpgrade },
    capabilities: { kubeVersion, apiVersions },
    ownKinds: request.ownKinds ?? false,
    lookup: { allowed: request.lookup?.allowed ?? [], known },
    deadlineMs,
  });
  return `${line}\n`;
}

/** Throws when the line is not the answer to this request. */
export function parseAnswer(id: string, line: string): RenderAnswer {
  const parsed = answer.parse(JSON.parse(line));
  if (parsed.id !== id) throw new Error(`the renderer answered ${parsed.id} instead of ${id}`);
  return parsed;
}

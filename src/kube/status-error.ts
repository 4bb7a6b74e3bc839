import { z } from "zod";
import { parseJson } from "../objects/json.ts";
import type { KubeObject } from "../objects/types.ts";
import { ApiError, type RequestInfo } from "./api-error.ts";
import { type Redaction, redact } from "./redact.ts";
import type { Resource } from "./resource.ts";

const causeSchema = z.object({
  reason: z.string().catch(""),
  message: z.string().catch(""),
  field: z.string().catch(""),
});

/** `metav1.Status`, read leniently: whatever is odd in it must not hide the failure itself. */
const statusSchema = z.object({
  kind: z.literal("Status"),
  code: z.number().optional().catch(undefined),
  reason: z.string().catch(""),
  message: z.string().catch(""),
  details: z
    .object({
      kind: z.string().catch(""),
      name: z.string().catch(""),
      retryAfterSeconds: z.number().catch(0),
      causes: z.array(causeSchema).catch([]),
    })
    .partial()
    .catch({}),
});

export interface ErrorAnswer {
  readonly status: number;
  /** The `Retry-After` header: seconds or a date. */
  readonly retryAfter: string | undefined;
  readonly body: unknown;
}

/**
 * An `ApiError` of an answer that is not 2xx, or of the Status in a watch's ERROR event. The body of a server that does
 * not speak Kubernetes is not repeated: a kubeconfig may point Strata at anything.
 */
export function apiErrorFrom(answer: ErrorAnswer, request: RequestInfo, redaction: Redaction): ApiError {
  const parsed = statusSchema.safeParse(answer.body);
  const status = parsed.success ? parsed.data : undefined;
  const details = status?.details ?? {};
  const fallback = `the server answered HTTP ${answer.status} without saying why`;
  return new ApiError({
    status: status?.code ?? answer.status,
    reason: status?.reason ?? "",
    message: redact(status?.message || fallback, redaction),
    causes: (details.causes ?? []).map((cause) => ({ ...cause, message: redact(cause.message, redaction) })),
    details: { ...(details.kind && { kind: details.kind }), ...(details.name && { name: details.name }) },
    retryAfterMs: retryAfterMs(answer.retryAfter, details.retryAfterSeconds),
    request,
  });
}

/** The parsed body, or undefined when it is not JSON (a proxy's page). */
export function tryParseJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** What must stay out of messages about a request: a Secret's own values, and what the caller names. */
export function redactionFor(
  kind: string | undefined,
  body: unknown,
  { secrets = [], hideEchoes = false }: Partial<Redaction> = {},
): Redaction {
  return kind === "Secret"
    ? { hideEchoes: true, secrets: [...secrets, ...secretValues(body)] }
    : { hideEchoes, secrets };
}

export function requestInfo(
  verb: RequestInfo["verb"],
  resource: Resource,
  key: { namespace?: string | undefined; name?: string | undefined },
): RequestInfo {
  const name = resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
  return { verb, resource: name, kind: resource.kind, namespace: key.namespace, name: key.name };
}

function secretValues(body: unknown): string[] {
  if (typeof body !== "object" || body === null) {
    return [];
  }
  const { data, stringData } = body as Partial<KubeObject>;
  const encoded = strings(data);
  return [...encoded, ...encoded.map((value) => Buffer.from(value, "base64").toString("utf8")), ...strings(stringData)];
}

function strings(map: unknown): string[] {
  return typeof map === "object" && map !== null ? Object.values(map).filter((value) => typeof value === "string") : [];
}

function retryAfterMs(header: string | undefined, seconds: number | undefined): number | undefined {
  const asked = header === undefined ? Number.NaN : Number(header);
  if (Number.isFinite(asked) && asked >= 0) {
    return asked * 1000;
  }
  return seconds ? seconds * 1000 : undefined;
}

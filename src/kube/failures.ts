import { Failure, type FailureReason } from "../errors.ts";
import { ApiError, ConnectionError } from "./api-error.ts";
import { unreadableSentence, webhookSentence, withoutRegex } from "./server-words.ts";

interface Rule {
  readonly reason: FailureReason;
  readonly when: (error: ApiError) => boolean;
  /** The sentence; the server's own words when absent. */
  readonly say?: (error: ApiError) => string;
}

const LONGEST_SENTENCE = 800;
const MOST_CAUSES = 5;

const IMMUTABLE =
  /immutable|may not (be )?change|cannot (be )?change|updates to .* (is|are) forbidden|fields other than .* are forbidden/i;
const RBAC = /cannot \S+ (resource|path)|attempting to grant RBAC permissions|not allowed to (do )?impersonat/;
const ADMISSION = /admission webhook .* denied the request|ValidatingAdmissionPolicy .* denied request/s;
const UNKNOWN_FIELD = /unknown field "([^"]+)"|(\.\S+): field not declared in schema/g;
/** The API server answers 500 to an object that it cannot read in an apply, where it says 400 to a create. */
const UNREADABLE =
  /failed to create typed patch object|failed to convert new object|strict decoding error|duplicate entries for key/;
const NOT_CHECKED = /some validation rules were not checked/;

/** Read from the top, the first rule that holds decides. Texts are needed where the API server's codes do not tell apart. */
const RULES: readonly Rule[] = [
  { reason: "Throttled", when: is(429), say: () => "the API server asks to slow down" },
  { reason: "Conflict", when: (error) => error.fieldConflicts.length > 0, say: conflictSentence },
  {
    reason: "WebhookUnavailable",
    when: says(/failed calling webhook|failed to call webhook|conversion webhook .* failed/s),
    say: ({ message }) => webhookSentence(message),
  },
  { reason: "QuotaExceeded", when: says(/exceeded quota|status unknown for quota|insufficient quota/) },
  { reason: "NamespaceTerminating", when: says(/because it is being terminated/) },
  { reason: "TooLarge", when: isTooLarge, say: tooLargeSentence },
  { reason: "AdmissionDenied", when: says(ADMISSION) },
  { reason: "Unauthorized", when: is(401), say: () => "the API server does not accept the credentials" },
  { reason: "Forbidden", when: (error) => error.status === 403 && RBAC.test(error.message), say: forbiddenSentence },
  { reason: "AdmissionDenied", when: is(403) },
  { reason: "NamespaceNotFound", when: isNamespaceMissing, say: namespaceSentence },
  { reason: "StaleRead", when: (error) => error.status === 404 && error.details.name !== undefined },
  { reason: "KindNotFound", when: is(404), say: kindSentence },
  { reason: "StaleRead", when: (error) => error.status === 409 || error.status === 410 },
  { reason: "UnknownField", when: (error) => unknownFields(error).length > 0, say: unknownFieldSentence },
  { reason: "InvalidObject", when: says(UNREADABLE), say: ({ message }) => unreadableSentence(message) },
  {
    reason: "ImmutableField",
    when: (error) => error.status === 422 && IMMUTABLE.test(fullText(error)),
    say: (error) => `${causesSentence(error)}; give the object another name, or delete the one in the cluster`,
  },
  { reason: "StaleRead", when: isFailedPatchTest },
  { reason: "InvalidObject", when: is(422), say: causesSentence },
  { reason: "InvalidObject", when: (error) => error.status >= 400 && error.status < 500 && error.status !== 408 },
];

/**
 * The failure that an error of this room means for a layer: the one mapping of DESIGN's "Failures, one table".
 *
 * @param what what was being done or to what, to begin the sentence with: `Deployment web/api`.
 * @returns the failure, with the error as its cause (`ApiError.fieldConflicts` has the fields of a `Conflict`). A
 * `Failure` comes back as it is. Errors that are not of this room become `ServerError` without their text.
 */
export function toFailure(error: unknown, what: string): Failure {
  if (error instanceof Failure) {
    return error;
  }
  if (error instanceof ConnectionError) {
    return new Failure("Unreachable", `${what}: ${error.message}`, { cause: error });
  }
  if (!(error instanceof ApiError)) {
    const name = error instanceof Error ? error.name : typeof error;
    return new Failure("ServerError", `${what}: an unexpected failure (${name})`, { cause: error });
  }
  const rule = RULES.find((row) => row.when(error));
  const sentence = oneLine(withoutRegex(rule?.say?.(error) ?? error.message));
  return new Failure(rule?.reason ?? "ServerError", `${what}: ${sentence}`, {
    cause: error,
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
  });
}

function is(status: number): Rule["when"] {
  return (error) => error.status === status;
}

function says(pattern: RegExp): Rule["when"] {
  return (error) => pattern.test(fullText(error));
}

function fullText(error: ApiError): string {
  return [error.message, ...error.causes.map((cause) => cause.message)].join("\n");
}

/** 413 of the API server's body limit, etcd's own limit, and the validation of ConfigMaps, Secrets and annotations. */
function isTooLarge(error: ApiError): boolean {
  const bytes = /may not be (?:more|longer) than (\d+)(?: bytes)?|must have at most (\d+) bytes/.exec(error.message);
  return (
    error.status === 413 ||
    /request is too large|Request entity too large|exceeds the (maximum )?limit|received message larger/.test(
      error.message,
    ) ||
    Number(bytes?.[1] ?? bytes?.[2] ?? 0) >= 262_144
  );
}

function tooLargeSentence(error: ApiError): string {
  return `${causesSentence(error).replace(/^.*\[\]: /, "")}; make the object smaller, or split it`;
}

/** The remedy depends on whose rights are short: a ServiceAccount's are bound beside it. */
function forbiddenSentence({ message }: ApiError): string {
  const account = /User "system:serviceaccount:([^:"]+):([^:"]+)" cannot/.exec(message);
  return account ? `${message}; bind a role that allows it to ServiceAccount ${account[1]}/${account[2]}` : message;
}

function isNamespaceMissing(error: ApiError): boolean {
  return error.status === 404 && error.details.kind === "namespaces" && error.request.resource !== "namespaces";
}

/** A JSON patch whose `test` failed: the object has changed since it was read. */
function isFailedPatchTest(error: ApiError): boolean {
  return error.status === 422 && error.request.verb === "patch" && error.causes.length === 0;
}

function unknownFields(error: ApiError): string[] {
  return [...fullText(error).matchAll(UNKNOWN_FIELD)].map((match) => (match[1] ?? match[2] ?? "").replace(/^\./, ""));
}

function unknownFieldSentence(error: ApiError): string {
  const fields = [...new Set(unknownFields(error))];
  const kind = error.request.kind ?? "the object";
  return `unknown field ${some(fields)}: not in the schema of ${kind} on this cluster; correct its name or remove it`;
}

function conflictSentence(error: ApiError): string {
  const fields = error.fieldConflicts.map(({ field, manager }) => `${field} (${manager})`);
  return `other field managers own ${some(fields)}`;
}

function causesSentence(error: ApiError): string {
  const real = error.causes.filter((cause) => !NOT_CHECKED.test(cause.message));
  const texts = real.map(({ field, message }) =>
    field === "" || field === "<nil>" ? message : `${field}: ${message}`,
  );
  return texts.length === 0 ? error.message : some([...new Set(texts)], "; ");
}

function namespaceSentence(error: ApiError): string {
  return `namespace ${error.details.name ?? error.request.namespace} does not exist`;
}

function kindSentence(error: ApiError): string {
  return `the cluster does not serve ${error.request.resource}`;
}

function some(items: readonly string[], separator = ", "): string {
  const rest = items.length - MOST_CAUSES;
  return items.slice(0, MOST_CAUSES).join(separator) + (rest > 0 ? ` and ${rest} more` : "");
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= LONGEST_SENTENCE ? line : `${line.slice(0, LONGEST_SENTENCE)}…`;
}

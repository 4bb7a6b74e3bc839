/** One entry of `details.causes` of a Kubernetes Status. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** What was asked, for sentences and metrics. */
export interface RequestInfo {
  readonly verb: "get" | "list" | "watch" | "create" | "apply" | "patch" | "delete";
  /** `deployments.apps`, or the path of a request that is about no resource. */
  readonly resource: string;
  readonly kind?: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** The impersonated user. */
  readonly user?: string | undefined;
}

/** A field that another manager owns, from an apply without force. */
export interface FieldConflict {
  /** As the server writes it: `.spec.replicas`. */
  readonly field: string;
  readonly manager: string;
}

export interface ApiErrorFields {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly causes: readonly StatusCause[];
  readonly details: { readonly kind?: string; readonly name?: string };
  readonly retryAfterMs: number | undefined;
  readonly request: RequestInfo;
}

/** The API server answered, and said no. Messages are redacted before they come here. */
export class ApiError extends Error {
  readonly status: number;
  /** The Status' reason (`NotFound`, `Conflict`, …), empty if the answer was not a Kubernetes Status. */
  readonly reason: string;
  readonly causes: readonly StatusCause[];
  readonly details: { readonly kind?: string; readonly name?: string };
  /** Milliseconds that the server asked us to wait. */
  readonly retryAfterMs: number | undefined;
  readonly request: RequestInfo;

  constructor(fields: ApiErrorFields) {
    super(fields.message);
    this.name = "ApiError";
    this.status = fields.status;
    this.reason = fields.reason;
    this.causes = fields.causes;
    this.details = fields.details;
    this.retryAfterMs = fields.retryAfterMs;
    this.request = fields.request;
  }

  /** Fields that other managers own, when an apply without force was refused for them; else empty. */
  get fieldConflicts(): readonly FieldConflict[] {
    return this.causes.flatMap((cause) => {
      const manager = /conflict with "((?:[^"\\]|\\.)*)"/.exec(cause.message)?.[1];
      return cause.reason === "FieldManagerConflict" && manager !== undefined ? [{ field: cause.field, manager }] : [];
    });
  }
}

/** No answer came: refused, unreachable, not trusted, too slow, cut off. */
export class ConnectionError extends Error {
  /** Node's or undici's code, or `TIMEOUT`. */
  readonly code: string;

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConnectionError";
    this.code = code;
  }
}

/** The object (or its kind) does not exist. */
export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

/** The object exists already, or is not as the precondition said, or others own fields of it. */
export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409;
}

/** The resourceVersion or the continue token is too old. */
export function isExpired(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 410 || error.reason === "Expired");
}

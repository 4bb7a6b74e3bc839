import { describe, expect, test } from "vitest";
import { Failure, type FailureReason } from "../errors.ts";
import { ApiError, ConnectionError } from "./api-error.ts";
import { toFailure } from "./failures.ts";
import { apiErrorFrom, redactionFor } from "./status-error.ts";
import { failure } from "./testing/api-server.ts";

interface Case {
  name: string;
  status: number;
  reason?: string;
  message: string;
  details?: object;
  verb?: "apply" | "patch";
  resource?: string;
  want: FailureReason;
  says?: string;
}

/** Messages are those of kube-apiserver 1.36. */
const CASES: Case[] = [
  {
    name: "throttled",
    status: 429,
    reason: "TooManyRequests",
    message: "Too many requests, please try again later.",
    want: "Throttled",
    says: "asks to slow down",
  },
  {
    name: "fields of another manager",
    status: 409,
    reason: "Conflict",
    message:
      'Apply failed with 2 conflicts: conflicts with "kubectl-edit" using apps/v1:\n- .spec.replicas\n- .spec.paused',
    details: {
      causes: [
        {
          reason: "FieldManagerConflict",
          message: 'conflict with "kubectl-edit" using apps/v1',
          field: ".spec.replicas",
        },
        {
          reason: "FieldManagerConflict",
          message: 'conflict with "helm" with subresource "scale" using apps/v1',
          field: ".spec.paused",
        },
      ],
    },
    want: "Conflict",
    says: "other field managers own .spec.replicas (kubectl-edit), .spec.paused (helm)",
  },
  {
    name: "a stale resourceVersion",
    status: 409,
    reason: "Conflict",
    message: 'Operation cannot be fulfilled on deployments.apps "x": the object has been modified',
    details: { name: "x" },
    want: "StaleRead",
  },
  {
    name: "it exists already",
    status: 409,
    reason: "AlreadyExists",
    message: 'configmaps "a" already exists',
    details: { name: "a" },
    want: "StaleRead",
  },
  {
    name: "another uid",
    status: 409,
    reason: "Conflict",
    message:
      'Operation cannot be fulfilled on Deployment.apps "x": the UID in the precondition (a) does not match the UID in record (b).',
    want: "StaleRead",
  },
  { name: "expired", status: 410, reason: "Expired", message: "too old resource version: 1 (9)", want: "StaleRead" },
  {
    name: "no credentials",
    status: 401,
    reason: "Unauthorized",
    message: "Unauthorized",
    want: "Unauthorized",
    says: "does not accept the credentials",
  },
  {
    name: "RBAC",
    status: 403,
    reason: "Forbidden",
    message:
      'deployments.apps "x" is forbidden: User "system:serviceaccount:acme:default" cannot patch resource "deployments" in API group "apps" in the namespace "acme"',
    details: { name: "x", kind: "deployments" },
    want: "Forbidden",
    says: 'in API group "apps" in the namespace "acme"; bind a role that allows it to ServiceAccount acme/default',
  },
  {
    name: "impersonation",
    status: 403,
    reason: "Forbidden",
    message:
      'users "x" is forbidden: User "strata" cannot impersonate resource "users" in API group "" at the cluster scope',
    want: "Forbidden",
  },
  {
    name: "escalation",
    status: 403,
    reason: "Forbidden",
    message:
      'clusterroles.rbac.authorization.k8s.io "x" is forbidden: user "a" (groups=["b"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:["*"]}',
    want: "Forbidden",
  },
  {
    name: "quota",
    status: 403,
    reason: "Forbidden",
    message:
      'configmaps "a" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: configmaps=3',
    want: "QuotaExceeded",
    says: "exceeded quota: q, requested: configmaps=1",
  },
  {
    name: "quota not counted yet",
    status: 403,
    reason: "Forbidden",
    message: 'pods "a" is forbidden: status unknown for quota: q, resources: pods',
    want: "QuotaExceeded",
  },
  {
    name: "pod security",
    status: 403,
    reason: "Forbidden",
    message: 'pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
    want: "AdmissionDenied",
    says: "violates PodSecurity",
  },
  {
    name: "limit range",
    status: 403,
    reason: "Forbidden",
    message: 'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
    want: "AdmissionDenied",
  },
  {
    name: "the service account is not there yet",
    status: 403,
    reason: "Forbidden",
    message: 'pods "p" is forbidden: error looking up service account a/default: serviceaccount "default" not found',
    want: "AdmissionDenied",
  },
  {
    name: "a webhook's no",
    status: 400,
    message: 'admission webhook "w.x.io" denied the request: no',
    want: "AdmissionDenied",
    says: 'admission webhook "w.x.io" denied the request: no',
  },
  {
    name: "a policy's no",
    status: 422,
    reason: "Invalid",
    message: `configmaps "a" is forbidden: ValidatingAdmissionPolicy 'v' with binding 'v' denied request: field is immutable`,
    details: {
      causes: [{ message: "ValidatingAdmissionPolicy 'v' with binding 'v' denied request: field is immutable" }],
    },
    want: "AdmissionDenied",
  },
  {
    name: "a webhook that is down",
    status: 500,
    reason: "InternalError",
    message:
      'Internal error occurred: failed calling webhook "w.x.io": failed to call webhook: Post "https://a.b.svc:443/?timeout=10s": service "a" not found',
    want: "WebhookUnavailable",
  },
  {
    name: "a conversion webhook that is down",
    status: 500,
    message: 'conversion webhook for x.io/v1, Kind=Foo failed: Post "https://a.b.svc:443/": EOF',
    want: "WebhookUnavailable",
  },
  {
    name: "a terminating namespace",
    status: 403,
    reason: "Forbidden",
    message: 'configmaps "a" is forbidden: unable to create new content in namespace x because it is being terminated',
    want: "NamespaceTerminating",
  },
  {
    name: "no such namespace",
    status: 404,
    reason: "NotFound",
    message: 'namespaces "x" not found',
    details: { kind: "namespaces", name: "x" },
    want: "NamespaceNotFound",
    says: "namespace x does not exist",
  },
  {
    name: "no such object",
    status: 404,
    reason: "NotFound",
    message: 'deployments.apps "x" not found',
    details: { kind: "deployments", name: "x" },
    want: "StaleRead",
  },
  {
    name: "a missing Namespace itself",
    status: 404,
    reason: "NotFound",
    message: 'namespaces "x" not found',
    details: { kind: "namespaces", name: "x" },
    resource: "namespaces",
    want: "StaleRead",
  },
  {
    name: "no such resource in the group",
    status: 404,
    reason: "NotFound",
    message: "the server could not find the requested resource",
    want: "KindNotFound",
    says: "the cluster does not serve deployments.apps",
  },
  { name: "no such group", status: 404, message: "", want: "KindNotFound" },
  {
    name: "a body over the limit",
    status: 413,
    reason: "RequestEntityTooLarge",
    message: "Request entity too large: limit is 3145728",
    want: "TooLarge",
    says: "limit is 3145728",
  },
  { name: "etcd's limit", status: 500, message: "etcdserver: request is too large", want: "TooLarge" },
  {
    name: "a ConfigMap over 1 MiB",
    status: 422,
    reason: "Invalid",
    message: 'ConfigMap "big" is invalid: []: Too long: may not be more than 1048576 bytes',
    want: "TooLarge",
    says: "X: Too long: may not be more than 1048576 bytes; make the object smaller, or split it",
  },
  {
    name: "annotations over 256 KiB",
    status: 422,
    reason: "Invalid",
    message: 'ConfigMap "b" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
    want: "TooLarge",
  },
  {
    name: "a name over 253",
    status: 422,
    reason: "Invalid",
    message: 'ConfigMap "b" is invalid: metadata.name: Too long: may not be more than 253 bytes',
    want: "InvalidObject",
  },
  {
    name: "several invalid fields",
    status: 422,
    reason: "Invalid",
    message: 'Deployment.apps "x" is invalid: [...]',
    details: {
      causes: [
        {
          reason: "FieldValueInvalid",
          field: "spec.replicas",
          message: "Invalid value: -1: must be greater than or equal to 0",
        },
        {
          reason: "FieldValueInvalid",
          field: "spec.replicas",
          message: "Invalid value: -1: must be greater than or equal to 0",
        },
        { reason: "FieldValueRequired", field: "spec.selector", message: "Required value" },
        {
          reason: "FieldValueInvalid",
          field: "<nil>",
          message: "Invalid value: null: some validation rules were not checked because the object was invalid",
        },
      ],
    },
    want: "InvalidObject",
    says: "X: spec.replicas: Invalid value: -1: must be greater than or equal to 0; spec.selector: Required value",
  },
  ...[
    'spec.selector: Invalid value: {"matchLabels":{"q":"b"}}: field is immutable',
    'spec.clusterIPs[0]: Invalid value: ["10.96.3.3"]: may not change once set',
    "roleRef: Invalid value: {}: cannot change roleRef",
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template' are forbidden",
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`",
    "spec: Forbidden: spec is immutable after creation except resources.requests",
    "parameters: Forbidden: updates to parameters are forbidden.",
    "value: Forbidden: may not be changed in an update.",
  ].map(
    (message): Case => ({
      name: `immutable: ${message.slice(0, 40)}`,
      status: 422,
      reason: "Invalid",
      message,
      want: "ImmutableField",
      says: "; give the object another name, or delete the one in the cluster",
    }),
  ),
  {
    name: "an unknown field in an apply",
    status: 500,
    message:
      "failed to create typed patch object (d/x; apps/v1, Kind=Deployment): .spec.tamplate: field not declared in schema",
    want: "UnknownField",
    says: "unknown field spec.tamplate: not in the schema of Deployment on this cluster",
  },
  {
    name: "several unknown fields in an apply",
    status: 500,
    message:
      "failed to create typed patch object (d/x; apps/v1, Kind=Deployment): errors:\n  .spec.a: field not declared in schema\n  .spec.b: field not declared in schema",
    want: "UnknownField",
    says: "unknown field spec.a, spec.b:",
  },
  {
    name: "unknown fields in a create",
    status: 400,
    reason: "BadRequest",
    message:
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo", unknown field "spec.bar"',
    want: "UnknownField",
    says: "unknown field foo, spec.bar",
  },
  {
    name: "a duplicate in a list-map",
    status: 500,
    message:
      'failed to create typed patch object (d/x; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="c"].env: duplicate entries for key [name="A"]',
    want: "InvalidObject",
    says: 'X: spec.template.spec.containers[name="c"].env: two entries have the same key, name="A": keep one of them',
  },
  {
    name: "a wrong type in an apply",
    status: 500,
    message:
      "failed to create typed patch object (d/b; /v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{Value:1}",
    want: "InvalidObject",
    says: "X: data.a: must be a string; quote it",
  },
  {
    name: "an object that cannot be read in an apply",
    status: 500,
    message:
      "failed to convert new object (d/s; /v1, Kind=Secret) to proper version: error decoding from json: illegal base64 data at input byte 6",
    want: "InvalidObject",
    says: "X: a value of data is not base64; plain text stands in stringData",
  },
  {
    name: "a JSON patch whose test failed",
    status: 422,
    reason: "Invalid",
    message: "the server rejected our request due to an error in our request",
    verb: "patch",
    want: "StaleRead",
  },
  {
    name: "a method that is not allowed",
    status: 405,
    reason: "MethodNotAllowed",
    message: "the server does not allow this method on the requested resource",
    want: "InvalidObject",
  },
  {
    name: "a server error",
    status: 500,
    reason: "InternalError",
    message: "Internal error occurred: etcdserver: leader changed",
    want: "ServerError",
  },
  {
    name: "an aggregated API that is down",
    status: 503,
    reason: "ServiceUnavailable",
    message: "the server is currently unable to handle the request",
    want: "ServerError",
  },
  {
    name: "a gateway",
    status: 504,
    message: "",
    want: "ServerError",
    says: "the server answered HTTP 504 without saying why",
  },
];

describe("every answer of the API server has one failure", () => {
  test.each(CASES)(
    "$name: $want",
    ({ status, reason = "", message, details = {}, want, says, verb = "apply", resource = "deployments.apps" }) => {
      const body = message === "" ? undefined : failure(status, reason, message, details);
      const request = { verb, resource, kind: "Deployment", name: "x" };
      const error = apiErrorFrom(
        { status, retryAfter: undefined, body },
        request,
        redactionFor("Deployment", undefined),
      );
      const got = toFailure(error, "X");
      expect(got.reason).toBe(want);
      expect(got.message).toMatch(/^X: ./);
      expect(got.message).not.toContain("\n");
      expect(got.message).toContain(says ?? "");
      expect(got.cause).toBe(error);
    },
  );
});

test("the fields and managers of a conflict stay with the error", () => {
  const causes = [{ reason: "FieldManagerConflict", message: 'conflict with "a \\"b\\""', field: ".spec.x" }];
  const error = new ApiError({
    status: 409,
    reason: "Conflict",
    message: "",
    causes,
    details: {},
    retryAfterMs: undefined,
    request: { verb: "apply", resource: "x" },
  });
  expect(error.fieldConflicts).toEqual([{ field: ".spec.x", manager: 'a \\"b\\"' }]);
});

test("what is already a Failure stays itself", () => {
  const known = new Failure("InvalidSpec", "as it is");
  expect(toFailure(known, "X")).toBe(known);
});

test("no answer is Unreachable, with host, port and cause", () => {
  const error = new ConnectionError("10.0.0.1:6443: connection refused", "ECONNREFUSED");
  expect(toFailure(error, "edge-17")).toMatchObject({
    reason: "Unreachable",
    message: "edge-17: 10.0.0.1:6443: connection refused",
  });
});

test("the text of an error from elsewhere is not shown", () => {
  expect(toFailure(new TypeError("canary"), "X").message).toBe("X: an unexpected failure (TypeError)");
});

test("a sentence is bounded", () => {
  const causes = Array.from({ length: 50 }, (_, i) => ({
    field: `spec.f${i}`,
    reason: "",
    message: "wrong ".repeat(60),
  }));
  const error = apiErrorFrom(
    { status: 422, retryAfter: undefined, body: failure(422, "Invalid", "x", { causes }) },
    { verb: "apply", resource: "x" },
    redactionFor(undefined, undefined),
  );
  expect(toFailure(error, "X").message.length).toBeLessThan(900);
});

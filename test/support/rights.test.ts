import { expect, test } from "vitest";
import type { AuditEvent } from "./audit.ts";
import { grantsOf, grantText, refusals, unusedGrants, usedRights } from "./rights.ts";

const ACCOUNT = "system:serviceaccount:strata-system:strata";

function event(verb: string, ref: Partial<AuditEvent["objectRef"]>, rest: Partial<AuditEvent> = {}): AuditEvent {
  return {
    auditID: "1",
    stage: "ResponseComplete",
    requestURI: `/api/v1/${ref?.resource}?watch=1`,
    verb,
    user: { username: ACCOUNT },
    objectRef: ref ?? {},
    responseStatus: { code: 200 },
    requestReceivedTimestamp: "2026-01-01T00:00:00Z",
    ...rest,
  };
}
const right = (verb: string, resource: string, namespace = "", name = "") => ({
  verb,
  group: "",
  resource,
  namespace,
  name,
});

test.each([
  ["a read", event("list", { resource: "secrets", namespace: "acme" }), [right("list", "secrets", "acme")]],
  [
    "a subresource",
    event("patch", { resource: "pods", subresource: "status", namespace: "acme", name: "a" }),
    [right("patch", "pods/status", "acme", "a")],
  ],
  [
    "an apply that made the object needs both verbs",
    event("patch", { resource: "secrets", namespace: "acme", name: "a" }, { responseStatus: { code: 201 } }),
    [right("patch", "secrets", "acme", "a"), right("create", "secrets", "acme", "a")],
  ],
  [
    "a request as somebody else needs to impersonate, and nothing of what the other does",
    event(
      "delete",
      { resource: "pods", namespace: "acme" },
      { impersonatedUser: { username: "system:serviceaccount:acme:default" } },
    ),
    [right("impersonate", "serviceaccounts", "acme", "default")],
  ],
  [
    "a namespace is cluster-scoped",
    event("patch", { resource: "namespaces", namespace: "a", name: "a" }),
    [right("patch", "namespaces", "", "a")],
  ],
  ["discovery", event("get", {}), []],
  ["a refusal", event("get", { resource: "pods" }, { responseStatus: { code: 403 } }), []],
  ["somebody else's request", event("get", { resource: "pods" }, { user: { username: "ann" } }), []],
])("%s", (_, one, want) => {
  expect(usedRights([one], ACCOUNT)).toEqual(want);
});

test("a refusal is the account's own only when it asked in its own name", () => {
  const refused = { responseStatus: { code: 403 } };
  const impersonatedUser = { username: "system:serviceaccount:acme:default" };
  const events = [
    event("list", { resource: "pods" }, refused),
    event("watch", { resource: "secrets" }, { ...refused, impersonatedUser }),
  ];
  expect(refusals(events, ACCOUNT)).toEqual(["list /api/v1/pods"]);
});

test("a grant for all namespaces is not used by what a narrower one allows", () => {
  const rules = (verbs: string) => `rules: [{ apiGroups: [""], resources: [secrets], verbs: [${verbs}] }]`;
  const binding = (kind: string, where: string, role: string) =>
    `kind: ${kind}
metadata: { name: b${where} }
roleRef: { kind: ${role}, name: r }
subjects: [{ kind: ServiceAccount, name: strata, namespace: strata-system }]`;
  const manifests = [
    `kind: ClusterRole\nmetadata: { name: r }\n${rules("list, watch")}`,
    `kind: Role\nmetadata: { name: r, namespace: strata-system }\n${rules("list")}`,
    binding("ClusterRoleBinding", "", "ClusterRole"),
    binding("RoleBinding", ", namespace: strata-system", "Role"),
    binding("RoleBinding", ", namespace: other", "ClusterRole").replaceAll("name: strata,", "name: somebody,"),
  ].join("\n---\n");
  const grants = grantsOf(manifests, { name: "strata", namespace: "strata-system" });
  const used = (namespace: string) => [right("list", "secrets", namespace, "a"), right("watch", "secrets", namespace)];
  expect(unusedGrants(grants, used("strata-system")).map(grantText)).toEqual(["ClusterRole r: list secrets"]);
  expect(unusedGrants(grants, used("acme")).map(grantText)).toEqual(["Role r: list secrets in strata-system"]);
});

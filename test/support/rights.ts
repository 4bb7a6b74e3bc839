import { loadAll } from "js-yaml";
import type { AuditEvent } from "./audit.ts";

/** One thing that somebody did, as RBAC sees it. */
export interface UsedRight {
  readonly verb: string;
  readonly group: string;
  /** `pods`, `pods/status`. */
  readonly resource: string;
  /** Empty: in the cluster's scope, or in all namespaces at once. */
  readonly namespace: string;
  readonly name: string;
}

/** One verb on one resource that a role gives, and where its binding makes it valid. */
export interface Grant {
  readonly role: string;
  /** Empty: everywhere. */
  readonly namespace: string;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** Only these objects. */
  readonly names?: readonly string[];
}

/**
 * What an account did in its own name: each right once. A request in somebody else's name needs one right of the account's
 * own, to impersonate; the rest is the other's. Discovery, which everybody may do, is left out.
 *
 * @param account `system:serviceaccount:<namespace>:<name>`
 */
export function usedRights(events: readonly AuditEvent[], account: string): UsedRight[] {
  const used = new Map<string, UsedRight>();
  for (const event of events) {
    if (event.user.username !== account || isRefused(event)) continue;
    for (const right of rightsOf(event)) used.set(JSON.stringify(right), right);
  }
  return [...used.values()];
}

/** What an account asked for in its own name and was not allowed, one sentence each, without repetition. */
export function refusals(events: readonly AuditEvent[], account: string): string[] {
  const refused = events.filter(
    (event) => event.user.username === account && event.impersonatedUser === undefined && isRefused(event),
  );
  return [...new Set(refused.map(({ verb, requestURI }) => `${verb} ${requestURI.replace(/\?.*/, "")}`))];
}

function isRefused({ responseStatus }: AuditEvent): boolean {
  return responseStatus?.code === 401 || responseStatus?.code === 403;
}

function rightsOf({ verb, objectRef: ref, impersonatedUser, responseStatus }: AuditEvent): UsedRight[] {
  if (impersonatedUser !== undefined) {
    const [, , namespace = "", name = ""] = impersonatedUser.username.split(":");
    return [{ verb: "impersonate", group: "", resource: "serviceaccounts", namespace, name }];
  }
  if (ref?.resource === undefined) return [];
  const right = {
    group: ref.apiGroup ?? "",
    resource: [ref.resource, ref.subresource].filter(Boolean).join("/"),
    // A request for a Namespace has its own name for a namespace.
    namespace: ref.resource === "namespaces" ? "" : (ref.namespace ?? ""),
    name: ref.name ?? "",
  };
  // Server-side apply of an object that did not exist needs both.
  const verbs = verb === "patch" && responseStatus?.code === 201 ? [verb, "create"] : [verb];
  return verbs.map((one) => ({ verb: one, ...right }));
}

interface RbacManifest {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] }[];
  roleRef?: { kind: string; name: string };
  subjects?: { kind: string; name: string; namespace?: string }[];
}

/** What the roles in rendered manifests give to a ServiceAccount, by the bindings in them. */
export function grantsOf(manifests: string, { name, namespace }: { name: string; namespace: string }): Grant[] {
  const all = (loadAll(manifests) as (RbacManifest | null)[]).filter((one) => one !== null);
  const bindings = all.filter(({ subjects = [] }) =>
    subjects.some((one) => one.kind === "ServiceAccount" && one.name === name && one.namespace === namespace),
  );
  return bindings.flatMap(({ metadata, roleRef }) => {
    const role = all.find(
      (one) =>
        one.kind === roleRef?.kind &&
        one.metadata.name === roleRef.name &&
        (one.kind === "ClusterRole" || one.metadata.namespace === metadata.namespace),
    );
    if (role === undefined)
      throw new Error(`${metadata.name} binds ${roleRef?.kind} ${roleRef?.name}, which is not there`);
    return grantsIn(role, metadata.namespace ?? "");
  });
}

function grantsIn({ kind, metadata, rules = [] }: RbacManifest, namespace: string): Grant[] {
  return rules.flatMap(({ apiGroups, resources, resourceNames: names, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => ({
          role: `${kind} ${metadata.name}`,
          namespace,
          verb,
          group,
          resource,
          ...(names && { names }),
        })),
      ),
    ),
  );
}

/**
 * The grants that nothing used. What a grant in one namespace allows does not count for one that is valid everywhere: it
 * would have been allowed without.
 */
export function unusedGrants(grants: readonly Grant[], used: readonly UsedRight[]): Grant[] {
  const isLocal = ({ namespace }: Grant): boolean => namespace !== "";
  const isNeeded = (grant: Grant): boolean =>
    used.some(
      (right) => allows(grant, right) && (isLocal(grant) || !grants.some((one) => isLocal(one) && allows(one, right))),
    );
  return grants.filter((grant) => !isNeeded(grant));
}

function allows(grant: Grant, right: UsedRight): boolean {
  return (
    grant.verb === right.verb &&
    grant.group === right.group &&
    grant.resource === right.resource &&
    (grant.namespace === "" || grant.namespace === right.namespace) &&
    (grant.names === undefined || grant.names.includes(right.name))
  );
}

/** `ClusterRole strata: patch clusterprofiles.strata.dev in all namespaces`. */
export function grantText({ role, verb, group, resource, namespace }: Grant): string {
  const [kind = "", subresource] = resource.split("/");
  const what = [group === "" ? kind : `${kind}.${group}`, subresource].filter(Boolean).join("/");
  return `${role}: ${verb} ${what}${namespace === "" ? "" : ` in ${namespace}`}`;
}

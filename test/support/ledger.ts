import type { AuditEvent } from "./audit.ts";
import type { ControlPlane } from "./controlplane.ts";
import { apply, type Live, pathOf, untilReady } from "./stories.ts";

/** Every request that Strata has sent to a cluster since a mark, watches included. */
export async function strataRequests(plane: ControlPlane, mark = 0): Promise<AuditEvent[]> {
  return (await plane.auditEvents()).slice(mark).filter(({ userAgent }) => /^strata\//.test(userAgent ?? ""));
}

/** What passes by itself, and is neither ours nor anybody's. */
const PASSING = new Set(["Event", "Lease", "PodMetrics", "ComponentStatus", "IPAddress"]);

/** All objects of a cluster as `Kind namespace/name`, sorted; `args` narrow it down as they do for `kubectl get`. */
export async function inventory(plane: ControlPlane, args: readonly string[] = []): Promise<string[]> {
  const kinds = (await plane.kubectlOk(["api-resources", "--verbs=list", "--cached=false", "-o", "name"])).trim();
  const columns = "custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name";
  const where = args.includes("-n") ? [] : ["--all-namespaces"];
  const query = [kinds.split("\n").join(","), ...where, "--ignore-not-found", "--no-headers", ...args];
  const lines = (await plane.kubectlOk(["get", ...query, "-o", columns])).trim().split("\n");
  const rows = lines.map((line) => line.trim().split(/\s+/));
  const names = rows
    .filter(([kind = ""]) => kind !== "" && !PASSING.has(kind))
    .map(([kind, namespace, name]) => `${kind} ${namespace === "<none>" ? "" : `${namespace}/`}${name}`);
  return [...new Set(names)].sort();
}

/**
 * Resolves when Strata has done all that it had to do on the hub: a profile of its own has gone through the same queue and
 * is Ready. Answers what this has written, so that a test can tell it from the rest.
 */
export async function fence(plane: ControlPlane, name: string): Promise<(request: string) => boolean> {
  const manifests = [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "acme" } } }];
  const spec = { clusterRefs: [{ name: "local" }], layers: [{ name, manifests }] };
  const metadata = { name, namespace: "acme" };
  await apply(plane, { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata, spec });
  const path = pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);
  await untilReady(plane, path);
  const { body } = await plane.request("GET", "/api/v1/namespaces/strata-system/configmaps");
  const parent = body.items.find(
    (one: Live) => one.metadata.annotations?.["strata.dev/profile"] === `AddOnProfile/acme/${name}`,
  );
  return (request) => request.includes(name) || request.includes(parent.metadata.name);
}

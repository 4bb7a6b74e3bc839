import type { AuditEvent } from "./audit.ts";
import type { ControlPlane } from "./controlplane.ts";
import { strataRequests } from "./ledger.ts";

/** Discovery, watches and leases are not counted, as the design's budgets have it. */
export function isCounted({ verb, requestURI, objectRef }: AuditEvent): boolean {
  return verb !== "watch" && objectRef?.resource !== "leases" && !/^\/(version|apis?)(\?|$)/.test(requestURI);
}

/** Strata's counted requests to a cluster since a mark, in their order: `verb resource[/subresource] namespace/name`. */
export async function askedOf(plane: ControlPlane, mark: number): Promise<string[]> {
  return (await strataRequests(plane, mark)).filter(isCounted).map(({ verb, objectRef: ref = {} }) => {
    const what = [ref.resource, ref.subresource].filter(Boolean).join("/");
    // The audit log has a namespace as an object of itself.
    const namespace = ref.resource === "namespaces" ? undefined : ref.namespace;
    return `${verb} ${what} ${[namespace, ref.name].filter(Boolean).join("/")}`.trim();
  });
}

/** How many of the requests match; all of them without a pattern. */
export function count(asked: readonly string[], pattern = /^/): number {
  return asked.filter((request) => pattern.test(request)).length;
}

/** `verb resource` → how many. */
function tally(asked: readonly string[]): Record<string, number> {
  const groups = Map.groupBy(asked, (request) => request.split(" ").slice(0, 2).join(" "));
  const rows = [...groups].map(([what, requests]) => [what, requests.length] as const);
  return Object.fromEntries(rows.toSorted(([a], [b]) => a.localeCompare(b)));
}

/** What clusters were asked for in one phase, as a table for people. */
export function table(phase: string, clusters: Readonly<Record<string, readonly string[]>>): string {
  const rows = Object.entries(clusters).flatMap(([cluster, asked]) => {
    const counts = Object.entries(tally(asked)).map(([what, times]) => row(cluster, ...twoOf(what), times));
    return counts.length > 0 ? counts : [row(cluster, "nothing", "", 0)];
  });
  return [`== ${phase}`, ...rows].join("\n");
}

function twoOf(what: string): [string, string] {
  const [verb = "", resource = ""] = what.split(" ");
  return [verb, resource];
}

function row(cluster: string, verb: string, resource: string, times: number): string {
  return `   ${cluster.padEnd(7)}${verb.padEnd(8)}${resource.padEnd(32)}${String(times).padStart(4)}`;
}

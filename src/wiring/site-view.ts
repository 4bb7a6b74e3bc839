import type { Site } from "../kube/site/site.ts";
import type { TargetLink } from "../kube/targets/target-link.ts";
import type { ApplySet } from "../membership/applyset.ts";
import type { Place } from "../reconcile/ports.ts";

/** The Kubernetes version of a cluster, `v1.36.3`; empty while it does not answer. */
export function versionOf(link: TargetLink): string {
  return link.state.kind === "live" ? link.state.version : "";
}

/** A cluster as a plan sees it, for one deployment there. */
export function viewOf(
  key: string,
  { site, link, set }: { site: Site; link: TargetLink; set: ApplySet },
): Place["view"] {
  return {
    kubernetesVersion: versionOf(link),
    uid: link.uid,
    scopeOf: (kind) => site.scopeOf(kind),
    served: (kind) => site.served(kind),
    servedIn: (kind) => site.resourceFor(kind) !== undefined,
    watchState: (kind, namespace) => site.watchState(key, kind, namespace),
    crdOf: (kind) => site.crdOf(kind),
    member: (object) => site.member(object),
    members: () => site.members(set.id),
    named: (ref) => site.named(ref),
    deleted: (ref) => site.deleted(ref),
    expired: (key) => site.expired(key),
    nodes: () => site.nodes(),
    storage: () => site.storage(),
    releases: (release) => site.releases(release),
    explain: (tracked) => site.explain(tracked),
  };
}

import type { GroupKind, GroupVersionKind, KubeObject, ObjectRef } from "./types.ts";

/** `apps/v1` → group and version; the core group is the empty string. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf("/");
  return slash === -1
    ? { group: "", version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** The inverse of `parseApiVersion`. */
export function apiVersionOf(gvk: { group: string; version: string }): string {
  return gvk.group === "" ? gvk.version : `${gvk.group}/${gvk.version}`;
}

export function gvkOf(object: Pick<KubeObject, "apiVersion" | "kind">): GroupVersionKind {
  return { ...parseApiVersion(object.apiVersion), kind: object.kind };
}

/** The object's place in its cluster. An absent or empty `metadata.namespace` gives a reference without namespace. */
export function refOf(object: KubeObject): ObjectRef {
  const { name = "", namespace } = object.metadata;
  return namespace ? { ...gvkOf(object), namespace, name } : { ...gvkOf(object), name };
}

export function isCrd({ kind }: Pick<GroupKind, "kind">): boolean {
  return kind === "CustomResourceDefinition";
}

/** What holds data. */
export function isVolume({ group, kind }: GroupKind): boolean {
  return group === "" && /^PersistentVolume(Claim)?$/.test(kind);
}

/** One string per object of a cluster. The version is no part of it: `apps/v1` and `apps/v1beta1` serve the same object. */
export function keyOf(ref: ObjectRef): string {
  return `${ref.group}/${ref.kind}/${ref.namespace ?? ""}/${ref.name}`;
}

/** As KEP-3659 writes it in `contains-group-kinds`: `Deployment.apps`, and `ConfigMap` for the core group. */
export function groupKindKey(gk: GroupKind): string {
  return gk.group === "" ? gk.kind : `${gk.kind}.${gk.group}`;
}

/** For people: `Deployment acme/web`, `ClusterRole viewer`. */
export function describeRef(ref: { kind: string; namespace?: string | undefined; name: string }): string {
  return ref.namespace ? `${ref.kind} ${ref.namespace}/${ref.name}` : `${ref.kind} ${ref.name}`;
}

import { Failure } from "../errors.ts";
import type { GroupVersionKind, KubeObject } from "../objects/types.ts";

/** One kind as an API server serves it. */
export interface Resource extends GroupVersionKind {
  /** The last part of the URL, for example `deployments`. */
  readonly plural: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Whether `/status` is a subresource. */
  readonly hasStatus: boolean;
  /** Kinds that its subresources answer with, such as PodExecOptions: charts may ask for them like for any other. */
  readonly subresourceKinds?: readonly string[];
  readonly shortNames?: readonly string[];
}

/** Where an object lives. `namespace` is ignored for kinds without one. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The resource of core kinds that Strata itself needs before, or without, discovery. */
export function coreResource(kind: string, plural: string, namespaced: boolean): Resource {
  return { group: "", version: "v1", kind, plural, namespaced, verbs: [], hasStatus: false };
}

export const NAMESPACES = coreResource("Namespace", "namespaces", false);
export const CONFIG_MAPS = coreResource("ConfigMap", "configmaps", true);
export const SECRETS = coreResource("Secret", "secrets", true);
export const EVENTS = coreResource("Event", "events", true);

/** As people write it: `deployments.apps`, `configmaps`. */
export function resourceName(resource: Resource): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}

export function keyOf(object: KubeObject): ObjectKey {
  return { namespace: object.metadata.namespace, name: object.metadata.name ?? "" };
}

/** The path of a collection; of all namespaces if `namespace` is absent. */
export function collectionPath(resource: Resource, namespace?: string): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${segment("namespace", namespace)}` : "";
  return `${root}${scope}/${resource.plural}`;
}

/**
 * The path of one object. Names keep their case (`MyApp:Viewer` is a fine ClusterRole).
 *
 * @throws Failure `InvalidObject` for a name that Kubernetes cannot have in a path: escaping would not do, because the
 * server decodes `%2F` and would take `x/status` for a subresource. `NamespaceMissing` if the kind needs a namespace.
 */
export function objectPath(resource: Resource, key: ObjectKey, subresource?: string): string {
  if (resource.namespaced && !key.namespace) {
    throw new Failure("NamespaceMissing", `${resource.kind} ${key.name} needs a namespace`);
  }
  const path = `${collectionPath(resource, key.namespace)}/${segment("name", key.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

function segment(what: string, value: string): string {
  if (value === "" || value === "." || value === ".." || /[/%]/.test(value)) {
    throw new Failure("InvalidObject", `${JSON.stringify(value)} cannot be the ${what} of an object`);
  }
  return encodeURIComponent(value);
}

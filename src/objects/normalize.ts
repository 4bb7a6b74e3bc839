import { cloneJson } from "./json.ts";
import type { KubeObject, ObjectMeta } from "./types.ts";

/** What only the API server writes. */
const SERVER_FIELDS = [
  "managedFields",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "selfLink",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
];

/** A null label is an empty one to the API server; a null map is none. */
function normalizeMap(metadata: Record<string, unknown>, field: string): void {
  const map = metadata[field];
  if (map === null) delete metadata[field];
  if (typeof map !== "object" || map === null) return;
  metadata[field] = mapOfStrings(map as Record<string, string | null>);
}

function mapOfStrings(map: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, value ?? ""]));
}

/**
 * The API server folds `stringData` into `data` and forgets it, so that an applied `stringData` would never show up
 * in the owned fields. `stringData` wins. One that the server will refuse is left for it to refuse.
 */
function foldStringData(object: KubeObject): void {
  const plain = object["stringData"];
  if (plain === undefined || !isMapOfStrings(plain)) return;
  delete object["stringData"];
  const encoded = Object.entries(plain ?? {}).map(([key, value]) => [key, base64(value ?? "")] as const);
  if (encoded.length > 0) object["data"] = Object.fromEntries([...Object.entries(object["data"] ?? {}), ...encoded]);
}

function isMapOfStrings(value: unknown): value is Record<string, string | null> | null {
  if (typeof value !== "object" || Array.isArray(value)) return false;
  return Object.values(value ?? {}).every((item) => item === null || typeof item === "string");
}

function base64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

/** Kinds whose objects, when they have no labels, get those of their pod template from the API server (its defaulting). */
const LABELLED_BY_TEMPLATE = new Set(["batch/v1 Job", "v1 ReplicationController"]);

/** Strata's own label would keep the server from doing so: what others select by would be gone. */
function takeTemplateLabels(object: KubeObject): void {
  if (!LABELLED_BY_TEMPLATE.has(`${object.apiVersion} ${object.kind}`)) return;
  if (Object.keys(object.metadata.labels ?? {}).length > 0) return;
  const spec = object["spec"] as { template?: { metadata?: { labels?: unknown } | null } | null } | null | undefined;
  const labels = spec?.template?.metadata?.labels;
  if (isMapOfStrings(labels) && labels !== null) object.metadata.labels = mapOfStrings(labels);
}

/** The control plane writes the rules of an aggregated role over any of its own: `rules: []` there would be fought for. */
function leaveAggregatedRules(object: KubeObject): void {
  const isRole = object.apiVersion === "rbac.authorization.k8s.io/v1" && object.kind === "ClusterRole";
  if (isRole && object["aggregationRule"]) delete object["rules"];
}

/**
 * A new object as Strata applies it: without status and without what only the API server writes, `stringData` folded
 * into `data`, and with the labels that the server would have given it. An explicit null elsewhere stays: to server-side apply it is a field like another, and `kubectl apply
 * --server-side` sends it too. Does not change its input.
 */
export function normalize(object: KubeObject): KubeObject {
  const result = cloneJson(object);
  delete result["status"];
  const metadata = result.metadata as ObjectMeta & Record<string, unknown>;
  for (const field of SERVER_FIELDS) delete metadata[field];
  normalizeMap(metadata, "labels");
  normalizeMap(metadata, "annotations");
  takeTemplateLabels(result);
  leaveAggregatedRules(result);
  if (result.apiVersion === "v1" && result.kind === "Secret") foldStringData(result);
  return result;
}

import type { ControlPlane } from "../controlplane.ts";
import type { Live } from "../stories.ts";
import { isRecord, recordTitle, releaseOf } from "./records.ts";

/** The objects of a cluster by `namespace Kind.group/name`, without what differs on any two clusters. */
export type Snapshot = ReadonlyMap<string, Seen>;

export interface Seen {
  /** `Kind/name`. */
  readonly title: string;
  readonly namespace: string;
  readonly object: Live;
  readonly uid: string;
  readonly resourceVersion: number;
}

/** What Kubernetes itself keeps, and what names nothing that a chart decides. */
const IGNORED_RESOURCES = new Set(
  "events endpoints endpointslices leases nodes csinodes ipaddresses componentstatuses podmetrics".split(" "),
);
const IGNORED_OBJECTS = new Set(["ConfigMap/kube-root-ca.crt", "ServiceAccount/default"]);
const IGNORED_NAMESPACES = /^(kube-.*|default|strata-system|acme)$/;

/** Lists every object of every kind that the cluster serves; `known` are those to leave out, as a snapshot before names them. */
export async function takeSnapshot(plane: ControlPlane, known: ReadonlySet<string> = new Set()): Promise<Snapshot> {
  const lists = await Promise.all((await pathsOf(plane)).map((path) => plane.request("GET", path)));
  const seen = lists.flatMap(({ body }) => (body.items ?? []).map((item: Live) => seenOf(item, body)));
  const entries = seen.flatMap((one: Seen & { key: string; owned: boolean }) => {
    const isOurs = !IGNORED_OBJECTS.has(one.title) && !IGNORED_NAMESPACES.test(one.namespace) && !one.owned;
    return isOurs && !known.has(one.key) ? [[one.key, one] as const] : [];
  });
  return new Map(entries);
}

async function pathsOf({ request }: ControlPlane): Promise<string[]> {
  const { body } = await request("GET", "/apis");
  const versions: string[] = body.groups.map((group: Live) => `/apis/${group.preferredVersion.groupVersion}`);
  const served = ["/api/v1", ...versions.filter((path) => !path.startsWith("/apis/strata.dev/"))];
  const answers = await Promise.all(served.map((path) => request("GET", path)));
  return answers.flatMap(({ body: { resources = [] } }, index) =>
    resources
      .filter(({ name, verbs }: Live) => verbs.includes("list") && !name.includes("/") && !IGNORED_RESOURCES.has(name))
      .map(({ name }: Live) => `${served[index]}/${name}`),
  );
}

function seenOf(item: Live, list: Live): Seen & { key: string; owned: boolean } {
  const kind: string = list.kind.slice(0, -"List".length);
  const [group = ""] = list.apiVersion.includes("/") ? list.apiVersion.split("/") : [""];
  const { name, namespace = "", uid, resourceVersion, ownerReferences = [] } = item.metadata;
  const owned =
    (kind === "Pod" && ownerReferences.some(({ controller }: Live) => controller === true)) ||
    (kind === "ClusterRole" && isGhost(item));
  return {
    key: `${namespace} ${kind}.${group}/${name}`,
    title: isRecord(item) ? recordTitle(item) : `${kind}/${name}`,
    namespace: kind === "Namespace" ? name : namespace,
    object: isRecord(item) ? releaseOf(item) : normalized(kind, item),
    uid,
    resourceVersion: Number(resourceVersion),
    owned,
  };
}

/**
 * A ClusterRole that was just deleted, made anew by Kubernetes itself: its aggregation controller applies what it has worked
 * out from the roles that were deleted with it, and is named as its manager or, when there are none left, nobody is. Whether it
 * comes in time to do so is a matter of chance, with any tool.
 */
function isGhost({ metadata: { managedFields = [] } }: Live): boolean {
  return managedFields.every(({ manager }: Live) => manager === "clusterrole-aggregation-controller");
}

const SERVER_FIELDS = ["managedFields", "uid", "resourceVersion", "creationTimestamp", "generation"];

function normalized(kind: string, item: Live): Live {
  const { status: _status, kind: _kind, apiVersion: _apiVersion, ...object } = structuredClone(item);
  const { metadata, spec = {} } = object;
  for (const field of SERVER_FIELDS) delete metadata[field];
  for (const field of ["labels", "annotations"]) withoutMarks(metadata, field);
  for (const owner of metadata.ownerReferences ?? []) delete owner.uid;
  if (kind === "Service") hideAddresses(spec);
  if (kind === "Pod") delete spec.nodeName;
  if (spec.claimRef) for (const field of ["uid", "resourceVersion"]) delete spec.claimRef[field];
  return kind === "Secret" || kind === "ConfigMap" ? object : withoutIds(object);
}

/** Strata's own label and annotations. */
function withoutMarks(metadata: Live, field: string): void {
  for (const key of Object.keys(metadata[field] ?? {})) {
    const [prefix = ""] = key.split("/");
    const isOurs =
      key === "applyset.kubernetes.io/part-of" || prefix === "strata.dev" || prefix.endsWith(".strata.dev");
    if (isOurs) delete metadata[field][key];
  }
  if (Object.keys(metadata[field] ?? {}).length === 0) delete metadata[field];
}

/** Each cluster gives its own. */
function hideAddresses(spec: Live): void {
  if (spec.clusterIP && spec.clusterIP !== "None") spec.clusterIP = "assigned";
  if (spec.clusterIPs) spec.clusterIPs = spec.clusterIPs.map((ip: string) => (ip === "None" ? ip : "assigned"));
  for (const port of spec.ports ?? []) if (port.nodePort) port.nodePort = "assigned";
}

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=^kube-api-access-)[a-z0-9]{5}$/g;

/** Jobs select by uid; volumes for tokens have names that are drawn by lot. */
function withoutIds(value: Live): Live {
  if (typeof value === "string") return value.replace(ID, "id");
  if (Array.isArray(value)) return value.map(withoutIds);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutIds(item)]));
}

import { isExactNumber } from "../objects/json.ts";
import { normalize } from "../objects/normalize.ts";
import type { KubeObject } from "../objects/types.ts";
import { isReservedMark } from "../plan/reserved.ts";

/** What the server chooses for a Service when nobody says it: a dry run gets other ones than the real write will. */
const CHOSEN_FOR_SERVICES = ["clusterIP", "clusterIPs", "healthCheckNodePort"];

/**
 * The part of an object that can be compared: without status, without what only the API server writes, without the marks by
 * which Strata knows its objects. apiVersion, kind and metadata come first, for whoever reads it.
 */
export function comparable(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata, ...rest } = normalize(object);
  const { labels, annotations, ...other } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { ...other, ...withoutMarks("labels", labels), ...withoutMarks("annotations", annotations) },
    ...rest,
  };
}

/**
 * The answer to a dry-run create as far as it foretells the real one: uids, cluster IPs and node ports will be others.
 *
 * @param wanted the object as it was sent: what it names itself stays
 */
export function foretold(answer: KubeObject, wanted: KubeObject): KubeObject {
  const object = comparable(withoutUid(answer, answer.metadata.uid) as KubeObject);
  if (object.kind !== "Service" || object.apiVersion !== "v1") return object;
  const spec = { ...(object["spec"] as Record<string, unknown> | undefined) };
  const asked = (wanted["spec"] ?? {}) as Record<string, unknown>;
  for (const field of CHOSEN_FOR_SERVICES) if (!(field in asked)) delete spec[field];
  const askedPorts = listOf(asked["ports"]);
  if (Array.isArray(spec["ports"]))
    spec["ports"] = listOf(spec["ports"]).map((port, index) => {
      if (askedPorts[index]?.["nodePort"] !== undefined) return port;
      const { nodePort: _, ...others } = port;
      return others;
    });
  return { ...object, spec };
}

function withoutMarks(
  field: "labels" | "annotations",
  map: Readonly<Record<string, string>> = {},
): { labels?: Record<string, string>; annotations?: Record<string, string> } {
  const others = Object.entries(map).filter(([key]) => !isReservedMark(key));
  return others.length > 0 ? { [field]: Object.fromEntries(others) } : {};
}

/** A Job's uid stands in its selector and in the labels of its pods. */
function withoutUid(value: unknown, uid: string | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutUid(item, uid));
  if (typeof value !== "object" || value === null || isExactNumber(value)) return value;
  const entries = Object.entries(value).filter(([, field]) => uid === undefined || field !== uid);
  return Object.fromEntries(entries.map(([key, field]) => [key, withoutUid(field, uid)]));
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value : [];
}

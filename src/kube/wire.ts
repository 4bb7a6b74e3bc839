import { apiVersionOf } from "../objects/identity.ts";
import { parseJson } from "../objects/json.ts";
import type { KubeObject } from "../objects/types.ts";
import { ConnectionError } from "./api-error.ts";
import type { Resource } from "./resource.ts";

/** How objects and lists travel: the media types that are asked for, and the answers back into objects. */

const PARTIAL = "g=meta.k8s.io;v=v1";

/** For answers with one object, and for watches. */
export function acceptObject(metadataOnly = false): string {
  return metadataOnly ? `application/json;as=PartialObjectMetadata;${PARTIAL},application/json` : "application/json";
}

/** For answers with a list. */
export function acceptList(metadataOnly = false): string {
  return metadataOnly
    ? `application/json;as=PartialObjectMetadataList;${PARTIAL},application/json`
    : "application/json";
}

/**
 * The object of an answer, with the apiVersion and kind of its resource: metadata-only answers say
 * `PartialObjectMetadata`, and items of lists say nothing.
 *
 * @throws ConnectionError `NOT_KUBERNETES` if it is not an object with metadata.
 */
export function objectFrom<T extends KubeObject>(value: unknown, resource: Resource, metadataOnly = false): T {
  if (!isRecord(value) || !isRecord(value["metadata"])) {
    throw notKubernetes();
  }
  const identity = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  return (metadataOnly ? { ...identity, metadata: value["metadata"] } : { ...identity, ...value }) as unknown as T;
}

/** One page of a list; `next` is the token of the page after it. */
export function pageFrom<T extends KubeObject>(
  body: unknown,
  resource: Resource,
  metadataOnly = false,
): { items: T[]; resourceVersion: string; next: string | undefined } {
  const metadata = isRecord(body) ? body["metadata"] : undefined;
  const items = isRecord(body) ? (body["items"] ?? []) : undefined;
  if (!isRecord(metadata) || !Array.isArray(items)) {
    throw notKubernetes();
  }
  return {
    items: items.map((item) => objectFrom<T>(item, resource, metadataOnly)),
    resourceVersion: String(metadata["resourceVersion"] ?? ""),
    next: typeof metadata["continue"] === "string" && metadata["continue"] !== "" ? metadata["continue"] : undefined,
  };
}

/** The parsed body of a good answer. @throws ConnectionError `NOT_KUBERNETES` if it is not JSON. */
export function bodyFrom(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    // The SyntaxError would quote the text.
    throw notKubernetes();
  }
}

function notKubernetes(): ConnectionError {
  return new ConnectionError("the answer is not one of a Kubernetes API server", "NOT_KUBERNETES");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

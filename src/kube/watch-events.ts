import { z } from "zod";
import { parseJson } from "../objects/json.ts";
import type { KubeObject } from "../objects/types.ts";
import { type ApiError, ConnectionError, type RequestInfo } from "./api-error.ts";
import type { Resource } from "./resource.ts";
import { apiErrorFrom, redactionFor, requestInfo } from "./status-error.ts";
import { objectFrom } from "./wire.ts";

export type WatchEvent =
  | { readonly type: "upsert" | "delete"; readonly object: KubeObject }
  /** Nothing changed, but we are up to date to here. `initialEventsEnd`: everything that exists has been sent (KEP-3157). */
  | { readonly type: "bookmark"; readonly resourceVersion: string; readonly initialEventsEnd: boolean }
  | { readonly type: "error"; readonly error: ApiError };

/** No object is larger; etcd takes 1.5 MiB, managedFields and escapes included this leaves plenty. */
const MAX_LINE_BYTES = 32 * 1024 * 1024;
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";
const NEWLINE = 0x0a;

const eventSchema = z.object({
  type: z.enum(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]),
  object: z.record(z.string(), z.unknown()),
});

/**
 * The events of a watch, one per line.
 *
 * @throws ConnectionError `BAD_EVENT` at a line that is not an event, and at a last line that was cut: what came before
 * is good, and the watch can be taken up again from there.
 */
export async function* readEvents(
  chunks: AsyncIterable<Uint8Array>,
  resource: Resource,
  metadataOnly: boolean,
): AsyncGenerator<WatchEvent> {
  for await (const line of linesOf(chunks)) {
    yield eventFrom(line, resource, metadataOnly);
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let begin = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, begin)) {
      yield Buffer.concat([...rest, chunk.subarray(begin, end)]).toString("utf8");
      rest = [];
      size = 0;
      begin = end + 1;
    }
    rest.push(chunk.subarray(begin));
    size += chunk.length - begin;
    if (size > MAX_LINE_BYTES) {
      throw badEvent("an event that is too large");
    }
  }
  if (size > 0) {
    throw badEvent("an event that was cut");
  }
}

function eventFrom(line: string, resource: Resource, metadataOnly: boolean): WatchEvent {
  const { type, object } = parsed(line);
  switch (type) {
    case "ADDED":
    case "MODIFIED":
      return { type: "upsert", object: objectFrom(object, resource, metadataOnly) };
    case "DELETED":
      return { type: "delete", object: objectFrom(object, resource, metadataOnly) };
    case "BOOKMARK":
      return bookmark(objectFrom(object, resource, true));
    case "ERROR":
      return { type: "error", error: errorFrom(object, requestInfo("watch", resource, {})) };
  }
}

function parsed(line: string): z.infer<typeof eventSchema> {
  try {
    return eventSchema.parse(parseJson(line));
  } catch {
    // Neither error is kept as a cause: both may quote the object.
    throw badEvent("an event that is not one");
  }
}

function bookmark({ metadata }: KubeObject): WatchEvent {
  return {
    type: "bookmark",
    resourceVersion: metadata.resourceVersion ?? "",
    initialEventsEnd: metadata.annotations?.[INITIAL_EVENTS_END] === "true",
  };
}

function errorFrom(object: Record<string, unknown>, request: RequestInfo): ApiError {
  return apiErrorFrom(
    { status: 500, retryAfter: undefined, body: object },
    request,
    redactionFor(request.kind, undefined),
  );
}

function badEvent(what: string): ConnectionError {
  return new ConnectionError(`the watch brought ${what}`, "BAD_EVENT");
}

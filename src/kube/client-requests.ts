import type { KubeObject } from "../objects/types.ts";
import { type ApiError, isNotFound } from "./api-error.ts";
import type { ListOptions, ReadOptions, WatchOptions, WriteOptions } from "./client-options.ts";
import type { Resource } from "./resource.ts";
import type { HttpResponse, Query } from "./transport.ts";
import { acceptObject, bodyFrom, objectFrom } from "./wire.ts";

/** The client's options as parts of a request, and its answers as values. */

export function accept(options: ReadOptions): Record<string, string> {
  return { Accept: acceptObject(options.metadataOnly) };
}

export function answered<T extends KubeObject>(response: HttpResponse, resource: Resource, options: ReadOptions): T {
  return objectFrom<T>(bodyFrom(response.body), resource, options.metadataOnly);
}

export function selectors(options: ListOptions | WatchOptions): Record<string, string | undefined> {
  return { labelSelector: options.labelSelector || undefined, fieldSelector: options.fieldSelector || undefined };
}

export function writeQuery(options: WriteOptions): Query {
  return {
    fieldManager: options.manager,
    fieldValidation: options.fieldValidation ?? "Strict",
    dryRun: options.dryRun ? "All" : undefined,
  };
}

/** The kind is served, the object is not there: only then does the Status name it. */
export function isObjectNotFound(error: unknown): error is ApiError {
  return isNotFound(error) && error.details.name !== undefined;
}

export function retryAfter(response: { headers: HttpResponse["headers"] }): string | undefined {
  const value = response.headers["retry-after"];
  return typeof value === "string" ? value : undefined;
}

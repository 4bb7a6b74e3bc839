import type { LookupFunction } from "node:net";
import type { KubeObject } from "../objects/types.ts";
import type { Clock } from "./clock.ts";
import type { WriteFence } from "./leader/fence.ts";
import type { RequestRecord } from "./transport.ts";

export interface KubeClientOptions {
  /** For `User-Agent`, for example `strata/1.2.3`. */
  readonly userAgent?: string;
  /** Time limit of a request that does not name its own; 30,000 ms. */
  readonly timeoutMs?: number;
  /** Time limit of a TCP and TLS handshake; 5,000 ms. */
  readonly connectTimeoutMs?: number;
  /** Requests at a time, watches not counted; 16. */
  readonly concurrency?: number;
  /** Called after each HTTP request, whatever came of it. */
  readonly onRequest?: (record: RequestRecord) => void;
  readonly clock?: Clock;
  /** How the server's name is looked up; the system's way if absent. What it throws as a `Failure` is told in its words. */
  readonly lookup?: LookupFunction;
  /** Asked at the last moment before each request that is no GET; what it throws is thrown. */
  readonly fence?: WriteFence | undefined;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
  /** Values that no message about this request may show. Those of a Secret in the body need not be named. */
  readonly secrets?: readonly string[];
  /** What is sent may hold values that are secret, whatever its kind: none that the server echoes is shown. */
  readonly hideEchoes?: boolean;
}

export interface ReadOptions extends CallOptions {
  /** Only apiVersion, kind and metadata. */
  readonly metadataOnly?: boolean;
  readonly subresource?: string;
}

export interface ListOptions extends CallOptions {
  /** All namespaces if absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly metadataOnly?: boolean | undefined;
  /** Objects per page; 500. */
  readonly limit?: number;
}

export interface ListPage<T extends KubeObject = KubeObject> {
  readonly items: readonly T[];
  /** Of the whole list, equal on every page. */
  readonly resourceVersion: string;
}

export interface WriteOptions extends ReadOptions {
  /** Field manager. */
  readonly manager: string;
  /** Asks the server to go through everything but to store nothing. */
  readonly dryRun?: boolean;
  /** What the server does with fields it does not know; `Strict` refuses them. */
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore";
}

export interface ApplyOptions extends WriteOptions {
  /** Take fields over from other managers. */
  readonly force: boolean;
}

export interface DeleteOptions extends CallOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  readonly dryRun?: boolean;
}

export interface WatchOptions extends CallOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly metadataOnly?: boolean | undefined;
  /** Where to begin; absent with `initialEvents`. */
  readonly resourceVersion?: string | undefined;
  /** First everything that exists, then a bookmark that says so (KEP-3157). */
  readonly initialEvents?: boolean;
  /** The server ends the watch after this many seconds. */
  readonly timeoutSeconds: number;
}

export interface JsonPatchOperation {
  readonly op: "add" | "remove" | "replace" | "test" | "move" | "copy";
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

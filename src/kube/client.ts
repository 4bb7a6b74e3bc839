import { stringifyJson } from "../objects/json.ts";
import type { KubeObject } from "../objects/types.ts";
import type { ClusterAccess } from "./access.ts";
import { isExpired, type RequestInfo } from "./api-error.ts";
import type {
  ApplyOptions,
  CallOptions,
  DeleteOptions,
  JsonPatchOperation,
  KubeClientOptions,
  ListOptions,
  ListPage,
  ReadOptions,
  WatchOptions,
  WriteOptions,
} from "./client-options.ts";
import { accept, answered, isObjectNotFound, retryAfter, selectors, writeQuery } from "./client-requests.ts";
import { systemClock } from "./clock.ts";
import { ClusterLink } from "./cluster-link.ts";
import { type Identity, impersonationHeaders } from "./identity.ts";
import { Limiter } from "./limiter.ts";
import { collectionPath, keyOf, type ObjectKey, objectPath, type Resource } from "./resource.ts";
import { apiErrorFrom, redactionFor, requestInfo, tryParseJson } from "./status-error.ts";
import { type HttpRequest, type HttpResponse, type HttpStream, readText, Transport } from "./transport.ts";
import { acceptList, acceptObject, bodyFrom, pageFrom } from "./wire.ts";

const PAGE = 500;

/**
 * One API server as one identity. Every method throws `ApiError` when the server says no, `ConnectionError` when no
 * answer came, and the signal's reason when it is aborted; `toFailure` turns the first two into sentences. Nothing is
 * retried in here but a 401 for which there is a newer token, so that waiting is the caller's to plan.
 *
 * Objects always carry the apiVersion and kind of their resource, metadata-only ones and items of lists too. Integers
 * keep every digit in both directions.
 */
export class KubeClient {
  readonly #link: ClusterLink;
  readonly #options: KubeClientOptions;
  readonly #identity: Identity | undefined;
  readonly #transport: Transport;
  readonly #limiter: Limiter;
  readonly #impersonating = new Map<string, KubeClient>();

  /** Use `connect`, then `asUser`. */
  constructor(link: ClusterLink, options: KubeClientOptions, identity?: Identity) {
    this.#link = link;
    this.#options = options;
    this.#identity = identity;
    this.#limiter = new Limiter(options.concurrency ?? 16);
    this.#transport = new Transport(link, identity === undefined ? [] : impersonationHeaders(identity), {
      connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
      userAgent: options.userAgent ?? "strata",
      clock: options.clock ?? systemClock,
      onRequest: options.onRequest ?? (() => undefined),
      lookup: options.lookup,
      fence: options.fence,
    });
  }

  /** URL of the API server. */
  get server(): string {
    return this.#link.access.server;
  }

  /** Equal for equal accesses (`ClusterAccess.fingerprint`). */
  get fingerprint(): string {
    return this.#link.access.fingerprint;
  }

  /** What the clients of this cluster share. */
  get link(): ClusterLink {
    return this.#link;
  }

  /**
   * A client of the same cluster that acts as somebody else, with its own connections. The same identity gives the same
   * client.
   *
   * @throws Failure `InvalidSpec` for an identity with an empty or unprintable part.
   */
  asUser(identity: Identity): KubeClient {
    const key = JSON.stringify(impersonationHeaders(identity));
    let client = this.#impersonating.get(key);
    if (client === undefined) {
      client = new KubeClient(this.#link, this.#options, identity);
      this.#impersonating.set(key, client);
    }
    return client;
  }

  /**
   * New credentials for the same cluster, for all its clients: the next request uses them, running watches stay, and
   * whoever waits after a failure tries again at once. A changed server URL is followed too; whether it is still the
   * same cluster is the caller's to find out.
   */
  rotate(access: ClusterAccess): void {
    this.#link.rotate(access);
  }

  async get<T extends KubeObject = KubeObject>(resource: Resource, key: ObjectKey, options: ReadOptions): Promise<T> {
    const path = objectPath(resource, key, options.subresource);
    const response = await this.#call(
      { method: "GET", path, headers: accept(options), info: requestInfo("get", resource, key) },
      options,
    );
    return answered<T>(response, resource, options);
  }

  /** The object, or undefined if it does not exist. A kind that is not served is an error here as elsewhere. */
  async find<T extends KubeObject = KubeObject>(
    resource: Resource,
    key: ObjectKey,
    options: ReadOptions,
  ): Promise<T | undefined> {
    try {
      return await this.get<T>(resource, key, options);
    } catch (error) {
      if (isObjectNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  /**
   * A list, page by page, all pages of the same moment. If the server forgets that moment in the middle, it throws
   * (`isExpired`): begin again.
   */
  async *list<T extends KubeObject = KubeObject>(
    resource: Resource,
    options: ListOptions,
  ): AsyncGenerator<ListPage<T>> {
    let next: string | undefined;
    do {
      const response = await this.#call(
        {
          method: "GET",
          path: collectionPath(resource, options.namespace),
          query: { ...selectors(options), limit: options.limit ?? PAGE, continue: next },
          headers: { Accept: acceptList(options.metadataOnly), "Accept-Encoding": "gzip" },
          info: requestInfo("list", resource, options),
        },
        options,
      );
      const page = pageFrom<T>(bodyFrom(response.body), resource, options.metadataOnly);
      yield page;
      next = page.next;
    } while (next !== undefined);
  }

  /** The whole list in memory; begun again, in one piece, if the server forgets it between two pages. */
  async listAll<T extends KubeObject = KubeObject>(
    resource: Resource,
    options: ListOptions,
  ): Promise<{ items: T[]; resourceVersion: string }> {
    try {
      return await this.#collect<T>(resource, options);
    } catch (error) {
      if (isExpired(error)) {
        return await this.#collect<T>(resource, { ...options, limit: 0 });
      }
      throw error;
    }
  }

  async create<T extends KubeObject = KubeObject>(
    resource: Resource,
    object: KubeObject,
    options: WriteOptions,
  ): Promise<T> {
    const response = await this.#call(
      {
        method: "POST",
        path: collectionPath(resource, object.metadata.namespace),
        query: writeQuery(options),
        headers: { ...accept(options), "Content-Type": "application/json" },
        body: stringifyJson(object),
        info: requestInfo("create", resource, keyOf(object)),
      },
      options,
      object,
    );
    return answered<T>(response, resource, options);
  }

  /**
   * Server-side apply (KEP-555). `created` says which of the two it was. With `metadata.resourceVersion: "1"` in the
   * object it creates or answers 409, never updates.
   */
  async apply<T extends KubeObject = KubeObject>(
    resource: Resource,
    object: KubeObject,
    options: ApplyOptions,
  ): Promise<{ object: T; created: boolean }> {
    const key = keyOf(object);
    const response = await this.#call(
      {
        method: "PATCH",
        path: objectPath(resource, key, options.subresource),
        query: { ...writeQuery(options), force: options.force },
        headers: { ...accept(options), "Content-Type": "application/apply-patch+yaml" },
        body: stringifyJson(object),
        info: requestInfo("apply", resource, key),
      },
      options,
      object,
    );
    return { object: answered<T>(response, resource, options), created: response.status === 201 };
  }

  /** JSON merge patch (RFC 7386); `metadata.resourceVersion` in it is a precondition. */
  mergePatch<T extends KubeObject = KubeObject>(
    resource: Resource,
    key: ObjectKey,
    patch: object,
    options: WriteOptions,
  ): Promise<T> {
    return this.#patch<T>({ resource, key, patch, type: "application/merge-patch+json", options });
  }

  /** JSON patch (RFC 6902). */
  jsonPatch<T extends KubeObject = KubeObject>(
    resource: Resource,
    key: ObjectKey,
    operations: readonly JsonPatchOperation[],
    options: WriteOptions,
  ): Promise<T> {
    return this.#patch<T>({ resource, key, patch: operations, type: "application/json-patch+json", options });
  }

  /** Deletes, if uid and resourceVersion are still as given. The object may live on until its finalizers are gone. */
  async delete(resource: Resource, key: ObjectKey, options: DeleteOptions): Promise<void> {
    const { uid, resourceVersion, propagationPolicy, dryRun } = options;
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      ...((uid ?? resourceVersion) !== undefined && { preconditions: { uid, resourceVersion } }),
      ...(propagationPolicy && { propagationPolicy }),
      ...(dryRun && { dryRun: ["All"] }),
    };
    await this.#call(
      {
        method: "DELETE",
        path: objectPath(resource, key),
        headers: { Accept: "application/json", "Content-Type": "application/json" },
        body: stringifyJson(body),
        info: requestInfo("delete", resource, key),
      },
      options,
    );
  }

  /** Any GET of the API server that is no resource, such as `/version` and discovery. 304 is an answer, not an error. */
  async request(
    path: string,
    options: CallOptions & { readonly headers?: Readonly<Record<string, string>> },
  ): Promise<{ status: number; headers: HttpResponse["headers"]; body: unknown }> {
    const headers = { Accept: "application/json", "Accept-Encoding": "gzip", ...options.headers };
    const response = await this.#call({ method: "GET", path, headers, info: { verb: "get", resource: path } }, options);
    return { status: response.status, headers: response.headers, body: tryParseJson(response.body) };
  }

  /** Opens a watch; `timeoutMs` bounds the wait for its beginning. See `readEvents` for what it says. */
  async watch(resource: Resource, options: WatchOptions): Promise<HttpStream> {
    const info = this.#signed(requestInfo("watch", resource, options));
    const stream = await this.#transport.open(
      {
        method: "GET",
        path: collectionPath(resource, options.namespace),
        query: {
          ...selectors(options),
          watch: 1,
          allowWatchBookmarks: true,
          timeoutSeconds: options.timeoutSeconds,
          resourceVersion: options.resourceVersion,
          ...(options.initialEvents && { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" }),
        },
        headers: { Accept: acceptObject(options.metadataOnly) },
        info,
      },
      this.#timeout(options),
      options.signal,
    );
    if (stream.status === 200) {
      return stream;
    }
    const body = tryParseJson(await readText(stream.chunks, stream.headers));
    throw apiErrorFrom(
      { ...stream, retryAfter: retryAfter(stream), body },
      info,
      redactionFor(resource.kind, undefined),
    );
  }

  /** Ends all requests and watches of this client and of those that `asUser` made. */
  async close(): Promise<void> {
    await Promise.all([this.#transport.close(), ...[...this.#impersonating.values()].map((client) => client.close())]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #patch<T extends KubeObject>(what: {
    resource: Resource;
    key: ObjectKey;
    patch: object;
    type: string;
    options: WriteOptions;
  }): Promise<T> {
    const { resource, key, options } = what;
    const response = await this.#call(
      {
        method: "PATCH",
        path: objectPath(resource, key, options.subresource),
        query: writeQuery(options),
        headers: { ...accept(options), "Content-Type": what.type },
        body: stringifyJson(what.patch),
        info: requestInfo("patch", resource, key),
      },
      options,
      what.patch,
    );
    return answered<T>(response, resource, options);
  }

  async #collect<T extends KubeObject>(
    resource: Resource,
    options: ListOptions,
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const items: T[] = [];
    let resourceVersion = "";
    for await (const page of this.list<T>(resource, options)) {
      items.push(...page.items);
      resourceVersion = page.resourceVersion;
    }
    return { items, resourceVersion };
  }

  async #call(request: HttpRequest, options: CallOptions, body?: object): Promise<HttpResponse> {
    const response = await this.#limiter.run(options.signal, () =>
      this.#transport.send(request, this.#timeout(options), options.signal),
    );
    if ((response.status >= 200 && response.status < 300) || response.status === 304) {
      return response;
    }
    const answer = { status: response.status, retryAfter: retryAfter(response), body: tryParseJson(response.body) };
    throw apiErrorFrom(answer, this.#signed(request.info), redactionFor(request.info.kind, body, options));
  }

  #signed(info: RequestInfo): RequestInfo {
    return this.#identity === undefined ? info : { ...info, user: this.#identity.user };
  }

  #timeout(options: CallOptions): number {
    return options.timeoutMs ?? this.#options.timeoutMs ?? 30_000;
  }
}

/** A client with the access' own identity. Close it when the cluster is not needed any more. */
export function connect(access: ClusterAccess, options: KubeClientOptions = {}): KubeClient {
  return new KubeClient(new ClusterLink(access), options);
}

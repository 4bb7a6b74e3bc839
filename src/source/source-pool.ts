import { LRUCache } from "lru-cache";
import { Failure, failureOf } from "../errors.ts";
import { type AddressCheck, addressCheck } from "../text/addresses.ts";
import { accessKey, type RegistryAccess } from "./access.ts";
import { AccessClient, type Place } from "./access-client.ts";
import { ContentCache } from "./content-cache.ts";
import { type IndexCache, newIndexCache } from "./http-repository.ts";

const MIB = 1024 * 1024;
const DEADLINE_MS = 30_000;
const MAX_CLIENTS = 1000;

export interface SourceOptions {
  /** `host[:port]` of registries and repositories that are spoken to without TLS, beside those on loopback. */
  plainHttp?: readonly string[];
  /** Networks (`10.20.0.0/16`) of private addresses that may be asked, see `addressCheck`. Default: none. */
  allowedNetworks?: readonly string[];
  /** Bytes of packed charts, packs and artifacts that are kept by their digest. Default 64 MiB. */
  cacheBytes?: number;
  /** Milliseconds that one question may take at one place, with all its requests. Default 30 s. */
  deadlineMs?: number;
}

/** What all questions to registries share: connections, contents, and the answers that are on their way. */
export class SourcePool implements AsyncDisposable {
  readonly contents: ContentCache;
  readonly #plainHttp: ReadonlySet<string>;
  readonly #check: AddressCheck;
  readonly #deadlineMs: number;
  readonly #indexes: IndexCache = newIndexCache();
  // One that was pushed out is not closed: whoever still uses it goes on, and idle connections end by themselves.
  readonly #clients = new LRUCache<string, AccessClient>({ max: MAX_CLIENTS });
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor({ plainHttp = [], allowedNetworks = [], cacheBytes = 64 * MIB, deadlineMs }: SourceOptions) {
    this.contents = new ContentCache(cacheBytes);
    this.#plainHttp = new Set(plainHttp);
    this.#check = addressCheck(allowedNetworks);
    this.#deadlineMs = deadlineMs ?? DEADLINE_MS;
  }

  /** @throws Failure InvalidSpec */
  clientFor(access: RegistryAccess): AccessClient {
    const key = accessKey(access);
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const options = { plainHttp: this.#plainHttp, check: this.#check, indexes: this.#indexes };
    const client = new AccessClient(access, options);
    this.#clients.set(key, client);
    return client;
  }

  /** Runs work once for all who ask at the same time. A signal only ends the waiting: others may need the answer. */
  async once<T>(
    client: AccessClient,
    question: readonly string[],
    { signal, work }: { signal: AbortSignal; work: (closing: AbortSignal) => Promise<T> },
  ): Promise<T> {
    signal.throwIfAborted();
    const key = JSON.stringify([client.key, ...question]);
    let running = this.#running.get(key) as Promise<T> | undefined;
    if (running === undefined) {
      running = work(this.#closing.signal).finally(() => this.#running.delete(key));
      this.#running.set(key, running);
    }
    return orAborted(running, signal);
  }

  /**
   * Asks the mirrors of a registry in their order and then the registry itself, each within the deadline, until one
   * gives what is wanted. When none does, the failure is the registry's, and says what the mirrors had to say.
   */
  async atPlaces<T>(
    { places }: AccessClient,
    signal: AbortSignal,
    ask: (place: Place, deadline: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const failures: Failure[] = [];
    for (const place of places) {
      try {
        return await this.within(signal, (deadline) => ask(place, deadline));
      } catch (error) {
        failures.push(failureOf(error));
      }
    }
    throw joined(failures);
  }

  /** Work that ends by the deadline of one question at one place. */
  async within<T>(signal: AbortSignal, work: (deadline: AbortSignal) => Promise<T>): Promise<T> {
    return work(AbortSignal.any([signal, AbortSignal.timeout(this.#deadlineMs)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.contents.clear();
    await Promise.all([...this.#clients.values()].map((client) => client[Symbol.asyncDispose]()));
  }
}

function joined(failures: readonly Failure[]): Failure {
  const last = failures.at(-1) ?? new Failure("InvalidSpec", "the registry has no address");
  const mirrors = failures.slice(0, -1).map(({ message }) => message);
  if (mirrors.length === 0) return last;
  const words = `${last.message}; its mirrors neither: ${mirrors.join("; ")}`;
  const options = last.retryAfterMs === undefined ? {} : { retryAfterMs: last.retryAfterMs };
  return new Failure(last.reason, words, { cause: last, ...options });
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

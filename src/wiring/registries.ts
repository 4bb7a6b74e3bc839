import { conditionOf } from "../api/conditions.ts";
import { durationMs } from "../api/duration.ts";
import { SYSTEM_NAMESPACE } from "../api/names.ts";
import type { Registry } from "../api/types.ts";
import { Failure, failureOf } from "../errors.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import { sha256Hex } from "../objects/digest.ts";
import { timeText } from "../objects/time.ts";
import type { Referents } from "../plan/references.ts";
import { retryDelay } from "../reconcile/error-policy.ts";
import type { Renewal } from "../reconcile/memory.ts";
import { accessKey, type RegistryAccess } from "../source/access.ts";
import type { RegistryContents } from "../source/registry-check.ts";
import { type RegistryState, registryStatus } from "../status/registry-status.ts";
import type { Hub } from "./hub.ts";
import { registryIdentity } from "./identity.ts";
import { registryAccess, registryKey, registryNamed, secretsOf, shadowFailure } from "./registry-access.ts";

/** So long somebody waits for the Secrets of a Registry, which are read at most once in its life. */
const READING_MS = 30_000;
const OWNER = "Registry/";

export interface RegistryWiringOptions {
  hub: Pick<Hub, "cache" | "references" | "statuses" | "events" | "log">;
  /** Asks a registry what it has. */
  check(access: RegistryAccess, signal: AbortSignal): Promise<RegistryContents>;
  /** What could not be had from this Registry may be had now. */
  renewed(key: string, how: Renewal): void;
  /** A pass is due at once, or in so many milliseconds. */
  again(key: string, afterMs: number): void;
}

/** What the process remembers of one Registry; it can be lost at any moment, and the registry is then asked once more. */
interface Memory {
  generation: number | undefined;
  /** Of the access: it changes with whatever a request would be made of. */
  version: string;
  /** How often in a row it did not answer as it should. */
  failures: number;
  /** Milliseconds since the epoch. */
  dueAt: number;
  /** The reason of the last event. */
  told: string | undefined;
}

/**
 * Registries: how to speak to them, for whoever needs something from one, and how they are, for their status. This is all of
 * Strata that looks at something by a clock: a registry tells nobody that it has changed. Keys: `namespace/name`.
 */
export class RegistryWiring {
  readonly #options: RegistryWiringOptions;
  readonly #memories = new Map<string, Memory>();
  readonly #running = new Map<string, AbortController>();
  #moved = Promise.withResolvers<void>();

  constructor(options: RegistryWiringOptions) {
    this.#options = options;
  }

  /** A Registry came, changed or went: its Secrets are watched from now on, and it is asked anew. */
  changed(key: string): void {
    const registry = this.#registries.get(key);
    const identity = registry && registryIdentity(registry);
    this.#options.hub.references.want(`${OWNER}${key}`, identity, registry ? secretsOf(registry) : []);
    this.#again(key);
    const [namespace, name] = key.split("/");
    if (namespace !== SYSTEM_NAMESPACE) return;
    // Those that hide a shared one are refused, and good again when it has gone.
    for (const [other, { metadata }] of this.#registries) {
      if (other !== key && metadata.name === name) this.#again(other);
    }
  }

  /** Something that these owners refer to has changed: the Registries among them are asked anew. */
  referencesChanged(owners: ReadonlySet<string>): void {
    for (const owner of owners) if (isRegistryOwner(owner)) this.#again(owner.slice(OWNER.length));
  }

  /**
   * How to speak to the registry that a name means in a namespace, as far as it is known now.
   *
   * @param namespace undefined for a SystemProfile
   * @returns else Failure ReferenceNotFound, Conflict or InvalidSpec, with a sentence for the one who refers to it
   */
  accessOf(namespace: string | undefined, name: string): RegistryAccess | Failure | "reading" {
    const registry = registryNamed(this.#registries, namespace, name);
    return registry instanceof Failure ? registry : registryAccess(registry, this.#secretsFor(registry));
  }

  /** As accessOf, when its Secrets were read; Failure SourceUnavailable when that takes too long. */
  async access(namespace: string | undefined, name: string, signal: AbortSignal): Promise<RegistryAccess | Failure> {
    const late = AbortSignal.timeout(READING_MS);
    for (;;) {
      const access = this.accessOf(namespace, name);
      if (access !== "reading") return access;
      if (!(await isResolved(this.#moved.promise, AbortSignal.any([signal, late])))) {
        signal.throwIfAborted();
        return new Failure("SourceUnavailable", `the Secrets of Registry ${name} are still being read`);
      }
    }
  }

  /** One pass: judges what the Registry says, asks the registry if that is due, and reports. */
  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const registry = this.#registries.get(key);
    if (!registry) {
      if (this.#memories.delete(key)) this.#options.renewed(key, "changed");
      return;
    }
    const access = shadowFailure(registry, this.#registries) ?? registryAccess(registry, this.#secretsFor(registry));
    if (access === "reading") return;
    const memory = this.#memoryOf(registry, access);
    if (access instanceof Failure) return this.#report(registry, memory, { kind: "failing", failure: access });
    const early = memory.dueAt - Date.now();
    if (early > 0) return this.#options.again(key, early);
    const state = await this.#ask(key, access, signal);
    if (!state) return;
    const waitMs = this.#remember(memory, registry, state);
    this.#report(registry, memory, state);
    this.#options.again(key, waitMs);
  }

  get #registries(): ReadonlyMap<string, Registry> {
    return this.#options.hub.cache.registries;
  }

  #secretsFor(registry: Registry): Referents {
    const identity = registryIdentity(registry);
    return (reference) => this.#options.hub.references.get(identity, reference);
  }

  /** A question that is on its way was put with what is no longer so. */
  #again(key: string): void {
    this.#running.get(key)?.abort();
    this.#options.again(key, 0);
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /** What is remembered of a Registry as it is now; all that was refused because of how it was is due again. */
  #memoryOf(registry: Registry, access: RegistryAccess | Failure): Memory {
    const key = registryKey(registry);
    const { generation } = registry.metadata;
    const version = access instanceof Failure ? `${access.reason} ${access.message}` : accessKey(access);
    const before = this.#memories.get(key);
    if (before?.generation === generation && before?.version === version) return before;
    const dueAt = before ? 0 : this.#dueByStatus(registry);
    const told = before ? before.told : conditionOf(registry, "Ready")?.reason;
    const memory = { generation, version, failures: 0, dueAt, told };
    this.#memories.set(key, memory);
    if (before?.version !== version) this.#options.renewed(key, "changed");
    return memory;
  }

  /** A process that has just begun asks nobody who was asked with the very same a moment ago. */
  #dueByStatus(registry: Registry): number {
    const { inputsDigest, lastSyncTime } = registry.status ?? {};
    if (
      conditionOf(registry, "Ready")?.status !== "True" ||
      lastSyncTime === undefined ||
      inputsDigest !== this.#inputsDigest(registry)
    )
      return 0;
    return Date.parse(lastSyncTime) + this.#intervalMs(registry);
  }

  async #ask(key: string, access: RegistryAccess, signal: AbortSignal): Promise<RegistryState | undefined> {
    const interruption = new AbortController();
    this.#running.set(key, interruption);
    try {
      const contents = await this.#options.check(access, AbortSignal.any([signal, interruption.signal]));
      return { kind: "synced", ...contents };
    } catch (error) {
      // The next pass is due already, with what is so by now; or there is none any more.
      if (interruption.signal.aborted || signal.aborted) return undefined;
      return { kind: "failing", failure: failureOf(error) };
    } finally {
      this.#running.delete(key);
    }
  }

  /** Milliseconds until it is asked again. */
  #remember(memory: Memory, registry: Registry, state: RegistryState): number {
    const recovered = memory.failures > 0 && state.kind === "synced";
    memory.failures = state.kind === "synced" ? 0 : memory.failures + 1;
    const intervalMs = this.#intervalMs(registry);
    const waitMs = state.kind === "synced" ? intervalMs : retryAfter(state.failure, memory.failures, intervalMs);
    memory.dueAt = Date.now() + waitMs;
    if (recovered) this.#options.renewed(registryKey(registry), "answers");
    return waitMs;
  }

  #report(registry: Registry, memory: Memory, state: RegistryState): void {
    const key = registryKey(registry);
    const { hub } = this.#options;
    const current = () => hub.cache.registries.get(key);
    // A status of ours may have been written since the pass began.
    const latest = current() ?? registry;
    const now = timeText(Date.now());
    const inputsDigest = this.#inputsDigest(registry);
    const judged = { ...registry, ...(latest.status ? { status: latest.status } : {}) };
    const status = registryStatus(judged, state, { now, inputsDigest });
    hub.statuses.set(`Registry/${key}`, status, { resource: HUB_RESOURCES.Registry, current });
    this.#tell({ ...judged, status }, memory);
  }

  /** One event per transition. */
  #tell(registry: Registry, memory: Memory): void {
    const { hub } = this.#options;
    const { status, reason, message = "" } = conditionOf(registry, "Ready") ?? {};
    if (reason === undefined || memory.told === reason) return;
    memory.told = reason;
    hub.log.info("told", { registry: registryKey(registry), reason, text: message });
    hub.events.record(registry, { type: status === "True" ? "Normal" : "Warning", reason, message }, new Date());
  }

  /** A little less than the interval, so that many Registries do not come in step. */
  #intervalMs({ spec }: Registry): number {
    return (durationMs(spec.interval) ?? 0) * (1 - Math.random() / 10);
  }

  #inputsDigest(registry: Registry): string {
    const secrets = this.#secretsFor(registry);
    const versions = secretsOf(registry).map((reference) => {
      const referent = secrets(reference);
      const { uid, resourceVersion } = referent.kind === "found" ? referent.object.metadata : {};
      return [reference.name, referent.kind, uid ?? "", resourceVersion ?? ""];
    });
    const { uid = "", generation = 0 } = registry.metadata;
    return sha256Hex(JSON.stringify([uid, generation, versions])).slice(0, 16);
  }
}

/** Whether an owner of references is a Registry. */
export function isRegistryOwner(owner: string): boolean {
  return owner.startsWith(OWNER);
}

/** One that does not answer is asked more often than one that does; what only a person can mend, no more often. */
function retryAfter(failure: Failure, failures: number, intervalMs: number): number {
  const delay = retryDelay(failure, failures, Math.random());
  return failure.retry === "transient" ? delay : Math.min(delay, intervalMs);
}

async function isResolved(promise: Promise<void>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const aborted = Promise.withResolvers<boolean>();
  const onAbort = () => aborted.resolve(false);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise.then(() => true), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

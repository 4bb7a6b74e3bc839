import { Failure } from "../errors.ts";
import { FLUX_GROUP, type FluxKind } from "../plan/flux-artifact.ts";
import { Backoff } from "./backoff.ts";
import type { KubeClient } from "./client.ts";
import { type Clock, systemClock } from "./clock.ts";
import { Discovery } from "./discovery.ts";
import { toFailure } from "./failures.ts";
import type { Resource } from "./resource.ts";

const BACKOFF = { baseMs: 1_000, capMs: 60_000 };

export interface FluxKindsOptions {
  hub: KubeClient;
  /** The kinds are served in another version, or it is known by now that they are not served. */
  onChange(): void;
  clock?: Clock;
}

/**
 * In which version the hub serves Flux's kinds. Flux may be installed long after a profile refers to it: as long as somebody
 * wants a kind that is not served, it is looked for again.
 */
export class FluxKinds {
  readonly #options: FluxKindsOptions;
  readonly #clock: Clock;
  readonly #discovery: Discovery;
  readonly #backoff: Backoff;
  readonly #found = new Map<FluxKind, Resource | Failure>();
  readonly #missing = new Set<FluxKind>();
  readonly #closing = new AbortController();
  #isLooking = false;
  #cancel: () => void = () => undefined;

  constructor(options: FluxKindsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#discovery = new Discovery(options.hub, this.#clock);
    this.#backoff = new Backoff(BACKOFF, this.#clock);
  }

  /** Undefined while that is not known. */
  get(kind: FluxKind): Resource | Failure | undefined {
    return this.#found.get(kind);
  }

  /** Replaces the kinds that somebody wants. */
  want(kinds: ReadonlySet<FluxKind>): void {
    for (const kind of this.#missing) if (!kinds.has(kind)) this.#missing.delete(kind);
    if (this.#missing.size === 0) this.#cancel();
    const fresh = [...kinds].filter((kind) => !this.#isServed(kind) && !this.#missing.has(kind));
    for (const kind of fresh) this.#missing.add(kind);
    if (fresh.length > 0) this.#look();
  }

  /** A watch of this kind says that it is not served as it was: that is taken back only when another version is found. */
  doubt(kind: FluxKind): void {
    if (this.#missing.has(kind)) return;
    this.#missing.add(kind);
    this.#look();
  }

  close(): void {
    this.#closing.abort();
    this.#cancel();
  }

  #isServed(kind: FluxKind): boolean {
    const found = this.#found.get(kind);
    return found !== undefined && !(found instanceof Failure);
  }

  #look(): void {
    if (this.#isLooking || this.#closing.signal.aborted) return;
    this.#cancel();
    this.#isLooking = true;
    void this.#lookOnce().then((isNews) => {
      this.#isLooking = false;
      if (this.#closing.signal.aborted) return;
      if (this.#missing.size === 0) this.#backoff.reset();
      else this.#cancel = this.#clock.after(this.#backoff.next(), () => this.#look());
      if (isNews) this.#options.onChange();
    });
  }

  /** True when something is known that was not. */
  async #lookOnce(): Promise<boolean> {
    const { signal } = this.#closing;
    try {
      await this.#discovery.refresh({ signal });
      const looks = [...this.#missing].map(async (kind) => {
        return { kind, resource: await this.#discovery.resourceFor({ group: FLUX_GROUP, kind }, { signal }) };
      });
      return (await Promise.all(looks)).map(({ kind, resource }) => this.#learn(kind, resource)).includes(true);
    } catch (error) {
      const failure = toFailure(error, `looking for the kinds of ${FLUX_GROUP}`);
      return [...this.#missing].map((kind) => this.#fail(kind, failure)).includes(true);
    }
  }

  #learn(kind: FluxKind, resource: Resource | undefined): boolean {
    if (!resource) return this.#fail(kind, notServed(kind));
    this.#missing.delete(kind);
    const before = this.#found.get(kind);
    this.#found.set(kind, resource);
    return before === undefined || before instanceof Failure || before.version !== resource.version;
  }

  /** What was served goes on being watched: the watch begins again by itself when the kind comes back. */
  #fail(kind: FluxKind, failure: Failure): boolean {
    const before = this.#found.get(kind);
    if (before !== undefined && !(before instanceof Failure)) return false;
    this.#found.set(kind, failure);
    return before?.message !== failure.message;
  }
}

function notServed(kind: FluxKind): Failure {
  const sentence = `this cluster serves no ${kind} of ${FLUX_GROUP}: install Flux's source-controller, or take another source`;
  return new Failure("KindNotFound", sentence);
}

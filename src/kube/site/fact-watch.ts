import { isDeepStrictEqual } from "node:util";
import type { Failure } from "../../errors.ts";
import type { KubeObject } from "../../objects/types.ts";
import type { KubeClient } from "../client.ts";
import { Reflector, type ReflectorEvent } from "../reflector.ts";
import type { Resource } from "../resource.ts";

export interface FactWatchOptions<T> {
  client: KubeClient;
  /** A kind without namespaces. */
  resource: Resource;
  /** What of an object is kept. */
  factOf(object: KubeObject): T;
  onChange: () => void;
  onError: (error: unknown) => void;
}

/** What all objects of a kind are like, nodes say: one watch, while anybody wants to know. Of each only the fact is kept. */
export class FactWatch<T> {
  readonly #options: FactWatchOptions<T>;
  readonly #owners = new Set<string>();
  readonly #facts = new Map<string, T>();
  #reflector: Reflector | undefined;
  /** Undefined until all are known. */
  #known: readonly T[] | undefined;
  #failure: Failure | undefined;

  constructor(options: FactWatchOptions<T>) {
    this.#options = options;
  }

  /** What was known stays so while the watch is broken. */
  get(): readonly T[] | "unknown" | Failure {
    return this.#known ?? this.#failure ?? "unknown";
  }

  want(owner: string, isWanted: boolean): void {
    if (isWanted) {
      this.#owners.add(owner);
      this.#reflector ??= this.#start();
    } else if (this.#owners.delete(owner) && this.#owners.size === 0) this.close();
  }

  close(): void {
    this.#reflector?.stop();
    this.#reflector = undefined;
    this.#known = undefined;
    this.#failure = undefined;
    this.#facts.clear();
  }

  #start(): Reflector {
    const { client, resource, onChange, onError } = this.#options;
    const reflector = new Reflector({
      client,
      resource,
      onError,
      onState: (state) => {
        const failure = state.state === "failing" ? state.failure : undefined;
        if (failure === this.#failure) return;
        this.#failure = failure;
        if (this.#known === undefined) onChange();
      },
      handler: (event) => this.#take(event),
    });
    reflector.start();
    return reflector;
  }

  /** A node tells of itself all the time; only another fact is news. */
  #take(event: ReflectorEvent): void {
    const { factOf, onChange } = this.#options;
    if (event.type === "sync") {
      this.#facts.clear();
      for (const object of event.objects) this.#facts.set(nameOf(object), factOf(object));
    } else if (event.type === "upsert") {
      const fact = factOf(event.object);
      // Most of what a node tells is no news: the others are not compared for it.
      if (this.#known && isDeepStrictEqual(this.#facts.get(nameOf(event.object)), fact)) return;
      this.#facts.set(nameOf(event.object), fact);
    } else this.#facts.delete(nameOf(event.object));
    const known = [...this.#facts.values()];
    if (isDeepStrictEqual(known, this.#known)) return;
    this.#known = known;
    onChange();
  }
}

function nameOf({ metadata }: KubeObject): string {
  return metadata.name ?? "";
}

import { setTimeout as timer } from "node:timers/promises";
import type { KubeClient } from "../../src/kube/client.ts";
import { Reflector, type ReflectorEvent } from "../../src/kube/reflector.ts";
import type { Resource } from "../../src/kube/resource.ts";
import { keyOf, refOf } from "../../src/objects/identity.ts";
import type { KubeObject } from "../../src/objects/types.ts";

export interface FollowScope {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** One kind of object as a watch tells it, for as long as the demo looks at it. */
export class Followed<T extends KubeObject> implements Disposable {
  readonly #reflector: Reflector;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<(event: ReflectorEvent) => void>();

  private constructor(client: KubeClient, resource: Resource, scope: FollowScope) {
    this.#reflector = new Reflector({
      client,
      resource,
      ...scope,
      handler: (event) => this.#take(event),
      onError: (error) => {
        throw error;
      },
    });
  }

  /** Resolves when everything that exists is known. */
  static async open<T extends KubeObject>(
    client: KubeClient,
    resource: Resource,
    scope: FollowScope = {},
  ): Promise<Followed<T>> {
    const followed = new Followed<T>(client, resource, scope);
    await new Promise<void>((resolve) => {
      const forget = followed.onEvent(() => {
        forget();
        resolve();
      });
      followed.#reflector.start();
    });
    return followed;
  }

  get all(): readonly T[] {
    return [...this.#objects.values()];
  }

  /** Calls back after each event, until the returned function is called. */
  onEvent(listener: (event: ReflectorEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  [Symbol.dispose](): void {
    this.#reflector.stop();
  }

  #take(event: ReflectorEvent): void {
    if (event.type === "sync") {
      this.#objects.clear();
      for (const object of event.objects) this.#objects.set(keyOf(refOf(object)), object as T);
    } else if (event.type === "upsert") this.#objects.set(keyOf(refOf(event.object)), event.object as T);
    else this.#objects.delete(keyOf(refOf(event.object)));
    for (const listener of [...this.#listeners]) listener(event);
  }
}

/** What the demo waits for did not come; the sentence says what, and what the objects say instead. */
export class NotReached extends Error {
  override readonly name = "NotReached";
}

export interface Patience {
  /** What is waited for: "the layers on all clusters". */
  what: string;
  seconds: number;
  /** What the objects say when patience ends. */
  instead: () => string;
  signal: AbortSignal;
}

/** Resolves when the condition holds, which is looked at after each event of what is followed. */
export async function reached(
  sources: readonly Pick<Followed<KubeObject>, "onEvent">[],
  condition: () => boolean,
  { what, seconds, instead, signal }: Patience,
): Promise<void> {
  const done = new AbortController();
  const forgets: (() => void)[] = [];
  const event = new Promise<void>((resolve) => {
    const look = () => (condition() ? resolve() : undefined);
    forgets.push(...sources.map((source) => source.onEvent(look)));
    look();
  });
  const late = timer(seconds * 1000, undefined, { signal: AbortSignal.any([signal, done.signal]) }).then(() => {
    throw new NotReached(`${what}: not within ${seconds} s. ${instead()}`);
  });
  try {
    await Promise.race([event, late]);
  } finally {
    late.catch(() => undefined);
    done.abort();
    for (const forget of forgets) forget();
  }
}

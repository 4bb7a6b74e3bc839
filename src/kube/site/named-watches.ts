import type { Failure } from "../../errors.ts";
import type { KubeObject } from "../../objects/types.ts";
import type { NamedRef } from "../../plan/seen.ts";
import type { KubeClient } from "../client.ts";
import { Reflector } from "../reflector.ts";
import type { Resource } from "../resource.ts";
import { SharedWatches } from "./shared-watches.ts";

interface NamedWatch {
  reflector: Reflector;
  object: KubeObject | "absent" | "unknown";
  /** What was deleted last. */
  last?: KubeObject;
  failure: Failure | undefined;
}

export interface NamedWatchOptions {
  client: KubeClient;
  /** @param owners who want the object that has changed */
  onChange(owners: ReadonlySet<string>): void;
  onError(error: unknown): void;
}

/** Watches of single objects by name, each shared by all who want it. */
export class NamedWatches {
  readonly #watches = new SharedWatches<NamedWatch>(({ reflector }) => reflector.stop());
  readonly #options: NamedWatchOptions;

  constructor(options: NamedWatchOptions) {
    this.#options = options;
  }

  get(ref: NamedRef): KubeObject | "absent" | "unknown" {
    return this.#watches.get(nameKey(ref))?.object ?? "unknown";
  }

  /** An object as it was when it was deleted, if the watch has seen that. */
  last(ref: NamedRef): KubeObject | undefined {
    return this.#watches.get(nameKey(ref))?.last;
  }

  /** Why an object is not known, while it is not. */
  failure(ref: NamedRef): Failure | undefined {
    return this.#watches.get(nameKey(ref))?.failure;
  }

  /** Replaces what an owner wants; what nobody wants any more stops. */
  want(owner: string, refs: readonly (NamedRef & { resource: Resource })[]): void {
    const wanted = new Map(refs.map((ref) => [nameKey(ref), ref]));
    this.#watches.want(owner, wanted, (ref, owners) => this.#start(ref, owners));
  }

  close(): void {
    this.#watches.close();
  }

  #start({ resource, namespace, name }: NamedRef & { resource: Resource }, owners: ReadonlySet<string>): NamedWatch {
    const { client, onChange, onError } = this.#options;
    const watch: NamedWatch = {
      object: "unknown",
      failure: undefined,
      reflector: new Reflector({
        client,
        resource,
        ...(namespace === undefined ? {} : { namespace }),
        fieldSelector: `metadata.name=${name}`,
        onError,
        onState: (state) => {
          const failure = state.state === "failing" ? state.failure : undefined;
          if (failure === watch.failure) return;
          watch.failure = failure;
          onChange(owners);
        },
        handler: (event) => {
          if (event.type === "sync") watch.object = event.objects[0] ?? "absent";
          else watch.object = event.type === "upsert" ? event.object : "absent";
          if (event.type === "delete") watch.last = event.object;
          onChange(owners);
        },
      }),
    };
    watch.reflector.start();
    return watch;
  }
}

/** The version counts: it decides which fields the object has. */
function nameKey({ group, version, kind, namespace, name }: NamedRef): string {
  return [group, version, kind, namespace, name].join("/");
}

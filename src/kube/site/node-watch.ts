import { isDeepStrictEqual } from "node:util";
import type { Failure } from "../../errors.ts";
import type { KubeObject } from "../../objects/types.ts";
import { type NodeResources, nodeResources } from "../../pack/index.ts";
import type { KubeClient } from "../client.ts";
import { Reflector, type ReflectorEvent } from "../reflector.ts";
import { coreResource } from "../resource.ts";

const NODES = coreResource("Node", "nodes", false);

/** What the nodes of a cluster have for pods: one watch, while anybody wants to know. Of each node only that is kept. */
export class NodeWatch {
  readonly #options: { client: KubeClient; onChange: () => void; onError: (error: unknown) => void };
  readonly #owners = new Set<string>();
  readonly #nodes = new Map<string, NodeResources>();
  #reflector: Reflector | undefined;
  /** Undefined until all nodes are known. */
  #known: readonly NodeResources[] | undefined;
  #failure: Failure | undefined;

  constructor(options: { client: KubeClient; onChange: () => void; onError: (error: unknown) => void }) {
    this.#options = options;
  }

  /** What was known stays so while the watch is broken. */
  get(): readonly NodeResources[] | "unknown" | Failure {
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
    this.#nodes.clear();
  }

  #start(): Reflector {
    const { client, onChange, onError } = this.#options;
    const reflector = new Reflector({
      client,
      resource: NODES,
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

  /** A node tells of itself all the time; only what it has for pods is news. */
  #take(event: ReflectorEvent): void {
    if (event.type === "sync") {
      this.#nodes.clear();
      for (const node of event.objects) this.#nodes.set(nameOf(node), nodeResources(node));
    } else if (event.type === "upsert") this.#nodes.set(nameOf(event.object), nodeResources(event.object));
    else this.#nodes.delete(nameOf(event.object));
    const known = [...this.#nodes.values()];
    if (isDeepStrictEqual(known, this.#known)) return;
    this.#known = known;
    this.#options.onChange();
  }
}

function nameOf({ metadata }: KubeObject): string {
  return metadata.name ?? "";
}

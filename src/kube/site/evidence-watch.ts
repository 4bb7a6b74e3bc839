import { type Evidence, evidenceFor, explain, podsOf } from "../../health/index.ts";
import type { KubeObject } from "../../objects/types.ts";
import type { Tracked } from "../../plan/seen.ts";
import type { KubeClient } from "../client.ts";
import { systemClock } from "../clock.ts";
import { Reflector } from "../reflector.ts";
import { coreResource, EVENTS, type Resource } from "../resource.ts";

const PODS = coreResource("Pod", "pods", true);
const CLAIMS = coreResource("PersistentVolumeClaim", "persistentvolumeclaims", true);
const REPLICA_SETS: Resource = { ...coreResource("ReplicaSet", "replicasets", true), group: "apps" };

/** What is well within this time after its last write needs no explanation, and costs no watch. */
const GRACE_MS = 1_000;

/**
 * Watches the pods and events of one late object, under the identity that applied it, for as long as it is late. A refused
 * read is itself the sentence.
 */
export class EvidenceWatch {
  readonly #cancelStart: () => void;
  readonly #reflectors: Reflector[];
  readonly #seen = new Map<Resource, Map<string, KubeObject>>();
  #refused: string | undefined;

  /** @returns undefined for an object that says everything itself */
  static of(
    object: KubeObject,
    client: KubeClient,
    onChange: () => void,
    onError: (error: unknown) => void,
  ): EvidenceWatch | undefined {
    const evidence = evidenceFor(object);
    return evidence && new EvidenceWatch(evidence, { client, onChange, onError });
  }

  private constructor(
    evidence: Evidence,
    to: { client: KubeClient; onChange: () => void; onError: (error: unknown) => void },
  ) {
    const { selector, namespace } = evidence;
    const wanted: [Resource, { labelSelector?: string; fieldSelector?: string }][] = [
      [EVENTS, evidence.eventSelector ? { fieldSelector: evidence.eventSelector } : {}],
    ];
    if (evidence.pods && selector) wanted.push([PODS, { labelSelector: selector }]);
    if (evidence.replicaSets && selector) wanted.push([REPLICA_SETS, { labelSelector: selector }]);
    if (evidence.claims) wanted.push([CLAIMS, {}]);
    this.#reflectors = wanted.map(([resource, selectors]) => this.#watch({ resource, namespace, ...selectors }, to));
    this.#cancelStart = systemClock.after(GRACE_MS, () => {
      for (const reflector of this.#reflectors) reflector.start();
    });
  }

  explain(tracked: Tracked & { object: KubeObject }): string {
    const replicaSets = this.#objects(REPLICA_SETS);
    const sentence = explain(tracked.object, tracked.verdict, {
      pods: podsOf(tracked.object, this.#objects(PODS), replicaSets.length > 0 ? replicaSets : undefined),
      events: this.#objects(EVENTS),
      related: [...replicaSets, ...this.#objects(CLAIMS)],
    });
    return this.#refused === undefined ? sentence : `${sentence} (why is not known: ${this.#refused})`;
  }

  stop(): void {
    this.#cancelStart();
    for (const reflector of this.#reflectors) reflector.stop();
  }

  #objects(resource: Resource): KubeObject[] {
    return [...(this.#seen.get(resource)?.values() ?? [])];
  }

  #watch(
    where: { resource: Resource; namespace: string; labelSelector?: string; fieldSelector?: string },
    { client, onChange, onError }: { client: KubeClient; onChange: () => void; onError: (error: unknown) => void },
  ): Reflector {
    const objects = new Map<string, KubeObject>();
    this.#seen.set(where.resource, objects);
    return new Reflector({
      ...where,
      client,
      onError,
      handler: (event) => {
        if (event.type === "sync") {
          objects.clear();
          for (const object of event.objects) objects.set(nameOf(object), object);
        } else if (event.type === "upsert") objects.set(nameOf(event.object), event.object);
        else objects.delete(nameOf(event.object));
        onChange();
      },
      onState: (state) => {
        if (state.state !== "failing" || state.failure.reason !== "Forbidden") return;
        this.#refused = state.failure.message;
        onChange();
      },
    });
  }
}

function nameOf(object: KubeObject): string {
  return object.metadata.name ?? "";
}

import { randomBytes } from "node:crypto";
import { timeText } from "../../objects/time.ts";
import type { KubeObject } from "../../objects/types.ts";
import type { KubeClient } from "../client.ts";
import { toFailure } from "../failures.ts";
import { EVENTS } from "../resource.ts";

const COMPONENT = "strata";
/** The API server's own limit of a note. */
const MAX_MESSAGE = 1_024;

/** In a namespace that is being deleted nobody looks any more, and nothing can be created. */
function isOfDying(error: unknown): boolean {
  const { reason } = toFailure(error, "event");
  return reason === "NamespaceTerminating" || reason === "NamespaceNotFound";
}

export interface EventText {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

/** Tells of transitions by events on the object that people look at. An event that cannot be written is only logged. */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #onError: (error: unknown) => void;
  readonly #abort = new AbortController();

  constructor(client: KubeClient, onError: (error: unknown) => void) {
    this.#client = client;
    this.#onError = onError;
  }

  record(about: KubeObject, { type, reason, message }: EventText, now: Date): void {
    const { name = "", namespace, uid = "", resourceVersion = "" } = about.metadata;
    // Events about cluster-scoped objects live in `default`: the API server demands it.
    const home = namespace ?? "default";
    const time = timeText(now.getTime());
    const event: KubeObject = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name.slice(0, 200)}.${randomBytes(8).toString("hex")}`, namespace: home },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name,
        uid,
        resourceVersion,
        ...(namespace ? { namespace } : {}),
      },
      type,
      reason,
      message: message.slice(0, MAX_MESSAGE),
      source: { component: COMPONENT },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
    this.#client
      .create(EVENTS, event, { manager: COMPONENT, metadataOnly: true, signal: this.#abort.signal })
      .catch((error: unknown) => {
        if (!this.#abort.signal.aborted && !isOfDying(error)) this.#onError(error);
      });
  }

  stop(): void {
    this.#abort.abort();
  }
}

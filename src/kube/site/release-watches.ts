import type { Failure } from "../../errors.ts";
import type { KubeObject } from "../../objects/types.ts";
import { RELEASE_SELECTOR, type ReleaseName, type ReleaseRecord } from "../../plan/release.ts";
import type { KubeClient } from "../client.ts";
import { Reflector } from "../reflector.ts";
import { SECRETS } from "../resource.ts";
import { ReleaseRecords } from "./release-records.ts";
import { SharedWatches } from "./shared-watches.ts";

interface NamespaceWatch {
  reflector: Reflector;
  records: ReleaseRecords;
  failure: Failure | undefined;
}

/** The metadata of the Helm release records of namespaces: one watch per namespace, shared by all who want it. */
export class ReleaseWatches {
  readonly #watches = new SharedWatches<NamespaceWatch>(({ reflector }) => reflector.stop());
  readonly #options: { client: KubeClient; onChange: () => void; onError: (error: unknown) => void };

  constructor(options: { client: KubeClient; onChange: () => void; onError: (error: unknown) => void }) {
    this.#options = options;
  }

  get({ namespace, name }: ReleaseName): readonly ReleaseRecord[] | "unknown" | Failure {
    const watch = this.#watches.get(namespace);
    const records = watch?.records.all;
    return records?.filter(({ release }) => release.name === name) ?? watch?.failure ?? "unknown";
  }

  /** Replaces what an owner wants; what nobody wants any more stops. */
  want(owner: string, releases: readonly ReleaseName[]): void {
    const wanted = new Map(releases.map(({ namespace }) => [namespace, namespace]));
    this.#watches.want(owner, wanted, (namespace) => this.#start(namespace));
  }

  /** The answer to a write, so that the next pass need not wait for the watch. */
  record(object: KubeObject): void {
    this.#watches.get(object.metadata.namespace ?? "")?.records.answer(object);
  }

  forget(record: ReleaseRecord): void {
    this.#watches.get(record.release.namespace)?.records.forget(record);
  }

  close(): void {
    this.#watches.close();
  }

  #start(namespace: string): NamespaceWatch {
    const { client, onChange, onError } = this.#options;
    const watch: NamespaceWatch = {
      records: new ReleaseRecords(),
      failure: undefined,
      reflector: new Reflector({
        client,
        resource: SECRETS,
        namespace,
        labelSelector: RELEASE_SELECTOR,
        metadataOnly: true,
        onError,
        onState: (state) => {
          // Whichever of both it is, a list comes next or is on its way.
          if (state.state !== "live") watch.records.listing();
          const failure = state.state === "failing" ? state.failure : undefined;
          if (failure === watch.failure) return;
          watch.failure = failure;
          onChange();
        },
        handler: (event) => {
          if (event.type === "sync") watch.records.sync(event.objects, event.resourceVersion);
          else if (event.type === "delete") watch.records.drop(event.object);
          else if (!watch.records.upsert(event.object)) return;
          onChange();
        },
      }),
    };
    watch.reflector.start();
    return watch;
  }
}

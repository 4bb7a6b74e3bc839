import type { Failure } from "../../errors.ts";
import type { KubeObject } from "../../objects/types.ts";
import { RELEASE_SELECTOR, type ReleaseName, type ReleaseRecord, readRecord } from "../../plan/release.ts";
import type { KubeClient } from "../client.ts";
import { Reflector } from "../reflector.ts";
import { isNewer } from "../reflector-keys.ts";
import { coreResource } from "../resource.ts";

const SECRETS = coreResource("Secret", "secrets", true);

interface NamespaceWatch {
  reflector: Reflector;
  /** By the name of the Secret; undefined until the first list is in. */
  records: Map<string, ReleaseRecord> | undefined;
  failure: Failure | undefined;
  owners: Set<string>;
}

/** The metadata of the Helm release records of namespaces: one watch per namespace, shared by all who want it. */
export class ReleaseWatches {
  readonly #watches = new Map<string, NamespaceWatch>();
  readonly #options: { client: KubeClient; onChange: () => void; onError: (error: unknown) => void };

  constructor(options: { client: KubeClient; onChange: () => void; onError: (error: unknown) => void }) {
    this.#options = options;
  }

  get({ namespace, name }: ReleaseName): readonly ReleaseRecord[] | "unknown" | Failure {
    const watch = this.#watches.get(namespace);
    if (!watch?.records) return watch?.failure ?? "unknown";
    return [...watch.records.values()].filter(({ release }) => release.name === name);
  }

  /** Replaces what an owner wants; what nobody wants any more stops. */
  want(owner: string, releases: readonly ReleaseName[]): void {
    const wanted = new Set(releases.map(({ namespace }) => namespace));
    for (const [namespace, watch] of this.#watches) {
      if (wanted.has(namespace) || !watch.owners.delete(owner) || watch.owners.size > 0) continue;
      watch.reflector.stop();
      this.#watches.delete(namespace);
    }
    for (const namespace of wanted) {
      const watch = this.#watches.get(namespace) ?? this.#start(namespace);
      watch.owners.add(owner);
    }
  }

  /** The answer to a write, so that the next pass need not wait for the watch. */
  record(object: KubeObject): void {
    this.#upsert(this.#watches.get(object.metadata.namespace ?? "")?.records, object);
  }

  forget({ release, secret }: ReleaseRecord): void {
    this.#watches.get(release.namespace)?.records?.delete(secret);
  }

  close(): void {
    for (const { reflector } of this.#watches.values()) reflector.stop();
    this.#watches.clear();
  }

  /** Whether something came in that is newer than what is known. */
  #upsert(records: Map<string, ReleaseRecord> | undefined, object: KubeObject): boolean {
    const record = readRecord(object);
    if (!records || !record) return false;
    const known = records.get(record.secret);
    if (known && !isNewer(record.resourceVersion, known.resourceVersion)) return false;
    records.set(record.secret, record);
    return true;
  }

  #start(namespace: string): NamespaceWatch {
    const { client, onChange, onError } = this.#options;
    const watch: NamespaceWatch = {
      records: undefined,
      failure: undefined,
      owners: new Set(),
      reflector: new Reflector({
        client,
        resource: SECRETS,
        namespace,
        labelSelector: RELEASE_SELECTOR,
        metadataOnly: true,
        onError,
        onState: (state) => {
          const failure = state.state === "failing" ? state.failure : undefined;
          if (failure === watch.failure) return;
          watch.failure = failure;
          onChange();
        },
        handler: (event) => {
          if (event.type === "sync") {
            const records = event.objects.flatMap((object) => readRecord(object) ?? []);
            watch.records = new Map(records.map((record) => [record.secret, record]));
          } else if (event.type === "delete") watch.records?.delete(event.object.metadata.name ?? "");
          else if (!this.#upsert(watch.records, event.object)) return;
          onChange();
        },
      }),
    };
    this.#watches.set(namespace, watch);
    watch.reflector.start();
    return watch;
  }
}

import { SYSTEM_NAMESPACE } from "../../api/names.ts";
import type { KubeObject } from "../../objects/types.ts";
import { isConflict, isNotFound } from "../api-error.ts";
import type { KubeClient } from "../client.ts";
import { Reflector } from "../reflector.ts";
import type { Resource } from "../resource.ts";
import { type LeaseRecord, type LeaseTerms, recordOf, specOf } from "./lease-record.ts";

const LEASES: Resource = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
  verbs: [],
  hasStatus: false,
};
const KEY = { namespace: SYSTEM_NAMESPACE, name: "strata" };
const MANAGER = "strata";

/** The one Lease, wherever it is kept. Whatever is not an answer is thrown. */
export interface LeaseStore {
  read(signal: AbortSignal): Promise<LeaseRecord | undefined>;
  /** `changed`: it is there already. */
  create(terms: LeaseTerms, signal: AbortSignal): Promise<LeaseRecord | "changed">;
  /** `changed`: it is not as it was known, or gone. */
  update(known: LeaseRecord, terms: LeaseTerms, signal: AbortSignal): Promise<LeaseRecord | "changed">;
  /** Tells what the Lease is now and at each change, undefined for none, until the answer is called. */
  follow(tell: (record: LeaseRecord | undefined) => void): () => void;
}

export interface HubLeaseOptions {
  /** One that nothing else uses: a renewal waits behind no other request. */
  client: KubeClient;
  /** Time limit of each request, in milliseconds. */
  timeoutMs: number;
  onError(error: unknown): void;
}

/** `strata-system/strata` on the hub. */
export function hubLease({ client, timeoutMs, onError }: HubLeaseOptions): LeaseStore {
  const options = { manager: MANAGER, timeoutMs };
  return {
    read: async (signal) => {
      const lease = await client.find(LEASES, KEY, { timeoutMs, signal });
      return lease && recordOf(lease);
    },
    create: (terms, signal) => unless(isConflict, client.create(LEASES, leaseOf(terms), { ...options, signal })),
    update: ({ version }, terms, signal) => {
      const patch = { metadata: { resourceVersion: version }, spec: specOf(terms) };
      return unless(isConflictOrGone, client.mergePatch(LEASES, KEY, patch, { ...options, signal }));
    },
    follow: (tell) => {
      const reflector = new Reflector({
        client,
        resource: LEASES,
        namespace: KEY.namespace,
        fieldSelector: `metadata.name=${KEY.name}`,
        onError,
        handler: (event) => {
          const lease = event.type === "sync" ? event.objects[0] : event.type === "upsert" ? event.object : undefined;
          tell(lease && recordOf(lease));
        },
      });
      reflector.start();
      return () => reflector.stop();
    },
  };
}

function leaseOf(terms: LeaseTerms): KubeObject {
  return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { ...KEY }, spec: specOf(terms) };
}

const isConflictOrGone = (error: unknown): boolean => isConflict(error) || isNotFound(error);

async function unless(
  isChange: (error: unknown) => boolean,
  written: Promise<KubeObject>,
): Promise<LeaseRecord | "changed"> {
  try {
    return recordOf(await written);
  } catch (error) {
    if (isChange(error)) return "changed";
    throw error;
  }
}

import type { Profile } from "../api/types.ts";
import { toFailure } from "../kube/failures.ts";
import { coreResource } from "../kube/resource.ts";
import { type Reference, type Referent, type Referents, referenceKey, referencesOf } from "../plan/references.ts";
import type { DiffTarget } from "./diff-target.ts";

const RESOURCES = {
  ConfigMap: coreResource("ConfigMap", "configmaps", true),
  Secret: coreResource("Secret", "secrets", true),
};

/** Objects from the files win; what they lack is read from the cluster, when it is the hub. */
export async function referentsOf(
  profile: Profile,
  { target, files }: { target: DiffTarget; files: Referents },
  signal: AbortSignal,
): Promise<Referents> {
  const found = new Map<string, Referent>();
  const read = referencesOf(profile).map(async (reference) => {
    const own = files(reference);
    const isMissing = own.kind === "absent" && target.isHub;
    found.set(referenceKey(reference), isMissing ? await readReferent(reference, target, signal) : own);
  });
  await Promise.all(read);
  return (reference) => found.get(referenceKey(reference)) ?? { kind: "absent" };
}

async function readReferent(
  { kind, namespace, name }: Reference,
  { client }: DiffTarget,
  signal: AbortSignal,
): Promise<Referent> {
  try {
    const object = await client.find(RESOURCES[kind], { namespace, name }, { signal });
    return object ? { kind: "found", object } : { kind: "absent" };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "failed", failure: toFailure(error, `${kind} ${namespace}/${name}`) };
  }
}

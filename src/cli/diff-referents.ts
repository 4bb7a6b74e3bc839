import { parseRegistry } from "../api/parse.ts";
import type { Registry } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { toFailure } from "../kube/failures.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import { CONFIG_MAPS, SECRETS } from "../kube/resource.ts";
import { FLUX_GROUP, isFluxKind } from "../plan/flux-artifact.ts";
import { type Reference, type Referent, type Referents, referenceKey, referencesOf } from "../plan/references.ts";
import type { Part } from "./diff-part.ts";
import { anyResource, type DiffTarget } from "./diff-target.ts";
import type { RegistryFinder } from "./registries.ts";

const RESOURCES = {
  ConfigMap: CONFIG_MAPS,
  Secret: SECRETS,
};

/** Objects from the files win; what they lack is read from the cluster, when it is the hub. */
export async function referentsOf(
  { profile, cluster }: Pick<Part, "profile" | "cluster">,
  { target, files }: { target: DiffTarget; files: Referents },
  signal: AbortSignal,
): Promise<Referents> {
  const found = new Map<string, Referent>();
  const read = referencesOf(profile, cluster?.target ? [cluster.target] : []).map(async (reference) => {
    found.set(referenceKey(reference), await referentOf(reference, { target, files }, signal));
  });
  await Promise.all(read);
  return (reference) => found.get(referenceKey(reference)) ?? { kind: "absent" };
}

/** One object from the files, else from the cluster, when it is the hub. */
async function referentOf(
  reference: Reference,
  { target, files }: { target: DiffTarget; files: Referents },
  signal: AbortSignal,
): Promise<Referent> {
  const own = files(reference);
  return own.kind === "absent" && target.isHub ? await readReferent(reference, target, signal) : own;
}

interface RegistrySources {
  target: DiffTarget;
  files: Referents;
  registries: ReadonlyMap<string, Registry>;
}

/** Finds Registries and their Secrets in the files, else on the cluster, when it is the hub; throws Failure. */
export function findRegistries(sources: RegistrySources, signal: AbortSignal): RegistryFinder {
  const { target, registries } = sources;
  return {
    registry: async (namespace, name) => {
      const own = registries.get(`${namespace}/${name}`);
      return own || !target.isHub ? own : await readRegistry({ namespace, name }, target, signal);
    },
    referent: (reference) => referentOf(reference, sources, signal),
  };
}

async function readRegistry(
  key: { namespace: string; name: string },
  { client }: DiffTarget,
  signal: AbortSignal,
): Promise<Registry | undefined> {
  const what = `Registry ${key.namespace}/${key.name}`;
  const object = await client.find(HUB_RESOURCES.Registry, key, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw toFailure(error, what);
  });
  const parsed = object && parseRegistry(object);
  if (parsed?.ok === false) throw new Failure("InvalidSpec", `${what}: ${parsed.problems.join("; ")}`);
  return parsed?.value;
}

async function readReferent(
  { kind, namespace, name }: Reference,
  target: DiffTarget,
  signal: AbortSignal,
): Promise<Referent> {
  const resource = isFluxKind(kind) ? anyResource(target, { group: FLUX_GROUP, kind }) : RESOURCES[kind];
  if (!resource) return { kind: "absent" };
  try {
    const object = await target.client.find(resource, { namespace, name }, { signal });
    return object ? { kind: "found", object } : { kind: "absent" };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "failed", failure: toFailure(error, `${kind} ${namespace}/${name}`) };
  }
}

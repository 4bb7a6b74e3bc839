import { parseTargetCluster } from "../api/parse.ts";
import type { Profile, TargetCluster } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { toFailure } from "../kube/failures.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import type { Seen } from "../plan/seen.ts";
import { hasManagement, onSide, type Side, sideOf } from "../plan/sides.ts";
import { isTargetOf } from "../plan/targets.ts";
import { type DiffTarget, uidOf } from "./diff-target.ts";
import { goesToLocal } from "./sides.ts";

/** For which cluster a person compares, and which of its sides. */
export interface Choice {
  /** A TargetCluster, `name` or `namespace/name`. */
  cluster: string | undefined;
  /** Whether it is what is applied on the hub for that cluster. */
  management: boolean;
}

export interface PartSources {
  target: DiffTarget;
  /** The TargetClusters in the files. */
  clusters: readonly TargetCluster[];
  choice: Choice;
}

/** What of a profile is compared. */
export interface Part {
  /** With the layers of one side, or with all of them where both sides are one. */
  profile: Profile;
  side?: Side;
  cluster?: Seen["cluster"];
  /** Which layers are not compared, and what compares them. */
  elsewhere?: string;
}

/**
 * The part of a profile that has to do with the cluster of the context: what goes to that cluster itself, or with
 * `--management` what is applied on it for another one.
 *
 * @throws Failure when the chosen TargetCluster is not found, is none of the profile's, or is not the cluster of the context
 */
export async function comparedPart(profile: Profile, sources: PartSources, signal: AbortSignal): Promise<Part> {
  const { choice, target } = sources;
  const found = choice.cluster === undefined ? undefined : await findCluster(choice.cluster, profile, sources, signal);
  const cluster = found ? { cluster: { name: found.metadata.name, target: found } } : {};
  const side: Side = choice.management ? "Management" : "Workload";
  if (found && side === "Workload") await confirm(found, target, signal);
  const isLocal = !found && target.isHub && goesToLocal(profile);
  if (isLocal || (side === "Workload" && !hasManagement(profile))) return { profile, ...cluster };
  const others = profile.spec.layers.filter((layer) => sideOf(layer) !== side).map(({ name }) => name);
  const elsewhere = others.length > 0 ? { elsewhere: elsewhereSentence(others, choice) } : {};
  return { profile: onSide(profile, side), side, ...cluster, ...elsewhere };
}

function elsewhereSentence(names: readonly string[], { cluster, management }: Choice): string {
  const layers = names.length === 1 ? `layer ${names[0]} is` : `layers ${names.join(", ")} are`;
  if (management)
    return `${layers} for the cluster itself, and not compared: leave out --management, in the context of that cluster`;
  const flags = cluster === undefined ? "--management --target <cluster>" : "--management";
  return `${layers} for the hub, and not compared: say ${flags} in the context of the hub`;
}

/** Nothing is compared with another cluster than the one that was chosen, where both say which they are. */
async function confirm({ metadata, status }: TargetCluster, target: DiffTarget, signal: AbortSignal): Promise<void> {
  if (status?.uid === undefined) return;
  const uid = await uidOf(target, signal);
  if (uid === undefined || uid === status.uid) return;
  const what = `the cluster of this context is not TargetCluster ${metadata.namespace}/${metadata.name}`;
  const why = `its kube-system has the uid ${uid}, and that of the TargetCluster has ${status.uid}`;
  const remedy = "name the TargetCluster's own context with --context";
  const others = target.isHub ? ", or say --management for what is applied here, on the hub, for it" : "";
  throw new Failure("InvalidSpec", `${what} (${why}): ${remedy}${others}`);
}

/** A TargetCluster of the files, else of the cluster, when it is the hub. */
async function findCluster(
  chosen: string,
  profile: Profile,
  { target, clusters }: PartSources,
  signal: AbortSignal,
): Promise<TargetCluster> {
  const [name = "", namespace = profile.metadata.namespace] = chosen.split("/").reverse();
  if (namespace === undefined)
    throw new Failure("InvalidSpec", `--target ${name}: a SystemProfile has no namespace: say namespace/name`);
  const what = `TargetCluster ${namespace}/${name}`;
  const own = clusters.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
  const live = target.isHub ? readCluster({ namespace, name }, target, signal) : Promise.resolve(undefined);
  const found = own ? withStatus(own, await live.catch(undefinedIfFailed)) : await live;
  const places = target.isHub
    ? "neither in the files nor on this cluster"
    : "not in the files, and this is not the hub";
  if (!found) throw new Failure("ReferenceNotFound", `${what} is ${places}`);
  const isInReach = [undefined, namespace].includes(profile.metadata.namespace);
  if (!isTargetOf(profile, { namespace, name }, isInReach ? found : undefined)) {
    const why = "its clusterRefs or clusterSelector, or the namespace, do not match";
    throw new Failure("InvalidSpec", `it does not go to ${what}: ${why}`);
  }
  return found;
}

/** Files say how a cluster is to be; what is known of it, the hub says. */
function withStatus(own: TargetCluster, live: TargetCluster | undefined): TargetCluster {
  return live?.status ? { ...own, status: live.status } : own;
}

function undefinedIfFailed(error: unknown): undefined {
  if (!(error instanceof Failure)) throw error;
}

async function readCluster(
  key: { namespace: string; name: string },
  { client }: DiffTarget,
  signal: AbortSignal,
): Promise<TargetCluster | undefined> {
  const what = `TargetCluster ${key.namespace}/${key.name}`;
  const object = await client.find(HUB_RESOURCES.TargetCluster, key, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw toFailure(error, what);
  });
  const parsed = object && parseTargetCluster(object);
  if (parsed?.ok === false) throw new Failure("InvalidSpec", `${what}: ${parsed.problems.join("; ")}`);
  return parsed?.value;
}

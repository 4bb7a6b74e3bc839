import { Failure } from "../errors.ts";
import type { Resource } from "../kube/resource.ts";
import { mergeFields } from "../membership/fields.ts";
import { isMember, observe, storedVersionsOf } from "../membership/observed.ts";
import { servedVersionsOf } from "../objects/crd-versions.ts";
import { describeRef, refOf } from "../objects/identity.ts";
import type { KubeObject, ManagedFieldsEntry } from "../objects/types.ts";
import { describeRetirement, type Retirement, retirementOf } from "../plan/retired-versions.ts";
import { droppedVersions } from "../plan/stored-versions.ts";
import type { Desired } from "../plan/types.ts";
import { isFailedTest, isNotFoundError } from "./conflicts.ts";
import type { WriteContext } from "./context.ts";
import type { Operation } from "./fold.ts";
import { unservedCrd } from "./unserved-crd.ts";

const MAX_RACES = 4;
/** Nobody watches the objects of others: they are looked at again so soon. */
const LOOK_AGAIN_MS = 30_000;

/**
 * Before a CRD serves versions no more: looks at every object of its kind, in all namespaces. In the profile's own, all that
 * `metadata.managedFields` says in one of the versions is said in one that stays (KEP-555: entries are compared in the version
 * in which they were written; kubernetes#111937: no server-side apply works where that is gone). Who writes objects of others
 * in such a version must be gone first: those are not ours to touch.
 *
 * @throws Failure VersionInUse that names the version, an object and its writer, and what to do; StaleRead when the kind is not
 * served now, and may have objects
 */
export async function retireVersions(
  retirement: Retirement,
  context: WriteContext,
  signal: AbortSignal,
): Promise<void> {
  const resource = await resourceOf(retirement, context, signal);
  if (!resource) return await checkEmpty(retirement, context, signal);
  const { items } = await context.client.listAll(resource, { metadataOnly: true, signal });
  const users = items.filter((item) => entriesIn(item, retirement).length > 0);
  const isOwn = (item: KubeObject): boolean => {
    const observed = observe(item);
    return observed !== undefined && isMember(observed, context.set);
  };
  const { to } = retirement;
  const [first, ...others] = to === undefined ? users : users.filter((item) => !isOwn(item));
  if (first) throw inUse(first, others.length, { retirement, resource });
  if (to === undefined) return;
  await Promise.all(
    users.map((user) => move(user, { resource, retirement: { ...retirement, to }, context, signal }, 0)),
  );
}

/**
 * A CRD that is taken over may store and serve what the layer's does not.
 *
 * @throws Failure VersionInUse as `retireVersions`, and for a version in which objects may be stored
 */
export async function spareVersions(
  { desired, live }: { desired: Desired; live: KubeObject },
  context: WriteContext,
  signal: AbortSignal,
): Promise<void> {
  const inUse = droppedVersions(desired.object, storedVersionsOf(live));
  if (inUse) throw inUse;
  const retirement = retirementOf(desired, servedVersionsOf(live));
  if (retirement) await retireVersions(retirement, context, signal);
}

/**
 * What `metadata.managedFields` says, said in another version: two entries of one manager that differed in nothing else
 * become one, as the API server would take one of them for the other.
 */
export function movedEntries(
  entries: readonly ManagedFieldsEntry[],
  from: readonly string[],
  to: string,
): ManagedFieldsEntry[] {
  const moved = entries.map((entry) => (from.includes(entry.apiVersion ?? "") ? { ...entry, apiVersion: to } : entry));
  const same = Map.groupBy(moved, ({ manager, operation, subresource, apiVersion }) =>
    JSON.stringify([manager, operation, subresource, apiVersion]),
  );
  return [...same.values()].flatMap((group) => {
    const latest = group.toSorted((a, b) => (b.time ?? "").localeCompare(a.time ?? ""))[0];
    if (!latest || group.length === 1) return group;
    return [{ ...latest, fieldsV1: mergeFields(group.map(({ fieldsV1 }) => fieldsV1 ?? {})) }];
  });
}

/**
 * The same for a person to send, as short as it can be: each entry is changed where it stands. One that would then be the
 * twin of another goes, and with it no more than the knowledge of who wrote its fields. From the last to the first, so that
 * each is still where it was read.
 */
export function shortOperations(
  entries: readonly ManagedFieldsEntry[],
  from: readonly string[],
  to: string,
): Operation[] {
  const identity = ({ manager, operation, subresource }: ManagedFieldsEntry): string =>
    JSON.stringify([manager, operation, subresource]);
  const taken = new Set(entries.filter(({ apiVersion }) => apiVersion === to).map(identity));
  const operations = entries.flatMap((entry, index): Operation[] => {
    if (!from.includes(entry.apiVersion ?? "")) return [];
    const path = `/metadata/managedFields/${index}`;
    if (taken.has(identity(entry))) return [{ op: "remove", path }];
    taken.add(identity(entry));
    return [{ op: "replace", path: `${path}/apiVersion`, value: to }];
  });
  return operations.toReversed();
}

async function resourceOf(
  { kind, versions, to }: Retirement,
  context: WriteContext,
  signal: AbortSignal,
): Promise<Resource | undefined> {
  const gvk = { ...kind, version: to ?? versions[0] ?? "" };
  const known = context.resourceFor(gvk);
  if (known) return known;
  await context.resources(signal);
  return context.resourceFor(gvk);
}

/** What is not served cannot be looked at, and is no proof that there is nothing. */
async function checkEmpty({ crd }: Retirement, { client }: WriteContext, signal: AbortSignal): Promise<void> {
  if ((await unservedCrd(crd.ref.name, client, signal)) === "empty") return;
  throw new Failure("StaleRead", `${describeRef(crd.ref)} has changed just now; it is looked at again`);
}

function apiVersions({ kind: { group }, versions }: Pick<Retirement, "kind" | "versions">): string[] {
  return versions.map((version) => `${group}/${version}`);
}

function entriesIn({ metadata }: KubeObject, retirement: Retirement): ManagedFieldsEntry[] {
  const retired = apiVersions(retirement);
  return (metadata.managedFields ?? []).filter(({ apiVersion = "" }) => retired.includes(apiVersion));
}

function inUse(
  object: KubeObject,
  others: number,
  { retirement, resource }: { retirement: Retirement; resource: Resource },
): Failure {
  const [entry] = entriesIn(object, retirement);
  const more = others > 0 ? ` (as ${others === 1 ? "one other is" : `${others} others are`})` : "";
  const what = `${describeRef({ ...refOf(object), kind: resource.kind })} is written in ${entry?.apiVersion} by ${entry?.manager}${more}`;
  const message = `${describeRetirement(retirement)}, and ${what}: ${remedyFor(object, retirement, resource)}`;
  return new Failure("VersionInUse", message, { retryAfterMs: LOOK_AGAIN_MS });
}

function remedyFor(object: KubeObject, retirement: Retirement, { plural, group }: Resource): string {
  const { to } = retirement;
  if (to === undefined) return "go on serving one of them beside the new one until all is written in that";
  const { name, namespace, managedFields = [] } = object.metadata;
  const where = namespace === undefined ? "" : ` -n ${namespace}`;
  const patch = JSON.stringify(shortOperations(managedFields, apiVersions(retirement), `${group}/${to}`));
  const command = `kubectl patch ${plural}.${to}.${group} ${name}${where} --type=json -p '${patch}'`;
  return `write it in ${to} from now on, and say so in its metadata.managedFields: ${command}`;
}

interface Move {
  resource: Resource;
  retirement: Retirement & { to: string };
  context: WriteContext;
  signal: AbortSignal;
}

/** Moves the entries of one object, on top of the very version that was read. */
async function move(object: KubeObject, about: Move, races: number): Promise<void> {
  const { resource, retirement, context, signal } = about;
  const ref = refOf(object);
  const { resourceVersion, managedFields = [] } = object.metadata;
  const to = `${retirement.kind.group}/${retirement.to}`;
  const operations: Operation[] = [
    { op: "test", path: "/metadata/resourceVersion", value: resourceVersion },
    { op: "replace", path: "/metadata/managedFields", value: movedEntries(managedFields, apiVersions(retirement), to) },
  ];
  try {
    const { manager } = context.set;
    await context.client.jsonPatch(resource, ref, operations, { manager, metadataOnly: true, signal });
  } catch (error) {
    if (isNotFoundError(error)) return;
    if (!isFailedTest(error) || races >= MAX_RACES) throw context.toFailure(error, describeRef(ref));
    const live = await context.client.find(resource, ref, { metadataOnly: true, signal });
    if (live && entriesIn(live, retirement).length > 0) await move(live, about, races + 1);
  }
}

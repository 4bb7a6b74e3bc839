import { ADOPTED_ANNOTATION, LAYER_ANNOTATION, PART_OF_LABEL } from "../api/names.ts";
import type { ApplySet } from "../membership/applyset.ts";
import { fieldsGiven, withoutFields } from "../membership/field-sets.ts";
import { applyEntryOf, mergeFields, ownsField } from "../membership/fields.ts";
import { disownedEntryOf, helmEntriesOf, isProtectedManager, ownHookEntryOf } from "../membership/observed.ts";
import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from "../objects/types.ts";
import type { Heir } from "./context.ts";

/** One operation of a JSON patch. */
export interface Operation {
  op: "test" | "add" | "remove" | "replace";
  path: string;
  value?: unknown;
}

/** What takes a manifest over: the object as it will be applied, and by whom. */
interface Taking {
  set: ApplySet;
  desired: KubeObject;
  /** Whether it was nobody's, or is taken from whoever has it. */
  isAdopting: boolean;
  /** Whether it goes back when we leave, which a crash before the apply must not make forgotten. */
  adopted: boolean;
}

/**
 * The JSON patch that makes ours, before the adopting apply, what nobody would take away any more once it leaves the layer:
 *
 * - all that Helm owns, and what we made of the object as a hook: what the apply does not bring goes with it;
 * - at adoption, of what `kubectl`, another tool, and a time before the first apply own, the fields that the layer brings.
 *   The rest of theirs stays.
 *
 * @returns undefined when there is nothing to fold
 */
export function foldOperations(
  live: KubeObject,
  { set, desired, isAdopting, adopted }: Taking,
): Operation[] | undefined {
  const { managedFields = [], annotations } = live.metadata;
  const hook = ownHookEntryOf(live, set);
  const whole = [...helmEntriesOf(live), ...(hook ? [hook] : [])];
  const shared = isAdopting ? managedFields.filter((entry) => isLeft(entry, live, set) && !whole.includes(entry)) : [];
  const given = new Map(shared.map((entry) => [entry, fieldsGiven(entry.fieldsV1 ?? {}, { ...desired })]));
  const taken = [...given.values()].filter((fields) => Object.keys(fields).length > 0);
  const [apiVersion] = [...whole, ...shared].map((entry) => entry.apiVersion);
  if (whole.length + taken.length === 0) return undefined;
  const own = applyEntryOf(live, set.manager);
  const others = managedFields.flatMap((entry): ManagedFieldsEntry[] => {
    if (whole.includes(entry) || entry === own) return [];
    return withoutGiven(entry, given.get(entry));
  });
  const fieldsV1 = mergeFields([...[...(own ? [own] : []), ...whole].map((entry) => entry.fieldsV1 ?? {}), ...taken]);
  const folded = { ...applyEntry(set, own?.apiVersion ?? apiVersion), fieldsV1 };
  const mark = { [ADOPTED_ANNOTATION]: "true" };
  return [
    atVersion(live.metadata),
    ...(adopted ? setAnnotations(annotations, mark) : []),
    { op: "replace", path: "/metadata/managedFields", value: [...others, folded] },
  ];
}

/** The JSON patch after somebody has cleared who owns what: what is ours again is nobody's besides. */
export function reownOperations(live: KubeObject, set: ApplySet): Operation[] | undefined {
  const disowned = disownedEntryOf(live);
  const own = applyEntryOf(live, set.manager);
  if (!disowned || !own) return undefined;
  const value = (live.metadata.managedFields ?? []).flatMap((entry) =>
    entry === disowned ? withoutGiven(entry, own.fieldsV1) : [entry],
  );
  return [atVersion(live.metadata), { op: "replace", path: "/metadata/managedFields", value }];
}

/**
 * The JSON patch by which a member goes from one profile to another without a delete: label, layer and what the one owns
 * become the other's. The digest goes, so that the new owner applies it.
 *
 * @param from the field manager of the one
 * @param heir the other; `adopted` when the object was there before the one, though it may not say so any more
 */
export function handOverOperations(
  live: KubeObject,
  from: string,
  { set, layer, adopted = false }: Pick<Heir, "set" | "layer"> & { adopted?: boolean },
): Operation[] {
  const { managedFields = [], annotations } = live.metadata;
  const entries = managedFields.filter((entry) => isApplyOf(entry, from) || isApplyOf(entry, set.manager));
  const others = managedFields.filter((entry) => !entries.includes(entry) && entry.manager !== from);
  const fieldsV1 = mergeFields(entries.map((entry) => entry.fieldsV1 ?? {}));
  const own = { ...applyEntry(set, entries[0]?.apiVersion), fieldsV1 };
  return [
    atVersion(live.metadata),
    { op: "replace", path: `/metadata/labels/${escaped(PART_OF_LABEL)}`, value: set.id },
    ...setAnnotations(annotations, {
      [LAYER_ANNOTATION]: `${layer}/`,
      ...(adopted ? { [ADOPTED_ANNOTATION]: "true" } : {}),
    }),
    { op: "replace", path: "/metadata/managedFields", value: [...others, own] },
  ];
}

/**
 * The JSON patch that takes our label, annotations and field ownership off and leaves every other field as it is. What was
 * there before us was no release's: with Helm's marks, the next layer of that release would take it for its own, and delete it.
 *
 * @param adopted whether it was there before us, though it may not say so any more
 */
export function releaseOperations(metadata: ObjectMeta, manager: string, adopted = false): Operation[] {
  const { labels = {}, annotations = {}, managedFields = [] } = metadata;
  const others = managedFields.filter((entry) => entry.manager !== manager);
  const isHelms = others.some((entry) => ownsField(entry, ["metadata", "annotations", HELM_ANNOTATIONS[0]]));
  const isLent = (adopted || annotations[ADOPTED_ANNOTATION] !== undefined) && !isHelms;
  const marks = [LAYER_ANNOTATION, ADOPTED_ANNOTATION, ...(isLent ? HELM_ANNOTATIONS : [])];
  const isLabelled = isLent && annotations[HELM_ANNOTATIONS[0]] !== undefined && labels[HELM_LABEL] === "Helm";
  return [
    atVersion(metadata),
    ...[PART_OF_LABEL, ...(isLabelled ? [HELM_LABEL] : [])].map((name) => removed("labels", name)),
    ...marks.filter((name) => annotations[name] !== undefined).map((name) => removed("annotations", name)),
    // An empty list would ask the server to begin anew; one empty entry clears it.
    { op: "replace", path: "/metadata/managedFields", value: others.length > 0 ? others : [{}] },
  ];
}

/** The marks by which Helm knows the objects of a release; layers with a chart set them too. */
const HELM_ANNOTATIONS = ["meta.helm.sh/release-name", "meta.helm.sh/release-namespace"] as const;
const HELM_LABEL = "app.kubernetes.io/managed-by";

function removed(where: "labels" | "annotations", name: string): Operation {
  return { op: "remove", path: `/metadata/${where}/${escaped(name)}` };
}

/**
 * What a person wrote, nobody knows who, or a tool or profile that has it no longer. Of a Namespace, profiles that use it have
 * their labels.
 */
function isLeft({ manager = "", subresource }: ManagedFieldsEntry, live: KubeObject, set: ApplySet): boolean {
  if (subresource || manager === set.manager) return false;
  if (manager.startsWith("strata-") && live.kind === "Namespace") return false;
  return /^(kubectl.*|before-first-apply)$/.test(manager) || isProtectedManager(manager);
}

function withoutGiven(entry: ManagedFieldsEntry, given: ManagedFieldsEntry["fieldsV1"]): ManagedFieldsEntry[] {
  if (!given) return [entry];
  const fieldsV1 = withoutFields(entry.fieldsV1 ?? {}, given);
  return fieldsV1 ? [{ ...entry, fieldsV1 }] : [];
}

function isApplyOf({ manager, operation, subresource }: ManagedFieldsEntry, of: string): boolean {
  return manager === of && operation === "Apply" && !subresource;
}

function applyEntry({ manager }: ApplySet, apiVersion: string | undefined): ManagedFieldsEntry {
  return { manager, operation: "Apply", ...(apiVersion === undefined ? {} : { apiVersion }), fieldsType: "FieldsV1" };
}

function atVersion({ resourceVersion }: ObjectMeta): Operation {
  return { op: "test", path: "/metadata/resourceVersion", value: resourceVersion };
}

function setAnnotations(
  annotations: Record<string, string> | undefined,
  marks: Readonly<Record<string, string>>,
): Operation[] {
  if (!annotations) return [{ op: "add", path: "/metadata/annotations", value: marks }];
  return Object.entries(marks).map(([name, value]) => ({
    op: "add",
    path: `/metadata/annotations/${escaped(name)}`,
    value,
  }));
}

function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { describeRef, gvkOf, refOf } from "../objects/identity.ts";
import { applyPatch, type Patch, readPatch } from "../objects/json-patch.ts";
import { manifestsOf } from "../objects/manifests.ts";
import type { KubeObject, Result } from "../objects/types.ts";
import { parseManifests, parseYaml, toYaml } from "../objects/yaml.ts";
import { isMeant, type ObjectTarget as Target } from "./object-target.ts";
import { reservedMark } from "./reserved.ts";
import type { EngineLayer, Hook, LayerContent, PlannedLayer } from "./types.ts";

type PatchSpec = NonNullable<Layer["patches"]>[number];

/** What is wrong with a layer's patches by themselves. */
export function patchProblems({ patches = [] }: Pick<Layer, "patches">): string[] {
  return patches.flatMap(({ patch }, index) => {
    const read = parsedPatch(patch, whereOf(index));
    return read.ok ? [] : read.problems;
  });
}

function whereOf(index: number): string {
  return `patches[${index}].patch`;
}

function parsedPatch(text: string, where: string): Result<Patch> {
  const parsed = parseYaml(text, where);
  return parsed.ok ? readPatch(parsed.value, where) : parsed;
}

/**
 * The content of a layer with its patches: on the objects, the attachments, the CRDs of `crds/` and the hooks, and so in the
 * text of the Helm release. Patches come in the order in which they are written; the target is what the object is by then.
 *
 * @param namespace of objects that name none
 * @returns else the InvalidPatch failure with all problems; of a part of a pack, patches that match nothing are none, as
 * they may be meant for another part (see `withUnmatched`)
 */
export function patchContent(
  content: LayerContent,
  { patches, part }: Pick<EngineLayer, "patches" | "part">,
  namespace: string | undefined,
): LayerContent | Failure {
  if (!patches) return content;
  const run = new Run(patches, namespace);
  const { attachments, release } = content;
  const all = (objects: readonly KubeObject[]): KubeObject[] => objects.map((object) => run.patched(object));
  const patched = {
    ...content,
    objects: all(content.objects),
    crds: all(content.crds),
    ...(attachments ? { attachments: all(attachments) } : {}),
    ...(release ? { release: { ...release, hooks: patchedHooks(release.hooks, run) } } : {}),
    patched: [...run.matched],
  };
  const unmatched = part ? [] : unmatchedProblems(patches, run.matched);
  const problems = [...new Set([...run.problems, ...unmatched])];
  if (problems.length > 0) return invalid(problems);
  if (!patched.release) return patched;
  return { ...patched, release: { ...patched.release, manifest: patchedText(patched.release.manifest, run) } };
}

const MAX_PROBLEMS = 5;

function invalid(problems: readonly string[]): Failure {
  const more = problems.length > MAX_PROBLEMS ? `; and ${problems.length - MAX_PROBLEMS} more` : "";
  return new Failure("InvalidPatch", `${problems.slice(0, MAX_PROBLEMS).join("; ")}${more}`);
}

function unmatchedProblems(patches: readonly PatchSpec[], matched: ReadonlySet<number>): string[] {
  return patches.flatMap(({ target }, index) =>
    matched.has(index)
      ? []
      : [`patches[${index}] matches no object of the layer (${told(target)}): correct its target, or take it out`],
  );
}

function told({ labelSelector, ...target }: Target): string {
  const fields = Object.entries(target).map(([field, value]) => `${field} ${value === "" ? '""' : value}`);
  return [...fields, ...(labelSelector ? ["by its labels"] : [])].join(", ") || "any";
}

/** One go over a content: what matched and what is wrong add up. */
class Run {
  readonly matched = new Set<number>();
  readonly problems: string[] = [];
  readonly #patches: readonly { target: Target; patch: Patch }[];
  readonly #namespace: string | undefined;

  constructor(patches: readonly PatchSpec[], namespace: string | undefined) {
    this.#namespace = namespace;
    this.#patches = patches.flatMap(({ target, patch }, index) => {
      const read = parsedPatch(patch, whereOf(index));
      if (read.ok) return [{ target, patch: read.value }];
      this.problems.push(...read.problems);
      return [];
    });
  }

  /** The very same object when no patch is meant for it. */
  patched(object: KubeObject): KubeObject {
    if (this.problems.length > 0) return object;
    return this.#patches.reduce((before, { target, patch }, index) => {
      if (!isMeant(target, before, this.#namespace)) return before;
      this.matched.add(index);
      const after = onObject(before, patch, whereOf(index));
      if (after.ok) return after.value;
      this.problems.push(...after.problems);
      return before;
    }, object);
  }
}

function onObject(object: KubeObject, patch: Patch, where: string): Result<KubeObject> {
  const what = describeRef(refOf(object));
  const applied = applyPatch(object, patch);
  if (!applied.ok) return { ok: false, problems: applied.problems.map((problem) => `${where}${problem} in ${what}`) };
  const read = manifestsOf(applied.value, `${where} on ${what}`);
  if (!read.ok) return read;
  const [after, ...others] = read.value;
  if (!after || others.length > 0) return { ok: false, problems: [`${where}: makes a list of ${what}`] };
  const problems = [changedIdentity(object, after), changedMark(object, after)].flatMap((field) =>
    field === undefined ? [] : [`${where}: must not change ${field} of ${what}`],
  );
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: after };
}

/** Another version of the same kind is the same object. */
function changedIdentity(before: KubeObject, after: KubeObject): string | undefined {
  if (gvkOf(before).group !== gvkOf(after).group) return "the group in apiVersion";
  if (before.kind !== after.kind) return "kind";
  if (before.metadata.name !== after.metadata.name) return "metadata.name";
  return (before.metadata.namespace || undefined) === (after.metadata.namespace || undefined)
    ? undefined
    : "metadata.namespace";
}

function changedMark(before: KubeObject, after: KubeObject): string | undefined {
  const mark = reservedMark(after);
  return mark === undefined || reservedMark(before) !== undefined
    ? undefined
    : `${mark.key}, which Strata sets itself,`;
}

/** The objects of one List are parts of one text, and stand one after the other. */
function patchedHooks(hooks: readonly Hook[], run: Run): Hook[] {
  const after = hooks.map((hook) => ({ ...hook, object: run.patched(hook.object) }));
  const starts = hooks.flatMap(({ part }, index) => (part === undefined ? [index] : []));
  return starts.flatMap((start, at) => {
    const group = after.slice(start, starts[at + 1]);
    const isSame = group.every(({ object }, index) => object === hooks[start + index]?.object);
    if (isSame) return hooks.slice(start, starts[at + 1]);
    const objects = group.map(({ object }) => object);
    const manifest = toYaml(objects.length === 1 ? objects[0] : { apiVersion: "v1", kind: "List", items: objects });
    return group.map((hook) => ({ ...hook, manifest }));
  });
}

/** The documents of a release's manifest, each after a line with its source. */
const DOCUMENT = /^(?=---\n# Source: )/m;
const HEAD = /^---\n# Source: .*\n/;

/** The text of a release with the patches: documents that no patch is meant for stay as the chart wrote them. */
function patchedText(manifest: string, run: Run): string {
  const documents = manifest.split(DOCUMENT).map((document) => {
    const [head = ""] = HEAD.exec(document) ?? [];
    const parsed = parseManifests(document.slice(head.length), "manifest");
    if (!parsed.ok) return document;
    const after = parsed.value.map((object) => run.patched(object));
    if (after.every((object, index) => object === parsed.value[index])) return document;
    return after.map((object) => `${head}${toYaml(object)}`).join("");
  });
  return documents.join("");
}

interface Memo {
  key: string;
  result: LayerContent | Failure;
}

/** Placed and digested objects stay the very same as long as what they are made from does. */
const memos = new WeakMap<LayerContent, Memo>();

/** As `patchContent`, remembered with the content. */
export function patchContentOnce(
  content: LayerContent,
  layer: EngineLayer,
  namespace: string | undefined,
): LayerContent | Failure {
  if (!layer.patches) return content;
  const key = JSON.stringify([layer.patches, namespace]);
  const known = memos.get(content);
  if (known?.key === key) return known.result;
  const result = patchContent(content, layer, namespace);
  memos.set(content, { key, result });
  return result;
}

/** Patches of a pack's layer that none of its parts has an object for: the last part says so, when all are known. */
export function withUnmatched(layers: readonly PlannedLayer[]): PlannedLayer[] {
  const groups = Map.groupBy(layers, ({ spec }) => spec.part?.of);
  return layers.map((layer) => {
    const { part, patches } = layer.spec;
    if (!patches || !part || part.isFollowed || layer.state.kind !== "known") return layer;
    const parts = groups.get(part.of) ?? [];
    const known = parts.flatMap(({ state }) => (state.kind === "known" ? (state.content.patched ?? []) : []));
    const isKnown = parts.every(({ state }) => state.kind === "known" && state.content.patched !== undefined);
    const problems = isKnown ? unmatchedProblems(patches, new Set(known)) : [];
    return problems.length > 0 ? { ...layer, state: { kind: "missing", failure: invalid(problems) } } : layer;
  });
}

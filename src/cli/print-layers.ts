import { PART_OF_LABEL } from "../api/names.ts";
import type { Profile } from "../api/types.ts";
import { maskObject } from "../objects/mask.ts";
import type { KubeObject } from "../objects/types.ts";
import { toYaml } from "../objects/yaml.ts";
import { withMark } from "../plan/place.ts";
import type { Desired } from "../plan/types.ts";
import { sourceOf } from "../status/deployment-status.ts";
import type { RenderedLayer } from "./offline.ts";
import type { RenderedHook } from "./render-hooks.ts";

export interface PrintOptions {
  /** With the label and annotation by which Strata knows its objects. */
  marks: boolean;
  showSecrets: boolean;
  /** Names of the clusters that the profile goes to, as far as they are known. */
  clusters: readonly string[];
}

/** A rendered profile as YAML documents; a comment leads the profile and each layer. */
export function printProfile(profile: Profile, layers: readonly RenderedLayer[], options: PrintOptions): string {
  const { kind, metadata, spec } = profile;
  const name = [metadata.namespace, metadata.name].filter(Boolean).join("/");
  const to = options.clusters.length > 0 ? `, to ${options.clusters.join(", ")}` : "";
  const title = `# ${kind} ${name}${spec.version === undefined ? "" : ` ${spec.version}`}${to}\n`;
  return [title, ...layers.map((layer, index) => printLayer(layer, `${index + 1}/${layers.length}`, options))].join("");
}

function printLayer(
  { layer, namespace, version, desired, hooks }: RenderedLayer,
  place: string,
  options: PrintOptions,
): string {
  const facts = [
    `${sourceOf(layer)}${version === undefined ? "" : ` ${version}`}`,
    ...(namespace === undefined ? [] : [`namespace ${namespace}`]),
    counted(desired.length, "object"),
    ...(hooks.length === 0 ? [] : [counted(hooks.length, "hook")]),
  ];
  const documents = [
    ...desired.map((one) => `---\n${toYaml(shown(one, layer.name, options))}`),
    ...hooks.map((hook) => printHook(hook, options)),
  ];
  return `\n# Layer ${place}: ${layer.name} (${layer.type}), ${facts.join(", ")}\n${documents.join("")}`;
}

/** Hooks stand after the objects, although some run before them: what is applied can be read in one piece. */
function printHook({ events, weight, object }: RenderedHook, { showSecrets }: PrintOptions): string {
  return `---\n# hook: ${events.join(", ")}, weight ${weight}\n${toYaml(showSecrets ? object : maskObject(object))}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function shown(desired: Desired, layer: string, { marks, showSecrets }: PrintOptions): KubeObject {
  const object = marks ? withMark(desired, layer) : withoutMarks(desired.object);
  return showSecrets ? object : maskObject(object);
}

function withoutMarks(object: KubeObject): KubeObject {
  const { labels: all = {}, ...metadata } = object.metadata;
  const { [PART_OF_LABEL]: _, ...labels } = all;
  return { ...object, metadata: Object.keys(labels).length > 0 ? { ...metadata, labels } : metadata };
}

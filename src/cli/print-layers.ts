import { PART_OF_LABEL } from "../api/names.ts";
import type { Profile } from "../api/types.ts";
import { maskObject } from "../objects/mask.ts";
import type { KubeObject } from "../objects/types.ts";
import { toYaml } from "../objects/yaml.ts";
import { withMark } from "../plan/place.ts";
import type { Desired } from "../plan/types.ts";
import { sourceOf } from "../status/deployment-status.ts";
import type { RenderedLayer } from "./offline.ts";

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
  { layer, namespace, version, desired }: RenderedLayer,
  place: string,
  options: PrintOptions,
): string {
  const facts = [
    `${sourceOf(layer)}${version === undefined ? "" : ` ${version}`}`,
    ...(namespace === undefined ? [] : [`namespace ${namespace}`]),
    desired.length === 1 ? "1 object" : `${desired.length} objects`,
  ];
  const documents = desired.map((one) => `---\n${toYaml(shown(one, layer.name, options))}`);
  return `\n# Layer ${place}: ${layer.name} (${layer.type}), ${facts.join(", ")}\n${documents.join("")}`;
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

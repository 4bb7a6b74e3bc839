import { PART_OF_LABEL } from "../api/names.ts";
import type { Profile } from "../api/types.ts";
import { describeRef } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import { toYaml } from "../objects/yaml.ts";
import { withMark } from "../plan/place.ts";
import type { Desired } from "../plan/types.ts";
import { sourceOf } from "../status/row-text.ts";
import { hideSecrets, type Secrecy } from "./diff-mask.ts";
import type { RenderedLayer, RenderedProfile } from "./offline.ts";
import type { RenderedHook } from "./render-hooks.ts";

export interface PrintOptions {
  /** With the label and annotation by which Strata knows its objects. */
  marks: boolean;
  showSecrets: boolean;
  /** Names of the clusters that the profile goes to, as far as they are known. */
  clusters: readonly string[];
}

/** A rendered profile as YAML documents; a comment leads the profile and each layer. */
export function printProfile(profile: Profile, { layers, secrecy }: RenderedProfile, options: PrintOptions): string {
  const { kind, metadata, spec } = profile;
  const to = options.clusters.length > 0 ? `, to ${options.clusters.join(", ")}` : "";
  const title = `# ${describeRef({ kind, ...metadata })}${spec.version === undefined ? "" : ` ${spec.version}`}${to}\n`;
  const printed = layers.map((layer, index) => {
    return printLayer(layer, `${index + 1}/${layers.length}`, { ...options, secrecy });
  });
  return [title, ...printed].join("");
}

interface Printing extends PrintOptions {
  secrecy: Secrecy;
}

function printLayer(
  { layer, isForHub, namespace, version, desired, hooks }: RenderedLayer,
  place: string,
  options: Printing,
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
  return `\n# Layer ${place}: ${layer.name} (${layer.type}${isForHub ? ", on the hub" : ""}), ${facts.join(", ")}\n${documents.join("")}`;
}

/** Hooks stand after the objects, although some run before them: what is applied can be read in one piece. */
function printHook({ events, weight, object }: RenderedHook, { showSecrets, secrecy }: Printing): string {
  const shown = showSecrets ? object : hideSecrets(object, secrecy, false);
  return `---\n# hook: ${events.join(", ")}, weight ${weight}\n${toYaml(shown)}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function shown(desired: Desired, layer: string, { marks, showSecrets, secrecy }: Printing): KubeObject {
  const object = marks ? withMark(desired, layer) : withoutMarks(desired.object);
  return showSecrets ? object : hideSecrets(object, secrecy, secrecy.sealed.has(desired.key));
}

function withoutMarks(object: KubeObject): KubeObject {
  const { labels: all = {}, ...metadata } = object.metadata;
  const { [PART_OF_LABEL]: _, ...labels } = all;
  return { ...object, metadata: Object.keys(labels).length > 0 ? { ...metadata, labels } : metadata };
}

import { Failure } from "../errors.ts";
import { stringifyJson } from "../objects/json.ts";
import { toYaml } from "../objects/yaml.ts";
import type { LayerInputs } from "../plan/inputs.ts";
import { plainObjects } from "../plan/manifests.ts";
import { patchContent } from "../plan/patches.ts";
import type { LayerContent } from "../plan/types.ts";
import type { RenderedChart } from "../render/types.ts";
import type { ChartPackage } from "../source/types.ts";
import { type FetchedTexts, pinsOf } from "./manifest-sources.ts";

interface RenderedFrom {
  inputs: LayerInputs;
  values: Record<string, unknown>;
  chart: ChartPackage;
  attached: FetchedTexts;
}

/** A rendered chart with what is attached to it, as the content of its layer. */
export function contentOf(
  { objects, crds, chart: { name }, hooks, manifest, notes, chartJson, refusedLookups }: RenderedChart,
  { inputs, values, chart, attached }: RenderedFrom,
): LayerContent | Failure {
  const attachments = plainObjects(inputs.layer, "attachments", attached.texts);
  if (attachments instanceof Failure) return attachments;
  const manifests = attachments.map((object) => `---\n# Source: attachments\n${toYaml(object)}`);
  const content: LayerContent = {
    objects,
    crds,
    version: chart.version,
    digest: chart.digest,
    ...pinsOf(attached),
    ...(attachments.length > 0 ? { attachments } : {}),
    release: {
      chart: name,
      hooks,
      notes,
      ...(refusedLookups.length > 0 ? { refusedLookups } : {}),
      manifest: [...manifests, manifest].join(""),
      source: { chart: chartJson, config: stringifyJson(values) },
    },
  };
  return patchContent(content, inputs.layer, inputs.namespace);
}

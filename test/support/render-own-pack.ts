import { createHash } from "node:crypto";
import { Failure } from "../../src/errors.ts";
import type { KubeObject } from "../../src/objects/types.ts";
import { chartValues, checkSchema, choosePresets, packMeta, packValues, releaseNameOf } from "../../src/pack/index.ts";
import { hideMacrosInTree, hideMacrosInYaml } from "../../src/pack/macro-text.ts";
import type { MacroScope } from "../../src/pack/macro-types.ts";
import type { Values } from "../../src/plan/values.ts";
import type { Renderer } from "../../src/render/renderer.ts";
import { packManifests } from "../../src/wiring/pack-manifests.ts";
import { resolveMacros } from "../../src/wiring/resolve-macros.ts";
import type { OwnPack } from "./own-packs.ts";

/** What a layer sets. */
export interface Choice {
  presets?: readonly string[];
  values?: Values;
  variables?: Record<string, unknown>;
}

export interface RenderedPack {
  objects: readonly KubeObject[];
  /** The pack's final values. */
  values: Values;
  namespace: string;
}

const CLUSTER = { kubeVersion: "v1.36.3", apiVersions: ["v1", "apps/v1"], isUpgrade: false, revision: 1 };

/** A pack from values to objects, as the engine takes it there. */
export async function renderOwnPack(
  renderer: Renderer,
  { pack, files, charts }: OwnPack,
  { presets = [], values = {}, variables = {} }: Choice,
): Promise<RenderedPack> {
  const signal = new AbortController().signal;
  const where = `pack ${pack.name}`;
  const text = hideMacrosInYaml(pack.valuesText, `${where}, values.yaml`);
  const chosen = sure(choosePresets(pack, presets)).map((preset) => {
    const hidden = hideMacrosInYaml(preset.add, `${where}, preset ${preset.name}`);
    return { preset: { ...preset, add: hidden.text }, macros: hidden.macros };
  });
  const own = hideMacrosInTree(values, "values");
  const ofPack = sure(
    packValues({
      pack,
      text: text.text,
      presets: chosen.map(({ preset }) => preset),
      values: own.tree as Values,
      where,
    }),
  );
  const macros = new Map([...text.macros, ...chosen.flatMap((one) => [...one.macros]), ...own.macros]);
  const document = { layer: pack.name, pack: pack.name, tree: ofPack.final, macros };
  const { trees } = await resolveMacros(renderer, { documents: [document], scope: scopeOf(variables) }, signal);
  const [final] = trees as Values[];
  if (final === undefined) throw new Error("nothing came of the values");
  const schema = checkSchema(pack.schema, { preset: ofPack.preset, final });
  const problems = [...schema.problems, ...schema.warnings, ...ofPack.warnings];
  if (problems.length > 0) throw new Error(problems.join("; "));
  const meta = sure(packMeta(final));
  const namespace = meta.namespace ?? "default";
  const objects: KubeObject[] = [];
  const { kubeVersion, apiVersions } = CLUSTER;
  for (const [index, { path }] of pack.charts.entries()) {
    const { name } = charts[index] ?? { name: "" };
    const chartBytes = files.get(path) ?? new Uint8Array();
    const chartDigest = `sha256:${createHash("sha256").update(chartBytes).digest("hex")}`;
    const releaseName = releaseNameOf(meta, pack.name, name);
    const request = {
      chartBytes,
      chartDigest,
      values: sure(chartValues(final, name)),
      releaseName,
      namespace,
      ...CLUSTER,
    };
    const rendered = await renderer.renderChart(request, signal);
    objects.push(...rendered.crds, ...rendered.objects);
  }
  const manifests = await packManifests(
    {
      kind: "manifests",
      of: pack.name,
      name: "manifests",
      pin: { layer: pack.name, registry: "public", name: pack.name, version: pack.version, digest: "" },
      files: pack.manifests.map(({ path, text: content }) => ({ path, content })),
      values: (final["manifests"] ?? {}) as Values,
    },
    { renderer, namespace, capabilities: { kubeVersion, apiVersions } },
    signal,
  );
  if (manifests instanceof Failure) throw manifests;
  objects.push(...manifests);
  return { objects, values: final, namespace };
}

function scopeOf(variables: Record<string, unknown>): MacroScope {
  const system = { cluster: { name: "edge-17" }, kubernetes: { version: "1.36.3" }, project: { name: "acme" } };
  return { system, var: variables, macro: variables };
}

function sure<T>(result: { ok: true; value: T } | { ok: false; problems: readonly string[] }): T {
  if (!result.ok) throw new Error(result.problems.join("; "));
  return result.value;
}

import type { Profile, TargetCluster } from "../api/types.ts";
import type { Config } from "../config.ts";
import { describeRef } from "../objects/identity.ts";
import { targetsOf } from "../plan/targets.ts";
import { Renderer } from "../render/renderer.ts";
import { Sources } from "../source/sources.ts";
import { LayerRenderer } from "../wiring/layer-renderer.ts";
import { type Documents, readDocuments } from "./documents.ts";
import { nameOfFile } from "./files.ts";
import { defaultApiVersions } from "./kubernetes.ts";
import { renderProfile } from "./offline.ts";
import { printProfile } from "./print-layers.ts";
import { sourceOptions } from "./source-options.ts";

export interface RenderOptions {
  /** Files, folders or `-`, with profiles and what they refer to. */
  files: readonly string[];
  /** Files with the TargetClusters to render for; all that the profiles go to when there are none. */
  clusters: readonly string[];
  /** `v1.36.3`. */
  kubeVersion: string;
  /** Beside those of Kubernetes itself, as charts ask for them: `monitoring.coreos.com/v1`. */
  apiVersions: readonly string[];
  marks: boolean;
  showSecrets: boolean;
}

/** Text for standard output, or the problems that stand in its way. */
export type Output = { text: string } | { problems: readonly string[] };

/** `strata render`: what profiles would apply, layer by layer, without a cluster. */
export async function render(options: RenderOptions, config: Config, signal: AbortSignal): Promise<Output> {
  const [read, named] = await Promise.all([readDocuments(options.files), readDocuments(options.clusters)]);
  const problems = [read, named].flatMap((result) => (result.ok ? [] : result.problems));
  if (!read.ok || !named.ok) return { problems };
  const documents = read.value;
  if (documents.profiles.length === 0)
    return { problems: [`there is no profile in ${options.files.map(nameOfFile).join(", ")}: render needs one`] };
  const isNamed = options.clusters.length > 0;
  const targets = isNamed ? named.value.targets : documents.targets;
  if (isNamed && targets.length === 0)
    return { problems: [`there is no TargetCluster in ${options.clusters.join(", ")}`] };
  const astray = isNamed ? documents.profiles.filter((profile) => clustersOf(profile, targets).length === 0) : [];
  if (astray.length > 0) return { problems: astray.map((profile) => astraySentence(profile, targets)) };
  return await renderAll(documents, { targets, options, config }, signal);
}

async function renderAll(
  { profiles, registries, referents, crds }: Documents,
  { targets, options, config }: { targets: readonly TargetCluster[]; options: RenderOptions; config: Config },
  signal: AbortSignal,
): Promise<Output> {
  await using sources = new Sources(sourceOptions(config));
  await using charts = new Renderer({ binary: config.renderBinary, processes: 1 });
  const renderer = new LayerRenderer(sources, charts, () => undefined);
  const apiVersions = [...defaultApiVersions(), ...options.apiVersions];
  const texts: string[] = [];
  const problems: string[] = [];
  for (const profile of profiles) {
    const { kubeVersion, marks, showSecrets } = options;
    const about = { referents, registries, crds, kubeVersion, apiVersions, renderer };
    const layers = await renderProfile(profile, about, signal);
    const clusters = clustersOf(profile, targets);
    if (layers.ok) texts.push(printProfile(profile, layers.value, { marks, showSecrets, clusters }));
    else
      problems.push(
        ...layers.problems.map((problem) => `${describeRef({ kind: profile.kind, ...profile.metadata })}, ${problem}`),
      );
  }
  return problems.length > 0 ? { problems } : { text: texts.join("\n") };
}

/** Those of the given clusters that a profile goes to. The namespaces that a SystemProfile selects are not looked at. */
function clustersOf(profile: Profile, targets: readonly TargetCluster[]): string[] {
  const { namespace } = profile.metadata;
  const reachable = targets.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  const goesTo = targetsOf(profile, reachable).map(({ name, namespace: where }) => `${where ?? ""}/${name}`);
  return reachable
    .filter(({ metadata }) => goesTo.includes(`${metadata.namespace}/${metadata.name}`))
    .map(({ metadata }) => metadata.name);
}

function astraySentence(profile: Profile, targets: readonly TargetCluster[]): string {
  const names = targets.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(", ");
  return `${describeRef({ kind: profile.kind, ...profile.metadata })} does not go to ${names}: its clusterRefs or clusterSelector, or the namespace, do not match`;
}

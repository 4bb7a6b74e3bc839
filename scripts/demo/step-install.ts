import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TargetCluster } from "../../src/api/types.ts";
import { HUB_RESOURCES } from "../../src/kube/hub/kinds.ts";
import type { KubeObject } from "../../src/objects/types.ts";
import { parseManifests, toYaml } from "../../src/objects/yaml.ts";
import { Followed, reached } from "./follow.ts";
import { tellPages } from "./pages.ts";
import { NAMESPACE } from "./platform.ts";
import { seconds } from "./screen.ts";
import { bring, type Stage } from "./stage.ts";
import { fillTable, listed, type Story } from "./story.ts";

const EXAMPLES = new URL("../../examples/platform/", import.meta.url);

/** Puts the example's files into the folder: the profile and the Registry with the addresses of the sources, and the clusters. */
export async function bringFiles(stage: Stage): Promise<void> {
  const { shelf, folder, clusters } = stage;
  await bring(new URL("profile.yaml", EXAMPLES), join(folder, "profile.yaml"), {
    "http://charts.example.test": shelf?.repo.url ?? "",
    "oci://registry.example.test/charts": `oci://${shelf?.registry.host}/charts`,
  });
  await bring(new URL("registry.yaml", EXAMPLES), join(folder, "registry.yaml"), {
    "registry.example.test": shelf?.registry.host ?? "",
  });
  const all = parseManifests(await readFile(new URL("clusters.yaml", EXAMPLES), "utf8"), "clusters.yaml");
  const names = clusters.map(({ name }) => name);
  const wanted = all.ok ? all.value.filter(({ metadata }) => names.includes(metadata.name ?? "")) : [];
  await writeFile(join(folder, "clusters.yaml"), documents(wanted));
  await Promise.all(
    clusters.map(({ name, kubeconfig }) => writeFile(join(folder, `${name}.kubeconfig`), kubeconfig, { mode: 0o600 })),
  );
}

/** Registers the clusters: a Secret with a kubeconfig for each, and TargetClusters with a label. */
export async function register({ screen, stage, platform, signal }: Story): Promise<void> {
  screen.heading(stage.clusters.length === 1 ? "Register the cluster" : "Register the clusters, each by a kubeconfig");
  if (stage.hub.plane) await platform.run(screen, ["create", "namespace", NAMESPACE]);
  for (const { name } of stage.clusters) {
    const secret = ["create", "secret", "generic", `${name}-kubeconfig`, "-n", NAMESPACE];
    screen.command(`kubectl ${secret.join(" ")} --from-file=kubeconfig=${name}.kubeconfig`);
    await stage.kubectlOk([...secret, `--from-file=kubeconfig=${join(stage.folder, `${name}.kubeconfig`)}`]);
  }
  await platform.run(screen, ["apply", "--server-side", "-f", "clusters.yaml", "-f", "registry.yaml"]);
  using targets = await Followed.open<TargetCluster>(stage.hub.client, HUB_RESOURCES.TargetCluster, {
    namespace: NAMESPACE,
  });
  const known = () => targets.all.filter(({ status }) => status?.uid !== undefined).length;
  await reached([targets], () => known() === stage.clusters.length, platform.patience("the clusters' versions"));
  signal.throwIfAborted();
  screen.output(await platform.run(screen, ["get", "targetclusters", "-n", NAMESPACE]));
}

/** One apply, and the table fills. The layer of a pack is another one on each cluster. */
export async function install(story: Story): Promise<void> {
  const { screen, stage, platform } = story;
  const where = stage.clusters.length === 1 ? "one cluster" : `${stage.clusters.length} clusters`;
  screen.heading(`One apply: five layers, in order, on ${where}`);
  await platform.apply(screen);
  const ms = await fillTable(story, { leaves: true });
  screen.output(await platform.run(screen, ["get", "clusterprofiles", "-n", NAMESPACE]));
  screen.proof(`${listed(stage.clusters.map(({ name }) => name))} after ${seconds(ms)}`);
  screen.say("The last layer is a pack: its preset asks for one pod, and a variable greets each cluster.");
  screen.proof(await tellPages(story));
}

function documents(objects: readonly KubeObject[]): string {
  return objects.map((object) => toYaml(object)).join("---\n");
}

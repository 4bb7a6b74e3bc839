import { coreResource } from "../../src/kube/resource.ts";
import type { DemoCluster } from "./clusters.ts";
import { NotReached } from "./follow.ts";
import { listed, type Story } from "./story.ts";

const CONFIG_MAPS = coreResource("ConfigMap", "configmaps", true);
const DEPLOYMENTS = { ...coreResource("Deployment", "deployments", true), group: "apps" };
const HELLO = { namespace: "hello", name: "hello" };

/** What the page of the pack says on each cluster, and on how many pods, as the live objects have it. */
export async function tellPages({ stage, signal }: Story): Promise<string> {
  const pages = await Promise.all(stage.clusters.map((cluster) => pageOn(cluster, signal)));
  const pods = new Set(pages.map(({ replicas }) => replicas));
  if (pods.size !== 1) throw new NotReached(`the pack has pods in different numbers: ${[...pods].join(", ")}`);
  const [count] = pods;
  return `${listed(pages.map(({ greeting }) => `"${greeting}"`))}, on ${count} ${count === 1 ? "pod" : "pods"} each`;
}

async function pageOn({ client }: DemoCluster, signal: AbortSignal): Promise<{ greeting: string; replicas: number }> {
  const [page, deployment] = await Promise.all([
    client.get(CONFIG_MAPS, HELLO, { signal }),
    client.get(DEPLOYMENTS, HELLO, { signal }),
  ]);
  const html = (page["data"] as Record<string, string> | undefined)?.["index.html"] ?? "";
  const { replicas = 0 } = deployment["spec"] as { replicas?: number };
  return { greeting: /<h1>(.*)<\/h1>/.exec(html)?.[1] ?? "", replicas };
}

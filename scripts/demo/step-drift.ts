import { coreResource, type Resource } from "../../src/kube/resource.ts";
import type { DemoCluster } from "./clusters.ts";
import { measureRepair } from "./repair-watch.ts";
import type { Story } from "./story.ts";

const DEPLOYMENTS: Resource = { ...coreResource("Deployment", "deployments", true), group: "apps" };
const SERVICES = coreResource("Service", "services", true);
const NAMESPACE = "shop";

/** Somebody scales a Deployment and deletes a Service behind Strata's back. */
export async function drift(story: Story): Promise<void> {
  const { screen, stage, platform } = story;
  screen.heading("Somebody changes things by hand");
  const first = stage.clusters[1] ?? stage.hub;
  const second = stage.clusters[2] ?? stage.hub;
  const wanted = replicasOf(await current(story, first));
  const scaled = await measureRepair(
    { cluster: first, resource: DEPLOYMENTS, namespace: NAMESPACE, name: "web" },
    (object) => replicasOf(object) === wanted,
    {
      spoil: () =>
        platform.run(screen, [...first.contextFlags, "scale", "deployment/web", "-n", NAMESPACE, "--replicas=0"]),
      patience: platform.patience("the Deployment's replicas"),
    },
  );
  screen.proof(`${first.name}: ${wanted} replicas again after ${Math.round(scaled)} ms, by the clock of a watch`);
  const deleted = await measureRepair(
    { cluster: second, resource: SERVICES, namespace: NAMESPACE, name: "cart" },
    (object) => object !== undefined,
    {
      spoil: () => platform.run(screen, [...second.contextFlags, "delete", "service/cart", "-n", NAMESPACE]),
      patience: platform.patience("the Service"),
    },
  );
  screen.proof(`${second.name}: the Service is back after ${Math.round(deleted)} ms`);
  await platform.until("the profile on all clusters", () => platform.isDoneOn(stage.clusters.length));
}

async function current({ signal }: Story, { client }: DemoCluster): Promise<object> {
  return await client.get(DEPLOYMENTS, { namespace: NAMESPACE, name: "web" }, { signal });
}

function replicasOf(object: { spec?: unknown } | object | undefined): number | undefined {
  return (object as { spec?: { replicas?: number } } | undefined)?.spec?.replicas;
}

import { coreResource, type Resource } from "../../src/kube/resource.ts";
import type { KubeObject } from "../../src/objects/types.ts";
import type { DemoCluster } from "./clusters.ts";
import { Followed, NotReached } from "./follow.ts";
import { layerOf, MEMBERS_SELECTOR, membersOf } from "./members.ts";
import { NAMESPACE, PROFILE } from "./platform.ts";
import { seconds } from "./screen.ts";
import { LAYERS, type Story } from "./story.ts";

const apps = (kind: string, plural: string): Resource => ({ ...coreResource(kind, plural, true), group: "apps" });
const WORKLOADS = [
  apps("DaemonSet", "daemonsets"),
  apps("Deployment", "deployments"),
  apps("StatefulSet", "statefulsets"),
];

/** The profile is deleted: its layers go in reverse order, each when the one after it is gone. */
export async function removeAll(story: Story): Promise<void> {
  const { screen, stage, platform, table, signal } = story;
  screen.heading("The profile is deleted: the layers go in reverse order");
  const orders = await Promise.all(stage.clusters.map(watchGoing));
  const startedAt = performance.now();
  await platform.run(screen, ["delete", "clusterprofile", PROFILE, "-n", NAMESPACE, "--wait=false"]);
  const gone = () => platform.profile === undefined && platform.deployments.all.length === 0;
  await table.during(platform.until("the end of the profile", gone), { leaves: false });
  for (const { cluster, order, close } of orders) {
    close();
    screen.say(`${cluster.name}: ${order().join(" → ")}`);
    if (order().join() !== LAYERS.toReversed().join())
      throw new NotReached(`the layers went in another order on ${cluster.name}: ${order().join(", ")}`);
  }
  const left = (await Promise.all(stage.clusters.map(({ client }) => membersOf(client, signal)))).flat();
  if (left.length > 0)
    throw new NotReached(`objects of the profile are left: ${left.map(({ key }) => key).join(", ")}`);
  screen.proof(`gone after ${seconds(performance.now() - startedAt)}, and ${left.length} objects are left`);
}

interface Going {
  cluster: DemoCluster;
  /** Layers in the order in which the last of their workloads went. */
  order: () => string[];
  close: () => void;
}

/** A deleted object's last resourceVersion says when it went, whatever its kind: all kinds count with one counter. */
async function watchGoing(cluster: DemoCluster): Promise<Going> {
  const last = new Map<string, number>();
  const watched = await Promise.all(
    WORKLOADS.map((resource) => Followed.open(cluster.client, resource, { labelSelector: MEMBERS_SELECTOR })),
  );
  const note = (object: KubeObject): void => {
    const version = Number(object.metadata.resourceVersion);
    last.set(layerOf(object), Math.max(version, last.get(layerOf(object)) ?? 0));
  };
  for (const followed of watched)
    followed.onEvent((event) => {
      if (event.type === "delete") note(event.object);
    });
  return {
    cluster,
    order: () => [...last].sort(([, a], [, b]) => a - b).map(([layer]) => layer),
    close: () => {
      for (const followed of watched) followed[Symbol.dispose]();
    },
  };
}

import { NAMESPACE } from "./platform.ts";
import { seconds } from "./screen.ts";
import { fillTable, type Story } from "./story.ts";

/** One cluster's API server stops in the middle of the day; the others go on, and it catches up later. */
export async function unplug(story: Story): Promise<void> {
  const { screen, stage, platform, table } = story;
  const cluster = stage.clusters.findLast(({ plane }) => plane !== undefined);
  const { plane, name } = cluster ?? {};
  if (!plane || !name || stage.clusters.length < 2) return;
  screen.heading(`${name} is unplugged`);
  const before = plane.pids();
  await plane.stopApiServer();
  const left = new Set(plane.pids());
  screen.command(`kill -9 ${before.filter((pid) => !left.has(pid)).join(" ")}`);
  await platform.edit(screen, "        replicas: 3\n", "        replicas: 4\n");
  await platform.apply(screen);
  const others = stage.clusters.length - 1;
  await table.during(platform.until("the profile on the other clusters", () => platform.isDoneOn(others)));
  screen.output(await platform.run(screen, ["get", "clusterprofiles", "-n", NAMESPACE]));
  screen.proof(`the others have the change; ${name} does not hold them up`);
  screen.say(`The API server of ${name} is started again.`);
  const startedAt = performance.now();
  await plane.startApiServer();
  await fillTable(story);
  screen.proof(`${name} has the change too, ${seconds(performance.now() - startedAt)} after the start`);
}

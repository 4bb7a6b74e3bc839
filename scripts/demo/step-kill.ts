import { coreResource } from "../../src/kube/resource.ts";
import { keyOf, refOf } from "../../src/objects/identity.ts";
import { Followed, NotReached, reached } from "./follow.ts";
import { MEMBERS_SELECTOR, membersOf } from "./members.ts";
import { seconds } from "./screen.ts";
import { fillTable, listed, renderedObjects, type Story } from "./story.ts";

const CONFIG_MAPS = coreResource("ConfigMap", "configmaps", true);
const NEW_SETTINGS = "settings-1-1-0";

/** Strata dies in the middle of an upgrade that also renames an object. */
export async function killInUpgrade(story: Story): Promise<void> {
  const { screen, stage, platform } = story;
  screen.heading("Strata is killed in the middle of an upgrade");
  const settings = await Promise.all(
    stage.clusters.map(({ client }) =>
      Followed.open(client, CONFIG_MAPS, { namespace: "shop", fieldSelector: `metadata.name=${NEW_SETTINGS}` }),
    ),
  );
  await platform.edit(screen, "chart: shop\n        version: 1.0.0", "chart: shop\n        version: 1.1.0");
  await platform.apply(screen);
  try {
    const begun = () => settings.some(({ all }) => all.length > 0);
    await reached(settings, begun, platform.patience("the first object of the new version"));
    const { pid } = stage.strata;
    await stage.strata.kill();
    screen.command(`kill -9 ${pid}`);
    const names = stage.clusters.filter((_, index) => (settings[index]?.all.length ?? 0) > 0).map(({ name }) => name);
    screen.say(`At that moment the first object of the new version stood on ${listed(names)}.`);
  } finally {
    for (const followed of settings) followed[Symbol.dispose]();
  }
  stage.strata = await stage.home.start();
  screen.say(`Its successor has pid ${stage.strata.pid}, and nobody told it anything.`);
  screen.proof(`the upgrade is finished after ${seconds(await fillTable(story))}`);
  await countOrphans(story);
}

/** Everything of the profile in the clusters, against what the profile's file stands for. */
async function countOrphans(story: Story): Promise<void> {
  const { screen, stage, signal } = story;
  const wanted = new Set((await renderedObjects(story)).map((object) => keyOf(refOf(object))));
  screen.command(`kubectl get $(kubectl api-resources --verbs=list -o name | paste -sd,) -A -l \\`);
  screen.command(MEMBERS_SELECTOR, "  ");
  const found = await Promise.all(stage.clusters.map(({ client }) => membersOf(client, signal)));
  const orphans = found.flat().filter(({ key }) => !wanted.has(key));
  const missing = found.flatMap((members) => [...wanted].filter((key) => !members.some((one) => one.key === key)));
  const clusters = stage.clusters.length === 1 ? "1 cluster" : `${stage.clusters.length} clusters`;
  const sentence = `${found.flat().length} objects in ${clusters}, ${orphans.length} orphans, ${missing.length} missing`;
  if (orphans.length + missing.length > 0)
    throw new NotReached(`${sentence}: ${[...orphans.map(({ key }) => key), ...missing].join(", ")}`);
  screen.proof(`${sentence} (${wanted.size} rendered for each)`);
}

import { NotReached } from "./follow.ts";
import { rowOf } from "./layer-table.ts";
import { type Member, membersOf } from "./members.ts";
import { tellPages } from "./pages.ts";
import { seconds } from "./screen.ts";
import { fillTable, LAYERS, type Story } from "./story.ts";

const GOOD = '          tag: "3.10"\n';
const BAD = "          tag: missing\n";
const SICK = "database";
const LATER = LAYERS.slice(LAYERS.indexOf(SICK) + 1);

/** An upgrade of layers 3, 4 and 5, of which the third has an image that does not exist. */
export async function badImage(story: Story): Promise<void> {
  const { screen, platform, stage } = story;
  screen.heading("A bad image in layer 3 of an upgrade");
  const before = await laterMembers(story);
  await platform.edit(screen, GOOD, BAD);
  await platform.edit(screen, "          replicas: 2\n".slice(2), "        replicas: 3\n");
  await platform.edit(screen, '        presets: ["Size:small"]\n', '        presets: ["Size:large"]\n');
  await platform.apply(screen);
  const named = (name: string) =>
    rowOf(platform.on(name), SICK)?.unhealthy?.some(({ message }) => message.includes(":missing")) === true;
  await story.table.during(
    platform.until(
      "the culprit's name",
      () => stage.clusters.every(({ name }) => named(name)) && platform.sentence.includes(":missing"),
    ),
  );
  screen.command("kubectl get clusterprofile platform -n acme -o jsonpath={.status.summary.message}");
  screen.quote(platform.sentence);
  const changed = (await laterMembers(story)).filter(
    ({ key, version }) => before.find((one) => one.key === key)?.version !== version,
  );
  if (changed.length > 0)
    throw new NotReached(`layers after ${SICK} were touched: ${changed.map(({ key }) => key).join(", ")}`);
  screen.proof(`all ${before.length} objects of ${LATER.join(" and ")} are as they were`);
}

/** The image is put right, and what waited goes on. */
export async function repairedImage(story: Story): Promise<void> {
  const { screen, platform } = story;
  screen.heading("The image is put right");
  await platform.edit(screen, BAD, GOOD);
  await platform.apply(screen);
  screen.proof(`everything is upgraded after ${seconds(await fillTable(story))}`);
  screen.proof(await tellPages(story));
}

async function laterMembers({ stage, signal }: Story): Promise<Member[]> {
  const all = await Promise.all(stage.clusters.map(({ client }) => membersOf(client, signal)));
  const later: readonly string[] = LATER;
  return all.flatMap((members, index) =>
    members
      .filter(({ layer }) => later.includes(layer))
      .map((member) => ({ ...member, key: `${stage.clusters[index]?.name} ${member.key}` })),
  );
}

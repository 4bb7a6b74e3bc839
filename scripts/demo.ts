/**
 * `npm run demo`: what Strata does, shown on real control planes. Every state on the screen is read from an API server.
 * Exit codes: 0 all shown; 1 a step did not reach what it should; 2 asked wrongly; 130 interrupted.
 */
import { parseArgs } from "node:util";
import { NotReached } from "./demo/follow.ts";
import { interrupted, onInterrupt, untilInterrupted } from "./demo/interrupt.ts";
import { Screen, seconds } from "./demo/screen.ts";
import { openStage, type Stage, wayIn } from "./demo/stage.ts";
import { badImage, repairedImage } from "./demo/step-culprit.ts";
import { removeAll } from "./demo/step-delete.ts";
import { drift } from "./demo/step-drift.ts";
import { bringFiles, install, register } from "./demo/step-install.ts";
import { killInUpgrade } from "./demo/step-kill.ts";
import { unplug } from "./demo/step-unplug.ts";
import { openStory, type Story } from "./demo/story.ts";

const USAGE = `npm run demo [-- --keep] [--plain]

  --keep   leave everything running at the end, until Ctrl-C
  --plain  no colours and nothing drawn over, also in a terminal

STRATA_KUBECONFIG=<file> takes an existing cluster as the hub, and as the only target.
`;

const startedAt = performance.now();
const options = { keep: { type: "boolean" }, plain: { type: "boolean" }, help: { type: "boolean" } } as const;
const flags = readFlags();
if (flags?.help) process.stdout.write(USAGE);
else if (flags) await main({ keep: flags.keep === true, plain: flags.plain === true });
process.exit();

function readFlags(): { keep?: boolean; plain?: boolean; help?: boolean } | undefined {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function main({ keep, plain }: { keep: boolean; plain: boolean }): Promise<void> {
  const screen = new Screen(process.stdout, { plain });
  const signal = onInterrupt();
  try {
    await tell(screen, { keep, signal });
  } catch (error) {
    if (signal.aborted) return interrupted(screen);
    screen.gap();
    process.stderr.write(
      `${error instanceof NotReached ? error.message : error instanceof Error ? error.stack : error}\n`,
    );
    process.exitCode = 1;
  }
}

async function tell(screen: Screen, { keep, signal }: { keep: boolean; signal: AbortSignal }): Promise<void> {
  const given = process.env["STRATA_KUBECONFIG"] || undefined;
  const names = given ? ["hub"] : ["hub", "oslo", "paris"];
  screen.title("Strata: profiles of layers, reconciled in order into Kubernetes clusters");
  screen.heading(
    given ? "Your cluster, two chart sources, one Strata" : "Three clusters, two chart sources, one Strata",
  );
  const onUp = ({ name, server }: { name: string; server: string }) => screen.proof(`${name} answers at ${server}`);
  await using stage = await openStage({ names, charts: true, given, signal, onUp });
  await bringFiles(stage);
  introduce(screen, stage);
  const story = await openStory(stage, screen, signal);
  using _ = story.platform;
  for (const step of stepsOf({ keep, given: given !== undefined })) {
    await step(story);
    signal.throwIfAborted();
  }
  screen.gap();
  screen.title(`Shown in ${seconds(performance.now() - startedAt)}.`);
  if (keep) await linger(screen, stage, signal);
}

function introduce(screen: Screen, stage: Stage): void {
  const { repo, registry } = stage.shelf ?? {};
  screen.proof(`charts at ${repo?.url} (Helm repository), charts and a pack at oci://${registry?.host} (registry)`);
  screen.proof(`Strata runs as process ${stage.strata.pid}, metrics at ${stage.strata.url}/metrics`);
  screen.say("To look around from another terminal:");
  for (const command of wayIn(stage)) screen.command(command);
}

function stepsOf({ keep, given }: { keep: boolean; given: boolean }): ((story: Story) => Promise<void>)[] {
  return [
    register,
    install,
    badImage,
    repairedImage,
    drift,
    killInUpgrade,
    given ? skipUnplug : unplug,
    ...(keep ? [] : [removeAll]),
  ];
}

async function skipUnplug({ screen }: Story): Promise<void> {
  screen.heading("A cluster is unplugged");
  screen.say("Left out: it takes a cluster of the demo's own.");
}

async function linger(screen: Screen, stage: Stage, signal: AbortSignal): Promise<void> {
  screen.say("Everything keeps running until Ctrl-C. From another terminal:");
  for (const command of wayIn(stage)) screen.command(command);
  screen.command("kubectl get clusterprofiles,targetclusters,profiledeployments -n acme");
  for (const { contextFlags } of stage.clusters.slice(1))
    screen.command(`kubectl ${contextFlags.join(" ")} get pods -A`);
  await untilInterrupted(signal);
}

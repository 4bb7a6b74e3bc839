/**
 * `npm run cluster [-- --targets 3]`: a hub with CRDs and Strata running, and clusters that are registered as its targets,
 * until Ctrl-C. Exit codes: 0 stopped as asked; 1 could not start; 2 asked wrongly.
 */
import { parseArgs } from "node:util";
import { API_VERSION } from "../src/api/names.ts";
import { toYaml } from "../src/objects/yaml.ts";
import { onInterrupt, untilInterrupted } from "./demo/interrupt.ts";
import { Screen } from "./demo/screen.ts";
import { openStage, type Stage, wayIn } from "./demo/stage.ts";

const NAMESPACE = "acme";
const MOST_TARGETS = 20;

const USAGE = `npm run cluster [-- --targets <n>]

  --targets <n>  clusters beside the hub, 0 to ${MOST_TARGETS}; 1 if not given
`;

const targets = readTargets();
if (targets !== undefined) await main(targets);
process.exit();

function readTargets(): number | undefined {
  try {
    const { values } = parseArgs({ options: { targets: { type: "string", default: "1" }, help: { type: "boolean" } } });
    if (values.help) {
      process.stdout.write(USAGE);
      return undefined;
    }
    const count = /^\d{1,2}$/.test(values.targets) ? Number(values.targets) : Number.NaN;
    if (count <= MOST_TARGETS) return count;
    throw new Error(`--targets is "${values.targets}": it must be a whole number from 0 to ${MOST_TARGETS}`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function main(count: number): Promise<void> {
  const screen = new Screen(process.stdout, { plain: false });
  const signal = onInterrupt();
  const names = ["hub", ...Array.from({ length: count }, (_, index) => `target-${index + 1}`)];
  const onUp = ({ name, server }: { name: string; server: string }) => screen.proof(`${name} answers at ${server}`);
  try {
    screen.title(`Strata on a hub with ${count === 1 ? "1 target" : `${count} targets`}`);
    await using stage = await openStage({ names, charts: false, given: undefined, signal, onUp });
    await register(stage);
    explain(screen, stage);
    await untilInterrupted(signal);
    screen.say("Stopping.");
  } catch (error) {
    if (signal.aborted) return;
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}

/** Each target: a Secret with its kubeconfig, and a TargetCluster with the label that profiles select it by. */
async function register({ clusters, kubectlOk }: Stage): Promise<void> {
  await kubectlOk(["create", "namespace", NAMESPACE]);
  const objects = clusters.slice(1).flatMap(({ name, kubeconfig }) => {
    const secret = `${name}-kubeconfig`;
    const about = { namespace: NAMESPACE, labels: { env: "demo" } };
    return [
      { apiVersion: "v1", kind: "Secret", metadata: { ...about, name: secret }, stringData: { kubeconfig } },
      {
        apiVersion: API_VERSION,
        kind: "TargetCluster",
        metadata: { ...about, name },
        spec: { connection: { kubeconfigSecretRef: { name: secret } } },
      },
    ];
  });
  const input = objects.map((object) => toYaml(object)).join("---\n");
  if (objects.length > 0) await kubectlOk(["apply", "--server-side", "-f", "-"], { input });
}

function explain(screen: Screen, stage: Stage): void {
  screen.proof(`Strata runs as process ${stage.strata.pid}, metrics at ${stage.strata.url}/metrics`);
  screen.say("From another terminal:");
  for (const command of wayIn(stage)) screen.command(command);
  screen.command(`kubectl get targetclusters -n ${NAMESPACE} --show-labels`);
  for (const { contextFlags } of stage.clusters.slice(1)) screen.command(`kubectl ${contextFlags.join(" ")} get nodes`);
  screen.say("Ctrl-C stops everything.");
}

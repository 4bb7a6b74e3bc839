import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LOOPBACK_NETWORKS } from "../../src/text/addresses.ts";
import type { ControlPlane } from "./controlplane.ts";
import { type HubAccess, installStrata } from "./install.ts";
import { type Program, startProgram } from "./processes.ts";
import { toolPath } from "./tools.ts";
import { until } from "./waiting.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** Strata as a process of its own, with a token of the chart's ServiceAccount on the hub. */
export interface StrataProcess extends AsyncDisposable {
  readonly pid: number;
  readonly ended: Promise<void>;
  /** All that it has logged, over all its lives. */
  log(): string;
  /** `http://127.0.0.1:<port>` of its metrics and probes. */
  readonly url: string;
  running(): boolean;
  /** Once it has ended by itself. */
  exitCode(): number | null;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL: nothing can be tidied. */
  kill(): Promise<void>;
  /** SIGTERM, and waits for the end. */
  terminate(): Promise<void>;
}

/** What runs Strata again and again on the same hub. */
export interface StrataHome {
  start(env?: Readonly<Record<string, string>>): Promise<StrataProcess>;
  /** The same, but does not wait until it is ready. */
  launch(env?: Readonly<Record<string, string>>): Promise<StrataProcess>;
}

/** Installs CRDs and rights on a hub, once. */
export async function prepareHub(hub: HubAccess, values: readonly string[] = []): Promise<StrataHome> {
  const { kubeconfig } = await installStrata(hub, values);
  return await homeWith(hub, kubeconfig);
}

/** Each life has a log of its own, also when the chart was installed anew meanwhile. */
let lives = 0;

/** The same where the chart is installed already; `kubeconfig` is of the chart's ServiceAccount, `main` of another build. */
export async function homeWith(hub: HubAccess, kubeconfig: string, main = MAIN): Promise<StrataHome> {
  const file = join(hub.dataDir, "strata.kubeconfig");
  await writeFile(file, kubeconfig, { mode: 0o600 });
  const begin: StrataHome["launch"] = async (env = {}) => {
    lives += 1;
    return await launch(hub, { name: `strata-${lives}`, main, kubeconfig: file, env });
  };
  return {
    launch: begin,
    start: async (env) => {
      const strata = await begin(env);
      await until(async () => (await fetch(`${strata.url}/readyz`)).ok, { what: "Strata", programs: [strata] });
      return strata;
    },
  };
}

/** A hub with Strata running on it. */
export async function startStrata(hub: ControlPlane, values: readonly string[] = []): Promise<StrataProcess> {
  const home = await prepareHub(hub, values);
  return await home.start();
}

interface Life {
  name: string;
  main: string;
  kubeconfig: string;
  env: Readonly<Record<string, string>>;
}

async function launch(hub: HubAccess, { name, main, kubeconfig, env }: Life): Promise<StrataProcess> {
  const program = startProgram({
    name,
    file: process.execPath,
    args: [main, "--kubeconfig", kubeconfig, "--http-address", "127.0.0.1", "--http-port", "0"],
    folder: hub.dataDir,
    env: {
      STRATA_RENDER_BINARY: toolPath("strata-render"),
      // Whoever is killed here is followed by one who need not wait until a lease has run out. See replicas.test.ts.
      STRATA_LEADER_ELECTION: "false",
      // Registries and targets of tests are on this very host, which no Strata of others asks.
      STRATA_ALLOWED_NETWORKS: LOOPBACK_NETWORKS.join(","),
      KUBECONFIG: "",
      ...env,
    },
  });
  const port = await servingPort(program);
  const url = `http://127.0.0.1:${port}`;
  const kill = () => program.kill();
  return {
    pid: program.pid,
    ended: program.ended,
    log: () => program.log(),
    url,
    running: () => program.running(),
    exitCode: () => program.exitCode(),
    signal: (signal) => program.signal(signal),
    kill,
    terminate: () => program.kill("SIGTERM"),
    [Symbol.asyncDispose]: kill,
  };
}

async function servingPort(program: Program): Promise<number> {
  let port = 0;
  const line = /"port":(\d+)/;
  const isServing = async (): Promise<boolean> => {
    port = Number(line.exec(program.log())?.[1] ?? 0);
    return port > 0;
  };
  await until(isServing, { what: "Strata", programs: [program] });
  return port;
}

import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlane } from "../test/support/controlplane.ts";

export interface Row {
  name: string;
  seconds: number;
  requests: number;
}

interface Measured {
  name: string;
  namespace: string;
  clusterWide?: boolean;
  who?: RegExp;
}

/**
 * Runs something in a namespace of its own, whose `default` ServiceAccount may do everything there.
 *
 * @param who the user agents whose requests count; watches do not
 */
export async function measure(
  plane: ControlPlane,
  { name, namespace, clusterWide = false, who = ANYBODY }: Measured,
  run: () => Promise<void>,
): Promise<Row> {
  await plane.kubectl(["create", "namespace", namespace]);
  const account = `--serviceaccount=${namespace}:default`;
  const binding = clusterWide
    ? ["clusterrolebinding", `bench-${namespace}`]
    : ["rolebinding", "bench", "-n", namespace];
  await plane.kubectl(["create", ...binding, "--clusterrole=cluster-admin", account]);
  const before = await requestCount(plane, who);
  await untilIdle();
  const started = performance.now();
  await run();
  const seconds = (performance.now() - started) / 1_000;
  return { name, seconds, requests: (await requestCount(plane, who)) - before };
}

/** What the one before left to do (an API server works on for seconds after a new CRD) is not on the account of the next. */
async function untilIdle(): Promise<void> {
  const end = performance.now() + 30_000;
  while (performance.now() < end) {
    const before = cpuTimes();
    await sleep(1_000);
    const after = cpuTimes();
    if ((after.busy - before.busy) / (after.all - before.all) < 0.15) return;
  }
  console.log("(the machine has other work: the figures of the next row are too high)");
}

function cpuTimes(): { busy: number; all: number } {
  const times = cpus().map(({ times: { user, nice, sys, irq, idle } }) => ({ busy: user + nice + sys + irq, idle }));
  const busy = times.reduce((sum, one) => sum + one.busy, 0);
  return { busy, all: times.reduce((sum, one) => sum + one.idle, busy) };
}

async function requestCount(plane: ControlPlane, who: RegExp): Promise<number> {
  const events = await plane.auditEvents();
  return events.filter(({ userAgent, verb }) => verb !== "watch" && who.test(userAgent ?? "")).length;
}

/** Everybody but the control plane's own components. */
const ANYBODY = /^(?!kube-|kwok)/;

/** Prints the rows as multiples of the first one. */
export function print(title: string, rows: readonly Row[]): void {
  const first = rows[0]?.seconds ?? 1;
  console.log(`\n${title}\n`);
  for (const { name, seconds, requests } of rows) {
    const ratio = (seconds / first).toFixed(2).padStart(5);
    const time = seconds.toFixed(1).padStart(6);
    console.log(`${name.padEnd(52)} ${time} s  ${ratio} × the first  ${String(requests).padStart(6)} requests`);
  }
}

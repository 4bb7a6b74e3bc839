import { readdir, readFile } from "node:fs/promises";
import { expect } from "vitest";
import type { ControlPlane } from "./controlplane.ts";
import type { Live } from "./stories.ts";
import type { StrataProcess } from "./strata.ts";

/** Stands in every value that is secret; what follows it says where it was put. */
const CANARY = "c4n4ry-bird";
export const canary = (where: string): string => `${CANARY}-${where}`;

/** The canary as it is, in any case, and in base64 at each of the three offsets at which it may begin. */
export const CANARY_PATTERNS: readonly RegExp[] = [
  new RegExp(CANARY, "gi"),
  ...["", "x", "xx"].map((before) => {
    const whole = Buffer.from(`${before}${CANARY}`).toString("base64").replace(/=+$/, "");
    return new RegExp(whole.slice(before === "" ? 0 : 4, -2), "g");
  }),
];

/** Where a text holds the canary, with some words around it. */
export function leaksIn(text: string): string[] {
  return CANARY_PATTERNS.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ index }) => text.slice(Math.max(0, index - 80), index + 40)),
  );
}

/** Looks for the canary in the log, metrics, statuses of these kinds, events, ConfigMaps, and the processes' arguments and environments. */
export async function expectNoLeak(
  { hub, strata }: { hub: ControlPlane; strata: StrataProcess },
  kinds: readonly string[],
): Promise<void> {
  expect(leaksIn(strata.log()), "log").toEqual([]);
  expect(leaksIn(await (await fetch(`${strata.url}/metrics`)).text()), "metrics").toEqual([]);
  for (const kind of kinds) {
    const { body } = await hub.request("GET", `/apis/strata.dev/v1alpha1/${kind}`);
    const told = body.items.map(({ status, metadata: { managedFields: _, ...metadata } }: Live) => ({
      status,
      metadata,
    }));
    expect(told.length, kind).toBeGreaterThan(0);
    expect(leaksIn(JSON.stringify(told)), kind).toEqual([]);
  }
  for (const path of ["events", "configmaps"]) {
    const { body } = await hub.request("GET", `/api/v1/${path}`);
    expect(body.items.length, path).toBeGreaterThan(0);
    expect(leaksIn(JSON.stringify(body)), path).toEqual([]);
  }
  const processes = await processTree(strata.pid);
  expect(processes.length, "Strata and its renderers").toBeGreaterThan(1);
  for (const pid of processes) {
    for (const file of ["cmdline", "environ"])
      expect(leaksIn(await readFile(`/proc/${pid}/${file}`, "utf8")), file).toEqual([]);
  }
}

/** A process and all that it has begun. */
async function processTree(root: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map<number, number>();
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(")")).split(" ")[2]));
  }
  const isBelow = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === root || isBelow(parents.get(pid)));
  return pids.filter(isBelow);
}

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runCommand } from "./kubectl.ts";
import { toolPath } from "./tools.ts";

const SCRIPT = fileURLToPath(new URL("../../docs/gitops/argocd-health.lua", import.meta.url));

/** What Argo CD shows of an object. */
export interface ArgoHealth {
  readonly status: string;
  readonly message: string;
}

/** The health that the script of docs/gitops finds in each object, run by the Lua and with the libraries of Argo CD. */
export async function argoHealth(objects: readonly object[]): Promise<ArgoHealth[]> {
  const input = JSON.stringify({ script: await readFile(SCRIPT, "utf8"), objects });
  const { code, stdout, stderr } = await runCommand(toolPath("lua"), [], { input });
  if (code !== 0) throw new Error(`the health script failed: ${stderr}`);
  return JSON.parse(stdout);
}

/** An object as it once was, and what Argo CD is to show of it. */
export interface Recorded {
  readonly name: string;
  readonly want: ArgoHealth;
  readonly object: object;
}

const RECORDED = fileURLToPath(new URL("./recorded/argocd-health.jsonl", import.meta.url));

/** What `STRATA_RECORD=1 npm test -- test/e2e/argocd.test.ts` has written, for tests without a control plane. */
export async function readRecorded(): Promise<Recorded[]> {
  const lines = (await readFile(RECORDED, "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

export async function writeRecorded(rows: readonly Recorded[]): Promise<void> {
  await writeFile(RECORDED, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

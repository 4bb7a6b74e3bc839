import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { LAYER_STATES } from "../../src/api/schema/status.ts";
import { runCommand } from "../support/kubectl.ts";

const SCRIPTS = fileURLToPath(new URL("../../scripts", import.meta.url));

// Eight control planes' worth of work on a machine that may have two cores and other tests.
test("the demo shows all that it promises", { timeout: 600_000 }, async () => {
  const env = { ...process.env, STRATA_KUBECONFIG: "" };
  const { stdout, stderr, code } = await runCommand(process.execPath, [join(SCRIPTS, "demo.ts"), "--plain"], { env });
  expect(stderr).toBe("");
  expect(stdout.match(/^\d+\. .*$/gm)).toEqual([
    "1. Three clusters, two chart sources, one Strata",
    "2. Register the clusters, each by a kubeconfig",
    "3. One apply: five layers, in order, on 3 clusters",
    "4. A bad image in layer 3 of an upgrade",
    "5. The image is put right",
    "6. Somebody changes things by hand",
    "7. Strata is killed in the middle of an upgrade",
    "8. paris is unplugged",
    "9. The profile is deleted: the layers go in reverse order",
  ]);
  expect(stdout).toContain("ImagePullBackOff");
  expect(stdout).toContain('✓ "Good morning", "God morgen" and "Bonjour", on 1 pod each');
  expect(stdout).toContain('✓ "Good morning", "God morgen" and "Bonjour", on 4 pods each');
  expect(stdout).toContain("57 objects in 3 clusters, 0 orphans, 0 missing");
  expect(stdout.match(/hello → shop → database → storage → network/g)).toHaveLength(3);
  expect(code).toBe(0);
});

test("the demo says nothing of a state that it has not read", async () => {
  const names = (await readdir(join(SCRIPTS, "demo"))).map((name) => join("demo", name));
  const states = new RegExp(`\\b(${[...LAYER_STATES, "Stalled", "Reconciling"].join("|")})\\b`);
  for (const name of ["demo.ts", ...names]) {
    expect(states.exec(await readFile(join(SCRIPTS, name), "utf8"))?.[0], name).toBeUndefined();
  }
});

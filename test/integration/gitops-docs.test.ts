import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { load, loadAll } from "js-yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand } from "../support/kubectl.ts";
import { temporaryFolder } from "../support/processes.ts";
import type { Live } from "../support/stories.ts";
import { toolPath } from "../support/tools.ts";

const page = (name: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../docs/gitops/${name}`, import.meta.url)), "utf8");

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder("gitops");
});
afterAll(() => folder.remove());

/** The first YAML block of a page that has these words. */
function yamlWith(text: string, words: string): Live {
  const blocks = [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  return load(blocks.find((block) => block.includes(words)) ?? "");
}

const OBJECTS = `
apiVersion: strata.dev/v1alpha1
kind: ClusterProfile
metadata: { name: base, namespace: acme, annotations: { team: platform } }
spec:
  layers: [{ name: a, manifests: [{ inline: "x: \${{ variables.x }}" }] }, { name: b, manifests: [{ inline: "y" }] }]
---
apiVersion: strata.dev/v1alpha1
kind: TargetCluster
metadata: { name: oslo, namespace: acme }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: acme }
`;

test("the patches of the Flux page mark Strata's objects, change nothing else of them, and nothing of others", async () => {
  const { patches } = yamlWith(await page("flux.md"), "kind: Kustomization").spec;
  await writeFile(join(folder.path, "objects.yaml"), OBJECTS);
  const kustomization = { resources: ["objects.yaml"], patches };
  await writeFile(join(folder.path, "kustomization.yaml"), JSON.stringify(kustomization));
  const { code, stdout, stderr } = await runCommand(toolPath("kubectl"), ["kustomize", folder.path]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });

  const mark = { "kustomize.toolkit.fluxcd.io/substitute": "disabled" };
  const [profile, target, settings] = loadAll(OBJECTS) as Live[];
  profile.metadata.annotations = { ...profile.metadata.annotations, ...mark };
  target.metadata.annotations = mark;
  const built = loadAll(stdout) as Live[];
  expect(built).toHaveLength(3);
  expect(built).toEqual(expect.arrayContaining([profile, target, settings]));
});

test("the health script takes its place in argocd-cm unchanged", async () => {
  const script = await page("argocd-health.lua");
  const { data } = yamlWith(await page("argocd.md"), "argocd-cm");
  const place = "… the text of argocd-health.lua";
  expect(data["resource.customizations"]).toContain(place);
  const indented = script.replaceAll("\n", `\n${" ".repeat(4)}`);
  const customizations = load(data["resource.customizations"].replace(place, () => indented)) as Live;
  expect(customizations["strata.dev/*"]["health.lua"].trimEnd()).toBe(script.trimEnd());
});

/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of this file */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfig } from "../config.ts";
import { render } from "./render-command.ts";

const TOKEN = "c4n4ry-of-the-door";
const PIN = "4711";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "render-secrets-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const secret = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "door", namespace: "acme" },
  stringData: {
    token: TOKEN,
    pin: PIN,
    "a.yaml": "{ apiVersion: v1, kind: ConfigMap, metadata: { name: sealed }, data: { a: b } }",
  },
};

const page = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "page" },
  data: { url: "https://me:${{ variables.token }}@host", pin: "${{ variables.pin }}", size: "${{ variables.size }}" },
};

const profile = {
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name: "web", namespace: "acme" },
  spec: {
    clusterRefs: [{ name: "local" }],
    namespace: "web",
    variables: [
      { name: "token", sensitive: true },
      { name: "pin", sensitive: true },
      { name: "size", default: "large" },
    ],
    variablesFrom: [{ secretRef: { name: "door" } }],
    layers: [
      { name: "page", expressions: true, manifests: [{ object: page }] },
      { name: "sealed", manifests: [{ secretKeyRef: { name: "door", key: "a.yaml" } }] },
    ],
  },
};

async function rendered(showSecrets: boolean): Promise<string> {
  const file = join(folder, "web.yaml");
  await writeFile(file, `${JSON.stringify(secret)}\n---\n${JSON.stringify(profile)}\n`);
  const config = parseConfig({ STRATA_RENDER_BINARY: "none" }, []);
  if (!config.ok) throw new Error(config.problems.join("; "));
  const options = { files: [file], clusters: [], kubeVersion: "v1.36.0", apiVersions: [], marks: false, showSecrets };
  const output = await render(options, config.value, new AbortController().signal);
  if ("problems" in output) throw new Error(output.problems.join("; "));
  return output.text;
}

test("strata render shows no value of a sensitive variable, however short, nor what stands in a Secret as a whole", async () => {
  const text = await rendered(false);
  expect(text).toContain("  url: (hidden)\n  pin: (hidden)\n  size: large\n");
  expect(text).toContain("  name: sealed\n");
  expect(text).toContain("  a: (hidden)\n");
  for (const value of [TOKEN, PIN]) expect(text).not.toContain(value);
});

test("strata render shows them when it is asked to", async () => {
  const text = await rendered(true);
  expect(text).toContain(`  url: https://me:${TOKEN}@host\n  pin: '${PIN}'\n  size: large\n`);
});

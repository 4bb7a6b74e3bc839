/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of this file */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Config, parseConfig } from "../config.ts";
import { type Output, render } from "./render-command.ts";
import { validate } from "./validate/validate-command.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sides-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const secret = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "pin", namespace: "acme" },
  stringData: { pin: "4711" },
};
/** One name on both sides is no matter: they are two clusters. */
const settings = (value: string) => [
  {
    object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: "acme" }, data: { value } },
  },
];

const layers = (...more: object[]) => [
  { name: "os", type: "OS", expect: { osImage: "^Ubuntu" } },
  { name: "kubernetes", type: "Kubernetes", manifests: settings("claim"), expect: { version: ">=1.33" } },
  { name: "cni", type: "Network", manifests: settings("network") },
  ...more,
];

function profile(spec: object): object {
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "ClusterProfile",
    metadata: { name: "base", namespace: "acme" },
    spec: {
      variables: [{ name: "pin", sensitive: true }],
      variablesFrom: [{ secretRef: { name: "pin" } }],
      layers: layers({ name: "dns", applyTo: "Management", expressions: true, manifests: [{ inline: DNS }] }),
      ...spec,
    },
  };
}

const DNS =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: dns, namespace: acme }\ndata: { pin: "${{ variables.pin }}" }\n';

const SELECTED = { clusterSelector: { matchLabels: { env: "prod" } } };
const ON_LOCAL = { clusterRefs: [{ name: "local" }] };

async function fileWith(spec: object): Promise<string> {
  const file = join(folder, "base.yaml");
  await writeFile(file, `${JSON.stringify(secret)}\n---\n${JSON.stringify(profile(spec))}\n`);
  return file;
}

function config(): Config {
  const parsed = parseConfig({ STRATA_RENDER_BINARY: "none" }, []);
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value;
}

const signal = new AbortController().signal;

async function rendered(spec: object): Promise<Output> {
  const about = { clusters: [], kubeVersion: "v1.36.0", apiVersions: [], marks: false, showSecrets: false };
  return await render({ files: [await fileWith(spec)], ...about }, config(), signal);
}

/** The sentences of `strata validate`. */
async function said(spec: object): Promise<string[]> {
  const about = { namespace: "acme", fetch: false, kubeVersion: "v1.36.0", format: "json" } as const;
  const { text } = await validate({ files: [await fileWith(spec)], ...about }, config(), signal);
  return JSON.parse(text).findings.map(({ message }: { message: string }) => message);
}

test("strata render prints the layers of both sides once, in their order, and says which are for the hub", async () => {
  const output = await rendered(SELECTED);
  if ("problems" in output) throw new Error(output.problems.join("; "));
  expect(output.text.split("\n").filter((line) => line.startsWith("# Layer"))).toEqual([
    "# Layer 1/4: os (OS), observed, 0 objects",
    "# Layer 2/4: kubernetes (Kubernetes, on the hub), manifests, 1 object",
    "# Layer 3/4: cni (Network), manifests, 1 object",
    "# Layer 4/4: dns (AddOn, on the hub), manifests, 1 object",
  ]);
  expect(output.text).toMatch(/value: claim\n.*value: network\n/s);
  expect(output.text).toContain("  pin: (hidden)\n");
});

test("on local both sides are one, and one object cannot be in two layers", async () => {
  const twice = "layer cni: ConfigMap acme/settings is in layer kubernetes already: keep it in one of the two";
  expect(await rendered(ON_LOCAL)).toEqual({ problems: [`ClusterProfile acme/base, ${twice}`] });
  expect(await said(ON_LOCAL)).toEqual([twice]);
});

test("strata validate takes each side by itself", async () => {
  expect(await said(SELECTED)).toEqual([]);
});

test("and finds outputs that would have to cross from the one to the other", async () => {
  const object = { apiVersion: "v1", kind: "ConfigMap", name: "settings", namespace: "acme" };
  const vpc = {
    name: "vpc",
    applyTo: "Management",
    manifests: [{ inline: DNS }],
    outputs: [{ name: "id", object, value: "self.data.id" }],
  };
  const uses = (name: string, more: object = {}) => ({
    name,
    ...more,
    expressions: true,
    manifests: [
      {
        object: {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name, namespace: "acme" },
          data: { id: "${{ layers.vpc.outputs.id }}" },
        },
      },
    ],
  });
  const spec = { layers: layers(vpc, uses("peer", { applyTo: "Management" }), uses("app")) };
  const unknown =
    "manifests[0], ConfigMap acme/app, data.id: no layer before this one is named vpc; known: cni, kubernetes, os";
  expect(await said({ ...SELECTED, ...spec })).toEqual([`layer app: ${unknown}`]);
  const local = layers(vpc, uses("peer"), uses("app")).slice(3);
  expect(await said({ ...ON_LOCAL, layers: local })).toEqual([]);
});

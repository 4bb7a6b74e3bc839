import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { ownPacks } from "../support/own-packs.ts";
import { type PackSite, startPackSite, type WrittenPack } from "../support/packs.ts";
import {
  apply,
  condition,
  type Live,
  layerOf,
  pathOf,
  read,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/pack.yaml", import.meta.url));

/** Needs more than the nodes have. */
const FURNACE: WrittenPack = {
  name: "furnace",
  version: "1.0.0",
  constraints: { resources: [{ type: "cpu", minLimit: 1_000_000 }] },
  files: {
    "values.yaml": "pack: { namespace: furnace }\nmanifests: { furnace: { heat: 1 } }",
    "manifests/furnace.yaml":
      "{ apiVersion: v1, kind: ConfigMap, metadata: { name: furnace }, data: { heat: {{ .Values.heat | quote }} } }",
  },
};

/** Is ready when its door is open. */
const HOUSE: WrittenPack = {
  name: "house",
  version: "1.0.0",
  constraints: { dependencies: [{ packName: "hello", layer: "addon", type: "required", minVersion: "1.0" }] },
  files: {
    "values.yaml": `
pack: { namespace: house }
manifests: { door: { state: shut } }
readinessCheck:
  v1beta1:
    - { version: v1, kind: ConfigMap, name: door, namespace: house, keysToCheck: [{ keyToCheck: data.state, expectedValue: open }] }
`,
    "manifests/door.yaml":
      "{ apiVersion: v1, kind: ConfigMap, metadata: { name: door }, data: { state: {{ .Values.state }} } }",
  },
};

let hub: ControlPlane;
let strata: StrataProcess;
let site: PackSite;

beforeAll(async () => {
  const folders = (await ownPacks()).map(({ pack: { name, version }, files }) => ({ name, version, files }));
  site = await startPackSite([FURNACE, HOUSE], folders);
  hub = await startControlPlane({ name: "own-packs" });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), site?.stop()]);
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);

/** The example, with the address of the registry that is served here, and what a person changes in it. */
async function applyExample(changes: Readonly<Record<string, string>> = {}): Promise<Live> {
  const example = (await readFile(EXAMPLE, "utf8")).replace("https://packs.example.com", site.url);
  const text = Object.entries(changes).reduce((before, [from, to]) => {
    expect(before).toContain(from);
    return before.replace(from, () => to);
  }, example);
  await apply(hub, text);
  return await untilReady(hub, profilePath("hello"));
}

/** What the pack's page says, and how many pods show it. */
async function live(): Promise<{ page: string; replicas: number }> {
  const { data } = await read(hub, pathOf("v1", "configmaps", "hello/hello"));
  const { spec } = await read(hub, pathOf("apps/v1", "deployments", "hello/hello"));
  return { page: /<h1>(.*)<\/h1>/.exec(data["index.html"])?.[1] ?? "", replicas: spec.replicas };
}

describe("the example of a pack", () => {
  test("brings one of our packs with a preset and a variable", async () => {
    await applyExample();
    expect(await live()).toEqual({ page: "Good morning from local", replicas: 1 });
  });

  test.each<[string, Record<string, string>, Awaited<ReturnType<typeof live>>]>([
    ["a value", { "{{ .spectro.var.helloMessage }} from": "Hello from" }, { page: "Hello from local", replicas: 1 }],
    ["a preset", { "Size:small": "Size:large" }, { page: "Good morning from local", replicas: 4 }],
    ["a variable", { "Good morning": "Good night" }, { page: "Good night from local", replicas: 1 }],
  ])("changes a live object with %s", async (_, changes, want) => {
    await applyExample(changes);
    expect(await live()).toEqual(want);
  });

  test("shows a variable as it is, also where it looks like a macro or an expression", async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: expressions
    const byExpression = "${{ variables.helloMessage }}";
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a text that looks like one
    const odd = "{{ .spectro.system.cluster.name }} ${{ cluster.name }}";
    const macro = "{{ .spectro.var.helloMessage }} from {{ .spectro.system.cluster.name }}";
    await applyExample({
      "Good morning": `'${odd}'`,
      [macro]: `${byExpression} on {{ .spectro.system.cluster.name }}`,
    });
    expect(await live()).toMatchObject({ page: `${odd} on local` });
  });
});

const profile = (name: string, packs: Readonly<Record<string, object>>): object => ({
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name, namespace: "acme" },
  spec: {
    clusterRefs: [{ name: "local" }],
    layers: Object.entries(packs).map(([pack, values]) => ({
      name: pack,
      pack: { registryRef: { name: "packs" }, name: pack, version: "1.0.0" },
      values,
    })),
  },
});

async function layerUntil(name: string, layer: string, reason: string): Promise<Live> {
  const is = (object: Live): boolean =>
    layerOf(object, layer)?.reason === reason &&
    condition(object, "Ready")?.observedGeneration === object.metadata.generation;
  return layerOf(await waitUntil(hub, profilePath(name), { what: reason, is }), layer);
}

describe("what a pack needs", () => {
  test("of other packs is said before anything is applied", async () => {
    await apply(hub, profile("house", { house: {} }));
    const { message, state } = await layerUntil("house", "house", "InvalidValues");
    expect(state).toBe("Failed");
    expect(message).toContain("house 1.0.0 needs the pack hello 1.0 or later, which no layer has");
    expect(await read(hub, pathOf("v1", "namespaces", "house"))).toBeUndefined();
  });

  test("to be ready is waited for", async () => {
    const hello = { pack: { namespace: "house" } };
    await apply(hub, profile("house", { hello, house: {} }));
    const row = await layerUntil("house", "house", "NotReady");
    expect(row.message).toBe('manifests: ConfigMap house/door: string(self.data.state) == "open" is not true yet');
    await apply(hub, profile("house", { hello, house: { manifests: { door: { state: "open" } } } }));
    await untilReady(hub, profilePath("house"));
  });

  test("of the nodes holds it up until they have that, and never after", async () => {
    await apply(hub, profile("furnace", { furnace: {} }));
    const { message, state } = await layerUntil("furnace", "furnace", "RequirementNotMet");
    expect(state).toBe("Blocked");
    expect(message).toMatch(/furnace 1\.0\.0 needs 1000000m of CPU; the worker nodes together have \d+m of CPU$/);
    expect(await read(hub, pathOf("v1", "configmaps", "furnace/furnace"))).toBeUndefined();

    const large = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "large" },
      status: { allocatable: { cpu: "2k" } },
    };
    expect((await hub.request("POST", "/api/v1/nodes", { body: large })).status).toBe(201);
    await untilReady(hub, profilePath("furnace"));

    await hub.kubectlOk(["delete", "node", "large"]);
    const warned = await waitUntil(hub, await deploymentPath("furnace"), {
      what: "warned",
      is: (object) => layerOf(object, "furnace")?.warnings?.length > 0,
    });
    expect(layerOf(warned, "furnace")).toMatchObject({ state: "Ready", warnings: [message] });
    await apply(hub, profile("furnace", { furnace: { manifests: { furnace: { heat: 2 } } } }));
    await untilReady(hub, profilePath("furnace"));
    expect((await read(hub, pathOf("v1", "configmaps", "furnace/furnace"))).data).toEqual({ heat: "2" });
  });
});

async function deploymentPath(profileName: string): Promise<string> {
  const { items } = await read(hub, "/apis/strata.dev/v1alpha1/namespaces/acme/profiledeployments");
  const { metadata } = items.find(({ spec }: Live) => spec.profileRef.name === profileName);
  return pathOf("strata.dev/v1alpha1", "profiledeployments", `acme/${metadata.name}`);
}

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KINDS } from "../../src/api/kinds.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { apply, type Live, pathOf, read, trustedTenant, untilReady, waitUntil } from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

let hub: ControlPlane;
let strata: StrataProcess;

beforeAll(async () => {
  hub = await startControlPlane({ name: "api", controllers: false });
  strata = await startStrata(hub);
  // kubectl remembers for ten minutes what a server serves; it asked before our CRDs were there.
  await hub.kubectlOk(["api-resources"]);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
});

const crdOf = (name: string) => read(hub, `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);

describe("our CRDs on an API server", () => {
  test.each(KINDS)("$kind is Established, and its schema is structural", async ({ plural }) => {
    const { status } = await crdOf(`${plural}.strata.dev`);
    const types = Object.fromEntries(status.conditions.map((one: Live) => [one.type, one.status]));
    expect(types).toEqual({ NamesAccepted: "True", Established: "True" });
  });

  test.each(KINDS)("each field of $kind is documented where kubectl explain finds it", async ({ kind }) => {
    const { components } = (await hub.request("GET", "/openapi/v3/apis/strata.dev/v1alpha1")).body;
    const schema = components.schemas[`dev.strata.v1alpha1.${kind}`];
    expect(schema.description).not.toBe("");
    expect(undocumented({ spec: schema.properties.spec, status: schema.properties.status })).toEqual([]);
  });

  test.each([
    ["scp.spec.layers.helm.version", "Version of the chart"],
    ["sap.spec.layers.manifests.configMapKeyRef.key", "Key within the referenced object's data."],
    ["ssp.spec.namespaceSelector.matchExpressions.operator", "DoesNotExist"],
    ["stc.spec.connection.kubeconfigSecretRef.name", "Secret"],
    ["sreg.spec.tokenOrigins", "https://sso.example.com"],
    ["spd.status.layers.unhealthy.message", "FIELD: message <string>"],
    ["scp.spec.layers.timeout", "Go duration"],
  ])("kubectl explain %s", async (path, words) => {
    expect(await hub.kubectlOk(["explain", path])).toContain(words);
  });

  test.each([
    ["scp", "NAME READY CLUSTERS LAYER MESSAGE AGE"],
    ["sap", "NAME READY CLUSTERS LAYER MESSAGE AGE"],
    ["stc", "NAME READY VERSION MESSAGE AGE"],
    ["spd", "NAME PROFILE CLUSTER READY LAYER MESSAGE AGE"],
    ["sreg", "NAME READY TYPE URL ENTRIES MESSAGE AGE"],
  ])("kubectl get %s has the columns that people read", async (shortName, columns) => {
    await aProfileOfEachKind();
    const [header = ""] = (await hub.kubectlOk(["get", shortName, "-n", "acme"])).split("\n");
    expect(header.trim().split(/\s+/).join(" ")).toBe(columns);
  });

  test("a row says in one line what is the matter, and -o wide which version of the profile it is", async () => {
    await aProfileOfEachKind();
    const path = pathOf("strata.dev/v1alpha1", "clusterprofiles", "acme/columns");
    await waitUntil(hub, path, { what: "judged", is: (profile) => profile?.status?.summary?.layer !== undefined });

    const row = async (...args: string[]) =>
      (await hub.kubectlOk(["get", "scp", "columns", "-n", "acme", "--no-headers", ...args])).trim().split(/\s{2,}/);
    const sentence = "columns: Secret acme/columns does not exist";
    expect((await row()).slice(0, -1)).toEqual(["columns", "False", "0/1", "storage", sentence]);
    expect(await row("-o", "wide")).toContain("1.4.0");
  });

  test("kubectl get strata shows all of our kinds", async () => {
    await aProfileOfEachKind();
    const names = await hub.kubectlOk(["get", "strata", "-n", "acme", "-o", "name"]);
    for (const kind of ["clusterprofile", "addonprofile", "targetcluster", "profiledeployment", "registry"]) {
      expect(names).toContain(`${kind}.strata.dev/`);
    }
  });
});

const FOREIGN = [
  ["multicluster.x-k8s.io", "Namespaced"],
  ["config.projectsveltos.io", "Cluster"],
] as const;

describe("beside the ClusterProfiles of other projects", () => {
  beforeAll(async () => {
    await apply(hub, ...FOREIGN.map(([group, scope]) => foreignDefinition(group, scope)));
    for (const [group] of FOREIGN) {
      await hub.kubectlOk(["wait", `crd/clusterprofiles.${group}`, "--for=condition=Established", "--timeout=60s"]);
    }
    await apply(
      hub,
      ...FOREIGN.map(([group, scope]) => ({
        apiVersion: `${group}/v1alpha1`,
        kind: "ClusterProfile",
        metadata: { name: `of-${scope.toLowerCase()}`, ...(scope === "Namespaced" ? { namespace: "acme" } : {}) },
      })),
    );
  });

  test.each([
    ["the short name", "scp", ["clusterprofile.strata.dev/columns"]],
    ["our full name", "clusterprofiles.strata.dev", ["clusterprofile.strata.dev/columns"]],
    ["our name and version", "clusterprofiles.v1alpha1.strata.dev", ["clusterprofile.strata.dev/columns"]],
    [
      "the inventory's name",
      "clusterprofiles.multicluster.x-k8s.io",
      ["clusterprofile.multicluster.x-k8s.io/of-namespaced"],
    ],
    [
      "Sveltos' name",
      "clusterprofiles.config.projectsveltos.io",
      ["clusterprofile.config.projectsveltos.io/of-cluster"],
    ],
  ])("%s means ours or theirs, and never both", async (_, resource, wanted) => {
    await aProfileOfEachKind();
    const names = (await hub.kubectlOk(["get", resource, "-n", "acme", "-o", "name"])).trim().split("\n");
    expect(names).toEqual(wanted);
  });

  test("a layer brings their kinds like any other, and ours goes on", async () => {
    const theirs = FOREIGN.map(([group]) => ({
      object: {
        apiVersion: `${group}/v1alpha1`,
        kind: "ClusterProfile",
        metadata: { name: "brought" },
        spec: { a: 1 },
      },
    }));
    const path = await aProfile("foreign", [{ name: "theirs", manifests: theirs }]);
    await untilReady(hub, path);
    const inventory = "/apis/multicluster.x-k8s.io/v1alpha1/namespaces/acme/clusterprofiles/brought";
    expect((await read(hub, inventory)).spec).toEqual({ a: 1 });
    expect((await read(hub, "/apis/config.projectsveltos.io/v1alpha1/clusterprofiles/brought")).spec).toEqual({ a: 1 });
  });
});

const ONE_SOURCE = "exactly one of pack, helm and manifests must be set";

describe("two field managers on one profile", () => {
  const layer = (name: string, fields: object = {}) => ({
    name,
    manifests: [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `o-${name}` } } }],
    ...fields,
  });
  const applyAs = async (manager: string, layers: object[]): Promise<void> => {
    const input = JSON.stringify(profileOf("shared", layers));
    await hub.kubectlOk(["apply", "--server-side", `--field-manager=${manager}`, "-f", "-"], { input });
  };
  const namesOf = (profile: Live): string[] => profile.spec.layers.map(({ name }: { name: string }) => name);

  test("keep the order of the layers: of the one who wrote the list, and each adds and changes by name", async () => {
    const path = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/shared");
    await applyAs("team", [layer("one"), layer("two"), layer("three")]);
    await applyAs("platform", [{ name: "two", timeout: "3m" }, layer("four")]);
    const both = await read(hub, path);
    expect(namesOf(both)).toEqual(["one", "two", "three", "four"]);
    expect(both.spec.layers[1]).toMatchObject({ timeout: "3m", manifests: [{ object: { kind: "ConfigMap" } }] });

    await applyAs("team", [layer("one"), layer("two", { gate: "Applied" }), layer("three")]);
    expect(namesOf(await read(hub, path))).toEqual(["one", "two", "three", "four"]);

    const without = applyAs("team", [layer("one"), layer("three")]);
    await expect(without, "a layer of which another manager holds a field").rejects.toThrow(ONE_SOURCE);
    await applyAs("platform", [layer("four")]);
    await applyAs("team", [layer("one"), layer("three")]);
    expect(namesOf(await read(hub, path))).toEqual(["one", "three", "four"]);
  });
});

describe("a map that loses its last entry stays an empty map", () => {
  const helm = { repo: "http://localhost:1", chart: "shop", version: "1.0.0" };
  const labels = { team: "web" };

  test.each([
    ["values", { values: { host: "x" } }, { values: {} }],
    ["a map within values", { values: { host: { name: "x" } } }, { values: { host: {} } }],
    ["namespaceMetadata", { namespaceMetadata: { labels } }, { namespaceMetadata: {} }],
    ["its labels", { namespaceMetadata: { labels } }, { namespaceMetadata: { labels: {} } }],
  ])("%s", async (name, before, after) => {
    const profile = `emptied-${name.replaceAll(" ", "-").toLowerCase()}`;
    await aProfile(profile, [{ name: "shop", helm, ...before }]);
    const path = await aProfile(profile, [{ name: "shop", helm, ...after }]);
    expect((await read(hub, path)).spec.layers[0]).toEqual(expect.objectContaining(after));
  });
});

/** The paths of fields that have no description. */
function undocumented(properties: Record<string, Live>, path = ""): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const here = path === "" ? name : `${path}.${name}`;
    const own = schema.description ? [] : [here];
    const inner = schema.items ?? schema;
    return [...own, ...undocumented(inner.properties ?? {}, here)];
  });
}

const profileOf = (name: string, layers: object[], kind = "AddOnProfile") => ({
  apiVersion: "strata.dev/v1alpha1",
  kind,
  metadata: { name, namespace: "acme" },
  spec: { namespace: "acme", clusterRefs: [{ name: "local" }], layers },
});

async function aProfile(name: string, layers: object[]): Promise<string> {
  await apply(hub, profileOf(name, layers));
  return pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);
}

async function aProfileOfEachKind(): Promise<void> {
  const homeless = { object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "columns" } } };
  const metadata = { name: "columns", namespace: "acme" };
  const connection = { kubeconfigSecretRef: { name: "columns" } };
  await apply(hub, { apiVersion: "strata.dev/v1alpha1", kind: "TargetCluster", metadata, spec: { connection } });
  const columns = profileOf("columns", [{ name: "storage", type: "Storage", manifests: [homeless] }], "ClusterProfile");
  // Not on the hub, by whatever name: the add-ons there would wait for it.
  const elsewhere = { version: "1.4.0", namespace: undefined, clusterRefs: [{ name: "columns" }] };
  await apply(hub, { ...columns, spec: { ...columns.spec, ...elsewhere } });
  await aProfile("columns", [{ name: "a", manifests: [homeless] }]);
  const nowhere = { type: "Helm", url: "http://127.0.0.1:1" };
  await apply(hub, { apiVersion: "strata.dev/v1alpha1", kind: "Registry", metadata, spec: nowhere });
  const path = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/columns");
  await untilReady(hub, path);
}

function foreignDefinition(group: string, scope: string): object {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `clusterprofiles.${group}`,
      annotations: { "api-approved.kubernetes.io": "https://github.com/kubernetes/enhancements" },
    },
    spec: {
      group,
      scope,
      names: {
        kind: "ClusterProfile",
        listKind: "ClusterProfileList",
        plural: "clusterprofiles",
        singular: "clusterprofile",
      },
      versions: [
        {
          name: "v1alpha1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  };
}

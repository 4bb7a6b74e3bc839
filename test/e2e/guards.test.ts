import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { helm } from "../support/helm.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  auditMark,
  condition,
  type Live,
  layerOf,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";

/** That a CRD or a Namespace goes with nothing of others in it is told in nothing-lost.test.ts, that stored objects are spared in mixed.test.ts. */

const MAPS = `
{{- range $number := until (int .Values.count) }}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: map-{{ $number }} }
data: { of: {{ $.Values.count | quote }} }
{{- end }}
`;

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let repo: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder("guards");
  const files = { "values.yaml": "count: 12", "templates/maps.yaml": MAPS };
  await writeChart(join(folder.path, "shop"), { name: "shop", version: "1.0.0", files });
  [repo, hub] = await Promise.all([startChartRepo(folder.path), startControlPlane({ name: "guards" })]);
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), repo?.stop(), folder?.remove()]);
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);
const mapsIn = async (namespace: string): Promise<string[]> => {
  const { items } = await read(hub, `/api/v1/namespaces/${namespace}/configmaps`);
  return items.map(({ metadata }: Live) => metadata.name).filter((name: string) => name !== "kube-root-ca.crt");
};

const profile = (name: string, layers: readonly Live[], rest: Live = {}): Live => ({
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name, namespace: "acme" },
  spec: { clusterRefs: [{ name: "local" }], namespace: name, layers, ...rest },
});

async function applied(name: string, layers: readonly Live[], rest?: Live): Promise<Live> {
  await apply(hub, profile(name, layers, rest));
  return await untilReady(hub, profilePath(name));
}

/** The row of the first layer, once it says this of the profile as it is. */
async function said(name: string, reason: string, message = ""): Promise<Live> {
  const live = await waitUntil(hub, profilePath(name), {
    what: `${reason} ${message}`,
    is: ({ status, metadata }) => {
      const [row] = status?.layers ?? [];
      const isNow = status?.observedGeneration === metadata.generation;
      return isNow && row?.reason === reason && row.message.includes(message);
    },
  });
  expect(condition(live, "Ready").status).toBe("False");
  expect(condition(live, "Stalled")).toMatchObject({ status: "True", reason });
  return live.status.layers[0];
}

const deletes = async (mark: number, namespace: string): Promise<string[]> =>
  (await strataWrites(hub, mark)).filter((write) => write.startsWith("delete") && write.includes(` ${namespace}/`));

describe("a layer that comes out with too little: leaf: Profile spec.allowMassPrune", () => {
  test("of manifests from a ConfigMap that somebody emptied loses nothing, nor by a restart, until it is allowed", async () => {
    const source = (text: string): Live => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "manifests", namespace: "acme" },
      data: { "maps.yaml": text },
    });
    const map = (name: string): string => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
    const layers = [{ name: "maps", manifests: [{ configMapRef: { name: "manifests" } }] }];
    await apply(hub, source(`${map("a")}\n---\n${map("b")}`));
    await applied("emptied", layers);
    const mark = await auditMark(hub);
    await apply(hub, source("# nothing yet"));
    const { state, message } = await said("emptied", "PruneHeld");
    expect(state).toBe("Blocked");
    expect(message).toBe(
      "layer maps comes out without objects: what it has stays (ConfigMap emptied/a, ConfigMap emptied/b). If that is " +
        "meant, set allowMassPrune: true in the profile's spec, or take the layer out of the list; else mend what it is made of",
    );
    await strata.kill();
    strata = await home.start();
    await applied("fence", [{ name: "one", manifests: [{ inline: map("fence") }] }]);
    await said("emptied", "PruneHeld");
    expect(await mapsIn("emptied")).toEqual(["a", "b"]);
    expect(await deletes(mark, "emptied")).toEqual([]);
    await applied("emptied", layers, { allowMassPrune: true });
    expect(await mapsIn("emptied")).toEqual([]);
  });

  test("of a chart gets what it has, keeps the rest, and its release says what runs", async () => {
    const layers = (count: number): Live[] => [
      { name: "shop", helm: { repo: repo.url, chart: "shop", version: "1.0.0" }, values: { count } },
    ];
    const history = async (): Promise<string[]> => {
      const options = { home: folder.path, kubeconfigPath: hub.kubeconfigPath };
      const rows = JSON.parse(await helm(["history", "shop", "-n", "halved", "-o", "json"], options));
      return rows.map(({ revision, status }: Live) => `${revision} ${status}`);
    };
    await applied("halved", layers(12));
    const mark = await auditMark(hub);

    await apply(hub, profile("halved", layers(5)));
    const { message } = await said("halved", "PruneHeld");
    expect(message).toMatch(
      /^7 of the 12 objects of layer shop would go: they stay \(ConfigMap halved\/map-10, ConfigMap halved\/map-11, ConfigMap halved\/map-5 and 4 more\)\./,
    );
    expect(await mapsIn("halved")).toHaveLength(12);
    expect((await read(hub, pathOf("v1", "configmaps", "halved/map-0"))).data.of).toBe("5");
    expect(await history()).toEqual(["1 superseded", "2 deployed"]);

    await apply(hub, profile("halved", layers(0)));
    await said("halved", "PruneHeld", "comes out without objects");
    expect(await history()).toEqual(["1 superseded", "2 deployed"]);

    await applied("halved", layers(12));
    expect(await mapsIn("halved")).toHaveLength(12);
    expect(await deletes(mark, "halved")).toEqual([]);
    await applied("halved", layers(5), { allowMassPrune: true });
    expect(await mapsIn("halved")).toHaveLength(5);
  });
});

describe("a CRD that is to serve a version no more", () => {
  const GROUP = "guards.example";
  const CRD = `lamps.${GROUP}`;
  const crd = (...versions: string[]): Live => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: CRD },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { kind: "Lamp", plural: "lamps" },
      versions: versions.map((name) => ({
        name,
        served: true,
        storage: name === "v1",
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      })),
    },
  });
  const lamp = (name: string, version: string, watts: number): Live => ({
    apiVersion: `${GROUP}/${version}`,
    kind: "Lamp",
    metadata: { name, namespace: "lamps" },
    watts,
  });
  const layers = (versions: string[], own: Live): Live[] => [
    { name: "crds", manifests: [{ object: crd(...versions) }] },
    { name: "lamps", manifests: [{ object: own }] },
  ];
  const lampPath = (name: string): string => `/apis/${GROUP}/v1/namespaces/lamps/lamps/${name}`;
  const versionsOf = async (name: string): Promise<string[]> => {
    const { metadata } = await read(hub, lampPath(name));
    return [...new Set<string>(metadata.managedFields.map(({ apiVersion }: Live) => apiVersion))];
  };
  const served = async (): Promise<string[]> => {
    const { spec } = await read(hub, pathOf("apiextensions.k8s.io/v1", "customresourcedefinitions", CRD));
    return spec.versions.map(({ name }: Live) => name);
  };

  test("waits for the profile's own layers, and for others who write in it; then its own objects know it no more", async () => {
    await applied("lamps", layers(["v1beta1", "v1"], lamp("own", "v1beta1", 40)));
    await apply(hub, lamp("theirs", "v1beta1", 25));
    expect(await versionsOf("own")).toEqual([`${GROUP}/v1beta1`]);

    await apply(hub, profile("lamps", layers(["v1"], lamp("own", "v1beta1", 40))));
    const inProfile = `version v1beta1 would be served no more, and layer lamps brings Lamp lamps/own in ${GROUP}/v1beta1`;
    await said("lamps", "VersionInUse", inProfile);

    await apply(hub, profile("lamps", layers(["v1"], lamp("own", "v1", 40))));
    const { message } = await said("lamps", "VersionInUse", `Lamp lamps/theirs is written in ${GROUP}/v1beta1 by `);
    expect(message).toContain(`CustomResourceDefinition ${CRD}: version v1beta1 would be served no more`);
    expect(await served()).toEqual(["v1beta1", "v1"]);
    expect(await versionsOf("own")).toEqual([`${GROUP}/v1beta1`]);
    const theirs = await read(hub, lampPath("theirs"));

    // As the sentence says.
    const [, patch = ""] = / -p '(.*)'$/.exec(message) ?? [];
    await hub.kubectlOk(["patch", `lamps.v1.${GROUP}`, "theirs", "-n", "lamps", "--type=json", "-p", patch]);
    await untilReady(hub, profilePath("lamps"));
    expect(await served()).toEqual(["v1"]);
    expect((await read(hub, lampPath("theirs"))).watts).toBe(theirs.watts);

    // Both can be written as before.
    expect(await versionsOf("own")).toEqual([`${GROUP}/v1`]);
    await applied("lamps", layers(["v1"], lamp("own", "v1", 60)));
    expect((await read(hub, lampPath("own"))).watts).toBe(60);
    await apply(hub, lamp("theirs", "v1", 30));
    expect((await read(hub, lampPath("theirs"))).watts).toBe(30);
    const live = await read(hub, profilePath("lamps"));
    expect(layerOf(live, "lamps").state).toBe("Ready");
  });
});

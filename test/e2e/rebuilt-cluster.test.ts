import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { apply, type Live, layerOf, pathOf, read, trustedTenant, untilReady, waitUntil } from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";
import { targetCluster } from "../support/target-cluster.ts";

const PROFILE = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/site");

let hub: ControlPlane;
let fresh: ControlPlane;
let strata: StrataProcess;

beforeAll(async () => {
  [hub, fresh] = (await Promise.all(
    ["hub", "fresh"].map((name) => startControlPlane({ name, controllers: false })),
  )) as [ControlPlane, ControlPlane];
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), fresh?.stop()]);
});

/** The TargetCluster `edge`, behind which is this plane. */
function edge(plane: ControlPlane, variables: Live): Live[] {
  return targetCluster("edge", plane.kubeconfig, { spec: { variables } });
}

const profile = {
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name: "site", namespace: "acme" },
  spec: {
    clusterRefs: [{ name: "edge" }],
    variables: [
      { name: "zone", immutable: true },
      { name: "code", sensitive: true, immutable: true },
    ],
    variablesFrom: [{ secretRef: { name: "code" } }],
    layers: [
      {
        name: "page",
        namespace: `site-\${{ variables.zone }}`,
        expressions: true,
        manifests: [
          {
            object: {
              apiVersion: "v1",
              kind: "Secret",
              metadata: { name: "page" },
              stringData: { code: `\${{ variables.code }}` },
            },
          },
        ],
      },
    ],
  },
};

const code = (text: string): Live => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "code", namespace: "acme" },
  stringData: { code: text },
});

const page = async (plane: ControlPlane, zone: string): Promise<Live> =>
  await read(plane, pathOf("v1", "secrets", `site-${zone}/page`));

const ready = async (): Promise<Live> => await untilReady(hub, PROFILE);

async function refused(message: RegExp): Promise<void> {
  const is = (live: Live): boolean => message.test(layerOf(live, "page")?.message ?? "");
  expect(layerOf(await waitUntil(hub, PROFILE, { what: `${message}`, is }), "page").reason).toBe("InvalidValues");
}

describe("a cluster that is made anew behind the name of a TargetCluster", () => {
  test("had values that could not change", async () => {
    await apply(hub, ...edge(hub, { zone: "north" }), code("c0de-one"), profile);
    await ready();
    await apply(hub, ...edge(hub, { zone: "south" }), code("c0de-two"));
    await refused(/variable zone is immutable and was set before, but TargetCluster edge changes it/);
    await refused(
      /variable code is immutable and was set before, but variablesFrom\[0\] Secret acme\/code key code changes it/,
    );
    expect(await page(hub, "south")).toBeUndefined();
  });

  test("takes the values that are given now, as its first ones", async () => {
    await apply(hub, ...edge(fresh, { zone: "south" }));
    await waitUntil(fresh, pathOf("v1", "secrets", "site-south/page"), {
      what: "there",
      is: (live) => live !== undefined,
    });
    await ready();
    expect(Buffer.from((await page(fresh, "south")).data.code, "base64").toString()).toBe("c0de-two");
    expect(await page(hub, "north")).toBeDefined();
  });

  test("keeps them from then on, and nothing of them shows", async () => {
    await apply(hub, ...edge(fresh, { zone: "north" }), code("c0de-one"));
    await refused(/variable zone is immutable and was set before, but TargetCluster edge changes it/);
    expect(await page(fresh, "north")).toBeUndefined();
    const statuses = await hub.kubectlOk(["get", "spd,sap,stc", "-n", "acme", "-o", "yaml"]);
    expect(statuses).not.toMatch(/c0de-/);
    await apply(hub, ...edge(fresh, { zone: "south" }), code("c0de-two"));
    await ready();
  });
});

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BadSpec } from "../../src/api/bad-spec-objects.ts";
import { BAD_SPECS } from "../../src/api/bad-specs.ts";
import { KINDS } from "../../src/api/kinds.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import { BAD_CHARTS } from "../support/shapes/bad-charts.ts";
import { BAD_EXPRESSIONS } from "../support/shapes/bad-expressions.ts";
import { BAD_MANIFESTS } from "../support/shapes/bad-manifests.ts";
import { BAD_PATCHES } from "../support/shapes/bad-patches.ts";
import type { BadRow, World } from "../support/shapes/bad-row.ts";
import { BAD_SURROUNDINGS } from "../support/shapes/bad-surroundings.ts";
import {
  apply,
  condition,
  isReady,
  type Live,
  layerOf,
  pathOf,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

const ROWS = [...BAD_MANIFESTS, ...BAD_CHARTS, ...BAD_EXPRESSIONS, ...BAD_PATCHES, ...BAD_SURROUNDINGS];

let hub: ControlPlane;
let strata: StrataProcess;
let charts: ChartRepo;
let world: World;

beforeAll(async () => {
  charts = await startChartRepo(fileURLToPath(new URL("../support/charts", import.meta.url)));
  hub = await startControlPlane({ name: "bad-input" });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
  world = { hub, charts: charts.url };
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
  await charts?.stop();
});

function pathFor({ kind, metadata }: BadSpec["object"]): string {
  const plural = KINDS.find((definition) => definition.kind === kind)!.plural;
  const name = metadata.namespace ? `${metadata.namespace}/x` : "x";
  return pathOf("strata.dev/v1alpha1", plural, name).replace(/\/x$/, "");
}

describe("what the API server refuses, with the sentence that `strata render` has too", () => {
  test.each(BAD_SPECS)("$name", async ({ object, wantField, wantMessage, wantFromServer }) => {
    const { status, body } = await hub.request("POST", `${pathFor(object)}?fieldValidation=Strict`, { body: object });
    expect(status, JSON.stringify(body)).toBeOneOf([400, 422]);
    expect(body.message).toContain(wantField);
    expect(body.message).toContain(wantFromServer ?? wantMessage);
  });
});

const profileOf = ({ spec }: Pick<BadRow, "spec">, name: string, layers: object[]) => ({
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name, namespace: "acme" },
  spec: { namespace: "acme", clusterRefs: [{ name: "local" }], ...spec, layers },
});

const wrongReason = (row: BadRow) => (profile: Live) =>
  condition(profile, "Ready")?.observedGeneration === profile?.metadata.generation &&
  condition(profile, "Stalled")?.status === (row.want === "Stalled" ? "True" : "False") &&
  layerOf(profile, row.layer)?.reason === row.reason;

describe("what the API server takes", () => {
  test.each(ROWS.map((row, index) => ({ ...row, row, profile: `row-${index}` })))("$name", async ({ row, profile }) => {
    const path = pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${profile}`);
    await row.before?.(world);
    if (row.first) {
      await apply(hub, profileOf(row, profile, row.first(world)));
      await untilReady(hub, path);
    }

    await apply(hub, profileOf(row, profile, row.layers(world)));
    const wrong = await waitUntil(hub, path, { what: `${row.want} for ${row.reason}`, is: wrongReason(row) });

    const { reason, message, status } = condition(wrong, "Ready");
    expect({ status, reason, layer: wrong.status.summary.layer }).toEqual({
      status: "False",
      reason: row.reason,
      layer: row.layer,
    });
    expect(message).toBe(row.says.replace("REPO", new URL(charts.url).host));
    expect(layerOf(wrong, row.layer).message).toBe(message);

    if ("deed" in row.cure) await row.cure.deed(world);
    else await apply(hub, profileOf({ spec: row.cure.spec ?? row.spec ?? {} }, profile, row.cure.layers));
    await waitUntil(hub, path, { what: "Ready after the cure", is: isReady });
  });

  test("a TargetCluster whose Secret or key does not exist, until it names the right ones", async () => {
    const path = pathOf("strata.dev/v1alpha1", "targetclusters", "acme/edge");
    const metadata = { name: "edge", namespace: "acme" };
    const says = async (message: string, kubeconfigSecretRef: object): Promise<void> => {
      const spec = { connection: { kubeconfigSecretRef } };
      await apply(hub, { apiVersion: "strata.dev/v1alpha1", kind: "TargetCluster", metadata, spec });
      await waitUntil(hub, path, { what: message, is: (live) => condition(live, "Ready")?.message === message });
    };
    const stringData = { "admin.conf": hub.kubeconfig };
    await apply(hub, { apiVersion: "v1", kind: "Secret", metadata, stringData });

    // leaf: TargetCluster spec.connection.kubeconfigSecretRef.name
    await says("Secret acme/egde does not exist", { name: "egde" });
    await says("Secret acme/edge has no key kubeconfig; it has admin.conf: name one in kubeconfigSecretRef.key", {
      name: "edge",
    });
    // leaf: TargetCluster spec.connection.kubeconfigSecretRef.key
    await says("Kubernetes v1.36.3 answers", { name: "edge", key: "admin.conf" });
    await untilReady(hub, path);
  });

  test("lets Strata live, without one unexpected failure", async () => {
    expect(strata.running()).toBe(true);
    expect(strata.log()).not.toMatch(/unexpected failure|pass failed|"level":"?(?:50|60|error|fatal)/);
  });

  test("leaves nothing behind that hinders a deletion", async () => {
    await hub.kubectlOk(["delete", "sap", "--all", "-n", "acme", "--timeout=90s"]);
    expect(strata.running()).toBe(true);
  });
});

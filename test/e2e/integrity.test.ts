import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canonicalJson, parseJson } from "../../src/objects/json.ts";
import type { KubeObject } from "../../src/objects/types.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { CLUSTER_SCOPED } from "../support/shapes/cluster-scoped.ts";
import { CUSTOM, DEFINITIONS } from "../support/shapes/custom.ts";
import { comparable, Paths, readText } from "../support/shapes/live.ts";
import { NAMESPACED } from "../support/shapes/namespaced.ts";
import type { Shape } from "../support/shapes/shape.ts";
import { TEXTS } from "../support/shapes/texts.ts";
import { WORKLOADS } from "../support/shapes/workloads.ts";
import {
  apply,
  condition,
  follow,
  layerOf,
  pathOf,
  read,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

const OBJECTS: readonly Shape[] = [...TEXTS, ...NAMESPACED, ...WORKLOADS, ...CUSTOM, ...CLUSTER_SCOPED];
const ROUTES = ["inline", "object", "reference"] as const;
type Route = (typeof ROUTES)[number];

/** One cluster has the objects from Strata, the other from kubectl; nothing else writes in either. */
let hub: ControlPlane;
let other: ControlPlane;
let strata: StrataProcess;

beforeAll(async () => {
  [hub, other] = await Promise.all([
    startControlPlane({ name: "integrity", controllers: false }),
    startControlPlane({ name: "kubectl", controllers: false, audit: false }),
  ]);
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), other?.stop()]);
});

const textOf = ({ yaml }: Shape, route: string) => yaml.replaceAll("ROUTE", route);

/** The layer's manifests as the API server of the hub gets them, in YAML that kubectl reads. */
async function manifests(route: Route, name: string, shapes: readonly Shape[]): Promise<string> {
  if (route === "inline") return JSON.stringify(shapes.map((shape) => ({ inline: textOf(shape, route) })));
  if (route === "object") {
    return shapes
      .map((shape) => `\n      - object:\n${textOf(shape, route).replace(/^(?=.)/gm, "          ")}`)
      .join("");
  }
  const half = (rest: number) =>
    Object.fromEntries(
      shapes.map((shape, i) => [`${1000 + i}.yaml`, textOf(shape, route)]).filter((_, i) => i % 2 === rest),
    );
  const metadata = { name, namespace: "acme" };
  await apply(hub, { apiVersion: "v1", kind: "ConfigMap", metadata, data: half(0) });
  await apply(hub, { apiVersion: "v1", kind: "Secret", metadata, stringData: half(1) });
  return JSON.stringify([{ configMapRef: { name } }, { secretRef: { name } }]);
}

async function applyByStrata(route: Route, shapes: readonly Shape[]): Promise<void> {
  const definitions = await manifests(route, `${route}-definitions`, DEFINITIONS.filter(takes(route)));
  const objects = await manifests(route, `${route}-objects`, shapes);
  await apply(
    hub,
    `
apiVersion: strata.dev/v1alpha1
kind: AddOnProfile
metadata: {name: ${route}, namespace: acme}
spec:
  clusterRefs: [{name: local}]
  layers:
    - name: definitions
      manifests: ${definitions}
    - name: objects
      namespace: ${route}
      manifests: ${objects}
`,
  );
  // No controller runs here: nothing becomes healthy, but all of it is written.
  const path = pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${route}`);
  const written = ["NotReady", "Ready", "Unhealthy", "Timeout"];
  await waitUntil(hub, path, {
    what: "written",
    is: (profile) => written.includes(layerOf(profile, "objects")?.reason),
  });
}

async function applyByKubectl(route: Route, shapes: readonly Shape[]): Promise<KubeObject[]> {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: route } };
  await apply(other, namespace, ...DEFINITIONS.filter(takes(route)).map((shape) => textOf(shape, route)));
  await other.kubectlOk(["wait", "crd", "--all", "--for=condition=Established", "--timeout=60s"]);
  const input = shapes.map((shape) => textOf(shape, route).replace(/\n?$/, "\n")).join("---\n");
  const args = ["apply", "--server-side", "-n", route, "-o", "json", "-f", "-"];
  const applied = parseJson(await other.kubectlOk(args, { input })) as { items: KubeObject[] };
  return applied.items;
}

const takes = (route: Route) => (shape: Shape) => route !== "object" || shape.asObject !== false;

describe.each(ROUTES)("by way of %s", (route) => {
  const shapes = OBJECTS.filter(takes(route));

  test("each object arrives as kubectl apply --server-side brings it", { timeout: 300_000 }, async () => {
    await applyByStrata(route, shapes);
    const applied = await applyByKubectl(route, shapes);
    const definitions = DEFINITIONS.map((shape) => definitionIn(textOf(shape, route)));

    const paths = new Paths(other);
    const differences: string[] = [];
    for (const object of [...applied, ...definitions]) {
      const path = await paths.of(object);
      const [ours, theirs] = await Promise.all([readText(hub, path), readText(other, path)]);
      const want = canonicalJson(comparable(theirs ?? "{}"));
      const got = ours === undefined ? "absent" : canonicalJson(comparable(ours));
      if (got !== want) differences.push(`${path}\n  kubectl: ${want}\n  Strata:  ${got}`);
    }

    expect(differences.map((text) => text.slice(0, 3000))).toEqual([]);
    expect(applied.length).toBeGreaterThan(100);
  });
});

function definitionIn(text: string): KubeObject {
  const [, name = ""] = /name: ((?:cluster)?things\.\S+\.test)/.exec(text) ?? [];
  return { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name } };
}

describe("a ConfigMap of nearly 1 MiB", () => {
  const words = "0123456789abcde\n".repeat(61_000);
  const large = (name: string) =>
    JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { words } });

  test.each([
    ["inline", { inline: large("large-inline") }],
    ["object", { object: JSON.parse(large("large-object")) }],
  ])("arrives whole by way of %s", async (route, manifest) => {
    const metadata = { name: `large-${route}`, namespace: "acme" };
    const spec = {
      namespace: "acme",
      clusterRefs: [{ name: "local" }],
      layers: [{ name: "a", manifests: [manifest] }],
    };
    await apply(hub, { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata, spec });
    const path = pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/large-${route}`);
    await untilReady(hub, path);
    expect((await read(hub, `/api/v1/namespaces/acme/configmaps/large-${route}`)).data.words).toBe(words);
  });

  test("arrives whole by way of a ConfigMap", async () => {
    const text = large("large-reference").slice(0, -200_000).replace(/\\n?$/, "");
    const data = { "a.yaml": `${text}"}}` };
    await apply(hub, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "large", namespace: "acme" }, data });
    const layers = [{ name: "a", manifests: [{ configMapKeyRef: { name: "large", key: "a.yaml" } }] }];
    const metadata = { name: "large-reference", namespace: "acme" };
    const spec = { namespace: "acme", clusterRefs: [{ name: "local" }], layers };
    await apply(hub, { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata, spec });
    const path = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/large-reference");
    await untilReady(hub, path);
    const live = await read(hub, "/api/v1/namespaces/acme/configmaps/large-reference");
    expect(live.data.words).toBe(JSON.parse(data["a.yaml"]).data.words);
  });
});

describe("a field that does not exist is refused with its name, as kubectl does", () => {
  const deployment =
    "spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a, FIELD}]}}}";

  test.each([
    [
      "deep in a Deployment",
      "apps/v1",
      "Deployment",
      deployment.replace("FIELD", "imagePullPolice: Always"),
      "imagePullPolice",
    ],
    ["at the top of a ConfigMap", "v1", "ConfigMap", "dota: {a: b}", "dota"],
    ["in metadata", "v1", "ConfigMap", "data: {}", "labelz"],
    [
      "in a NetworkPolicy",
      "networking.k8s.io/v1",
      "NetworkPolicy",
      "spec: {podSelector: {}, ingress: [{form: []}]}",
      "form",
    ],
    [
      "in a CRD",
      "apiextensions.k8s.io/v1",
      "CustomResourceDefinition",
      "spec: {group: a.test, scope: Cluster, names: {kind: A, plural: as}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-everything: true}}}]}",
      "x-kubernetes-preserve-everything",
    ],
    ["in a custom object", "inline.test/v1", "Thing", "spec: {sice: 1}", "sice"],
  ])("%s", async (name, apiVersion, kind, rest, field) => {
    const extra = field === "labelz" ? ", labelz: {a: b}" : "";
    const objectName = kind === "CustomResourceDefinition" ? "as.a.test" : "unknown";
    const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: ${objectName}${extra}}\n${rest}\n`;
    const profile = name.replaceAll(" ", "-").toLowerCase();
    const spec = {
      namespace: "acme",
      clusterRefs: [{ name: "local" }],
      layers: [{ name: "a", manifests: [{ inline: text }] }],
    };

    const { code, stderr } = await hub.kubectl(["apply", "--server-side", "-n", "acme", "-f", "-"], { input: text });
    expect(code).not.toBe(0);
    expect(stderr).toContain(field);

    await apply(hub, {
      apiVersion: "strata.dev/v1alpha1",
      kind: "AddOnProfile",
      metadata: { name: profile, namespace: "acme" },
      spec,
    });
    using story = await follow(hub, pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${profile}`));
    const refused = await story.until("refused", (live) => condition(live, "Stalled")?.status === "True");
    expect(condition(refused, "Ready")).toMatchObject({ status: "False", reason: "UnknownField" });
    expect(condition(refused, "Ready").message).toContain(field);
  });
});

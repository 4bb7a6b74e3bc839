import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { runCommand } from "../support/kubectl.ts";
import {
  apply,
  auditMark,
  condition,
  follow,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";
import { toolPath } from "../support/tools.ts";

let hub: ControlPlane;
let strata: StrataProcess;

beforeAll(async () => {
  // One node: two pods with the same hostPort cannot both run.
  hub = await startControlPlane({ name: "update", nodes: 1 });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);

interface Profile {
  name: string;
  /** YAML lines of the spec besides targets and layers. */
  spec?: string;
  layers: readonly string[];
}

function profile({ name, spec = "", layers }: Profile): string {
  return `
apiVersion: strata.dev/v1alpha1
kind: AddOnProfile
metadata: { name: ${name}, namespace: acme }
spec:
  namespace: ${name}
  clusterRefs: [{ name: local }]${spec}
  layers:${layers.join("")}`;
}

/** A layer of manifests, each one line of YAML in flow style; `settings` are more lines of the layer. */
function layer(name: string, manifests: readonly string[], settings = ""): string {
  const objects = manifests.map((manifest) => `\n        - object: ${manifest}`);
  return `\n    - name: ${name}${settings}\n      manifests:${objects.join("")}`;
}

const configMap = (name: string, value: string): string =>
  `{ apiVersion: v1, kind: ConfigMap, metadata: { name: ${name} }, data: { key: "${value}" } }`;

const balancer = (name: string): string =>
  `{ apiVersion: v1, kind: Service, metadata: { name: ${name} }, spec: { type: LoadBalancer, selector: { app: web }, ports: [{ port: 80 }] } }`;

function deployment(name: string, { pod = "", ports = "" } = {}): string {
  const container = `{ name: main, image: "registry.example/${name}:1"${ports && `, ports: [${ports}]`} }`;
  const template = `{ metadata: { labels: { app: ${name} } }, spec: { ${pod}containers: [${container}] } }`;
  return `{ apiVersion: apps/v1, kind: Deployment, metadata: { name: ${name} }, spec: { replicas: 1, selector: { matchLabels: { app: ${name} } }, template: ${template} } }`;
}

async function applyAndWait(wanted: Profile): Promise<Live> {
  await apply(hub, profile(wanted));
  return await untilReady(hub, profilePath(wanted.name));
}

const configMapPath = (name: string): string => pathOf("v1", "configmaps", name);

async function dataOf(name: string): Promise<Live> {
  return (await read(hub, configMapPath(name)))?.data;
}

async function remove(name: string): Promise<void> {
  await hub.kubectlOk(["delete", "-n", "acme", `sap/${name}`, "--timeout=90s"]);
}

/** What anybody must know of a layer that is in somebody's way. */
async function conflictOf(name: string): Promise<Live> {
  return await waitUntil(hub, profilePath(name), {
    what: "in Conflict",
    is: (object) => condition(object, "Ready")?.reason === "Conflict",
  });
}

/** Writes on objects of a namespace, without what Strata keeps for itself. */
async function writesIn(namespace: string, mark: number): Promise<string[]> {
  return (await strataWrites(hub, mark)).filter((write) => write.includes(` ${namespace}/`)).sort();
}

describe("an update", () => {
  test("touches only what changed, and what left the layer goes", async () => {
    const three = (b: string): string[] => [configMap("a", "1"), configMap("b", b), deployment("web")];
    await applyAndWait({ name: "small", layers: [layer("one", [...three("1"), configMap("d", "1")])] });
    const changed = await auditMark(hub);
    await applyAndWait({ name: "small", layers: [layer("one", [...three("2"), configMap("d", "1")])] });
    expect(await dataOf("small/b")).toEqual({ key: "2" });
    expect(await strataWrites(hub, changed)).toEqual(["patch configmaps small/b"]);

    const dropped = await auditMark(hub);
    await applyAndWait({ name: "small", layers: [layer("one", three("2"))] });
    await waitUntil(hub, configMapPath("small/d"), { what: "gone", is: (object) => object === undefined });
    expect(await strataWrites(hub, dropped)).toEqual(["delete configmaps small/d"]);

    const renamed = await auditMark(hub);
    await applyAndWait({
      name: "small",
      spec: "\n  version: 2.0.0", // leaf: Profile spec.version
      layers: [layer("one", three("2"))],
    });
    expect(await strataWrites(hub, renamed)).toEqual([]);
    const wide = await hub.kubectlOk(["get", "-n", "acme", "sap/small", "-o", "wide"]);
    expect(wide).toMatch(/\b2\.0\.0\b/);
  });

  test("that renames a Deployment with a hostPort does not wait for the port that the old one holds", async () => {
    const ports = "{ containerPort: 80, hostPort: 8080 }";
    await applyAndWait({ name: "proxy", layers: [layer("proxy", [deployment("proxy", { ports })])] });
    await applyAndWait({ name: "proxy", layers: [layer("proxy", [deployment("proxy-next", { ports })])] });
    const names = await hub.kubectlOk(["get", "deployments", "-n", "proxy", "-o", "name"]);
    expect(names.trim()).toBe("deployment.apps/proxy-next");
  });

  test("that drops layers removes them last, in reverse order", async () => {
    const keep = layer("keep", [configMap("keep", "1")]);
    const old = [layer("old-1", [configMap("old-1", "1")]), layer("old-2", [configMap("old-2", "1")])];
    await applyAndWait({ name: "tower", layers: [keep, ...old] });
    const mark = await auditMark(hub);
    using story = await follow(hub, profilePath("tower"));
    await apply(hub, profile({ name: "tower", layers: [keep, layer("late", [balancer("late")])] }));
    const waiting = await story.until("waiting", (object) => layerOf(object, "late")?.state === "Waiting");
    expect(waiting.status.layers.map(({ name, state }: Live) => `${name} ${state}`)).toEqual([
      "keep Ready",
      "late Waiting",
      "old-2 Removing",
      "old-1 Removing",
    ]);
    expect([await dataOf("tower/old-1"), await dataOf("tower/old-2")]).toEqual([{ key: "1" }, { key: "1" }]);
    const address = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } } });
    await hub.kubectlOk([
      ...["patch", "-n", "tower", "service/late", "--subresource=status", "--type=merge", "-p", address],
    ]);
    const ready = await story.until("Ready", (object) => object.metadata.generation === 2 && isReady(object));
    expect(ready.status.layers.map(({ name }: Live) => name)).toEqual(["keep", "late"]);
    expect((await writesIn("tower", mark)).length).toBe(3);
    expect((await strataWrites(hub, mark)).filter((write) => write.startsWith("delete configmaps"))).toEqual([
      "delete configmaps tower/old-2",
      "delete configmaps tower/old-1",
    ]);
  });

  test("with prune: Never leaves what left the layer", async () => {
    const settings = "\n      prune: Never"; // leaf: Profile spec.layers[].prune
    const both = [configMap("a", "1"), configMap("b", "1")];
    await applyAndWait({ name: "keeper", layers: [layer("one", both, settings)] });
    const mark = await auditMark(hub);
    await applyAndWait({ name: "keeper", layers: [layer("one", [configMap("a", "2")], settings)] });
    expect(await writesIn("keeper", mark)).toEqual(["patch configmaps keeper/a"]);
    expect(await dataOf("keeper/b")).toEqual({ key: "1" });
  });
});

describe("objects that exist", () => {
  test("and that nobody owns are adopted, and given back when the profile goes", async () => {
    await hub.kubectlOk(["create", "namespace", "adopter"]);
    await hub.kubectlOk([
      "create",
      "configmap",
      "there",
      "-n",
      "adopter",
      "--from-literal=key=old",
      "--from-literal=more=kept",
    ]);
    await applyAndWait({
      name: "adopter",
      layers: [layer("one", [configMap("there", "new"), configMap("ours", "1")])],
    });
    expect(await dataOf("adopter/there")).toEqual({ key: "new", more: "kept" });
    const events = await hub.kubectlOk(["events", "-n", "acme", "--for", "addonprofile/adopter"]);
    expect(events).toContain("ConfigMap adopter/there was there before and is managed from now on");
    await remove("adopter");
    expect(await dataOf("adopter/there")).toEqual({ key: "new", more: "kept" });
    expect(await dataOf("adopter/ours")).toBeUndefined();
    const { metadata } = await read(hub, configMapPath("adopter/there"));
    expect([metadata.labels, metadata.annotations]).toEqual([undefined, undefined]);
  });

  test("are a Conflict with adoption: Never, and with the marks of another tool; Always takes them over", async () => {
    await hub.kubectlOk(["create", "namespace", "strict"]);
    await apply(
      hub,
      "{ apiVersion: v1, kind: ConfigMap, metadata: { name: there, namespace: strict }, data: { key: old } }",
    );
    const wanted = (adoption: string): Profile => ({
      name: "strict",
      layers: [
        layer(
          "one",
          [configMap("there", "new")],
          `\n      adoption: ${adoption}`, // leaf: Profile spec.layers[].adoption
        ),
      ],
    });
    await apply(hub, profile(wanted("Never")));
    const remedy = "remove it there, take it out of this layer, or set the layer's adoption to Always to take it over";
    const never = await conflictOf("strict");
    expect(layerOf(never, "one")).toMatchObject({
      state: "Blocked",
      message:
        "ConfigMap strict/there exists, and the layer's adoption is Never: delete it, take it out of this layer, or set adoption to IfUnowned",
    });
    expect(await dataOf("strict/there")).toEqual({ key: "old" });
    const release = "meta.helm.sh/release-name=shop";
    await hub.kubectlOk(["annotate", "-n", "strict", "configmap/there", release]);
    await apply(hub, profile(wanted("IfUnowned")));
    const sentence = `ConfigMap strict/there exists and belongs to Helm release shop: ${remedy}`;
    const foreign = await waitUntil(hub, profilePath("strict"), {
      what: sentence,
      is: (object) => layerOf(object, "one")?.message === sentence,
    });
    expect(condition(foreign, "Stalled")).toMatchObject({ status: "True", reason: "Conflict", message: sentence });
    expect(await dataOf("strict/there")).toEqual({ key: "old" });
    await applyAndWait(wanted("Always"));
    expect(await dataOf("strict/there")).toEqual({ key: "new" });
  });

  test("and belong to another profile stay with it; its end hands them over", async () => {
    const shared = [
      layer("one", [
        `{ apiVersion: v1, kind: ConfigMap, metadata: { name: shared, namespace: common }, data: { key: v } }`,
      ]),
    ];
    await hub.kubectlOk(["create", "namespace", "common"]);
    await applyAndWait({ name: "first", layers: shared });
    await apply(hub, profile({ name: "second", layers: shared }));
    const waiting = await conflictOf("second");
    expect(layerOf(waiting, "one")).toMatchObject({
      state: "Blocked",
      message:
        "ConfigMap common/shared exists and belongs to layer one of AddOnProfile acme/first: take it out of one of the two profiles" +
        " or, if that one has left the cluster, take the label applyset.kubernetes.io/part-of off the object and set the layer's adoption to Always",
    });
    expect(isReady(await read(hub, profilePath("first")))).toBe(true);
    await remove("first");
    await untilReady(hub, profilePath("second"));
    expect(await dataOf("common/shared")).toEqual({ key: "v" });
    await remove("second");
  });
});

describe("the end of a profile", () => {
  test("with deletionPolicy: Orphan leaves every object as it is", async () => {
    const policy = "\n  deletionPolicy: Orphan"; // leaf: Profile spec.deletionPolicy
    await applyAndWait({ name: "legacy", spec: policy, layers: [layer("one", [configMap("a", "1")])] });
    const before = await read(hub, configMapPath("legacy/a"));
    const mark = await auditMark(hub);
    await remove("legacy");
    expect(await read(hub, configMapPath("legacy/a"))).toEqual(before);
    expect(await strataWrites(hub, mark)).toEqual([]);
  });
});

describe("namespaces", () => {
  test("come from the object, the layer or the profile, in this order, with the layer's labels", async () => {
    const settings = `
      namespace: rooms-b # leaf: Profile spec.layers[].namespace
      namespaceMetadata:
        labels: { pod-security.kubernetes.io/enforce: privileged } # leaf: Profile spec.layers[].namespaceMetadata.labels
        annotations: { example.com/owner: team-b }`; // leaf: Profile spec.layers[].namespaceMetadata.annotations
    await hub.kubectlOk(["create", "namespace", "rooms-c"]);
    const elsewhere = "{ apiVersion: v1, kind: ConfigMap, metadata: { name: c, namespace: rooms-c } }";
    await applyAndWait({
      name: "rooms", // The profile's spec.namespace is the same. leaf: Profile spec.namespace
      layers: [
        layer("a", [configMap("a", "1")]), // leaf: Profile spec.layers[].name
        layer("b", [configMap("b", "1"), elsewhere], settings),
      ],
    });
    for (const path of ["rooms/a", "rooms-b/b", "rooms-c/c"]) {
      expect(await read(hub, configMapPath(path)), path).toBeDefined();
    }
    const { metadata } = await read(hub, pathOf("v1", "namespaces", "rooms-b"));
    expect(metadata.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "privileged" });
    expect(metadata.annotations).toMatchObject({ "example.com/owner": "team-b" });
    await remove("rooms");
    const left = await hub.kubectlOk(["get", "namespaces", "-o", "name"]);
    expect(left).not.toContain("namespace/rooms-b");
    expect(left.split("\n")).not.toContain("namespace/rooms");
    expect(left).toContain("namespace/rooms-c");
  });
});

describe("drift", () => {
  const web = deployment("web");
  const wanted: Profile = { name: "steady", layers: [layer("one", [configMap("config", "1"), web])] };
  const deploymentPath = pathOf("apps/v1", "deployments", "steady/web");
  /** As in a terminal, with an editor that changes the value of our key. */
  async function asPerson(args: readonly string[], input: string): Promise<void> {
    const env = { ...process.env, KUBECONFIG: hub.kubeconfigPath, KUBE_EDITOR: "sed -i s/key:.*/key:\\ edited/" };
    const { code, stderr } = await runCommand(toolPath("kubectl"), args, { env, input });
    expect(code, stderr).toBe(0);
  }

  beforeAll(async () => void (await applyAndWait(wanted)));

  const edits: Record<string, { kubectl: string[]; write: string }> = {
    "kubectl scale": {
      kubectl: ["scale", "-n", "steady", "deployment/web", "--replicas=3"],
      write: "patch deployments steady/web",
    },
    "kubectl set image": {
      kubectl: ["set", "image", "-n", "steady", "deployment/web", "main=registry.example/web:2"],
      write: "patch deployments steady/web",
    },
    "kubectl edit": {
      kubectl: ["edit", "-n", "steady", "configmap/config"],
      write: "patch configmaps steady/config",
    },
    "a JSON patch that removes a field": {
      kubectl: [
        "patch",
        "-n",
        "steady",
        "configmap/config",
        "--type=json",
        "-p",
        '[{"op":"remove","path":"/data/key"}]',
      ],
      write: "patch configmaps steady/config",
    },
    "a merge patch that removes a key": {
      kubectl: ["patch", "-n", "steady", "configmap/config", "--type=merge", "-p", '{"data":{"key":null}}'],
      write: "patch configmaps steady/config",
    },
    "kubectl apply --force-conflicts": {
      kubectl: ["apply", "--server-side", "--force-conflicts", "-f", "-"],
      write: "patch configmaps steady/config",
    },
    "kubectl delete": {
      kubectl: ["delete", "-n", "steady", "deployment/web", "--wait=false"],
      write: "patch deployments steady/web",
    },
    "removal of our label": {
      kubectl: ["label", "-n", "steady", "configmap/config", "applyset.kubernetes.io/part-of-"],
      write: "patch configmaps steady/config",
    },
  };

  test.for(Object.entries(edits))("%s is undone by one apply", async ([, { kubectl, write }]) => {
    const path = write.includes("configmaps") ? configMapPath("steady/config") : deploymentPath;
    const before = await read(hub, path);
    const mark = await auditMark(hub);
    using story = await follow(hub, path);
    const manifest = configMap("config", "foreign").replace("name: config", "name: config, namespace: steady");
    await asPerson(kubectl, manifest);
    const strataOnly = (object: Live): unknown => ({
      data: object?.data,
      replicas: object?.spec?.replicas,
      image: object?.spec?.template.spec.containers[0].image,
      marks: [object?.metadata.labels, object?.metadata.annotations?.["strata.dev/layer"]],
    });
    const wantedNow = JSON.stringify(strataOnly(before));
    // Controllers write as well: the status of the change before may still be on its way.
    const changed = await story.until("changed", (object) => JSON.stringify(strataOnly(object)) !== wantedNow);
    const changedAt = story.versions.indexOf(changed);
    await story.until(
      "as it was",
      (object) =>
        story.versions.indexOf(object) > changedAt &&
        object?.metadata.deletionTimestamp === undefined &&
        JSON.stringify(strataOnly(object)) === wantedNow,
    );
    await untilReady(hub, profilePath("steady"));
    expect(await strataWrites(hub, mark, { accepted: true })).toEqual([write]);
  });

  test("a field of somebody else is left alone", async () => {
    const mark = await auditMark(hub);
    await hub.kubectlOk(["annotate", "-n", "steady", "deployment/web", "example.com/note=mine"]);
    await hub.kubectlOk(["patch", "-n", "steady", "configmap/config", "--type=merge", "-p", '{"data":{"more":"x"}}']);
    // The repair of what is ours comes after those edits, and after whatever they would have led to.
    using story = await follow(hub, configMapPath("steady/config"));
    await hub.kubectlOk(["patch", "-n", "steady", "configmap/config", "--type=merge", "-p", '{"data":{"key":"2"}}']);
    await story.until("changed", (object) => object.data.key === "2");
    await story.until("repaired", (object) => object.data.key === "1" && story.versions.at(-1) === object);
    expect(await strataWrites(hub, mark, { accepted: true })).toEqual(["patch configmaps steady/config"]);
    expect(await dataOf("steady/config")).toEqual({ key: "1", more: "x" });
    const { metadata } = await read(hub, deploymentPath);
    expect(metadata.annotations["example.com/note"]).toBe("mine");
  });
});

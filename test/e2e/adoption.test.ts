import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applySetOf } from "../../src/membership/applyset.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { helm } from "../support/helm.ts";
import {
  apply,
  auditMark,
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

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;

beforeAll(async () => {
  hub = await startControlPlane({ name: "adoption" });
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
});

const path = (namespace: string): string => pathOf("v1", "configmaps", `${namespace}/there`);
const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);

const there = (namespace: string, data: Live, metadata: Live = {}): Live => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "there", namespace, ...metadata },
  data,
});

function profile(name: string, adoption: string, data: Live): Live {
  const { metadata: _, ...object } = there(name, data);
  const layers = [{ name: "one", adoption, manifests: [{ object: { ...object, metadata: { name: "there" } } }] }];
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name, namespace: "acme" },
    spec: { clusterRefs: [{ name: "local" }], namespace: name, layers },
  };
}

async function applied(manifest: Live, by: readonly string[]): Promise<void> {
  await hub.kubectlOk([...by, "-f", "-"], { input: JSON.stringify(manifest) });
}

const HELM_CHART = {
  "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
  "templates/there.yaml":
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: there }\ndata: { key: old, taken: old, shared: same, own: "yes" }\n',
};

async function helmInstall(namespace: string): Promise<void> {
  const folder = join(hub.dataDir, "web");
  await mkdir(join(folder, "templates"), { recursive: true });
  for (const [name, text] of Object.entries(HELM_CHART)) await writeFile(join(folder, name), text);
  const { kubeconfigPath } = hub;
  await helm(["install", "web", folder, "-n", namespace], { home: hub.dataDir, kubeconfigPath });
}

/** Of this the layer changes `key`, takes `taken` and, as it is, `shared`, and knows nothing of `own`. */
const OLD = { key: "old", taken: "old", shared: "same", own: "yes" };
const SSA = ["apply", "--server-side"];

/** Who made the object, how, and, for who keeps it under `IfUnowned`, in which words. */
const makers: Record<string, { make: (namespace: string) => Promise<void>; owner?: string }> = {
  "kubectl-apply": { make: (namespace) => applied(there(namespace, OLD), ["apply"]) },
  "kubectl-server-side": { make: (namespace) => applied(there(namespace, OLD), SSA) },
  "kubectl-create": { make: (namespace) => applied(there(namespace, OLD), ["create"]) },
  "helm-install": { make: helmInstall, owner: "Helm release web" },
  "flux-kustomization": {
    make: (namespace) =>
      applied(there(namespace, OLD, { labels: { "kustomize.toolkit.fluxcd.io/name": "apps" } }), [
        ...SSA,
        "--field-manager=kustomize-controller",
      ]),
    owner: "Flux Kustomization apps",
  },
  "flux-helmrelease": {
    make: (namespace) =>
      applied(
        there(namespace, OLD, {
          labels: { "helm.toolkit.fluxcd.io/name": "web", "app.kubernetes.io/managed-by": "Helm" },
          annotations: { "meta.helm.sh/release-name": "acme-web" },
        }),
        [...SSA, "--field-manager=helm-controller"],
      ),
    owner: "Flux HelmRelease web",
  },
  "argo-by-annotation": {
    make: (namespace) =>
      applied(there(namespace, OLD, { annotations: { "argocd.argoproj.io/tracking-id": "shop:/ConfigMap:x/there" } }), [
        "create",
        "--field-manager=argocd-controller",
      ]),
    owner: "Argo CD application shop",
  },
  "argo-by-label": {
    make: (namespace) =>
      applied(there(namespace, OLD, { labels: { "app.kubernetes.io/instance": "shop" } }), [
        "create",
        "--field-manager=argocd-controller",
      ]),
    owner: "Argo CD application shop",
  },
};
const POLICIES = ["Never", "IfUnowned", "SameRelease", "Always"] as const;

function refusal(namespace: string, policy: (typeof POLICIES)[number], owner: string | undefined): string | undefined {
  const exists = `ConfigMap ${namespace}/there exists`;
  if (policy === "Always" || (policy !== "Never" && owner === undefined)) return undefined;
  if (owner === undefined)
    return `${exists}, and the layer's adoption is Never: delete it, take it out of this layer, or set adoption to IfUnowned`;
  const remedy = "remove it there, take it out of this layer, or set the layer's adoption to Always to take it over";
  return `${exists} and belongs to ${owner}: ${remedy}`;
}

describe("an object made by", () => {
  const rows = Object.keys(makers).flatMap((maker) => POLICIES.map((policy) => [maker, policy] as const));

  test.each(rows)("%s, with adoption: %s", async (maker, policy) => {
    const name = `${maker}-${policy.toLowerCase()}`;
    await hub.kubectlOk(["create", "namespace", name]);
    const { make, owner } = makers[maker] ?? { make: async () => {} };
    await make(name);
    const made = await read(hub, path(name));
    const wanted = (data: Live): Live => profile(name, policy, data);
    const full = { key: "new", taken: "new", shared: "same", dropped: "soon" };
    await apply(hub, wanted(full));
    const sentence = refusal(name, policy, owner);
    if (sentence !== undefined) {
      await waitUntil(hub, profilePath(name), {
        what: sentence,
        is: (object) => layerOf(object, "one")?.message === sentence,
      });
      expect(await read(hub, path(name))).toEqual(made);
      // What stood in the way goes, and nobody tells Strata.
      await hub.kubectlOk(["delete", "configmap/there", "-n", name]);
      await untilReady(hub, profilePath(name));
      expect((await read(hub, path(name))).data).toEqual(full);
      await hub.kubectlOk(["delete", "-n", "acme", `sap/${name}`, "--timeout=90s"]);
      expect(await read(hub, path(name))).toBeUndefined();
      return;
    }
    await untilReady(hub, profilePath(name));
    // What Helm wrote is the layer's as a whole.
    const others = maker === "helm-install" ? {} : { own: "yes" };
    expect((await read(hub, path(name))).data).toEqual({ ...full, ...others });
    await apply(hub, wanted({ key: "new" }));
    await waitUntil(hub, path(name), { what: "without them", is: ({ data }) => !("dropped" in data) });
    await untilReady(hub, profilePath(name));
    expect((await read(hub, path(name))).data).toEqual({ key: "new", ...others });
    await hub.kubectlOk(["delete", "-n", "acme", `sap/${name}`, "--timeout=90s"]);
    const left = await read(hub, path(name));
    if (policy === "Always") return expect(left).toBeUndefined();
    expect([left.metadata.uid, left.data]).toEqual([made.metadata.uid, { key: "new", own: "yes" }]);
    const marks = { ...left.metadata.labels, ...left.metadata.annotations };
    expect(Object.keys(marks).filter((mark) => /strata|applyset/.test(mark))).toEqual([]);
    expect(JSON.stringify(left.metadata.managedFields)).not.toContain("strata");
  });
});

describe("an adopted object that says no more that it was there before", () => {
  const ADOPTED = "strata.dev/adopted";
  const NEW = { ...OLD, key: "new" };

  /** What a person does to it. */
  const deeds = {
    replaced: (name: string) => applied(there(name, NEW), ["replace"]),
    unmarked: (name: string) => hub.kubectlOk(["annotate", "configmap/there", "-n", name, `${ADOPTED}-`]),
  };

  /** Adopted, and known to be; answers its uid. */
  async function adopted(name: string): Promise<string> {
    await hub.kubectlOk(["create", "namespace", name]);
    await applied(there(name, OLD), ["create"]);
    await apply(hub, profile(name, "IfUnowned", { key: "new" }));
    await untilReady(hub, profilePath(name));
    const { parent } = applySetOf({ kind: "AddOnProfile", namespace: "acme", name });
    await waitUntil(hub, pathOf("v1", "configmaps", `strata-system/${parent}`), {
      what: "known to the parent",
      is: (object) => object?.data.adopted?.includes(`/${name}/there`),
    });
    return (await read(hub, path(name))).metadata.uid;
  }

  async function markedAgain(name: string): Promise<void> {
    const isMarked = ({ metadata: { labels = {}, annotations = {} } }: Live) =>
      annotations[ADOPTED] === "true" && labels["applyset.kubernetes.io/part-of"] !== undefined;
    await waitUntil(hub, path(name), { what: "marked again", is: isMarked });
  }

  async function isGivenBack(name: string, uid: string): Promise<void> {
    const { metadata, data } = await read(hub, path(name));
    expect([metadata.uid, data, metadata.labels, metadata.annotations]).toEqual([uid, NEW, undefined, undefined]);
  }

  const remove = (name: string, ...how: string[]) => hub.kubectlOk(["delete", "-n", "acme", `sap/${name}`, ...how]);

  test.each(["replaced", "unmarked"] as const)("is marked again, and given back: %s", async (deed) => {
    const uid = await adopted(deed);
    await deeds[deed](deed);
    await markedAgain(deed);
    await remove(deed, "--timeout=90s");
    await isGivenBack(deed, uid);
  });

  test("is so too when it happened while Strata was down, and its profile was deleted meanwhile", async () => {
    const names = ["replaced-down", "unmarked-down", "unmarked-going"];
    const uids = await Promise.all(names.map(adopted));
    await strata.kill();
    await deeds.replaced("replaced-down");
    for (const name of names.slice(1)) await deeds.unmarked(name);
    await remove("unmarked-going", "--wait=false");
    strata = await home.start();
    for (const name of names.slice(0, 2)) {
      await markedAgain(name);
      await remove(name, "--timeout=90s");
    }
    await hub.kubectlOk(["wait", "-n", "acme", "sap/unmarked-going", "--for=delete", "--timeout=90s"]);
    for (const [index, name] of names.entries()) await isGivenBack(name, uids[index] ?? "");
  });
});

describe("a field that the layer drops after it has adopted the object", () => {
  const container = (env: readonly string[]): Live => ({
    name: "main",
    image: "registry.example/web:1",
    env: env.map((name) => ({ name, value: "1" })),
  });
  const workload = (env: readonly string[], labels: Live): Live => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", labels },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [container(env)] } },
    },
  });
  const full = workload(["A", "B"], { app: "web", tier: "front" });

  test.each([
    ["kubectl-apply", ["apply"]],
    ["kubectl-server-side", SSA],
    ["kubectl-create", ["create"]],
  ])("is really gone: %s", async (maker, by) => {
    const name = `folded-${maker}`;
    const wanted = (object: Live): Live => {
      const base = profile(name, "IfUnowned", {});
      base.spec.layers = [{ name: "one", gate: "Applied", manifests: [{ object }] }];
      return base;
    };
    const web = pathOf("apps/v1", "deployments", `${name}/web`);
    await hub.kubectlOk(["create", "namespace", name]);
    await applied({ ...full, metadata: { ...full.metadata, namespace: name } }, by);
    const mark = await auditMark(hub);
    await apply(hub, wanted(full));
    await waitUntil(hub, web, {
      what: "adopted",
      is: ({ metadata }) => metadata.labels["applyset.kubernetes.io/part-of"] !== undefined,
    });
    const writes = await strataWrites(hub, mark, { accepted: true });
    expect(writes.filter((write) => write.includes(" deployments "))).toHaveLength(2);
    await apply(hub, wanted(workload(["A"], { app: "web" })));
    const live = await waitUntil(hub, web, {
      what: "without B",
      is: ({ spec }) => spec.template.spec.containers[0].env.length === 1,
    });
    expect(live.metadata.labels).not.toHaveProperty("tier");
    expect(live.spec.template.spec.containers[0].env).toEqual([{ name: "A", value: "1" }]);
  });

  test("stays as long as a tool that Strata does not know applies it too", async () => {
    await hub.kubectlOk(["create", "namespace", "thirds"]);
    await applied(there("thirds", OLD), ["create"]);
    await applied(there("thirds", { shared: "same" }), [...SSA, "--field-manager=third"]);
    await apply(hub, profile("thirds", "Always", { key: "new", taken: "new", shared: "same" }));
    await untilReady(hub, profilePath("thirds"));
    await apply(hub, profile("thirds", "Always", { key: "new" }));
    await waitUntil(hub, path("thirds"), { what: "without the rest", is: ({ data }) => !("taken" in data) });
    await untilReady(hub, profilePath("thirds"));
    expect((await read(hub, path("thirds"))).data).toEqual({ key: "new", shared: "same", own: "yes" });
    await applied(there("thirds", {}), [...SSA, "--field-manager=third"]);
    expect((await read(hub, path("thirds"))).data).toEqual({ key: "new", own: "yes" });
  });

  test("is really gone, after somebody has cleared its managedFields", async () => {
    await apply(hub, profile("cleared", "IfUnowned", { key: "1", dropped: "soon" }));
    await untilReady(hub, profilePath("cleared"));
    await hub.kubectlOk([
      "patch",
      "configmap/there",
      "-n",
      "cleared",
      "--type=merge",
      "-p",
      '{"data":{"foreign":"f"}}',
    ]);
    const clear = '[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]';
    const mark = await auditMark(hub);
    await hub.kubectlOk(["patch", "configmap/there", "-n", "cleared", "--type=json", "-p", clear]);
    await waitUntil(hub, path("cleared"), {
      what: "ours again, and nobody's besides",
      is: ({ metadata }) => {
        const entries = new Map((metadata.managedFields ?? []).map((one: Live) => [one.manager, one.fieldsV1]));
        const before = entries.get("before-first-apply") as Live;
        return [...entries.keys()].some((one) => String(one).startsWith("strata-")) && !before?.["f:data"]?.["f:key"];
      },
    });
    expect(await strataWrites(hub, mark, { accepted: true })).toEqual(Array(2).fill("patch configmaps cleared/there"));
    await apply(hub, profile("cleared", "IfUnowned", { key: "1" }));
    await waitUntil(hub, path("cleared"), {
      what: "without it",
      is: ({ data }) => JSON.stringify(data) === JSON.stringify({ foreign: "f", key: "1" }),
    });
    await hub.kubectlOk(["delete", "-n", "acme", "sap/cleared", "--timeout=90s"]);
    expect(await read(hub, path("cleared"))).toBeUndefined();
  });
});

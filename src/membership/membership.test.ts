import { describe, expect, it } from "vitest";
import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from "../objects/types.ts";
import { applySetOf, EMPTY_PARENT, type Parent, parentObject, parseParent, widen } from "./applyset.ts";
import { type Adoption, conflictSentence, judge } from "./judge.ts";
import { isMember, isProtectedManager, layerMarkOf, observe } from "./observed.ts";

const PROFILE = { kind: "ClusterProfile", namespace: "acme", name: "base" };
const SET = applySetOf(PROFILE);
const OTHER = applySetOf({ ...PROFILE, name: "other" });

const apply = (manager: string): ManagedFieldsEntry => ({
  manager,
  operation: "Apply",
  fieldsV1: { "f:metadata": { "f:labels": { "f:applyset.kubernetes.io/part-of": {} } } },
});
const object = (metadata: ObjectMeta): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "c", namespace: "acme", ...metadata },
});
const labelled = (id: string): ObjectMeta => ({ labels: { "applyset.kubernetes.io/part-of": id } });

describe("an ApplySet", () => {
  it("is named after the profile alone, so that a restored hub finds it again", () => {
    expect(applySetOf({ ...PROFILE })).toEqual(SET);
    expect(SET.parent).toMatch(/^strata-[0-9a-f]{16}$/);
    expect(SET.manager).toBe(SET.parent.slice(0, "strata-".length + 8));
    expect(new Set([SET.id, OTHER.id]).size).toBe(2);
  });

  it("keeps its parent through the cluster", () => {
    const parent: Parent = {
      hub: "uid",
      kinds: new Set(["Deployment.apps", "ConfigMap"]),
      namespaces: new Set(["a", "b"]),
      places: new Set(["Deployment.apps/a", "ConfigMap/b"]),
      layers: ["cni", "csi"],
      ownNamespaces: new Set(["b"]),
      releases: [
        { layer: "cni", namespace: "kube-system", name: "cilium" },
        { layer: "cni", namespace: "kube-system", name: "cilium-old" },
      ],
      adopted: new Map([
        ["/ConfigMap/a/there", "u1"],
        ['rbac.authorization.k8s.io/ClusterRole//odd,=" name', "u2"],
      ]),
    };
    const object = parentObject(SET, PROFILE, parent);
    expect(object["data"]).toMatchObject({ releases: "cni=kube-system/cilium,cni=kube-system/cilium-old" });
    expect(parseParent(object)).toEqual(parent);
    expect(parentObject(SET, PROFILE, { ...parent, adopted: new Map() })["data"]).not.toHaveProperty("adopted");
  });

  it.each(["", "no JSON", "{}", "7"])("is read also if what it says of adopted objects is %j", (adopted) => {
    const object = parentObject(SET, PROFILE, { ...EMPTY_PARENT, hub: "uid" });
    expect(parseParent({ ...object, data: { ...(object["data"] as object), adopted } }).adopted.size).toBe(0);
  });

  it("keeps the release that a layer had before beside the one that it has now", () => {
    const [old, next] = ["shop", "store"].map((name) => ({ layer: "front", namespace: "web", name })) as [never, never];
    const parent: Parent = { ...EMPTY_PARENT, hub: "uid", layers: ["front"], releases: [old] };
    const reach = { objects: [], layers: ["front"], ownNamespaces: [] };
    expect(widen(parent, { ...reach, releases: [old] })).toBe(parent);
    expect(widen(parent, { ...reach, releases: [next] }).releases).toEqual([old, next]);
  });

  it("is widened only when something is not covered yet", () => {
    const parent: Parent = { ...EMPTY_PARENT, hub: "uid" };
    const objects = [
      { group: "apps", kind: "Deployment", namespace: "a" },
      { group: "", kind: "Node" },
    ];
    const reach = { objects, layers: ["one"], ownNamespaces: [] };
    const wider = widen(parent, reach);
    expect([...wider.kinds]).toEqual(["Deployment.apps", "Node"]);
    expect([...wider.namespaces]).toEqual(["a"]);
    expect([...wider.places]).toEqual(["Deployment.apps/a", "Node/"]);
    expect(widen(wider, reach)).toBe(wider);
  });

  const orders: [string, string[], string[], string[]][] = [
    ["a layer that left stays behind the one it followed", ["a", "b", "c"], ["a", "c"], ["a", "b", "c"]],
    ["the first layer that left stays first", ["a", "b"], ["b"], ["a", "b"]],
    ["new layers stand where the list has them", ["a", "c"], ["a", "b", "c"], ["a", "b", "c"]],
    ["a new order of the list wins", ["a", "b"], ["b", "a"], ["b", "a"]],
  ];
  it.each(orders)("remembers the order of layers: %s", (_name, old, listed, want) => {
    const parent: Parent = { ...EMPTY_PARENT, hub: "uid", layers: old };
    expect(widen(parent, { objects: [], layers: listed, ownNamespaces: [] }).layers).toEqual(want);
  });
});

describe("a member", () => {
  const member = (metadata: ObjectMeta) => {
    const observed = observe(object(metadata));
    return observed !== undefined && isMember(observed, SET);
  };

  it("has the label, owned by the set's own field manager", () => {
    expect(member({ ...labelled(SET.id), managedFields: [apply(SET.manager)] })).toBe(true);
  });

  const strangers: [string, ObjectMeta][] = [
    ["has no label", { managedFields: [apply(SET.manager)] }],
    ["has the label of another set", { ...labelled(OTHER.id), managedFields: [apply(SET.manager)] }],
    [
      "has a label that somebody copied (EndpointSlices)",
      { ...labelled(SET.id), managedFields: [apply("kube-controller-manager")] },
    ],
    [
      "is controlled by an object of the cluster",
      {
        ...labelled(SET.id),
        managedFields: [apply(SET.manager)],
        ownerReferences: [{ apiVersion: "v1", kind: "Service", name: "s", uid: "u", controller: true }],
      },
    ],
    [
      "was updated, not applied, by our manager",
      { ...labelled(SET.id), managedFields: [{ ...apply(SET.manager), operation: "Update" }] },
    ],
  ];
  it.each(strangers)("is not one that %s", (_name, metadata) => {
    expect(member(metadata)).toBe(false);
  });

  it("tells who besides wrote last: of two in the same second the one that is not by Strata", () => {
    const update = (manager: string, second: string) => ({
      ...apply(manager),
      operation: "Update" as const,
      time: `2030-01-01T00:00:${second}Z`,
    });
    const last = (...managedFields: ReturnType<typeof update>[]) =>
      observe(object({ ...labelled(SET.id), managedFields: [apply(SET.manager), ...managedFields] }))?.lastOther
        ?.manager;
    expect(last(update(SET.manager, "05"), update("kubectl-edit", "05"))).toBe("kubectl-edit");
    expect(last(update("kubectl-edit", "05"), update(SET.manager, "05"))).toBe("kubectl-edit");
    expect(last(update("kubectl-edit", "04"), update(SET.manager, "05"))).toBe(SET.manager);
  });

  it("tells who has scaled it, but does not take that for a write to the object", () => {
    const by = (manager: string, subresource: string) => ({
      ...apply(manager),
      operation: "Update" as const,
      subresource,
    });
    const managedFields = [apply(SET.manager), by("hpa", "scale"), by("kubelet", "status")];
    const observed = observe(object({ ...labelled(SET.id), managedFields }));
    expect([observed?.scaler, observed?.lastOther]).toEqual(["hpa", undefined]);
  });

  it("carries its layer, its digest and whether it outlives the layer", () => {
    const marked = (mark: string) =>
      observe(object({ ...labelled(SET.id), annotations: { "strata.dev/layer": mark } }));
    expect(marked(layerMarkOf("cni", "abc", false))).toMatchObject({ layer: "cni", digest: "abc", kept: false });
    expect(marked(layerMarkOf("cni", "abc", true))).toMatchObject({ layer: "cni", digest: "abc", kept: true });
    expect(marked("")).toMatchObject({ layer: undefined, digest: undefined });
  });

  it.each([
    ["keep", true],
    [" Keep ", true],
    ["delete", false],
  ])("with Helm's resource policy %s outlives its layer: %s", (policy, kept) => {
    const annotations = { "strata.dev/layer": "cni/abc", "helm.sh/resource-policy": policy };
    expect(observe(object({ ...labelled(SET.id), annotations }))).toMatchObject({ layer: "cni", kept });
  });

  it.each([
    ["helm's update", { manager: "helm", operation: "Update" as const }, true],
    ["helm's apply", apply("helm"), true],
    ["an operator of another name", apply("helm-controller"), false],
    ["a status that helm wrote", { ...apply("helm"), subresource: "status" }, false],
  ])("knows %s when it sees it", (_name, entry, helmWrote) => {
    const managedFields = [apply(SET.manager), entry];
    expect(observe(object({ ...labelled(SET.id), managedFields }))).toMatchObject({ helmWrote });
  });
});

describe("judge: an object that exists already", () => {
  const controlled: ObjectMeta = {
    ownerReferences: [{ apiVersion: "v1", kind: "Certificate", name: "tls", uid: "u", controller: true }],
  };
  const ofController = { kind: "foreign", owner: { kind: "controller", words: "Certificate tls" } };
  const rows: [string, ObjectMeta, Adoption, object][] = [
    [
      "nobody's, made by kubectl create",
      { managedFields: [{ manager: "kubectl-create", operation: "Update" }] },
      "IfUnowned",
      { kind: "adoptable" },
    ],
    [
      "nobody's, made by kubectl apply --server-side",
      { managedFields: [apply("kubectl")] },
      "IfUnowned",
      { kind: "adoptable" },
    ],
    ["nobody's, but adoption is Never", {}, "Never", { kind: "foreign", owner: { kind: "nobody" } }],
    ["ours, its label taken off", { managedFields: [apply(SET.manager)] }, "Never", { kind: "ours" }],
    [
      "ours, of which nobody owns anything any more",
      { ...labelled(SET.id), managedFields: [] },
      "Never",
      { kind: "ours" },
    ],
    [
      "ours, from before the first apply as far as the server knows",
      { ...labelled(SET.id), managedFields: [{ ...apply("before-first-apply"), operation: "Update" }] },
      "Never",
      { kind: "ours" },
    ],
    [
      "a copy of ours, made by kubectl create",
      { ...labelled(SET.id), managedFields: [{ ...apply("kubectl-create"), operation: "Update" }] },
      "IfUnowned",
      { kind: "adoptable" },
    ],
    [
      "ours, with a label that somebody has changed meanwhile",
      { ...labelled(OTHER.id), managedFields: [apply(SET.manager)] },
      "Never",
      { kind: "ours" },
    ],
    [
      "ours, on its way out",
      { deletionTimestamp: "2026-01-01T00:00:00Z", managedFields: [apply(SET.manager)] },
      "IfUnowned",
      { kind: "terminating" },
    ],
    [
      "another profile's",
      { ...labelled(OTHER.id), managedFields: [apply(OTHER.manager)] },
      "IfUnowned",
      { kind: "foreign", owner: { kind: "applySet", id: OTHER.id } },
    ],
    [
      "another profile's, also with Always",
      { ...labelled(OTHER.id), managedFields: [apply(OTHER.manager)] },
      "Always",
      { kind: "foreign" },
    ],
    [
      "a Helm release's",
      { annotations: { "meta.helm.sh/release-name": "web" } },
      "IfUnowned",
      { kind: "foreign", owner: { kind: "tool", words: "Helm release web" } },
    ],
    [
      "a Helm release's, with Always",
      { annotations: { "meta.helm.sh/release-name": "web" } },
      "Always",
      { kind: "adoptable" },
    ],
    [
      "Flux's",
      { labels: { "kustomize.toolkit.fluxcd.io/name": "apps" } },
      "IfUnowned",
      { kind: "foreign", owner: { kind: "tool", words: "Flux Kustomization apps" } },
    ],
    ["Argo CD's", { annotations: { "argocd.argoproj.io/tracking-id": "app:x" } }, "IfUnowned", { kind: "foreign" }],
    ["a controller's", controlled, "IfUnowned", ofController],
    ["a controller's, also with Always: it could be no member", controlled, "Always", ofController],
    [
      "ours, until a controller took it",
      { ...controlled, ...labelled(SET.id), managedFields: [apply(SET.manager)] },
      "IfUnowned",
      ofController,
    ],
    [
      "a copy of another profile's, made by a controller",
      { ...controlled, ...labelled(OTHER.id) },
      "Always",
      ofController,
    ],
    [
      "nobody's, with a status that its controller applies",
      { managedFields: [{ ...apply("my-operator"), subresource: "status" }] },
      "IfUnowned",
      { kind: "adoptable" },
    ],
    [
      "applied by an unknown tool",
      { managedFields: [apply("my-operator")] },
      "IfUnowned",
      { kind: "foreign", owner: { kind: "tool", words: "field manager my-operator" } },
    ],
  ];
  const says = (word: string): ObjectMeta => ({ annotations: { "strata.dev/reconcile": word } });
  const frozen = { kind: "foreign", owner: { kind: "frozen" } };
  it.each<[string, ObjectMeta, Adoption, object]>([
    ["nobody's", says("Disabled"), "IfUnowned", frozen],
    ["nobody's, with Always", says("disabled"), "Always", frozen],
    ["ours, without our label", { ...says("Disabled"), managedFields: [apply(SET.manager)] }, "IfUnowned", frozen],
    ["nobody's, and says something else", says("Enabled"), "IfUnowned", { kind: "adoptable" }],
  ])("says that it is to be left as it is, and is %s", (_name, metadata, adoption, want) => {
    expect(judge(object(metadata), SET, { layer: "shop", adoption })).toMatchObject(want);
  });

  it("is nobody's if it is a namespace that another profile only uses", () => {
    const used = { ...object({ managedFields: [apply(OTHER.manager)] }), kind: "Namespace" };
    expect(judge(used, SET, { layer: "shop", adoption: "IfUnowned" })).toEqual({ kind: "adoptable" });
    const applied = { ...object({ managedFields: [apply("my-operator")] }), kind: "Namespace" };
    expect(judge(applied, SET, { layer: "shop", adoption: "IfUnowned" })).toMatchObject({ kind: "foreign" });
  });

  it.each(rows)("%s", (_name, metadata, adoption, want) => {
    expect(judge(object(metadata), SET, { layer: "shop", adoption })).toMatchObject(want);
  });

  const ofRelease = (name?: string, namespace?: string): ObjectMeta => ({
    annotations: {
      ...(name === undefined ? {} : { "meta.helm.sh/release-name": name }),
      ...(namespace === undefined ? {} : { "meta.helm.sh/release-namespace": namespace }),
    },
  });
  const WEB = { namespace: "a", name: "web" };
  const releases: [string, ObjectMeta, typeof WEB | undefined, object][] = [
    ["of the very release", ofRelease("web", "a"), WEB, { kind: "ours" }],
    ["of a release of another name", ofRelease("api", "a"), WEB, { kind: "foreign" }],
    ["of a release in another namespace", ofRelease("web", "b"), WEB, { kind: "foreign" }],
    ["of a release, wanted by a layer of manifests", ofRelease("web", "a"), undefined, { kind: "foreign" }],
    ["with half of the marks", ofRelease("web"), WEB, { kind: "foreign" }],
    ["without marks", { managedFields: [apply("kubectl")] }, WEB, { kind: "adoptable" }],
    [
      "of the very release, by its marks, but another profile's",
      { ...ofRelease("web", "a"), ...labelled(OTHER.id) },
      WEB,
      { kind: "foreign", owner: { kind: "applySet", id: OTHER.id } },
    ],
    [
      "of the very release, on its way out",
      { ...ofRelease("web", "a"), deletionTimestamp: "2026-01-01T00:00:00Z" },
      WEB,
      { kind: "terminating" },
    ],
  ];
  it.each(releases)("%s", (_name, metadata, release, want) => {
    expect(judge(object(metadata), SET, { layer: "web", adoption: "IfUnowned", release })).toMatchObject(want);
  });

  const helmMade: ObjectMeta = { managedFields: [apply("helm")] };
  const crds: [string, ObjectMeta, Adoption, boolean, object][] = [
    ["made by helm 4, with the release that is taken over", helmMade, "SameRelease", true, { kind: "adoptable" }],
    [
      "likewise, with the label that many charts give theirs",
      { ...helmMade, labels: { "app.kubernetes.io/managed-by": "Helm" } },
      "SameRelease",
      true,
      { kind: "adoptable" },
    ],
    ["made by helm 4, with Always", helmMade, "Always", true, { kind: "adoptable" }],
    ["made by helm 4, for a layer that takes no release over", helmMade, "IfUnowned", true, { kind: "foreign" }],
    ["applied by helm, and no file of crds/", helmMade, "SameRelease", false, { kind: "foreign" }],
    [
      "applied by helm and by an operator",
      { managedFields: [apply("helm"), apply("my-operator")] },
      "SameRelease",
      true,
      { kind: "foreign", owner: { kind: "tool", words: "field manager my-operator" } },
    ],
    ["of another release's templates", ofRelease("api", "a"), "SameRelease", true, { kind: "foreign" }],
  ];
  it.each(crds)("a CRD of crds/ %s", (_name, metadata, adoption, fromCrdsFolder, want) => {
    const claim = { layer: "web", adoption, release: WEB, fromCrdsFolder };
    expect(judge(object(metadata), SET, claim)).toMatchObject(want);
  });

  const hookRun = (layer: string, manager: string): ObjectMeta => ({
    labels: { "app.kubernetes.io/managed-by": "Helm" },
    annotations: { "strata.dev/hook": `${layer}/v2/01234567/pre-upgrade/0/1` },
    managedFields: [
      {
        manager,
        operation: "Update",
        fieldsV1: { "f:metadata": { "f:annotations": { "f:strata.dev/hook": {} } } },
      },
    ],
  });
  const hooks: [string, ObjectMeta, object][] = [
    ["a hook of the layer", hookRun("shop", SET.manager), { kind: "ours" }],
    ["a hook of another layer", hookRun("shopping", SET.manager), { kind: "foreign" }],
    ["another profile's hook", hookRun("shop", OTHER.manager), { kind: "foreign" }],
    ["no hook of ours: somebody copied the annotation", hookRun("shop", "kubectl-create"), { kind: "foreign" }],
  ];
  it.each(hooks)("%s, until the chart made an object of it", (_name, metadata, want) => {
    expect(judge(object(metadata), SET, { layer: "shop", adoption: "IfUnowned" })).toMatchObject(want);
  });

  it("another profile's says who that is, and what helps if it has left the cluster", () => {
    const live = object({ ...labelled(OTHER.id), annotations: { "strata.dev/layer": "one/0123" } });
    const said = conflictSentence(live, { kind: "applySet", id: OTHER.id }, "AddOnProfile/acme/first");
    expect(said).toMatch(
      /belongs to layer one of AddOnProfile acme\/first: take it out of one of the two profiles or, if that one has left the cluster, take the label applyset.kubernetes.io\/part-of off the object and set the layer's adoption to Always$/,
    );
  });

  it("a CRD that a hook changed is nobody's for that", () => {
    const crd = { ...object(hookRun("shop", SET.manager)), kind: "CustomResourceDefinition" };
    const live = { ...crd, apiVersion: "apiextensions.k8s.io/v1" };
    expect(judge(live, SET, { layer: "shop", adoption: "IfUnowned" })).toMatchObject({ kind: "foreign" });
  });

  it.each([
    ["strata-0123abcd", true],
    ["helm", true],
    ["helm-controller", true],
    ["kustomize-controller", true],
    ["argocd-controller", true],
    ["kubectl-edit", false],
    ["kube-controller-manager", false],
  ])("field manager %s is protected: %s", (manager, want) => {
    expect(isProtectedManager(manager)).toBe(want);
  });
});

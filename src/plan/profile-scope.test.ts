import { describe, expect, it } from "vitest";
import { parseProfile, parseTargetCluster } from "../api/parse.ts";
import type { Profile, TargetCluster } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { macroScope, type Overrides, profileScope } from "./profile-scope.ts";
import type { Seen } from "./seen.ts";

const API = "strata.dev/v1alpha1";

interface Given {
  kind?: string;
  variables?: object[];
  cluster?: { spec?: object; labels?: object; uid?: string } | undefined;
  /** The uid of the hub. */
  hub?: string;
  /** What the cluster itself says. */
  own?: string;
}

function profileOf({ kind = "AddOnProfile", variables = [{ name: "a", default: "x" }] }: Given): Profile {
  const layers = [{ name: "web", manifests: [{ inline: "{}" }] }];
  const metadata = { name: "p", ...(kind === "SystemProfile" ? {} : { namespace: "acme" }) };
  const spec = { clusterRefs: [{ name: "local" }], version: "1.4.0", variables, layers };
  const parsed = parseProfile({ apiVersion: API, kind, metadata, spec });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

function clusterOf({ spec, labels, uid }: NonNullable<Given["cluster"]>): TargetCluster {
  const whole = { connection: { kubeconfigSecretRef: { name: "k" } }, ...spec };
  const metadata = { name: "edge", namespace: "acme", ...(labels ? { labels } : {}) };
  const parsed = parseTargetCluster({ apiVersion: API, kind: "TargetCluster", metadata, spec: whole });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return { ...parsed.value, ...(uid === undefined ? {} : { status: { uid } }) };
}

function scopeOf(given: Given) {
  const target = given.cluster && clusterOf(given.cluster);
  const seen = {
    profile: profileOf(given),
    cluster: { name: target ? "edge" : "local", target },
    referents: () => ({ kind: "absent" }),
    site: { kubernetesVersion: "v1.36.3", prepared: { parent: { hub: given.hub ?? "" } }, uid: given.own },
    fixed: {},
  } as unknown as Seen;
  const read = profileScope(seen, new Uint8Array(32));
  if (read.kind !== "read") throw new Error(JSON.stringify(read));
  return { ...read, scope: read.scopeWith(new Map()) };
}

describe("what expressions see", () => {
  it("of a TargetCluster", () => {
    const { scope } = scopeOf({ cluster: { labels: { site: "oslo" } } });
    expect(scope.cluster).toEqual({
      name: "edge",
      namespace: "acme",
      labels: { site: "oslo" },
      kubernetesVersion: "v1.36.3",
    });
    expect(scope.profile).toEqual({ kind: "AddOnProfile", name: "p", namespace: "acme", version: "1.4.0" });
    expect(scope.variables.values.get("a")).toBe("x");
  });

  it("of the cluster local, for all tenants", () => {
    const { scope } = scopeOf({ kind: "SystemProfile" });
    expect(scope.cluster).toEqual({ name: "local", kubernetesVersion: "v1.36.3" });
    expect(scope.profile).toEqual({ kind: "SystemProfile", name: "p", version: "1.4.0" });
  });

  it("and macros of packs, in Palette's words", () => {
    expect(macroScope(scopeOf({ cluster: { uid: "u-edge" } }).scope)).toEqual({
      system: {
        cluster: { name: "edge", uid: "u-edge" },
        kubernetes: { version: "1.36.3" },
        clusterprofile: { name: "p", version: "1.4.0", infra: { name: "p", version: "1.4.0" } },
        project: { name: "acme" },
      },
      var: { a: "x" },
      macro: { a: "x" },
    });
  });

  it.each([
    ["that of the hub, for the hub itself", { hub: "u-hub" }, "u-hub"],
    ["nothing while it was not seen", {}, undefined],
    ["never the hub's for another cluster", { hub: "u-hub", cluster: {} }, undefined],
    ["what the cluster says, before its status does", { own: "u-edge", cluster: {} }, "u-edge"],
  ])("a cluster's uid is %s", (_, given, want) => {
    const { cluster } = macroScope(scopeOf(given).scope).system as { cluster: { uid?: string } };
    expect(cluster.uid).toBe(want);
  });
});

const override = ({ kind = "AddOnProfile", name = "p", layer = "web", values = { b: 1 } as object } = {}) => ({
  profileRef: { kind, name },
  layer,
  values,
});

function overridesFor(layer: string, overrides: object[], kind?: string): Overrides | Failure {
  const { scope, overridesOf } = scopeOf({ ...(kind ? { kind } : {}), cluster: { spec: { overrides } } });
  const layers = new Map([
    [
      "db",
      new Map([
        ["host", { value: "10.0.0.1" }],
        ["user", {}],
        ["password", { value: "c4n4ry", sensitive: true }],
      ]),
    ],
  ]);
  return overridesOf(layer, { ...scope, layers });
}

const nothing: Overrides = { values: [], uses: [], waitsFor: [] };

describe("overrides of a TargetCluster", () => {
  it.each<[string, object, string | undefined, unknown]>([
    ["for the layer", override(), undefined, [{ b: 1 }]],
    ["leaf: TargetCluster spec.overrides[].profileRef.kind", override({ kind: "ClusterProfile" }), undefined, []],
    ["for a SystemProfile", override({ kind: "SystemProfile" }), "SystemProfile", [{ b: 1 }]],
    ["leaf: TargetCluster spec.overrides[].profileRef.name", override({ name: "q" }), undefined, []],
    ["leaf: TargetCluster spec.overrides[].layer", override({ layer: "db" }), undefined, []],
    ["leaf: TargetCluster spec.overrides[].values", override({ values: { c: [2] } }), undefined, [{ c: [2] }]],
    [
      "with expressions",
      override({ values: { c: `\${{ variables.a }} on \${{ cluster.name }}` } }),
      undefined,
      [{ c: "x on edge" }],
    ],
  ])("%s", (_, one, kind, want) => {
    expect(overridesFor("web", [one], kind)).toEqual({ ...nothing, values: want });
  });

  it("are given in order", () => {
    const two = [override(), override({ layer: "db" }), override({ values: { b: 2 } })];
    expect(overridesFor("web", two)).toEqual({ ...nothing, values: [{ b: 1 }, { b: 2 }] });
  });

  it("use outputs of layers before it, and wait for those that are not there", () => {
    const of = (output: string) => override({ values: { a: `\${{ layers.db.outputs.${output} }}` } });
    const host = { layer: "db", output: "host" };
    expect(overridesFor("web", [of("host")])).toEqual({ values: [{ a: "10.0.0.1" }], uses: [host], waitsFor: [] });
    const user = { layer: "db", output: "user" };
    expect(overridesFor("web", [of("user")])).toEqual({ ...nothing, waitsFor: [user] });
  });

  it("tell where they have something sensitive, each for itself", () => {
    const secret = override({ values: { "a.b": [`\${{ layers.db.outputs.password }}`], c: 1 } });
    expect(overridesFor("web", [override(), secret])).toMatchObject({ sensitive: [[], [".a\\.b[0]"]] });
  });

  it("that are wrong are named by their place, all at once", () => {
    const wrong = (name: string) => override({ values: { c: `\${{ variables.${name} }}` } });
    const failure = overridesFor("web", [wrong("b"), override(), wrong("c")]);
    expect(failure).toBeInstanceOf(Failure);
    expect((failure as Failure).message).toBe(
      "TargetCluster edge overrides[0].values.c: variables.b is not declared in spec.variables; did you mean a?; " +
        "TargetCluster edge overrides[2].values.c: variables.c is not declared in spec.variables; did you mean a?",
    );
  });

  it("of the cluster local are none", () => {
    const { scope, overridesOf } = scopeOf({});
    expect(overridesOf("web", scope)).toEqual(nothing);
  });
});

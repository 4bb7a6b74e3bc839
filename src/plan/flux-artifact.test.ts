import { describe, expect, it, test } from "vitest";
import { parseProfile } from "../api/parse.ts";
import type { Profile } from "../api/types.ts";
import type { KubeObject } from "../objects/types.ts";
import { artifactOf } from "./flux-artifact.ts";
import { type InputsState, readInputs } from "./inputs.ts";
import { type Reference, type Referent, referencesOf } from "./references.ts";

const digest = `sha256:${"0f".repeat(32)}`;
const artifact = { url: "http://source.flux/a.tar.gz", digest, revision: "main@sha1:1" };

function sourceOf(status: unknown): KubeObject {
  return {
    apiVersion: "source.toolkit.fluxcd.io/v1",
    kind: "GitRepository",
    metadata: { name: "apps", namespace: "acme" },
    status,
  };
}

describe("the artifact of a source", () => {
  const ready = (status: string, message: string) => ({ conditions: [{ type: "Ready", status, message }] });
  const rows: [name: string, status: unknown, want: unknown][] = [
    ["is what its status says", { artifact }, { source: "GitRepository acme/apps", ...artifact }],
    [
      "has a digest",
      { artifact: { ...artifact, digest: undefined } },
      "GitRepository acme/apps has an artifact without a digest: it cannot be verified",
    ],
    [
      "has a digest that is one",
      { artifact: { ...artifact, digest: "../x" } },
      "GitRepository acme/apps has an artifact without a digest: it cannot be verified",
    ],
    ["is not there before the source has fetched anything", undefined, "GitRepository acme/apps has no artifact yet"],
    [
      "is not there, for the reason that the source says",
      ready("False", "auth failed"),
      "GitRepository acme/apps has no artifact yet: auth failed",
    ],
    [
      "is not there, for a reason that is cut",
      ready("False", "x".repeat(300)),
      `GitRepository acme/apps has no artifact yet: ${"x".repeat(200)}…`,
    ],
    [
      "is used while the source has trouble with the next one",
      { artifact, ...ready("False", "down") },
      { source: "GitRepository acme/apps", ...artifact },
    ],
    [
      "is read from a status of whatever form",
      { artifact: [], conditions: "x" },
      "GitRepository acme/apps has no artifact yet",
    ],
  ];
  test.each(rows)("%s", (_name, status, want) => {
    expect(artifactOf(sourceOf(status), "GitRepository acme/apps")).toEqual(want);
  });
});

function profileOf(manifests: object[], { kind = "AddOnProfile", field = "manifests" } = {}): Profile {
  const helm = { repo: "https://charts.example", chart: "web", version: "1.0.0" };
  const layer = { name: "l", [field]: manifests, ...(field === "manifests" ? {} : { helm }) };
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind,
    metadata: { name: "p", ...(kind === "SystemProfile" ? {} : { namespace: "acme" }) },
    spec: { clusterRefs: [{ name: "local" }], namespace: "acme", layers: [layer] },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

function inputsOf(profile: Profile, referents: (reference: Reference) => Referent): InputsState {
  const [layer] = profile.spec.layers;
  if (!layer) throw new Error("no layer");
  return readInputs(layer, { profile, referents, digestKey: new Uint8Array(32), kubernetesVersion: "v1.36.3" });
}

const found =
  (more: object = {}) =>
  (): Referent => ({
    kind: "found",
    object: sourceOf({ artifact: { ...artifact, ...more } }),
  });
const apps = [{ sourceRef: { kind: "GitRepository", name: "apps" } }];

describe("a layer that follows a source", () => {
  it("watches it in the profile's own namespace", () => {
    expect(referencesOf(profileOf(apps), [])).toEqual([{ kind: "GitRepository", namespace: "acme", name: "apps" }]);
  });

  test.each([
    ["leaf: SystemProfile spec.layers[].manifests[].sourceRef.namespace", "manifests"],
    ["leaf: SystemProfile spec.layers[].attachments[].sourceRef.namespace", "attachments"],
  ])("%s", (_leaf, field) => {
    const source = { sourceRef: { kind: "Bucket", name: "apps", namespace: "flux-system" } };
    expect(referencesOf(profileOf([source], { kind: "SystemProfile", field }), [])).toEqual([
      { kind: "Bucket", namespace: "flux-system", name: "apps" },
    ]);
  });

  it("is read anew for another artifact, and not because it is served from elsewhere", () => {
    const digestOf = (more?: object) => {
      const state = inputsOf(profileOf(apps), found(more));
      return state.kind === "read" ? state.inputs.digest : state.kind;
    };
    expect(digestOf({ url: "http://other.flux/a.tar.gz" })).toBe(digestOf());
    expect(digestOf({ digest: `sha256:${"1f".repeat(32)}` })).not.toBe(digestOf());
    expect(digestOf({ revision: "main@sha1:2" })).not.toBe(digestOf());
  });

  it("says all that is missing at once", () => {
    const both = [...apps, { configMapRef: { name: "none" } }, { sourceRef: { kind: "Bucket", name: "b" } }];
    const state = inputsOf(profileOf(both), ({ kind }) =>
      kind === "GitRepository" ? { kind: "found", object: sourceOf({}) } : { kind: "absent" },
    );
    expect(state.kind === "missing" && state.failure).toMatchObject({
      reason: "ReferenceNotFound",
      message:
        "manifests[0]: GitRepository acme/apps has no artifact yet; manifests[1]: ConfigMap acme/none does not exist; manifests[2]: Bucket acme/b does not exist",
    });
  });

  it("waits while the source is being read", () => {
    expect(inputsOf(profileOf(apps), () => ({ kind: "reading" }))).toEqual({ kind: "reading" });
  });
});

describe("the version of an artifact", () => {
  const oci = { repo: "oci://ghcr.io/example", artifact: "app" };
  const specDigest = (version: string, name: string) => {
    const written = profileOf([{ oci: { ...oci, version: "written" } }, { inline: name }]).spec.layers[0];
    const profile = profileOf([{ oci: { ...oci, version } }, { inline: name }]);
    const [layer] = profile.spec.layers;
    if (!layer || !written) throw new Error("no layer");
    const about = { profile, referents: found(), digestKey: new Uint8Array(32), kubernetesVersion: "v1.36.3", written };
    const read = readInputs(layer, about);
    return read.kind === "read" ? read.inputs.specDigest : read.kind;
  };

  it("is looked up anew when an expression gives another one", () => {
    expect(specDigest("1.x", "a")).toBe(specDigest("1.x", "a"));
    expect(specDigest("2.x", "a")).not.toBe(specDigest("1.x", "a"));
  });
});

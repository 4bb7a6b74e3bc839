import { describe, expect, it } from "vitest";
import { parseProfile } from "../api/parse.ts";
import type { Profile } from "../api/types.ts";
import { clusterIdentity, referenceIdentity } from "./identity.ts";

const profileOf = (kind: string, spec: object = {}): Profile => {
  const metadata = kind === "SystemProfile" ? { name: "p" } : { name: "p", namespace: "acme" };
  const layers = [{ name: "l", manifests: [{ inline: "a: b" }] }];
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind,
    metadata,
    spec: { clusterRefs: [{ name: "local" }], layers, ...spec },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
};

describe("whom a profile acts as", () => {
  const rows: [string, Profile, string][] = [
    ["the default account of its namespace", profileOf("ClusterProfile"), "system:serviceaccount:acme:default"],
    [
      "leaf: ClusterProfile spec.serviceAccountName",
      profileOf("ClusterProfile", { serviceAccountName: "platform" }),
      "system:serviceaccount:acme:platform",
    ],
    [
      "leaf: AddOnProfile spec.serviceAccountName",
      profileOf("AddOnProfile", { serviceAccountName: "apps" }),
      "system:serviceaccount:acme:apps",
    ],
    [
      "a SystemProfile: the account that the chart binds",
      profileOf("SystemProfile"),
      "system:serviceaccount:strata-system:strata-system-profiles",
    ],
  ];
  it.each(rows)("on the hub: %s", (_name, profile, user) => {
    expect(clusterIdentity(profile, "local")).toEqual({ user });
  });

  it("on a target: nobody else, its kubeconfig is the whole answer", () => {
    expect(clusterIdentity(profileOf("ClusterProfile"), "edge-17")).toBeUndefined();
  });

  it("for what it refers to: the tenant's account, or Strata itself for an admin's SystemProfile", () => {
    expect(referenceIdentity(profileOf("AddOnProfile"))).toEqual({ user: "system:serviceaccount:acme:default" });
    expect(referenceIdentity(profileOf("SystemProfile"))).toBeUndefined();
  });
});

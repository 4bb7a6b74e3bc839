import { describe, expect, it } from "vitest";
import { apiVersionOf, describeRef, groupKindKey, gvkOf, keyOf, parseApiVersion, refOf } from "./identity.ts";

const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", namespace: "acme" } };
const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "My:Viewer" } };

describe("identity", () => {
  it.each([
    ["v1", { group: "", version: "v1" }],
    ["apps/v1", { group: "apps", version: "v1" }],
    ["strata.dev/v1alpha1", { group: "strata.dev", version: "v1alpha1" }],
  ])("%s is read and written", (apiVersion, want) => {
    expect(parseApiVersion(apiVersion)).toEqual(want);
    expect(apiVersionOf(want)).toBe(apiVersion);
  });

  it("names an object by group, kind, namespace and name", () => {
    expect(gvkOf(deployment)).toEqual({ group: "apps", version: "v1", kind: "Deployment" });
    expect(keyOf(refOf(deployment))).toBe("apps/Deployment/acme/web");
    expect(keyOf(refOf(role))).toBe("rbac.authorization.k8s.io/ClusterRole//My:Viewer");
  });

  it("leaves out an empty namespace", () => {
    expect(refOf({ ...role, metadata: { name: "x", namespace: "" } })).not.toHaveProperty("namespace");
  });

  it("sees the same object in another version", () => {
    const older = refOf({ ...deployment, apiVersion: "apps/v1beta1" });
    const key = keyOf(refOf(deployment));
    expect(keyOf(older)).toBe(key);
    expect(keyOf(refOf({ ...deployment, apiVersion: "extensions/v1beta1" }))).not.toBe(key);
    expect(keyOf({ ...older, namespace: "other" })).not.toBe(key);
  });

  it("writes group-kinds as KEP-3659 does", () => {
    expect(groupKindKey(gvkOf(deployment))).toBe("Deployment.apps");
    expect(groupKindKey({ group: "", kind: "ConfigMap" })).toBe("ConfigMap");
  });

  it("describes for people", () => {
    expect(describeRef(refOf(deployment))).toBe("Deployment acme/web");
    expect(describeRef(refOf(role))).toBe("ClusterRole My:Viewer");
  });
});

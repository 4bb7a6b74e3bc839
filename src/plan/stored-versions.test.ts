import { describe, expect, it } from "vitest";
import type { KubeObject } from "../objects/types.ts";
import { droppedVersions } from "./stored-versions.ts";

interface Version {
  name: string;
  storage?: boolean;
  served?: boolean;
}

function crd(...versions: Version[]): KubeObject {
  const metadata = { name: "lamps.example.com" };
  return { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata, spec: { versions } };
}

const V1 = { name: "v1", storage: true, served: true };

describe("a CRD may be brought to a version", () => {
  it.each<[name: string, next: KubeObject, stored: string[]]>([
    ["that has what objects are stored in", crd(V1), ["v1"]],
    ["that stores otherwise from now on, and keeps the old one", crd({ name: "v1beta1" }, V1), ["v1beta1"]],
    ["that serves the old one no more, and keeps it", crd({ name: "v1beta1", served: false }, V1), ["v1beta1", "v1"]],
    ["that drops one in which nothing is stored", crd(V1), ["v1"]],
    ["when nothing is known to be stored", crd(V1), []],
    ["that is none: the API server judges that", { ...crd(), spec: { versions: "v1" } }, ["v1"]],
    ["whose items are none", { ...crd(), spec: { versions: [null, "v1"] } }, ["v1"]],
  ])("%s", (_, next, stored) => {
    expect(droppedVersions(next, stored)).toBeUndefined();
  });
});

describe("a CRD may not drop a version in which objects may be stored", () => {
  it("and the sentence says what to do", () => {
    expect(droppedVersions(crd(V1), ["v1beta1", "v1"])).toMatchObject({
      reason: "VersionInUse",
      state: "Blocked",
      message:
        "CustomResourceDefinition lamps.example.com: version v1beta1 would go, and objects may still be stored in it " +
        "(status.storedVersions): write all of them once in v1, as kube-storage-version-migrator does, then " +
        "take it out of status.storedVersions: kubectl patch crd lamps.example.com --subresource=status " +
        `--type=merge -p '{"status":{"storedVersions":["v1"]}}'`,
    });
  });

  it("nor several", () => {
    const { message } = droppedVersions(crd(V1), ["v1alpha1", "v1beta1"]) ?? {};
    expect(message).toContain("versions v1alpha1, v1beta1 would go, and objects may still be stored in them ");
    expect(message).toContain("then take them out of status.storedVersions");
  });

  it("when nobody can tell in which objects are stored instead", () => {
    const { message } = droppedVersions(crd({ name: "v2" }), ["v1"]) ?? {};
    expect(message).toContain("write all of them once in the version that is stored, as");
    expect(message).toMatch(/then take it out of status\.storedVersions$/);
  });
});

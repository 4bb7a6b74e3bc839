import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../objects/types.ts";
import { assess } from "./assess.ts";
import { hasHealth } from "./statusless.ts";

const kind = (group: string, name: string) => ({ group, version: "v1", kind: name });

describe("hasHealth", () => {
  it.each([
    ["", "ConfigMap"],
    ["", "Secret"],
    ["", "ServiceAccount"],
    ["", "ResourceQuota"],
    ["rbac.authorization.k8s.io", "ClusterRole"],
    ["networking.k8s.io", "NetworkPolicy"],
    ["storage.k8s.io", "StorageClass"],
    ["scheduling.k8s.io", "PriorityClass"],
    ["admissionregistration.k8s.io", "ValidatingWebhookConfiguration"],
    ["discovery.k8s.io", "EndpointSlice"],
    ["apps", "ControllerRevision"],
  ])("is false for %s %s", (group, name) => {
    expect(hasHealth(kind(group, name))).toBe(false);
  });

  it.each([
    ["apps", "Deployment"],
    ["", "Pod"],
    ["", "PersistentVolumeClaim"],
    ["", "Namespace"],
    ["apiextensions.k8s.io", "CustomResourceDefinition"],
    ["shop.example", "Widget"],
    ["secrets.example", "Secret"],
  ])("is true for %s %s", (group, name) => {
    expect(hasHealth(kind(group, name))).toBe(true);
  });

  it("is false only where every object that is not being deleted is Current", () => {
    const rows: { object: KubeObject }[] = JSON.parse(
      readFileSync(new URL("testdata/kstatus.json", import.meta.url), "utf8"),
    );
    for (const { object } of rows) {
      const group = object.apiVersion.includes("/") ? (object.apiVersion.split("/")[0] ?? "") : "";
      if (hasHealth(kind(group, object.kind))) continue;
      expect(assess({ ...object, status: {} }).state).toBe("Current");
      expect(assess(object).state).toBe("Current");
    }
  });
});

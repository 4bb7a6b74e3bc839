import { describe, expect, it } from "vitest";
import type { KubeObject } from "./types.ts";
import { kindsServedBy, removalWaveOf, WAVES, waveOf } from "./waves.ts";

function of(apiVersion: string, kind: string, fields: Record<string, unknown> = {}): KubeObject {
  return { apiVersion, kind, metadata: { name: "x" }, ...fields };
}

const widgetCrd = of("apiextensions.k8s.io/v1", "CustomResourceDefinition", {
  spec: { group: "example.com", names: { kind: "Widget", plural: "widgets" } },
});

describe("waves", () => {
  const layerKinds = kindsServedBy([widgetCrd, of("v1", "ConfigMap")]);

  it.each([
    [1, widgetCrd],
    [1, of("v1", "Namespace")],
    [1, of("scheduling.k8s.io/v1", "PriorityClass")],
    [2, of("v1", "ServiceAccount")],
    [2, of("rbac.authorization.k8s.io/v1", "ClusterRoleBinding")],
    [2, of("v1", "ResourceQuota")],
    [2, of("networking.k8s.io/v1", "NetworkPolicy")],
    [2, of("storage.k8s.io/v1", "StorageClass")],
    [2, of("v1", "Secret")],
    [2, of("v1", "PersistentVolumeClaim")],
    [2, of("v1", "Service")],
    [3, of("apps/v1", "Deployment")],
    [3, of("batch/v1", "Job")],
    [3, of("networking.k8s.io/v1", "Ingress")],
    [3, of("policy/v1", "PodDisruptionBudget")],
    [4, of("apiregistration.k8s.io/v1", "APIService")],
    [4, of("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration")],
    [5, of("example.com/v1", "Widget")],
    [5, of("example.com/v2", "Widget")],
    [3, of("other.com/v1", "Widget")],
    [3, of("serving.knative.dev/v1", "Service")],
  ])("%i: $apiVersion $kind", (wave, object) => {
    expect(waveOf(object, layerKinds)).toBe(wave);
  });

  it("are in order", () => {
    expect(WAVES).toEqual([1, 2, 3, 4, 5]);
  });

  it.each([
    [5, "Widget", "demo.example"],
    [5, "VolumeSnapshotClass", "snapshot.storage.k8s.io"],
    [4, "APIService", "apiregistration.k8s.io"],
    [3, "Deployment", "apps"],
    [3, "Ingress", "networking.k8s.io"],
    [2, "StorageClass", "storage.k8s.io"],
    [1, "CustomResourceDefinition", "apiextensions.k8s.io"],
  ])("%i is the wave in which a %s of %s goes", (wave, kind, group) => {
    expect(removalWaveOf({ kind, group })).toBe(wave);
  });

  it("a malformed CustomResourceDefinition serves nothing", () => {
    const crd = "CustomResourceDefinition";
    const broken = [{}, { spec: null }, { spec: { group: "a" } }, { spec: { group: 1, names: { kind: "A" } } }];
    expect(kindsServedBy(broken.map((fields) => of("apiextensions.k8s.io/v1", crd, fields)))).toEqual(new Set());
  });
});

import type { KubeObject } from "../src/objects/types.ts";

export const LAYERS = 5;
const EACH = 25;

/** 100 objects: 25 each of ServiceAccount, ConfigMap, Service and Deployment at 0 replicas. `value` stands in one ConfigMap. */
export function layerObjects(layer: number, namespace: string, value: string): KubeObject[] {
  return Array.from({ length: EACH }, (_, index) => `l${layer}-${index}`).flatMap((name, index) => [
    object("v1", "ServiceAccount", name, namespace, {}),
    object("v1", "ConfigMap", name, namespace, { data: { key: index === 0 ? value : "same" } }),
    object("v1", "Service", name, namespace, {
      spec: { selector: { app: name }, ports: [{ name: "http", port: 80, protocol: "TCP" }] },
    }),
    object("apps/v1", "Deployment", name, namespace, deploymentFields(name)),
  ]);
}

export function deployments(layer: number): string[] {
  return Array.from({ length: EACH }, (_, index) => `l${layer}-${index}`);
}

function deploymentFields(name: string): object {
  const template = {
    metadata: { labels: { app: name } },
    spec: { containers: [{ name: "main", image: "example/main:1" }] },
  };
  return { spec: { replicas: 0, selector: { matchLabels: { app: name } }, template } };
}

function object(apiVersion: string, kind: string, name: string, namespace: string, fields: object): KubeObject {
  return { apiVersion, kind, metadata: { name, namespace }, ...fields };
}

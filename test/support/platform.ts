import type { WrittenPack } from "./packs.ts";
import type { Live } from "./stories.ts";

/** One chart, and one manifest beside it, in a namespace that the pack names. */
export const page: WrittenPack = {
  name: "page",
  version: "1.0.0",
  charts: { board: { "templates/board.yaml": "{ apiVersion: v1, kind: ConfigMap, metadata: { name: board } }" } },
  files: {
    "values.yaml": "pack: { namespace: page }",
    "manifests/page.yaml": "{ apiVersion: v1, kind: ConfigMap, metadata: { name: page }, data: { title: hello } }",
  },
};

export const manifest = (apiVersion: string, kind: string, name: string, rest: Live = {}): { object: Live } => ({
  object: { apiVersion, kind, metadata: { name }, ...rest },
});
const deployment = (name: string): { object: Live } =>
  manifest("apps/v1", "Deployment", name, {
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image: `${name}:1` }] } },
    },
  });

/** Four layers in four namespaces, of 5, 2 and (by its chart) 5 objects, and of 1 + 1 by a pack; one object is there before. */
export function platform(repo: string, { value = "1", chartValue = "1", version = "1.0.0" } = {}): Live {
  const there = { metadata: { name: "there", namespace: "default" }, data: { value: "new" } };
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "ClusterProfile",
    metadata: { name: "platform", namespace: "acme" },
    spec: {
      version,
      clusterRefs: [{ name: "edge" }],
      layers: [
        {
          name: "base",
          namespace: "base",
          manifests: [
            manifest("v1", "ConfigMap", "settings", { data: { value } }),
            manifest("v1", "Secret", "key", { stringData: { key: "k" } }),
            manifest("v1", "ServiceAccount", "app"),
            manifest("v1", "Service", "app", { spec: { ports: [{ port: 80 }] } }),
            { object: { apiVersion: "v1", kind: "ConfigMap", ...there } },
          ],
        },
        { name: "app", namespace: "app", manifests: [deployment("web"), manifest("v1", "ConfigMap", "web")] },
        {
          name: "shop",
          namespace: "shop",
          helm: { repo, chart: "shop", version: "1.2.x" },
          values: { config: { value: chartValue } },
          crds: "Skip",
        },
        { name: "page", pack: { registryRef: { name: "packs" }, name: "page", version: "1.0.0" } },
      ],
    },
  };
}

export const local: Live = {
  apiVersion: "strata.dev/v1alpha1",
  kind: "AddOnProfile",
  metadata: { name: "local", namespace: "acme" },
  spec: {
    clusterRefs: [{ name: "local" }],
    namespace: "local",
    layers: [
      { name: "one", manifests: [manifest("v1", "ConfigMap", "one"), manifest("v1", "Secret", "one")] },
      { name: "two", manifests: [{ configMapRef: { name: "manifests" } }] },
    ],
  },
};

import { apply } from "../stories.ts";
import { type BadRow, configMap, fine, type World } from "./bad-row.ts";

const VALUES = { extraLists: false };

const chart = (world: World, fields: object = {}, helm: object = {}) => ({
  name: "shop",
  helm: { repo: world.charts, chart: "shop", version: "1.2.3", ...helm },
  values: { replicas: 0, ...VALUES },
  ...fields,
});

/** Charts that cannot be found or rendered, and values that do not fit them. */
export const BAD_CHARTS: readonly BadRow[] = [
  {
    name: "chart values that do not exist",
    layers: (world) => [chart(world, { valuesFrom: [{ secretKeyRef: { name: "no-values", key: "v" } }] })],
    want: "Stalled",
    reason: "ReferenceNotFound",
    layer: "shop",
    says: "valuesFrom[0]: Secret acme/no-values does not exist",
    cure: { layers: fine("no-values") },
  },
  {
    name: "chart values that are a list",
    before: ({ hub }) => apply(hub, configMap("list-values", { v: "- a\n- b\n" }, { namespace: "acme" })),
    layers: (world) => [chart(world, { valuesFrom: [{ configMapKeyRef: { name: "list-values", key: "v" } }] })],
    want: "Stalled",
    reason: "InvalidValues",
    layer: "shop",
    says: "valuesFrom[0], ConfigMap acme/list-values key v: values must be a YAML map",
    cure: { layers: fine("list-values") },
  },
  {
    name: "a targetPath through a value that is no map",
    before: ({ hub }) => apply(hub, configMap("path-values", { v: "x" }, { namespace: "acme" })),
    layers: (world) => [
      chart(world, {
        valuesFrom: [{ configMapKeyRef: { name: "path-values", key: "v" }, targetPath: "replicas.count[3].x" }],
      }),
    ],
    want: "Stalled",
    reason: "InvalidValues",
    layer: "shop",
    says: 'targetPath "replicas.count[3].x": "replicas" is not a map',
    cure: { layers: fine("path-values") },
  },
  {
    name: "values that the chart's schema refuses",
    layers: (world) => [chart(world, { values: { ...VALUES, replicas: 99, service: { type: "Wrong" } } })],
    want: "Stalled",
    reason: "InvalidValues",
    layer: "shop",
    says: "chart shop 1.2.3 refuses the values: replicas: must be at most 9; service.type: value must be one of 'ClusterIP', 'NodePort'",
    cure: { layers: fine("schema") },
  },
  {
    name: "a value that breaks the chart's templates",
    layers: (world) => [chart(world, { values: { ...VALUES, config: { a: "{{ .Values.nothing.at.all }}" } } })],
    want: "Stalled",
    reason: "RenderFailed",
    layer: "shop",
    says: 'chart shop 1.2.3 does not render: shop/templates/config.yaml:10:17: executing "shop/templates/config.yaml" at <tpl $value $>: error calling tpl: error during tpl function execution for "***": template: gotpl:1:10: executing "gotpl" at <***>: nil pointer evaluating interface {}.at; it was rendered as if v1 Secret kube-system/any did not exist: if it does, allow it in helm.lookup',
    cure: { layers: fine("templates") },
  },
  {
    name: "a value that the chart requires",
    layers: (world) => [{ ...chart(world, {}, { chart: "hooked" }), values: {} }],
    want: "Stalled",
    reason: "RenderFailed",
    layer: "shop",
    says: "chart hooked 1.2.3 does not render: hooked/templates/config.yaml:4:17: size must be set",
    cure: { layers: fine("required-value") },
  },
  {
    name: "a chart that the repository does not have",
    layers: (world) => [chart(world, {}, { chart: "shopp" })],
    want: "Stalled",
    reason: "ChartNotFound",
    layer: "shop",
    says: 'http://REPO has no chart "shopp"; it has shop',
    cure: { layers: fine("shopp") },
  },
  {
    name: "a version that the repository does not have",
    layers: (world) => [chart(world, {}, { version: "9.x" })],
    want: "Stalled",
    reason: "ChartNotFound",
    layer: "shop",
    says: 'http://REPO has chart "shop", but no version 9.x: the newest are 1.2.3',
    cure: { layers: fine("version") },
  },
  {
    name: "a repository that does not answer",
    layers: (world) => [chart(world, {}, { repo: "http://127.0.0.1:9" })],
    want: "Retrying",
    reason: "SourceUnavailable",
    layer: "shop",
    says: "127.0.0.1:9 is not available: it refuses connections",
    cure: { layers: fine("repository") },
  },
  {
    name: "an address that serves no charts",
    layers: (world) => [chart(world, {}, { repo: world.charts.replace("http://", "oci://") })],
    want: "Stalled",
    reason: "ChartNotFound",
    layer: "shop",
    says: 'oci://REPO has no chart "shop"',
    cure: { layers: fine("address") },
  },
];

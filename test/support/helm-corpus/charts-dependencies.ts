import { yaml } from "../shapes/shape.ts";
import type { CorpusChart, Files } from "./types.ts";

/** A subchart of one ConfigMap that shows its values; `more` are further lines of its Chart.yaml. */
function subchart(path: string, values: string, more = ""): Files {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return {
    [`${path}/Chart.yaml`]: `apiVersion: v2\nname: ${name}\nversion: 0.1.0\n${more}`,
    [`${path}/values.yaml`]: values,
    [`${path}/templates/shown.yaml`]: `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}-{{ .Chart.Name }}" }\ndata: { values: {{ toJson .Values | quote }} }\n`,
  };
}

/** Charts in charts. */
export const DEPENDENCY_CHARTS: readonly CorpusChart[] = [
  {
    name: "condition",
    feature: "subcharts that conditions switch on and off, the first that is set decides",
    chart: {
      dependencies: [
        { name: "cache", version: "0.1.0", condition: "cache.enabled,global.cache.enabled" },
        { name: "queue", version: "0.1.0", condition: "queue.enabled" },
        { name: "always", version: "0.1.0", condition: "always.unset" },
      ],
    },
    files: {
      "values.yaml": "cache: { enabled: false }\nqueue: { enabled: true }\n",
      ...subchart("charts/cache", "size: 1\n"),
      ...subchart("charts/queue", "size: 2\n"),
      ...subchart("charts/always", "size: 3\n"),
    },
    upgrade: { values: { cache: { enabled: true, size: 9 }, queue: { enabled: false } } },
    removal: {
      values: { cache: { enabled: null }, global: { cache: { enabled: true } }, queue: { enabled: "false" } },
    },
  },
  {
    name: "tags",
    feature: "subcharts that tags switch on and off, under their conditions",
    chart: {
      dependencies: [
        { name: "front", version: "0.1.0", tags: ["ui", "all"] },
        { name: "back", version: "0.1.0", tags: ["server"], condition: "back.enabled" },
      ],
    },
    files: {
      "values.yaml": "tags: { ui: false, server: false }\n",
      ...subchart("charts/front", "a: 1\n"),
      ...subchart("charts/back", "b: 1\n"),
    },
    upgrade: { values: { tags: { all: true, server: true } } },
    removal: { values: { tags: { server: true }, back: { enabled: false } } },
  },
  {
    name: "alias",
    feature: "one subchart three times, under two other names",
    chart: {
      dependencies: [
        { name: "database", version: "0.x.x" },
        { name: "database", version: "0.1.0", alias: "orders" },
        { name: "database", version: "^0.1.0", alias: "users", condition: "users.enabled" },
      ],
    },
    files: {
      "values.yaml": "database: { size: 1 }\norders: { size: 2 }\nusers: { size: 3, enabled: true }\n",
      ...subchart("charts/database", "size: 0\nowner: nobody\n"),
    },
    upgrade: { values: { orders: { owner: "shop" } } },
    removal: { values: { users: { enabled: false } } },
  },
  {
    name: "import-values",
    feature: "values that the parent takes from a subchart",
    chart: {
      dependencies: [
        { name: "part", version: "0.1.0", "import-values": ["shared", { child: "inner.config", parent: "taken" }] },
      ],
    },
    files: {
      "values.yaml": "taken: { port: 1 }\n",
      "templates/values.yaml":
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: parent }\ndata: { values: {{ toJson (omit .Values "part") | quote }} }\n',
      ...subchart("charts/part", "exports: { shared: { level: info } }\ninner: { config: { port: 80, host: part } }\n"),
    },
    upgrade: { values: { part: { inner: { config: { port: 81 } } }, level: "debug" } },
  },
  {
    name: "library",
    feature: "a library chart whose templates it uses",
    chart: { dependencies: [{ name: "common", version: "0.1.0" }] },
    files: {
      "charts/common/Chart.yaml": "{ apiVersion: v2, name: common, version: 0.1.0, type: library }\n",
      "charts/common/values.yaml": "prefix: lib\n",
      "charts/common/templates/_configmap.tpl": yaml`
        {{- define "common.configmap.base" -}}
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: {{ .Values.common.prefix }}-{{ .Release.Name }}
          labels: { helm.sh/chart: {{ .Chart.Name }} }
        data: {}
        {{- end -}}
        {{- define "common.configmap" -}}
        {{- $top := first . -}}
        {{- $overrides := fromYaml (include (index . 1) $top) | default (dict) -}}
        {{- toYaml (merge $overrides (fromYaml (include "common.configmap.base" $top))) -}}
        {{- end -}}
      `,
      "charts/common/templates/never.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: never }\n",
      "templates/config.yaml": yaml`
        {{- include "common.configmap" (list . "own.config") -}}
        {{- define "own.config" -}}
        data: { own: {{ .Values.own | default "nothing" | quote }} }
        {{- end -}}
      `,
    },
    upgrade: { values: { own: "something", common: { prefix: "mine" } } },
  },
  {
    name: "nested-subcharts",
    feature: "three levels of charts, values passed down, and templates of the same name where the parent's wins",
    chart: { dependencies: [{ name: "middle", version: "0.1.0" }] },
    files: {
      "values.yaml": "middle: { leaf: { size: from-top } }\n",
      "templates/_name.tpl": '{{- define "shared.name" }}top{{ end }}\n',
      "templates/name.yaml":
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: name }\ndata: { name: {{ include "shared.name" . }} }\n',
      ...subchart(
        "charts/middle",
        "leaf: { size: from-middle, color: from-middle }\n",
        "dependencies: [{ name: leaf, version: 0.1.0, condition: leaf.enabled }]\n",
      ),
      "charts/middle/templates/_name.tpl": '{{- define "shared.name" }}middle{{ end }}\n',
      ...subchart("charts/middle/charts/leaf", "size: from-leaf\ncolor: from-leaf\nshape: from-leaf\n"),
      "charts/middle/charts/leaf/templates/_name.tpl": '{{- define "shared.name" }}leaf{{ end }}\n',
    },
    upgrade: { values: { middle: { leaf: { shape: "from-user" } } } },
    removal: { values: { middle: { leaf: { enabled: false } } } },
  },
  {
    name: "unlisted-subchart",
    feature: "a subchart in charts/ that Chart.yaml does not list",
    files: subchart("charts/stowaway", "size: 1\n"),
    upgrade: { values: { stowaway: { size: 2 } } },
  },
];

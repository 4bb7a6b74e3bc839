import { yaml } from "../shapes/shape.ts";
import type { CorpusChart } from "./types.ts";

const windows = (text: string): string => text.replaceAll("\n", "\r\n");

/** What stands in template files, and how Helm cuts and reads it. */
export const YAML_CHARTS: readonly CorpusChart[] = [
  {
    name: "empty-documents",
    feature: "empty documents, documents of comments, and files that render to nothing",
    files: {
      "templates/many.yaml": yaml`
        ---
        ---
        # a comment
        ---

        --- # a comment behind the marker
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: first }
        ---
        {{- if .Values.never }}
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: never }
        {{- end }}
        ---
        # before
        apiVersion: v1
        kind: ConfigMap
        # inside
        metadata: { name: second } # behind
        data:
          text: |
            ---
            # not a comment
            --- not a document
        ---
        null
        ---
      `,
      "templates/comments.yaml": "# {{ .Chart.Name }}\n# nothing else\n",
      "templates/blank.yaml": "\n\n  \n",
      "templates/off.yaml": "{{- if .Values.never }}\nkind: ConfigMap\n{{- end }}\n",
      "templates/template-comment.yaml": "{{- /* nothing */ -}}\n",
    },
  },
  {
    name: "crlf",
    feature: "files with the line ends of Windows",
    files: {
      "values.yaml": windows("text: |\n  one\n  two\nplain: value\n"),
      "settings.ini": windows("[a]\nb=c\n"),
      "templates/_helpers.tpl": windows('{{- define "crlf.labels" -}}\na: b\nc: d\n{{- end -}}\n'),
      "templates/crlf.yaml": windows(yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: crlf
          labels:
            {{- include "crlf.labels" . | nindent 4 }}
        data:
          text: {{ .Values.text | quote }}
          plain: {{ .Values.plain }}
          block: |
            first
              second
          file: {{ .Files.Get "settings.ini" | quote }}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: second
        {{- range until 2 }}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: looped-{{ . }}
        {{- end }}
      `),
    },
    upgrade: { values: { text: "a\r\nb", plain: "other" } },
  },
  {
    name: "duplicate-keys",
    feature: "keys that stand twice in one map, where the last counts",
    files: {
      "values.yaml": "a: 1\na: 2\n",
      "templates/twice.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: wrong
          labels: { a: first }
          name: twice
          labels: { b: second }
        data:
          a: "{{ .Values.a }}"
          b: first
          b: second
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: twice }
        spec:
          selector: { app: first }
          ports: [{ port: 80, port: 81, name: http }]
          selector: { app: second }
      `,
    },
  },
  {
    name: "anchors",
    feature: "anchors, aliases and merge keys",
    files: {
      "values.yaml": yaml`
        base: &base { a: 1, b: 2 }
        derived: { <<: *base, b: 3 }
      `,
      "templates/anchors.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: anchors
          labels: &labels { app: anchors, tier: front }
          annotations:
            <<: *labels
            tier: back
            more: &more "text"
        data:
          <<: [{ x: one, y: one }, { y: two, z: two }]
          z: own
          alias: *more
          values: {{ toJson .Values | quote }}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: anchors, labels: &app { app: anchors } }
        spec:
          replicas: 0
          selector: { matchLabels: *app }
          template:
            metadata: { labels: { <<: *app, extra: "1" } }
            spec: { containers: [&c { name: main, image: "registry.example/anchors:1" }, { <<: *c, name: side }] }
      `,
    },
    upgrade: { values: { base: { c: 4 } } },
  },
  {
    name: "unicode",
    feature: "texts of all scripts, control characters and long lines",
    files: {
      "values.yaml": 'greeting: "こんにちは"\nemoji: "👩‍🚀 \\U0001F680"\n',
      "greetings/grüße.txt": "Grüße\u00a0aus\u2028München\n",
      "templates/unicode.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: unicode, annotations: { example.com/name: "nä" } }
        data:
          greeting: {{ .Values.greeting }}
          emoji: {{ .Values.emoji | quote }}
          rtl: "مرحبا‏"
          composed: "é é"
          file: {{ .Files.Get "greetings/grüße.txt" | quote }}
          upper: {{ upper "straße" }} {{ len "straße" }} {{ trunc 5 "straße" | quote }}
          escapes: "tab\tnewline\nnull\0bell\anel\N\u00fc\U0001F600\e"
          plain: a very long line {{ repeat 60 "0123456789 " }} end
          folded: >
            one
            two

              indented
            three
          keep: |+
            text

          strip: |-
            text

          indicator: |2
              two more
          tabs: "a	b"
          single: 'it''s "quoted" \n'
      `,
    },
    upgrade: { values: { greeting: "Здравствуйте", emoji: "\u200d🏴" } },
  },
  {
    name: "list-kinds",
    feature: "List, ConfigMapList and nested lists, empty ones too",
    files: {
      "templates/list.yaml": yaml`
        apiVersion: v1
        kind: List
        metadata: { resourceVersion: "" }
        items:
          - { apiVersion: v1, kind: ConfigMap, metadata: { name: a } }
          - { apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: { name: b }, rules: [] }
          {{- if ne .Chart.Version "3.0.0" }}
          - { apiVersion: v1, kind: ConfigMap, metadata: { name: c }, data: { version: {{ .Chart.Version }} } }
          {{- end }}
        ---
        apiVersion: v1
        kind: ConfigMapList
        items:
          - { apiVersion: v1, kind: ConfigMap, metadata: { name: d } }
          - { apiVersion: v1, kind: ConfigMap, metadata: { name: e } }
      `,
    },
  },
  {
    name: "non-string-annotations",
    feature: "annotations that are no strings in its second version",
    files: {
      "templates/a.yaml":
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, annotations: { number: "1", word: "yes" } }\n',
    },
    upgrade: {
      files: {
        "templates/a.yaml":
          "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, annotations: { number: 1, word: yes } }\n",
      },
    },
    removal: {
      files: {
        "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, annotations: null, labels: }\n",
      },
    },
    refused: {
      release: "upgrade",
      helm: /cannot unmarshal/,
      strata: /metadata\.annotations: the value of "number" must be a string/,
    },
  },
  {
    name: "non-string-labels",
    feature: "labels that are no strings in its second version",
    files: {
      "templates/a.yaml":
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, labels: { number: "1", word: "yes" } }\n',
    },
    upgrade: {
      files: {
        "templates/a.yaml":
          'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, labels: { number: 1, word: yes, text: "x" } }\n',
      },
    },
    removal: {
      files: { "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, labels: { word: null } }\n" },
    },
    refused: {
      release: "upgrade",
      helm: /cannot unmarshal number into Go struct field ObjectMeta\.metadata\.labels/,
      strata: /metadata\.labels: the value of "number" must be a string/,
    },
  },
  {
    name: "file-names",
    feature: "templates in JSON, in folders, with other endings, and partials that are left out",
    files: {
      "templates/one.json":
        '{ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "json" }, "data": { "v": "{{ .Chart.Version }}" } }\n',
      "templates/two.yml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: yml }\n",
      "templates/deep/er/three.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: deep }\n",
      "templates/four.txt": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: txt }\n",
      "templates/five": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: without-ending }\n",
      "templates/_partial.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: partial }\n",
      "templates/deep/_partial.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: deep-partial }\n",
      "outside.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: outside }\n",
      "README.md": "# Not a template {{ fail }}\n",
    },
    upgrade: {
      files: {
        "templates/two.yml": null,
        "templates/moved.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: yml }\n",
      },
    },
    removal: { files: { "templates/five": null, "templates/deep/er/three.yaml": null } },
  },
  {
    name: "nulls",
    feature: "nulls and empty values in objects",
    files: {
      "templates/nulls.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: nulls, labels: , annotations: {}, creationTimestamp: null, namespace: "" }
        data: { empty: "", space: " " }
        ---
        apiVersion: v1
        kind: Secret
        metadata: { name: nulls, annotations: null }
        data:
        stringData: {}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: nulls, creationTimestamp: null }
        spec:
          replicas: 1
          paused: null
          strategy: {}
          selector: { matchLabels: { app: nulls } }
          template:
            metadata: { creationTimestamp: null, labels: { app: nulls }, annotations: }
            spec:
              affinity: null
              tolerations: []
              nodeSelector: {}
              securityContext: {}
              containers: [{ name: main, image: "registry.example/nulls:1", env: , args: [], command: null, resources: {}, ports: , volumeMounts: [] }]
              volumes: null
        status: {}
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: nulls }
        spec: { clusterIP: "", type: "", selector: { app: nulls }, ports: [{ port: 80, nodePort: null, targetPort: 80 }], externalIPs: , loadBalancerIP: "" }
        status: { loadBalancer: {} }
      `,
    },
    upgrade: {
      files: {
        "templates/nulls.yaml": yaml`
          apiVersion: v1
          kind: ConfigMap
          metadata: { name: nulls, labels: { now: there } }
          data: { empty: "full", gone: null }
          ---
          apiVersion: apps/v1
          kind: Deployment
          metadata: { name: nulls }
          spec:
            replicas: null
            selector: { matchLabels: { app: nulls } }
            template:
              metadata: { labels: { app: nulls } }
              spec: { containers: [{ name: main, image: "registry.example/nulls:2", env: [{ name: A, value: "" }, { name: B, value: null }, { name: C }] }] }
        `,
      },
    },
  },
  {
    name: "server-fields",
    feature: "fields that only the server writes, as in objects that were exported",
    files: {
      "templates/exported.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: exported
          creationTimestamp: "2020-01-01T00:00:00Z"
          generation: 7
          selfLink: /api/v1/namespaces/x/configmaps/exported
        data: { version: {{ .Chart.Version }} }
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: exported }
        spec: { selector: { app: none }, ports: [{ port: 80 }] }
        status: { loadBalancer: { ingress: [{ ip: 192.0.2.1 }] } }
      `,
    },
  },
];

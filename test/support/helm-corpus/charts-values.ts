import { yaml } from "../shapes/shape.ts";
import type { CorpusChart } from "./types.ts";

const dump = (name: string, expression = ".Values"): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata:\n  values.yaml: |\n    {{- toYaml ${expression} | nindent 4 }}\n  values.json: {{ toJson ${expression} | quote }}\n`;

/** Values: how they are merged, checked, read and printed. */
export const VALUES_CHARTS: readonly CorpusChart[] = [
  {
    name: "values-merge",
    feature: "default values under those of the user: maps merged, lists replaced",
    files: {
      "values.yaml": yaml`
        image: { repository: web, tag: "1.0", pull: { policy: Always, secrets: [a, b] } }
        list: [1, 2, 3]
        empty: {}
        nothing: null
        text: plain
      `,
      "templates/values.yaml": dump("values"),
    },
    values: { image: { tag: "1.1" }, list: [4], more: { deep: { er: true } } },
    upgrade: { values: { image: { pull: { secrets: [] } }, empty: { now: "full" }, nothing: "something" } },
    removal: { values: {} },
  },
  {
    name: "values-null",
    feature: "default values that the user deletes by null",
    files: {
      "values.yaml":
        "probe: { http: { path: / }, tcp: { port: 80 } }\nkeep: 1\ndrop: 2\nlist: [{ a: null, b: 1 }]\nmap: { only: 1 }\n",
      "templates/values.yaml": dump("values"),
    },
    values: { probe: { http: null }, drop: null, absent: null },
    upgrade: { values: { probe: null, map: { only: null }, list: [{ a: 1, b: null }] } },
    removal: { values: { probe: { http: { path: null } } } },
  },
  {
    name: "subchart-null",
    feature: "a subchart's default values that the parent's chart or the user deletes by null",
    chart: { dependencies: [{ name: "part", version: "0.1.0" }] },
    files: {
      "values.yaml": "part: { fromParent: null, probe: { tcp: null } }\n",
      "charts/part/Chart.yaml": "{ apiVersion: v2, name: part, version: 0.1.0 }\n",
      "charts/part/values.yaml": "fromParent: 1\nfromUser: 1\nprobe: { tcp: 1, http: 1 }\nstays: 1\n",
      "charts/part/templates/values.yaml": dump("part"),
    },
    values: { part: { fromUser: null } },
    upgrade: { values: { part: { probe: null, fromParent: 2 } } },
  },
  {
    name: "global-values",
    feature: "global values that every subchart sees, those of the parent over its own",
    chart: { dependencies: [{ name: "part", version: "0.1.0" }] },
    files: {
      "values.yaml":
        "global: { registry: default.example, nested: { a: 1 } }\npart: { global: { fromPart: parent } }\n",
      "templates/values.yaml": dump("parent", ".Values.global"),
      "charts/part/Chart.yaml":
        "{ apiVersion: v2, name: part, version: 0.1.0, dependencies: [{ name: deeper, version: 0.1.0 }] }\n",
      "charts/part/values.yaml": "global: { registry: part.example, ownGlobal: yes, nested: { b: 2 } }\n",
      "charts/part/templates/values.yaml": dump("part", ".Values.global"),
      "charts/part/charts/deeper/Chart.yaml": "{ apiVersion: v2, name: deeper, version: 0.1.0 }\n",
      "charts/part/charts/deeper/templates/values.yaml": dump("deeper", ".Values.global"),
    },
    upgrade: { values: { global: { registry: "user.example", nested: { a: null, c: 3 } } } },
    removal: { values: { part: { global: { ownGlobal: false } } } },
  },
  {
    name: "values-schema",
    feature: "a schema of its values, which the user's second values do not meet",
    files: {
      "values.schema.json": JSON.stringify({
        $schema: "http://json-schema.org/draft-07/schema#",
        type: "object",
        required: ["replicas"],
        properties: { replicas: { type: "integer", minimum: 1 }, mode: { enum: ["fast", "safe"] } },
      }),
      "values.yaml": "replicas: 1\nmode: safe\n",
      "templates/values.yaml": dump("values"),
    },
    values: { replicas: 2, mode: "fast" },
    upgrade: { values: { replicas: 0, mode: "wild" } },
    removal: { values: { replicas: 3 } },
    refused: {
      release: "upgrade",
      helm: /values don't meet the specifications of the schema/,
      strata: /refuses the values: .*replicas/,
    },
  },
  {
    name: "required-value",
    feature: "a value that a template requires, which is taken away",
    files: {
      "templates/a.yaml":
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { host: {{ required "host must be set" .Values.host }} }\n{{- if .Values.broken }}{{ fail "broken on purpose" }}{{ end }}\n',
    },
    values: { host: "a.example" },
    upgrade: { values: {} },
    removal: { values: { host: "b.example" } },
    refused: { release: "upgrade", helm: /host must be set/, strata: /does not render: .*host must be set/ },
  },
  {
    name: "numbers",
    feature: "numbers in all spellings, in values, by the user, and written by templates",
    files: {
      "values.yaml": yaml`
        exponent: 1e6
        octal: 0644
        newOctal: 0o644
        hex: 0xFF
        binary: 0b101
        underscore: 1_000
        float: 1.50
        whole: 3.0
        negative: -7
        zero: -0
        large: 9007199254740993
        larger: 18446744073709551615
        huge: 123456789012345678901234567890
        million: 1000000
        tiny: 0.0000001
        quoted: "0644"
        version: 1.10
        sexagesimal: 1:30
        plus: +5
      `,
      "templates/numbers.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: numbers }
        data:
          {{- range $key, $value := .Values }}
          {{ $key }}: {{ $value | quote }}
          {{ $key }}-printed: "{{ $value }}"
          {{ $key }}-kind: {{ kindOf $value }}
          {{- end }}
          {{- range $key := list "exponent" "octal" "float" "million" "quoted" "large" }}
          {{ $key }}-int: {{ index $.Values $key | int64 | quote }}
          {{ $key }}-float: {{ index $.Values $key | float64 | quote }}
          {{- end }}
          json: {{ toJson .Values | quote }}
          sum: {{ add .Values.million 1 | quote }}
          sumf: {{ addf 1.5 .Values.million | quote }}
          product: {{ mul 1000 1000 1000 | quote }}
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: numbers }
        spec:
          selector: { app: none }
          ports: [{ port: 1_000, targetPort: 0x1F90, protocol: TCP }]
        ---
        apiVersion: v1
        kind: Secret
        metadata: { name: numbers }
        stringData: { a: "1e6", b: '0644' }
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: numbers }
        spec:
          replicas: {{ .Values.replicas | default 0 }}
          minReadySeconds: 0
          selector: { matchLabels: { app: numbers } }
          template:
            metadata: { labels: { app: numbers } }
            spec:
              terminationGracePeriodSeconds: 1e1
              securityContext: { fsGroup: 1_000, runAsUser: 0x3E8 }
              containers:
                - { name: main, image: "registry.example/numbers:1", resources: { requests: { cpu: 0.1, memory: 1e6 }, limits: { cpu: 1, memory: 134217728 } } }
              volumes: [{ name: config, configMap: { name: numbers, defaultMode: 0644 } }, { name: secret, secret: { secretName: numbers, defaultMode: 0o400 } }]
      `,
    },
    values: { byUser: 1e6, userLarge: 9007199254740991, userFloat: 2.5 },
    upgrade: { values: { million: 2000000, byUser: 12345678, exponent: 1e21, float: 0.1 } },
  },
  {
    name: "booleans",
    feature: "words that YAML 1.1 takes for booleans",
    files: {
      "values.yaml":
        "yes: on\nanswers: { a: yes, b: No, c: off, d: TRUE, e: y, f: 'yes', g: ~, h: null, i: Null, j: }\n",
      "templates/booleans.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: booleans }
        immutable: no
        data:
          {{- range $key, $value := .Values.answers }}
          {{ $key }}: {{ $value | quote }}
          {{ $key }}-kind: {{ kindOf $value }}
          {{- end }}
          "yes": "{{ index .Values "true" }}"
          "off": "no"
          n: 'y'
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: { name: booleans }
        automountServiceAccountToken: Off
      `,
    },
    upgrade: { values: { answers: { a: false, b: true, k: "on" } } },
  },
  {
    name: "tpl",
    feature: "templates inside values",
    files: {
      "values.yaml": yaml`
        name: '{{ .Release.Name }}-{{ .Values.suffix }}'
        suffix: inner
        labels: { app: '{{ include "tpl.app" . }}' }
        extra: |
          apiVersion: v1
          kind: ConfigMap
          metadata: { name: {{ tpl .Values.name . }}-extra }
      `,
      "templates/_helpers.tpl": '{{- define "tpl.app" -}}app-{{ .Chart.Name }}{{- end -}}\n',
      "templates/tpl.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: {{ tpl .Values.name $ }}
          labels: {{- tpl (toYaml .Values.labels) $ | nindent 4 }}
        ---
        {{ tpl .Values.extra . }}
      `,
    },
    upgrade: { values: { suffix: "outer", labels: { more: '{{ printf "%d" 7 }}' } } },
  },
  {
    name: "to-yaml",
    feature: "data that templates read, merge, print and indent",
    files: {
      "values.yaml": yaml`
        resources: { limits: { memory: 1Gi }, requests: { cpu: 100m } }
        multi: |
          first
            second

          last
        folded: >-
          one
          two
        special: ["- dash", "# hash", "a: b", "{x}", "'", "\"", "\\", "@at", "%pct", "*star", "&and", "!bang", "true", "1.0", "null", "~", "", " lead", "trail ", "2001-01-01", "=", "<<", "1:30"]
      `,
      "templates/_parts.tpl":
        '{{- define "parts.labels" }}\napp: {{ .name }}\n{{- with .more }}\n{{ toYaml . }}\n{{- end }}\n{{- end }}\n',
      "templates/data.yaml": yaml`
        {{- $merged := mergeOverwrite (dict "a" (dict "b" 1 "c" 2)) (dict "a" (dict "c" 3)) -}}
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: data
          labels: {{- include "parts.labels" (dict "name" "x" "more" (dict "tier" "front")) | indent 4 }}
        data:
          resources: |{{ toYaml .Values.resources | nindent 4 }}
          multi: {{ .Values.multi | quote }}
          block: |
        {{ .Values.multi | indent 4 }}
          folded: {{ .Values.folded | squote }}
          special: |
            {{- toYaml .Values.special | nindent 4 }}
          pretty: {{ toPrettyJson $merged | quote }}
          toml: {{ toToml (dict "a" 1 "b" (dict "c" "d")) | quote }}
          yamlPretty: |
            {{- toYamlPretty (dict "list" (list 1 2) "map" (dict "k" "v")) | nindent 4 }}
          read: {{ (fromYaml "a: {b: [1, 0644, yes]}").a.b | toJson | quote }}
          array: {{ fromYamlArray "[1, two]" | toJson | quote }}
          json: {{ (fromJson "{\"n\": 12345678}").n | quote }}
          error: {{ (fromYaml "a: [").Error | trunc 20 | quote }}
      `,
    },
    upgrade: { values: { resources: { limits: { memory: null, cpu: 2 } }, multi: "\n\n  odd\n" } },
  },
  {
    name: "functions",
    feature: "text, list, version and digest functions",
    files: {
      "templates/functions.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: functions
          annotations: { checksum/config: {{ include (print .Template.BasePath "/other.yaml") . | sha256sum }} }
        data:
          regex: {{ regexReplaceAll "(a+)(b+)" "aabbb-ab" "$2$1" | quote }}
          match: {{ regexMatch "^v[0-9]+" "v12" | quote }}
          words: {{ "HelloBigWorld" | snakecase }} {{ "a-b c" | camelcase }} {{ "x" | repeat 3 }} {{ "abc" | title }}
          trunc: {{ "abcdefghij" | trunc -3 }} {{ "name-----" | trunc 6 | trimSuffix "-" }}
          list: {{ list 3 1 2 | sortAlpha | join "," }} {{ until 4 | join "" }} {{ seq 2 2 8 }} {{ without (list 1 2 3) 2 | len }}
          dict: {{ dict "b" 1 "a" 2 | keys | sortAlpha | join "," }} {{ dig "x" "y" "none" (dict "x" (dict)) }}
          ternary: a {{ ternary "yes" "no" (eq 1 1) }} {{ coalesce 0 "" "third" }}
          version: is {{ semverCompare "^1.2.x" "1.9.0" }} {{ (semver "1.2.3-rc.1+b").Prerelease }}
          digests: {{ sha1sum "a" }} {{ adler32sum "a" }} {{ sha512sum "a" | trunc 8 }} {{ b64enc "ü" }} {{ b32enc "a" }}
          path: {{ base "/a/b.c" }} {{ ext "b.c" }} {{ clean "/a/../b" }} {{ urlquery "a b&c" }}
          url: {{ (urlParse "https://u@h:1/p?q=1#f").host }}
          math: {{ round 123.5555 2 }} {{ max 1 5 3 }} {{ mod 10 3 }} {{ ceil 1.2 }} {{ div 7 2 }}
          date: {{ date "2006-01-02" (toDate "2006-01-02" "2026-11-22") }} {{ duration 3661 }}
          empty: {{ empty "" }}{{ empty (list 1) }}{{ hasKey (dict "a" 1) "a" }}{{ kindIs "map" (dict) }}
          derived: {{ derivePassword 1 "long" "password" "user" "example.com" }}
          wrap: {{ wrapWith 5 "\t" "Hello World" | quote }}
          untitled: {{ "%s is %05.2f" | printf "%s" | replace "%" "pct" }}
      `,
      "templates/other.yaml":
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: other }\ndata: { version: {{ .Chart.Version }} }\n",
    },
  },
];

import { yaml } from "../shapes/shape.ts";
import type { CorpusChart } from "./types.ts";

const LOOKUP = yaml`
  {{- $existing := lookup "v1" "Secret" .Release.Namespace "existing" }}
  apiVersion: v1
  kind: ConfigMap
  metadata: { name: looked-up }
  data:
    found: {{ if $existing }}{{ $existing.data.password | b64dec }}{{ else }}nothing{{ end }}
    listed: "{{ range (lookup "v1" "Secret" .Release.Namespace "").items }}{{ if eq .type "Opaque" }}{{ .metadata.name }};{{ end }}{{ end }}"
    namespace: {{ (lookup "v1" "Namespace" "" .Release.Namespace).kind | default "none" }}
    absent: {{ lookup "v1" "Secret" .Release.Namespace "absent" | len | quote }}
`;

const existing = (namespace: string): string =>
  `{ apiVersion: v1, kind: Secret, metadata: { name: existing, namespace: ${namespace} }, stringData: { password: found } }`;

/** What templates see beside the values. */
export const RELEASE_CHARTS: readonly CorpusChart[] = [
  {
    name: "release-object",
    feature: "a release that templates know by name, namespace and what is done with it",
    releaseName: "front-door",
    files: {
      "templates/release.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: release }
        data:
          name: {{ .Release.Name | quote }}
          namespace: {{ .Release.Namespace | quote }}
          service: {{ .Release.Service | quote }}
          install: {{ .Release.IsInstall | quote }}
          upgrade: {{ .Release.IsUpgrade | quote }}
          all: {{ .Release | toJson | replace "\"Revision\":1" "" | replace "\"Revision\":2" "" | replace "\"Revision\":3" "" | replace "\"Revision\":4" "" | quote }}
        {{- if .Release.IsInstall }}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: only-at-install }
        {{- end }}
      `,
    },
  },
  {
    name: "release-revision",
    feature: "the number of the revision in an object",
    files: {
      "templates/revision.yaml":
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: revision }\ndata: { revision: "{{ .Release.Revision }}" }\n',
    },
    differences: [
      { name: "rollback-renders", steps: ["rollback"], lines: /ConfigMap\/revision(: |\.)data\.revision: / },
    ],
  },
  {
    name: "chart-object",
    feature: "templates that print Chart.yaml, their own names and their subcharts",
    chart: {
      appVersion: "7.1",
      description: "Prints itself",
      type: "application",
      home: "https://example.com",
      icon: "https://example.com/icon.svg",
      keywords: ["one", "two"],
      sources: ["https://example.com/source"],
      maintainers: [{ name: "Jane", email: "jane@example.com", url: "https://example.com/jane" }],
      annotations: { category: "tests", "example.com/number": "1" },
      dependencies: [{ name: "part", version: "0.1.0" }],
    },
    files: {
      "templates/chart.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: chart
          labels:
            helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
            app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
        data:
          {{- range list "Name" "Version" "Description" "Type" "Home" "Icon" "APIVersion" }}
          {{ . }}: {{ index $.Chart . | quote }}
          {{- end }}
          keywords: {{ join "," .Chart.Keywords }}
          sources: {{ .Chart.Sources | toJson | quote }}
          maintainer: {{ (index .Chart.Maintainers 0).Email }}
          annotations: {{ .Chart.Annotations | toJson | quote }}
          root: {{ .Chart.IsRoot | quote }}
          template: {{ .Template.Name }} in {{ .Template.BasePath }}
          part: {{ .Subcharts.part.Chart.Version }} {{ .Subcharts.part.Values.size }}
      `,
      "charts/part/Chart.yaml": "{ apiVersion: v2, name: part, version: 0.1.0 }\n",
      "charts/part/values.yaml": "size: small\n",
      "charts/part/templates/part.yaml":
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: part }\ndata: { template: "{{ .Template.Name }}", root: "{{ .Chart.IsRoot }}" }\n',
    },
    upgrade: { chart: { appVersion: "7.2", keywords: ["three"] }, values: { part: { size: "large" } } },
  },
  {
    name: "files",
    feature: "files of the chart, one by one, by pattern, by line, and binary ones",
    files: {
      "config/a.properties": "one=1\ntwo=2\n",
      "config/b.conf": "server {\n\tlisten 80;\n}\n",
      "config/deep/c.txt": "no end of line",
      "config/bytes.bin": Uint8Array.from({ length: 256 }, (_, byte) => byte),
      "hidden.txt": "out of sight\n",
      ".helmignore": "hidden.txt\n",
      "templates/files.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: files }
        data:
          {{- (.Files.Glob "config/*.{properties,conf}").AsConfig | nindent 2 }}
          deep: {{ .Files.Get "config/deep/c.txt" | quote }}
          lines: {{ .Files.Lines "config/a.properties" | join ";" | quote }}
          missing: {{ .Files.Get "absent.txt" | quote }}
          hidden: {{ .Files.Get "hidden.txt" | quote }}
          template: {{ .Files.Get "templates/files.yaml" | quote }}
          names: {{ range $path, $_ := .Files.Glob "**.txt" }}{{ $path }} {{ end }}
        binaryData:
          bytes.bin: {{ .Files.Get "config/bytes.bin" | b64enc }}
        ---
        apiVersion: v1
        kind: Secret
        metadata: { name: files }
        data:
          {{- (.Files.Glob "config/**").AsSecrets | nindent 2 }}
      `,
    },
    upgrade: { files: { "config/a.properties": "one=1\r\nthree=3", "config/deep/d.txt": "ü" } },
    removal: { files: { "config/b.conf": null } },
  },
  {
    name: "capabilities",
    feature: "branches on what the cluster serves",
    files: {
      "templates/capabilities.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: capabilities }
        data:
          version: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.GitVersion }}
          minor: "{{ .Capabilities.KubeVersion.Major }}/{{ .Capabilities.KubeVersion.Minor }}"
          helm: {{ .Capabilities.HelmVersion.Version }} {{ semverCompare ">=4.0.0-0" .Capabilities.HelmVersion.Version }}
          new: {{ semverCompare ">=1.33-0" .Capabilities.KubeVersion.Version | quote }}
          {{- range list "v1" "apps/v1" "apps/v1/Deployment" "apps/v1beta1" "v1/Pod" "v1/Pods" "policy/v1/PodDisruptionBudget" "autoscaling/v2" "batch/v1beta1/CronJob" "monitoring.coreos.com/v1" "scheduling.k8s.io/v1" "v1/PodExecOptions" "authentication.k8s.io/v1/TokenRequest" }}
          has-{{ . | replace "/" "-" }}: {{ $.Capabilities.APIVersions.Has . | quote }}
          {{- end }}
        {{- if .Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget" }}
        ---
        apiVersion: policy/v1
        kind: PodDisruptionBudget
        metadata: { name: budget }
        spec: { maxUnavailable: 1, selector: { matchLabels: { app: none } } }
        {{- end }}
      `,
    },
  },
  {
    name: "capabilities-own-crd",
    feature: "a branch on the kind that its own crds/ folder brings",
    layer: { crds: "Create" },
    files: {
      "crds/kinds.yaml": yaml`
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: { name: kinds.capabilities-own-crd.example }
        spec:
          group: capabilities-own-crd.example
          scope: Namespaced
          names: { kind: Kind, plural: kinds }
          versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }]
      `,
      "templates/branch.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: branch }
        data: { own: {{ .Capabilities.APIVersions.Has "capabilities-own-crd.example/v1/Kind" | quote }} }
        {{- if .Capabilities.APIVersions.Has "capabilities-own-crd.example/v1" }}
        ---
        apiVersion: capabilities-own-crd.example/v1
        kind: Kind
        metadata: { name: one }
        spec: { size: 1 }
        {{- end }}
      `,
    },
  },
  {
    name: "kube-version",
    feature: "a constraint on the version of Kubernetes, which its second version does not meet",
    chart: { kubeVersion: ">=1.30.0-0 <3.0.0-0" },
    files: { "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n" },
    upgrade: { chart: { kubeVersion: ">=1.99.0-0" } },
    removal: { chart: { kubeVersion: "*" } },
    refused: {
      release: "upgrade",
      helm: /chart requires kubeVersion: >=1\.99\.0-0 which is incompatible with Kubernetes v1\./,
      strata: /does not fit the cluster: it supports Kubernetes >=1\.99\.0-0, this cluster has v1\./,
    },
  },
  {
    name: "notes",
    feature: "notes of its own and of a subchart, and a file that only ends like them",
    chart: { dependencies: [{ name: "part", version: "0.1.0" }] },
    files: {
      "templates/NOTES.txt": "Revision of {{ .Chart.Version }}.\n\n  Hello {{ .Values.name }}!\n",
      "values.yaml": "name: reader\n",
      "charts/part/Chart.yaml": "{ apiVersion: v2, name: part, version: 0.1.0 }\n",
      "charts/part/templates/NOTES.txt": "Never shown.\n",
      "charts/part/templates/part.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: part }\n",
    },
    upgrade: { values: { name: "ünïcode" } },
    removal: { files: { "templates/NOTES.txt": null } },
  },
  {
    name: "random",
    feature: "passwords and identifiers that are drawn when it is rendered",
    random: /^Secret\/random: (data|stringData)\./,
    files: {
      "templates/random.yaml": yaml`
        apiVersion: v1
        kind: Secret
        metadata: { name: random }
        stringData:
          alphanumeric: {{ randAlphaNum 24 | quote }}
          alpha: {{ randAlpha 12 | quote }}
          numeric: {{ randNumeric 9 | quote }}
          ascii: {{ randAscii 16 | quote }}
          bytes: {{ randBytes 18 | quote }}
          uuid: {{ uuidv4 }}
          int: {{ randInt 100 999 | quote }}
          shuffled: {{ shuffle "abcdefgh" }}
          hash: {{ bcrypt "password" | quote }}
          user: {{ htpasswd "user" "password" | quote }}
      `,
    },
  },
  {
    name: "certificates",
    feature: "certificates and keys that are made when it is rendered",
    random: /^(Secret\/|ValidatingWebhookConfiguration\/.*caBundle)/,
    files: {
      "templates/certificates.yaml": yaml`
        {{- $ca := genCA "certificates-ca" 365 }}
        {{- $signed := genSignedCert "web.example" (list "127.0.0.1") (list "web.example" "*.web.example") 365 $ca }}
        {{- $self := genSelfSignedCert "self.example" nil nil 30 }}
        apiVersion: v1
        kind: Secret
        metadata: { name: tls }
        type: kubernetes.io/tls
        data:
          ca.crt: {{ $ca.Cert | b64enc }}
          tls.crt: {{ $signed.Cert | b64enc }}
          tls.key: {{ $signed.Key | b64enc }}
        ---
        apiVersion: v1
        kind: Secret
        metadata: { name: more }
        stringData:
          self: {{ $self.Cert | quote }}
          ecdsa: {{ genPrivateKey "ecdsa" | quote }}
          ed25519: {{ genPrivateKey "ed25519" | quote }}
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata: { name: certificates }
        webhooks:
          - name: certificates.example.com
            sideEffects: None
            admissionReviewVersions: [v1]
            failurePolicy: Ignore
            clientConfig: { service: { name: web, namespace: {{ .Release.Namespace }}, path: /check }, caBundle: {{ $ca.Cert | b64enc }} }
            rules: [{ apiGroups: [certificates.example], apiVersions: [v1], operations: [CREATE], resources: [things] }]
      `,
    },
  },
  {
    name: "lookup",
    feature: "a password that is looked up before it is made, objects that are listed, and none that is missing",
    source: {
      lookup: [
        { apiVersion: "v1", kind: "Secret", namespace: "lookup" },
        { apiVersion: "v1", kind: "Namespace" },
      ],
    },
    before: existing("lookup"),
    files: { "templates/lookup.yaml": LOOKUP },
  },
  {
    name: "lookup-off",
    feature: "lookups that its layer does not allow",
    before: existing("lookup-off"),
    files: { "templates/lookup.yaml": LOOKUP },
    differences: [
      {
        name: "lookup-is-off",
        steps: ["install", "upgrade", "removal", "rollback"],
        lines: /ConfigMap\/looked-up(: |\.)data\.(found|listed|namespace): /,
      },
    ],
  },
];

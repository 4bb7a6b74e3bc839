import { yaml } from "../shapes/shape.ts";
import type { CorpusChart } from "./types.ts";

/** Kinds without pods, where they live, and what others do with them. */
export const OBJECT_CHARTS: readonly CorpusChart[] = [
  {
    name: "namespaces",
    feature: "namespaces that are hard-coded in templates, and objects without one",
    namespaces: ["namespaces-other", "namespaces-third"],
    files: {
      "templates/here.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: same }
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: same, namespace: namespaces-other }
        data: { version: {{ .Chart.Version }} }
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: { name: reader, namespace: {{ .Release.Namespace }} }
      `,
      "templates/third.yaml": yaml`
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: { name: reader, namespace: namespaces-third }
        roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
        subjects: [{ kind: ServiceAccount, name: reader, namespace: {{ .Release.Namespace }} }]
      `,
    },
    removal: { files: { "templates/third.yaml": null } },
  },
  {
    name: "cluster-scoped",
    feature: "objects outside of namespaces, some of which name one",
    files: {
      "templates/cluster.yaml": yaml`
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: { name: "cluster-scoped:reader", namespace: {{ .Release.Namespace }}, labels: { rbac.example.com/aggregate: "true" } }
        rules: [{ apiGroups: [""], resources: [pods, pods/log], verbs: [get, list{{ if ne .Chart.Version "1.0.0" }}, watch{{ end }}] }]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: { name: cluster-scoped-sum }
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: { rbac.example.com/aggregate: "true" } }] }
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: { name: cluster-scoped }
        roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "cluster-scoped:reader" }
        subjects: [{ kind: ServiceAccount, name: default, namespace: {{ .Release.Namespace }} }]
        ---
        apiVersion: scheduling.k8s.io/v1
        kind: PriorityClass
        metadata: { name: cluster-scoped }
        value: 1e5
        description: {{ .Chart.Version }}
        ---
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: { name: cluster-scoped, annotations: { storageclass.kubernetes.io/is-default-class: "false" } }
        provisioner: example.com/none
        parameters: { type: fast }
        ---
        apiVersion: networking.k8s.io/v1
        kind: IngressClass
        metadata: { name: cluster-scoped }
        spec: { controller: example.com/ingress }
        ---
        apiVersion: node.k8s.io/v1
        kind: RuntimeClass
        metadata: { name: cluster-scoped }
        handler: fast
      `,
      "templates/gone.yaml": yaml`
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: { name: cluster-scoped-gone }
        rules: []
      `,
    },
    removal: { files: { "templates/gone.yaml": null } },
  },
  {
    name: "aggregated-role",
    feature: "a ClusterRole that is summed up from others, and empty rules of its own in its second version",
    files: {
      "templates/role.yaml": yaml`
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: { name: aggregated-role }
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: { example.com/aggregated-role: "true" } }] }
        {{- if .Values.rules }}
        rules: []
        {{- end }}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: { name: aggregated-role-part, labels: { example.com/aggregated-role: "true" } }
        rules: [{ apiGroups: [""], resources: [pods], verbs: [get] }]
      `,
    },
    upgrade: { values: { rules: true } },
    removal: { values: {} },
    refused: {
      release: "upgrade",
      helm: /conflict with "clusterrole-aggregation-controller": \.rules/,
      difference: "aggregated-roles",
    },
    differences: [
      {
        name: "aggregated-roles",
        steps: ["upgrade", "removal", "rollback"],
        lines: /^Release\/aggregated-role\.v[12]: ((labels\.)?status|description): /,
      },
    ],
  },
  {
    name: "namespace-template",
    feature: "a namespace among its templates, and objects in it",
    files: {
      "templates/a-first.yaml":
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: inside, namespace: namespace-template-own }\ndata: { version: {{ .Chart.Version }} }\n",
      "templates/z-last.yaml":
        'apiVersion: v1\nkind: Namespace\nmetadata: { name: namespace-template-own, labels: { version: "{{ .Chart.Version }}" } }\n',
    },
  },
  {
    name: "rbac",
    feature: "accounts, roles and bindings, one of which is bound to another role later",
    files: {
      "templates/rbac.yaml": yaml`
        apiVersion: v1
        kind: ServiceAccount
        metadata: { name: runner, annotations: { example.com/role: "arn:aws:iam::1:role/{{ .Chart.Version }}" } }
        imagePullSecrets: [{ name: registry }]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: { name: "runner:all" }
        rules:
          - { apiGroups: ["", "apps"], resources: ["*"], verbs: ["*"] }
          - { apiGroups: [""], resources: [secrets], resourceNames: [a{{ if ne .Chart.Version "1.0.0" }}, b{{ end }}], verbs: [get] }
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: { name: runner-{{ .Values.role | trunc 4 }} }
        roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ .Values.role | quote }} }
        subjects: [{ kind: ServiceAccount, name: runner }, { kind: Group, name: "example:team", apiGroup: rbac.authorization.k8s.io }]
      `,
      "values.yaml": "role: runner:all\n",
    },
    upgrade: { values: { role: "view" } },
  },
  {
    name: "services",
    feature: "Services of all types that change ports and type, and keep their addresses",
    files: {
      "templates/services.yaml": yaml`
        apiVersion: v1
        kind: Service
        metadata: { name: web }
        spec:
          type: {{ .Values.type }}
          selector: { app: web }
          ports:
            - { name: http, port: 80, targetPort: {{ .Values.target }} }
            {{- if .Values.metrics }}
            - { name: metrics, port: 9090, targetPort: metrics }
            {{- end }}
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: headless }
        spec: { clusterIP: None, selector: { app: web }, ports: [{ name: dns, port: 53, protocol: UDP }, { name: dns-tcp, port: 53 }], publishNotReadyAddresses: {{ .Values.metrics }} }
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: external }
        spec: { type: ExternalName, externalName: "{{ .Values.target }}.example.com" }
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: fixed }
        spec: { clusterIP: 10.96.77.77, selector: { app: web }, sessionAffinity: ClientIP, ports: [{ port: 80 }] }
      `,
      "values.yaml": "type: ClusterIP\ntarget: http\nmetrics: true\n",
    },
    upgrade: { values: { type: "NodePort", target: "web", metrics: false } },
    removal: { values: { type: "ClusterIP" } },
  },
  {
    name: "policies",
    feature: "Ingress, NetworkPolicy, quota, limits and disruption budget",
    files: {
      "templates/policies.yaml": yaml`
        apiVersion: networking.k8s.io/v1
        kind: Ingress
        metadata: { name: web, annotations: { nginx.ingress.kubernetes.io/snippet: "more_set_headers \"X: $host\";\n" } }
        spec:
          ingressClassName: nginx
          tls: [{ hosts: [{{ .Values.host | quote }}], secretName: tls }]
          rules:
            - host: {{ .Values.host | quote }}
              http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { name: http } } } }{{ if .Values.api }}, { path: /api, pathType: Exact, backend: { service: { name: api, port: { number: 80 } } } }{{ end }}] }
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: { name: web }
        spec:
          podSelector: {}
          policyTypes: [Ingress]
          ingress: [{ from: [{ podSelector: { matchLabels: { app: {{ .Values.host | trimPrefix "*." | quote }} } } }, { ipBlock: { cidr: 10.0.0.0/8, except: [10.1.0.0/16] } }], ports: [{ port: 80, protocol: TCP }] }]
        ---
        apiVersion: v1
        kind: ResourceQuota
        metadata: { name: quota }
        spec: { hard: { requests.cpu: 0.5, limits.memory: 1.5Gi, pods: 10{{ if .Values.api }}, services: "5"{{ end }} } }
        ---
        apiVersion: v1
        kind: LimitRange
        metadata: { name: limits }
        spec: { limits: [{ type: Container, default: { cpu: 500m, memory: 512Mi }, defaultRequest: { cpu: 0.25 } }] }
        ---
        apiVersion: policy/v1
        kind: PodDisruptionBudget
        metadata: { name: web }
        spec: { minAvailable: {{ .Values.available | default "50%" | quote }}, selector: { matchLabels: { app: web } } }
      `,
      "values.yaml": 'host: "*.example.com"\n',
    },
    upgrade: { values: { host: "web.example.com", api: true, available: "75%" } },
  },
  {
    name: "webhooks",
    feature: "webhook configurations and admission policies",
    files: {
      "templates/webhooks.yaml": yaml`
        {{- $rule := "{ apiGroups: [webhooks.example], apiVersions: [v1], operations: [CREATE], resources: [things] }" }}
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata: { name: webhooks }
        webhooks:
          - { name: a.webhooks.example, sideEffects: None, admissionReviewVersions: [v1], failurePolicy: Ignore, timeoutSeconds: {{ .Values.seconds }}, clientConfig: { service: { name: web, namespace: {{ .Release.Namespace }}, path: / } }, rules: [{{ $rule }}] }
          {{- if .Values.second }}
          - { name: b.webhooks.example, sideEffects: None, admissionReviewVersions: [v1], clientConfig: { url: "https://webhooks.example/" }, rules: [{{ $rule }}] }
          {{- end }}
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: MutatingWebhookConfiguration
        metadata: { name: webhooks }
        webhooks: [{ name: a.webhooks.example, sideEffects: None, admissionReviewVersions: [v1, v1beta1], reinvocationPolicy: IfNeeded, clientConfig: { url: "https://webhooks.example/" }, rules: [{{ $rule }}] }]
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: { name: webhooks }
        spec: { failurePolicy: Fail, matchConstraints: { resourceRules: [{{ $rule }}] }, validations: [{ expression: "object.metadata.name.size() < {{ .Values.seconds }}" }] }
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicyBinding
        metadata: { name: webhooks }
        spec: { policyName: webhooks, validationActions: [Audit] }
      `,
      "values.yaml": "seconds: 5\nsecond: true\n",
    },
    upgrade: { values: { seconds: 7, second: false } },
  },
  {
    name: "secrets",
    feature: "Secrets of all types, in data and stringData, and immutable ones that are named after their content",
    files: {
      "templates/secrets.yaml": yaml`
        {{- $content := printf "content of %s" .Chart.Version }}
        apiVersion: v1
        kind: Secret
        metadata: { name: both }
        data: { a: {{ b64enc "from data" }}, b: {{ b64enc "from data" }}{{ if eq .Chart.Version "1.0.0" }}, c: {{ b64enc "gone" }}{{ end }} }
        stringData: { b: from stringData, d: {{ $content | quote }} }
        ---
        apiVersion: v1
        kind: Secret
        metadata: { name: pull }
        type: kubernetes.io/dockerconfigjson
        data:
          .dockerconfigjson: {{ dict "auths" (dict "registry.example" (dict "auth" (b64enc "user:password"))) | toJson | b64enc }}
        ---
        apiVersion: v1
        kind: Secret
        metadata: { name: hashed-{{ $content | sha256sum | trunc 8 }} }
        immutable: true
        stringData: { content: {{ $content | quote }} }
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: hashed-{{ $content | sha256sum | trunc 8 }} }
        immutable: true
        data: { content: {{ $content | quote }} }
        ---
        apiVersion: v1
        kind: Secret
        metadata: { name: basic }
        type: kubernetes.io/basic-auth
        stringData: { username: admin, password: {{ .Values.password | quote }} }
      `,
    },
    values: { password: "1234" },
    upgrade: { values: { password: "0x10" } },
  },
  {
    name: "big-configmap",
    feature: "a ConfigMap of 600 KiB, which is too large for kubectl's annotation",
    files: {
      "big.txt": "0123456789abcde\n".repeat(38_400),
      "templates/big.yaml":
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: big }\ndata:\n  version: {{ .Chart.Version }}\n  big: |\n{{ .Files.Get "big.txt" | indent 4 }}\n',
    },
  },
  {
    name: "long-names",
    feature: "names and labels as long as they may be",
    releaseName: "a-release-name-of-fifty-three-characters-the-longestx",
    files: {
      "templates/long.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: {{ repeat 25 "long-name." }}abc
          labels: { {{ repeat 31 "ab" }}c: {{ repeat 31 "cd" }}e, {{ repeat 20 "sub." }}example.com/{{ repeat 63 "n" }}: "" }
          annotations: { example.com/long: {{ repeat 10000 "x" }} }
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: {{ printf "%s-%s" .Release.Name "service-of-the-chart" | trunc 63 | trimSuffix "-" }} }
        spec: { selector: { app.kubernetes.io/instance: {{ .Release.Name }} }, ports: [{ port: 80 }] }
      `,
    },
  },
  {
    name: "own-managed-by",
    feature: "labels and annotations that Helm sets too, with values of its own",
    files: {
      "templates/a.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: a
          labels: { app.kubernetes.io/managed-by: {{ .Release.Service }}, app.kubernetes.io/instance: {{ .Release.Name }} }
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata:
          name: b
          labels: { app.kubernetes.io/managed-by: somebody }
          annotations: { meta.helm.sh/release-name: other, meta.helm.sh/release-namespace: elsewhere, kubectl.kubernetes.io/last-applied-configuration: "{}" }
      `,
    },
  },
  {
    name: "keep-policy",
    feature: "objects with resource-policy: keep, that stay when they leave the chart and when it goes",
    files: {
      "templates/kept.yaml": yaml`
        apiVersion: v1
        kind: ConfigMap
        metadata: { name: kept, annotations: { helm.sh/resource-policy: keep } }
        data: { version: {{ .Chart.Version }} }
      `,
      "templates/kept-to-the-end.yaml": yaml`
        apiVersion: v1
        kind: Secret
        metadata: { name: kept-to-the-end, annotations: { helm.sh/resource-policy: " Keep " } }
        stringData: { version: {{ .Chart.Version }} }
      `,
      "templates/other.yaml":
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: other, annotations: { helm.sh/resource-policy: delete } }\n",
    },
    removal: { files: { "templates/kept.yaml": null } },
    differences: [{ name: "other-policies", steps: ["uninstall"], lines: /^ConfigMap\/other: only helm has it/ }],
  },
  {
    name: "api-version-change",
    feature: "an object that moves to another version of its API",
    files: {
      "templates/scaler.yaml": yaml`
        apiVersion: autoscaling/v1
        kind: HorizontalPodAutoscaler
        metadata: { name: scaler }
        spec: { minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 80, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: absent } }
      `,
    },
    upgrade: {
      files: {
        "templates/scaler.yaml": yaml`
          apiVersion: autoscaling/v2
          kind: HorizontalPodAutoscaler
          metadata: { name: scaler }
          spec:
            minReplicas: 2
            maxReplicas: 4
            scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: absent }
            metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }]
        `,
      },
    },
  },
  {
    name: "twice",
    feature: "an object that two templates bring, in its second version",
    files: {
      "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { from: a }\n",
    },
    upgrade: {
      files: { "templates/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { from: b }\n" },
    },
    removal: { files: { "templates/a.yaml": null } },
    refused: { release: "upgrade", strata: /stands twice in layer twice/, difference: "objects-twice" },
    differences: [
      { name: "objects-twice", steps: ["upgrade"], lines: /^ConfigMap\/a: data\.from: / },
      {
        name: "objects-twice",
        steps: ["upgrade", "removal", "rollback"],
        lines: /^Release\/twice\.v[12]: ((labels\.)?status|description): /,
      },
    ],
  },
  {
    name: "unknown-field",
    feature: "a misspelt field in its second version",
    layer: { timeout: "5s" },
    files: {
      "templates/service.yaml":
        "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { selector: { app: web }, ports: [{ port: 80 }] }\n",
    },
    upgrade: {
      files: {
        "templates/service.yaml":
          "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { selektor: { app: web }, ports: [{ port: 80 }] }\n",
      },
    },
    removal: {
      files: {
        "templates/service.yaml":
          "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { selector: { app: web2 }, ports: [{ port: 80 }] }\n",
      },
    },
    refused: {
      release: "upgrade",
      helm: /\.spec\.selektor: field not declared in schema/,
      strata: /unknown field spec\.selektor/,
    },
  },
  {
    name: "generate-name",
    feature: "an object with generateName in its second version",
    files: { "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n" },
    upgrade: { files: { "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { generateName: a- }\n" } },
    removal: { files: { "templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n" } },
    refused: {
      release: "upgrade",
      helm: /name/,
      strata: /metadata\.generateName would make a new object on every pass/,
    },
    differences: [
      {
        name: "refused-early",
        steps: ["upgrade", "removal", "rollback"],
        lines: /^Release\/generate-name\.v[2-4]: /,
      },
    ],
  },
  {
    name: "others-fields",
    feature: "objects that others label, annotate and extend meanwhile",
    files: {
      "templates/a.yaml":
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: shared, labels: { ours: a } }\ndata: { ours: {{ .Chart.Version }} }\n",
    },
    meanwhile: {
      before: "upgrade",
      kubectl: [
        ...["patch", "configmap", "shared", "--namespace", "others-fields", "--type", "merge", "--patch"],
        '{"metadata":{"labels":{"theirs":"b"},"annotations":{"note":"c"}},"data":{"theirs":"d"}}',
      ],
    },
  },
];

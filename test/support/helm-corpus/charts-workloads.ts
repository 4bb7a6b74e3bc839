import { yaml } from "../shapes/shape.ts";
import type { CorpusChart } from "./types.ts";

/** A volume that one claim of that class can bind. */
const volume = (name: string): string =>
  `{ apiVersion: v1, kind: PersistentVolume, metadata: { name: ${name} }, spec: { storageClassName: ${name}, capacity: { storage: 1Gi }, accessModes: [ReadWriteOnce], persistentVolumeReclaimPolicy: Retain, hostPath: { path: /none } } }`;

/** What runs containers, and what belongs to it. */
export const WORKLOAD_CHARTS: readonly CorpusChart[] = [
  {
    name: "workloads",
    feature: "a Deployment, a DaemonSet, a StatefulSet and a CronJob that change, rename a container, and drop fields",
    files: {
      "values.yaml": "tag: 1\nside: true\n",
      "templates/_pod.tpl": yaml`
        {{- define "workloads.pod" }}
            metadata: { labels: { app: {{ .kind }} } }
            spec:
              containers:
                - name: {{ if .root.Values.side }}main{{ else }}renamed{{ end }}
                  image: registry.example/workloads:{{ .root.Values.tag }}
                  env: [{ name: FIRST, value: "1" }{{ if .root.Values.side }}, { name: SECOND, value: "2" }{{ end }}, { name: TAG, value: {{ .root.Values.tag | quote }} }]
                  ports: [{ name: http, containerPort: 80 }]
                  {{- if .root.Values.side }}
                  resources: { requests: { cpu: 10m } }
                - { name: side, image: "registry.example/side:1" }
                  {{- end }}
        {{- end }}
      `,
      "templates/workloads.yaml": yaml`
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: deployment, labels: { app: Deployment } }
        spec:
          {{- if .Values.side }}
          replicas: 2
          minReadySeconds: 0
          strategy: { rollingUpdate: { maxSurge: 50% } }
          {{- end }}
          selector: { matchLabels: { app: Deployment } }
          template: {{- include "workloads.pod" (dict "root" . "kind" "Deployment") }}
        ---
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: { name: daemonset }
        spec:
          selector: { matchLabels: { app: DaemonSet } }
          template: {{- include "workloads.pod" (dict "root" . "kind" "DaemonSet") }}
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: { name: statefulset }
        spec:
          serviceName: statefulset
          podManagementPolicy: Parallel
          selector: { matchLabels: { app: StatefulSet } }
          template: {{- include "workloads.pod" (dict "root" . "kind" "StatefulSet") }}
        ---
        apiVersion: batch/v1
        kind: CronJob
        metadata: { name: cronjob }
        spec:
          schedule: "0 0 29 2 *"
          {{- if .Values.side }}
          concurrencyPolicy: Forbid
          successfulJobsHistoryLimit: 1
          {{- end }}
          jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: main, image: "registry.example/cron:{{ .Values.tag }}" }] } } } }
      `,
    },
    upgrade: { values: { tag: 2 } },
    removal: { values: { tag: 3, side: false } },
  },
  {
    name: "labels-by-default",
    feature: "objects whose labels the server takes from their pod templates",
    files: {
      "templates/labels.yaml": yaml`
        apiVersion: batch/v1
        kind: Job
        metadata: { name: job-{{ .Chart.Version | replace "." "-" }} }
        spec: { backoffLimit: 0, template: { metadata: { labels: { app: job } }, spec: { restartPolicy: Never, containers: [{ name: main, image: "registry.example/job:1" }] } } }
        ---
        apiVersion: v1
        kind: ReplicationController
        metadata: { name: controller }
        spec: { replicas: 1, template: { metadata: { labels: { app: controller } }, spec: { containers: [{ name: main, image: "registry.example/rc:{{ .Chart.Version }}" }] } } }
      `,
    },
  },
  {
    name: "pods",
    feature: "Pods without a controller",
    files: {
      "templates/pod.yaml": yaml`
        apiVersion: v1
        kind: Pod
        metadata: { name: alone, labels: { version: {{ .Chart.Version }} } }
        spec: { containers: [{ name: main, image: "registry.example/pod:{{ .Values.tag }}", env: [{ name: A, value: b }] }] }
      `,
      "values.yaml": 'tag: "1"\n',
    },
    upgrade: { values: { tag: "2" } },
  },
  {
    name: "stateful-storage",
    feature: "a StatefulSet with claim templates, whose claims stay",
    before: volume("stateful-storage"),
    files: {
      "templates/set.yaml": yaml`
        apiVersion: v1
        kind: Service
        metadata: { name: db }
        spec: { clusterIP: None, selector: { app: db }, ports: [{ port: 5432 }] }
        ---
        apiVersion: apps/v1
        kind: StatefulSet
        metadata: { name: db }
        spec:
          serviceName: db
          replicas: 1
          selector: { matchLabels: { app: db } }
          template:
            metadata: { labels: { app: db, version: {{ .Chart.Version }} } }
            spec: { containers: [{ name: db, image: "registry.example/db:1", volumeMounts: [{ name: data, mountPath: /data }] }] }
          volumeClaimTemplates:
            - metadata: { name: data, labels: { app: db } }
              spec: { storageClassName: stateful-storage, accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
      `,
    },
  },
  {
    name: "claims",
    feature: "PersistentVolumeClaims and a PersistentVolume",
    files: {
      "templates/volume.yaml": `{{ $v := .Chart.Version }}${volume("claims").replace("metadata: {", "metadata: { labels: { version: {{ $v }} },")}\n`,
      "templates/claim.yaml": yaml`
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: { name: claim, labels: { version: {{ .Chart.Version }} } }
        spec: { storageClassName: claims, accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
      `,
      "templates/second.yaml": yaml`
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: { name: kept, annotations: { helm.sh/resource-policy: keep } }
        spec: { storageClassName: claims-second, accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
      `,
    },
    before: volume("claims-second"),
    removal: { files: { "templates/second.yaml": null } },
    differences: [
      {
        name: "volumes-stay",
        steps: ["uninstall"],
        lines: /^(PersistentVolumeClaim\/claim|PersistentVolume\/claims): /,
      },
    ],
  },
  {
    name: "autoscaled",
    feature: "a Deployment without replicas, which something else scales",
    files: {
      "templates/scaled.yaml": yaml`
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: scaled }
        spec:
          selector: { matchLabels: { app: scaled } }
          template:
            metadata: { labels: { app: scaled, version: {{ .Chart.Version }} } }
            spec: { containers: [{ name: main, image: "registry.example/scaled:1" }] }
        ---
        apiVersion: autoscaling/v2
        kind: HorizontalPodAutoscaler
        metadata: { name: scaled }
        spec:
          minReplicas: 1
          maxReplicas: 5
          scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: scaled }
          metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 80 } } }]
      `,
    },
    meanwhile: {
      before: "upgrade",
      kubectl: ["scale", "deployment/scaled", "--namespace", "autoscaled", "--replicas", "3"],
    },
  },
  {
    name: "immutable-selector",
    feature: "a selector that changes in its second version, which Kubernetes refuses",
    layer: { timeout: "5s" },
    files: {
      "templates/web.yaml": yaml`
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: web }
        spec:
          selector: { matchLabels: { app: {{ .Values.app }} } }
          template:
            metadata: { labels: { app: {{ .Values.app }} } }
            spec: { containers: [{ name: main, image: "registry.example/web:{{ .Chart.Version }}" }] }
      `,
      "values.yaml": "app: web\n",
    },
    upgrade: { values: { app: "next" } },
    removal: { values: {} },
    refused: {
      release: "upgrade",
      helm: /spec\.selector: Invalid value: .*field is immutable/,
      strata: /Deployment immutable-selector\/web: spec\.selector: .*field is immutable/,
    },
  },
  {
    name: "duplicate-list-keys",
    feature: "a variable that stands twice in a container of its second version",
    layer: { timeout: "5s" },
    files: {
      "templates/web.yaml": yaml`
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: web }
        spec:
          selector: { matchLabels: { app: web } }
          template:
            metadata: { labels: { app: web } }
            spec: { containers: [{ name: main, image: "registry.example/web:1", env: [{ name: A, value: "1" }{{ if .Values.twice }}, { name: A, value: "2" }{{ end }}] }] }
      `,
    },
    upgrade: { values: { twice: true } },
    removal: { values: {} },
    refused: { release: "upgrade", helm: /duplicate entries for key/, strata: /stands twice|duplicate/ },
  },
];

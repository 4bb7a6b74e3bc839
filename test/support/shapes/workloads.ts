import { type Shape, yaml } from "./shape.ts";

/** Objects that run containers, or see to those that do. */
export const WORKLOADS: readonly Shape[] = [
  {
    name: "a small Deployment",
    yaml: yaml`
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: small}
      spec:
        selector: {matchLabels: {app: small}}
        template:
          metadata: {labels: {app: small}}
          spec: {containers: [{name: main, image: nginx}]}
    `,
  },
  {
    name: "a Deployment that uses nearly every field",
    yaml: yaml`
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: full, labels: {app: full}}
      spec:
        replicas: 3
        revisionHistoryLimit: 0
        progressDeadlineSeconds: 120
        strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}
        selector:
          matchLabels: {app: full}
          matchExpressions: [{key: tier, operator: In, values: [front, back]}]
        template:
          metadata:
            labels: {app: full, tier: front}
            annotations: {checksum/config: "0123"}
          spec:
            serviceAccountName: runner
            automountServiceAccountToken: no
            enableServiceLinks: false
            terminationGracePeriodSeconds: 0
            priorityClassName: system-node-critical
            dnsConfig: {options: [{name: ndots, value: "2"}, {name: use-vc}]}
            hostAliases: [{ip: 10.0.0.1, hostnames: [a.example, b.example]}]
            nodeSelector: {kubernetes.io/os: linux}
            tolerations:
            - {operator: Exists}
            - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 0}
            topologySpreadConstraints:
            - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: full}}, matchLabelKeys: [pod-template-hash]}
            affinity:
              nodeAffinity:
                requiredDuringSchedulingIgnoredDuringExecution:
                  nodeSelectorTerms: [{matchExpressions: [{key: gpu, operator: Gt, values: ["1"]}]}]
              podAntiAffinity:
                preferredDuringSchedulingIgnoredDuringExecution:
                - {weight: 100, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {}, namespaceSelector: {}}}
            securityContext:
              runAsUser: 1000
              fsGroup: 0
              fsGroupChangePolicy: OnRootMismatch
              seccompProfile: {type: RuntimeDefault}
              sysctls: [{name: net.core.somaxconn, value: "1024"}]
            imagePullSecrets: [{name: docker}]
            initContainers:
            - {name: sidecar, image: proxy, restartPolicy: Always}
            - name: init
              image: busybox
              command: [sh, -c, 'echo "$HOME" $(HOST) && exit 0']
            containers:
            - name: main
              image: registry.example:5000/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
              args: ["--a=1", "--", ""]
              workingDir: /
              ports:
              - {name: http, containerPort: 8080}
              - {name: dns, containerPort: 53, protocol: UDP}
              - {name: dns-tcp, containerPort: 53, protocol: TCP}
              env:
              - {name: EMPTY, value: ""}
              - {name: EMPTY_TOO}
              - {name: NUMBER, value: "1"}
              - {name: HOST, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
              - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: "0"}}}
              - {name: KEY, valueFrom: {secretKeyRef: {name: opaque, key: a, optional: true}}}
              envFrom: [{prefix: X_, configMapRef: {name: words}}]
              resources:
                limits: {cpu: 0.5, memory: 1e9, ephemeral-storage: 1.5Gi, example.com/gpu: 1}
                requests: {cpu: 100m, memory: 128974848}
              livenessProbe: {httpGet: {path: /, port: http, httpHeaders: [{name: A, value: b}]}, periodSeconds: 5}
              readinessProbe: {tcpSocket: {port: 8080}, successThreshold: 1}
              startupProbe: {exec: {command: ["true"]}, failureThreshold: 30}
              lifecycle: {preStop: {exec: {command: [sleep, "5"]}}}
              securityContext: {capabilities: {drop: [ALL], add: [NET_ADMIN]}, readOnlyRootFilesystem: yes, procMount: Default}
              volumeMounts:
              - {name: config, mountPath: /etc/config, subPath: a, readOnly: true}
              - {name: scratch, mountPath: /tmp, mountPropagation: None}
            volumes:
            - {name: scratch, emptyDir: {medium: Memory, sizeLimit: 1Gi}}
            - {name: none, emptyDir: {}}
            - name: config
              projected:
                defaultMode: 0440
                sources:
                - configMap: {name: words, items: [{key: a, path: a, mode: 0644}]}
                - secret: {name: opaque, optional: true}
                - downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}
                - serviceAccountToken: {audience: vault, expirationSeconds: 600, path: token}
            - {name: host, hostPath: {path: /var/log, type: DirectoryOrCreate}}
            - {name: ephemeral, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}
    `,
  },
  {
    name: "modes as YAML has them",
    yaml: yaml`
      apiVersion: apps/v1
      kind: DaemonSet
      metadata: {name: modes}
      spec:
        selector: {matchLabels: {app: modes}}
        template:
          metadata: {labels: {app: modes}}
          spec:
            containers: [{name: main, image: a}]
            volumes:
            - {name: octal, configMap: {name: a, defaultMode: 0644}}
            - {name: new-octal, configMap: {name: a, defaultMode: 0o600}}
            - {name: decimal, secret: {secretName: a, defaultMode: 420}}
            - {name: hex, secret: {secretName: a, defaultMode: 0x1a4}}
    `,
  },
  {
    name: "a DaemonSet on host ports",
    yaml: yaml`
      apiVersion: apps/v1
      kind: DaemonSet
      metadata: {name: agent}
      spec:
        minReadySeconds: 5
        updateStrategy: {type: OnDelete}
        selector: {matchLabels: {app: agent}}
        template:
          metadata: {labels: {app: agent}}
          spec:
            hostNetwork: true
            hostPID: yes
            containers:
            - {name: main, image: a, ports: [{containerPort: 9100, hostPort: 9100}], securityContext: {privileged: on}}
    `,
  },
  {
    name: "a StatefulSet with volumeClaimTemplates",
    yaml: yaml`
      apiVersion: apps/v1
      kind: StatefulSet
      metadata: {name: db}
      spec:
        serviceName: db
        podManagementPolicy: Parallel
        persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Delete}
        ordinals: {start: 1}
        updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}
        selector: {matchLabels: {app: db}}
        template:
          metadata: {labels: {app: db}}
          spec: {containers: [{name: main, image: a, volumeMounts: [{name: data, mountPath: /data}]}]}
        volumeClaimTemplates:
        - metadata: {name: data, labels: {app: db}}
          spec: {accessModes: [ReadWriteOnce], storageClassName: "", resources: {requests: {storage: 10Gi}}}
        - {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: wal}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 0.5Gi}}}}
    `,
  },
  {
    name: "a ReplicaSet",
    yaml: yaml`
      apiVersion: apps/v1
      kind: ReplicaSet
      metadata: {name: set}
      spec: {replicas: 0, selector: {matchLabels: {app: set}}, template: {metadata: {labels: {app: set}}, spec: {containers: [{name: a, image: a}]}}}
    `,
  },
  {
    name: "a ReplicationController",
    yaml: yaml`
      apiVersion: v1
      kind: ReplicationController
      metadata: {name: old}
      spec: {replicas: 0, selector: {app: old}, template: {metadata: {labels: {app: old}}, spec: {containers: [{name: a, image: a}]}}}
    `,
  },
  {
    name: "a Pod",
    yaml: "apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\nspec: {restartPolicy: Never, serviceAccountName: runner, containers: [{name: a, image: a, imagePullPolicy: IfNotPresent}]}\n",
  },
  {
    name: "a PodTemplate",
    yaml: "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: template}\ntemplate: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}\n",
  },
  {
    name: "a suspended Job with a failure policy",
    yaml: yaml`
      apiVersion: batch/v1
      kind: Job
      metadata: {name: job}
      spec:
        suspend: true
        parallelism: 0
        completions: 5
        completionMode: Indexed
        backoffLimitPerIndex: 1
        maxFailedIndexes: 0
        ttlSecondsAfterFinished: 0
        podReplacementPolicy: Failed
        podFailurePolicy:
          rules:
          - {action: FailJob, onExitCodes: {containerName: a, operator: In, values: [1, 42]}}
          - {action: Ignore, onPodConditions: [{type: DisruptionTarget}]}
        manualSelector: true
        selector: {matchLabels: {job: mine}}
        template: {metadata: {labels: {job: mine}}, spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}
    `,
  },
  {
    name: "a CronJob",
    yaml: yaml`
      apiVersion: batch/v1
      kind: CronJob
      metadata: {name: cron}
      spec:
        schedule: "*/5 * * * *"
        timeZone: Europe/Berlin
        concurrencyPolicy: Forbid
        startingDeadlineSeconds: 0
        successfulJobsHistoryLimit: 0
        jobTemplate:
          metadata: {labels: {a: b}}
          spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: a, image: a, command: [date]}]}}}
    `,
  },
  {
    name: "a HorizontalPodAutoscaler with all sorts of metrics",
    yaml: yaml`
      apiVersion: autoscaling/v2
      kind: HorizontalPodAutoscaler
      metadata: {name: scaler}
      spec:
        scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: small}
        minReplicas: 1
        maxReplicas: 10
        behavior: {scaleDown: {stabilizationWindowSeconds: 0, policies: [{type: Percent, value: 50, periodSeconds: 15}]}}
        metrics:
        - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}
        - {type: Pods, pods: {metric: {name: hits}, target: {type: AverageValue, averageValue: 1k}}}
        - {type: External, external: {metric: {name: queue, selector: {matchLabels: {q: a}}}, target: {type: Value, value: 0.5}}}
    `,
  },
  {
    name: "a HorizontalPodAutoscaler of the older version",
    yaml: "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: scaler-v1}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: small}, maxReplicas: 2, targetCPUUtilizationPercentage: 50}\n",
  },
  {
    name: "a PodDisruptionBudget in percent",
    yaml: "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: percent}\nspec: {minAvailable: 50%, selector: {matchLabels: {app: a}}, unhealthyPodEvictionPolicy: AlwaysAllow}\n",
  },
  {
    name: "a PodDisruptionBudget in numbers",
    yaml: "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: number}\nspec: {maxUnavailable: 0, selector: {}}\n",
  },
];

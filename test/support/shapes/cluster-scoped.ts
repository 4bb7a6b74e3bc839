import { type Shape, yaml } from "./shape.ts";

/** A certificate authority of nobody, in the size and form of a real one. */
const CA = Buffer.from("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n").toString("base64");

/** Objects of a whole cluster. */
export const CLUSTER_SCOPED: readonly Shape[] = [
  {
    name: "a Namespace with labels",
    yaml: "apiVersion: v1\nkind: Namespace\nmetadata: {name: extra-ROUTE, labels: {pod-security.kubernetes.io/enforce: privileged}, annotations: {scheduler.alpha.kubernetes.io/node-selector: ''}}\n",
  },
  {
    name: "a ClusterRole with upper case and colons",
    yaml: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: 'MyApp:Viewer:ROUTE'}\nrules: [{nonResourceURLs: [/metrics, /healthz/*], verbs: [get]}]\n",
  },
  {
    name: "a ClusterRole that aggregates",
    yaml: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: aggregate-ROUTE, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}\nrules: []\n",
  },
  {
    name: "a ClusterRoleBinding with dots and slashes of other worlds",
    yaml: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: 'my.app:Viewer@ROUTE'}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'MyApp:Viewer:ROUTE'}\nsubjects: []\n",
  },
  {
    name: "a PriorityClass",
    yaml: "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high-ROUTE}\nvalue: -1_000\nglobalDefault: no\npreemptionPolicy: Never\ndescription: words\n",
  },
  {
    name: "a StorageClass",
    yaml: yaml`
      apiVersion: storage.k8s.io/v1
      kind: StorageClass
      metadata: {name: fast-ROUTE, annotations: {storageclass.kubernetes.io/is-default-class: "false"}}
      provisioner: csi.example.com
      parameters: {iops: "3000", type: gp3, csi.storage.k8s.io/fstype: ext4}
      mountOptions: [discard]
      reclaimPolicy: Retain
      allowVolumeExpansion: on
      volumeBindingMode: WaitForFirstConsumer
      allowedTopologies: [{matchLabelExpressions: [{key: zone, values: [a]}]}]
    `,
  },
  {
    name: "a PersistentVolume",
    yaml: yaml`
      apiVersion: v1
      kind: PersistentVolume
      metadata: {name: volume-ROUTE}
      spec:
        capacity: {storage: 1.5Ti}
        accessModes: [ReadWriteOnce]
        persistentVolumeReclaimPolicy: Retain
        claimRef: {namespace: ROUTE, name: claim}
        nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a]}]}]}}
        csi: {driver: csi.example.com, volumeHandle: "123", volumeAttributes: {a: "true"}, nodeStageSecretRef: {name: a, namespace: b}}
    `,
  },
  {
    name: "a CSIDriver",
    yaml: "apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: ROUTE.csi.example.com}\nspec: {attachRequired: false, podInfoOnMount: yes, fsGroupPolicy: File, volumeLifecycleModes: [Persistent, Ephemeral], tokenRequests: [{audience: a, expirationSeconds: 3600}]}\n",
  },
  {
    name: "a VolumeAttributesClass",
    yaml: "apiVersion: storage.k8s.io/v1\nkind: VolumeAttributesClass\nmetadata: {name: gold-ROUTE}\ndriverName: csi.example.com\nparameters: {iops: '1'}\n",
  },
  {
    name: "an IngressClass",
    yaml: "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: class-ROUTE, annotations: {ingressclass.kubernetes.io/is-default-class: 'false'}}\nspec: {controller: example.com/ingress, parameters: {apiGroup: example.com, kind: Parameters, name: a, scope: Namespace, namespace: b}}\n",
  },
  {
    name: "a RuntimeClass",
    yaml: "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: gvisor-ROUTE}\nhandler: runsc\noverhead: {podFixed: {memory: 120Mi, cpu: 0.25}}\nscheduling: {nodeSelector: {sandbox: 'yes'}}\n",
  },
  {
    name: "a ValidatingWebhookConfiguration",
    yaml: yaml`
      apiVersion: admissionregistration.k8s.io/v1
      kind: ValidatingWebhookConfiguration
      metadata: {name: validating-ROUTE}
      webhooks:
      - name: a.example.com
        admissionReviewVersions: [v1, v1beta1]
        sideEffects: None
        failurePolicy: Ignore
        timeoutSeconds: 1
        matchPolicy: Equivalent
        clientConfig: {service: {namespace: none, name: hook, path: /validate, port: 8443}, caBundle: ${CA}}
        rules: [{apiGroups: [nothing.example.com], apiVersions: ['*'], operations: ['*'], resources: ['*/*'], scope: '*'}]
        matchConditions: [{name: no-leases, expression: '!(request.resource.group == "coordination.k8s.io")'}]
        objectSelector: {matchExpressions: [{key: skip, operator: NotIn, values: ["true"]}]}
      - {name: b.example.com, admissionReviewVersions: [v1], sideEffects: NoneOnDryRun, clientConfig: {url: "https://hook.example.com/b"}, rules: []}
    `,
  },
  {
    name: "a MutatingWebhookConfiguration",
    yaml: yaml`
      apiVersion: admissionregistration.k8s.io/v1
      kind: MutatingWebhookConfiguration
      metadata: {name: mutating-ROUTE, annotations: {cert-manager.io/inject-ca-from: a/b}}
      webhooks:
      - name: a.example.com
        admissionReviewVersions: [v1]
        sideEffects: None
        reinvocationPolicy: IfNeeded
        clientConfig: {service: {namespace: none, name: hook}}
        namespaceSelector: {matchLabels: {inject: enabled}}
        rules: [{apiGroups: [nothing.example.com], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [things]}]
    `,
  },
  {
    name: "a ValidatingAdmissionPolicy",
    yaml: yaml`
      apiVersion: admissionregistration.k8s.io/v1
      kind: ValidatingAdmissionPolicy
      metadata: {name: policy-ROUTE}
      spec:
        failurePolicy: Ignore
        paramKind: {apiVersion: v1, kind: ConfigMap}
        matchConstraints: {resourceRules: [{apiGroups: [nothing.example.com], apiVersions: [v1], operations: [CREATE], resources: [things]}]}
        variables: [{name: big, expression: "object.spec.replicas > 5"}]
        validations:
        - expression: |
            !variables.big ||
            has(object.metadata.labels)
          messageExpression: "'too many: ' + string(object.spec.replicas)"
          reason: Forbidden
        auditAnnotations: [{key: a, valueExpression: "'b'"}]
    `,
  },
  {
    name: "its binding",
    yaml: "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: binding-ROUTE}\nspec: {policyName: policy-ROUTE, validationActions: [Warn, Audit], paramRef: {name: a, namespace: b, parameterNotFoundAction: Allow}}\n",
  },
  {
    name: "an APIService of one's own",
    yaml: `apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.ROUTE.example.com}\nspec: {group: ROUTE.example.com, version: v1, groupPriorityMinimum: 1000, versionPriority: 15, service: {namespace: none, name: api, port: 6443}, caBundle: ${CA}}\n`,
  },
  {
    name: "a FlowSchema",
    yaml: yaml`
      apiVersion: flowcontrol.apiserver.k8s.io/v1
      kind: FlowSchema
      metadata: {name: flow-ROUTE}
      spec:
        matchingPrecedence: 9000
        distinguisherMethod: {type: ByUser}
        priorityLevelConfiguration: {name: level-ROUTE}
        rules:
        - subjects: [{kind: ServiceAccount, serviceAccount: {name: nobody, namespace: none}}, {kind: User, user: {name: "nobody"}}]
          resourceRules: [{verbs: ['*'], apiGroups: [nothing.example.com], resources: ['*'], clusterScope: true, namespaces: ['*']}]
    `,
  },
  {
    name: "a PriorityLevelConfiguration",
    yaml: "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: PriorityLevelConfiguration\nmetadata: {name: level-ROUTE}\nspec: {type: Limited, limited: {nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 5, limitResponse: {type: Queue, queuing: {queues: 8, handSize: 2, queueLengthLimit: 5}}}}\n",
  },
  {
    name: "a DeviceClass",
    yaml: "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: gpu-ROUTE}\nspec: {selectors: [{cel: {expression: 'device.driver == \"gpu.example.com\"'}}]}\n",
  },
  {
    name: "a Node",
    yaml: "apiVersion: v1\nkind: Node\nmetadata: {name: node-ROUTE, labels: {kubernetes.io/os: linux}}\nspec: {unschedulable: true, taints: [{key: a, effect: NoExecute}, {key: a, effect: NoSchedule, value: b}]}\n",
  },
];

import { type Shape, yaml } from "./shape.ts";

/** Configuration, network, storage and rights inside a namespace. */
export const NAMESPACED: readonly Shape[] = [
  {
    name: "a NetworkPolicy with from and to",
    yaml: yaml`
      apiVersion: networking.k8s.io/v1
      kind: NetworkPolicy
      metadata: {name: both}
      spec:
        podSelector: {matchLabels: {app: db}}
        policyTypes: [Ingress, Egress]
        ingress:
        - from:
          - ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}
          - namespaceSelector: {matchLabels: {team: a}}
            podSelector: {}
          ports: [{protocol: TCP, port: 6379}, {port: http}, {port: 32000, endPort: 32768}]
        egress: [{to: [{podSelector: {matchExpressions: [{key: a, operator: DoesNotExist}]}}]}]
    `,
  },
  {
    name: "a NetworkPolicy that lets nothing through",
    yaml: "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny}\nspec: {podSelector: {}, policyTypes: [Ingress], ingress: []}\n",
  },
  {
    name: "a NetworkPolicy that lets everything through",
    yaml: "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: open}\nspec: {podSelector: {}, ingress: [{}], egress: [{}]}\n",
  },
  {
    name: "an Ingress",
    yaml: yaml`
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: web
        annotations: {nginx.ingress.kubernetes.io/configuration-snippet: "more_set_headers \"X: $host\";\n"}
      spec:
        ingressClassName: nginx
        tls: [{hosts: ["*.example.com"], secretName: tls}]
        defaultBackend: {resource: {apiGroup: k8s.example.com, kind: Bucket, name: static}}
        rules:
        - host: "*.example.com"
          http: {paths: [{path: /a(/|$)(.*), pathType: ImplementationSpecific, backend: {service: {name: web, port: {name: http}}}}, {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
        - http: {paths: [{pathType: Exact, path: /b, backend: {service: {name: web, port: {number: 8080}}}}]}
    `,
  },
  {
    name: "a headless Service with a port twice, by protocol",
    yaml: yaml`
      apiVersion: v1
      kind: Service
      metadata: {name: dns}
      spec:
        clusterIP: None
        publishNotReadyAddresses: true
        selector: {app: dns}
        ports:
        - {name: dns, port: 53, protocol: UDP, targetPort: 5353}
        - {name: dns-tcp, port: 53, protocol: TCP, targetPort: tcp}
    `,
  },
  {
    name: "a Service with an address of the cluster",
    yaml: "apiVersion: v1\nkind: Service\nmetadata: {name: cluster-ip}\nspec: {selector: {app: a}, sessionAffinity: ClientIP, ports: [{port: 80, targetPort: http, appProtocol: kubernetes.io/h2c}]}\n",
  },
  {
    name: "a Service for a load balancer",
    yaml: yaml`
      apiVersion: v1
      kind: Service
      metadata: {name: balanced}
      spec:
        type: LoadBalancer
        allocateLoadBalancerNodePorts: false
        externalTrafficPolicy: Local
        internalTrafficPolicy: Cluster
        ipFamilyPolicy: SingleStack
        loadBalancerClass: example.com/balancer
        loadBalancerSourceRanges: [10.0.0.0/8]
        trafficDistribution: PreferClose
        selector: {app: a}
        ports: [{name: https, port: 443, targetPort: 8443}]
    `,
  },
  {
    name: "a Service that is a name",
    yaml: "apiVersion: v1\nkind: Service\nmetadata: {name: external}\nspec: {type: ExternalName, externalName: db.example.com}\n",
  },
  {
    name: "an EndpointSlice of one's own",
    yaml: yaml`
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata: {name: manual, labels: {kubernetes.io/service-name: external-db, endpointslice.kubernetes.io/managed-by: staff}}
      addressType: IPv4
      endpoints: [{addresses: [192.0.2.1], conditions: {ready: true}, hints: {forZones: [{name: a}]}}]
      ports: [{name: "", port: 5432, protocol: TCP}]
    `,
  },
  {
    name: "Endpoints of one's own",
    yaml: "apiVersion: v1\nkind: Endpoints\nmetadata: {name: manual}\nsubsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 9376}]}]\n",
  },
  {
    name: "a ServiceAccount",
    yaml: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: runner, annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::1:role/a'}}\nautomountServiceAccountToken: false\nimagePullSecrets: [{name: docker}]\nsecrets: [{name: a}]\n",
  },
  {
    name: "a Role with every part of a rule",
    yaml: "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: Reader:All}\nrules:\n- {apiGroups: [''], resources: [pods, pods/log], verbs: [get], resourceNames: [a]}\n- {apiGroups: ['*'], resources: ['*'], verbs: ['*']}\n",
  },
  {
    name: "a Role without rules",
    yaml: "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: none}\nrules: []\n",
  },
  {
    name: "a RoleBinding",
    yaml: "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: 'system:reader'}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: 'Reader:All'}\nsubjects: [{kind: User, name: 'oidc:Jane@Example.com'}, {kind: Group, name: 'system:masters', apiGroup: rbac.authorization.k8s.io}, {kind: ServiceAccount, name: runner, namespace: other}]\n",
  },
  {
    name: "quantities of all forms",
    yaml: yaml`
      apiVersion: v1
      kind: ResourceQuota
      metadata: {name: quantities}
      spec:
        hard: {requests.cpu: 0.5, limits.cpu: 1e3, requests.memory: 1.5Gi, limits.memory: 128974848, pods: "10"}
        scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [high]}]}
    `,
  },
  {
    name: "quantities of things that are counted",
    yaml: "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: counts}\nspec: {hard: {count/deployments.apps: 1k, requests.storage: 1E, persistentvolumeclaims: 1_000, services.nodeports: 0}}\n",
  },
  {
    name: "a LimitRange with default",
    yaml: "apiVersion: v1\nkind: LimitRange\nmetadata: {name: limits}\nspec: {limits: [{type: Container, default: {cpu: 0.5, memory: 512Mi}, defaultRequest: {cpu: 250m}, max: {cpu: '4'}, min: {cpu: 1m}, maxLimitRequestRatio: {cpu: 4000}}]}\n",
  },
  {
    name: "a claim for storage",
    yaml: "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: claim}\nspec: {accessModes: [ReadWriteMany], storageClassName: '', volumeMode: Block, resources: {requests: {storage: 1e9}}, dataSource: {apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: a}}\n",
  },
  {
    name: "a Lease",
    yaml: "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: lease}\nspec: {holderIdentity: a, leaseDurationSeconds: 15, renewTime: '2026-11-22T10:00:00.123456Z'}\n",
  },
  {
    name: "a ControllerRevision with free data",
    yaml: "apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {name: revision}\nrevision: 9007199254740993\ndata: {apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {a: b}}\n",
  },
  {
    name: "a CSIStorageCapacity",
    yaml: "apiVersion: storage.k8s.io/v1\nkind: CSIStorageCapacity\nmetadata: {name: capacity}\nstorageClassName: fast\ncapacity: 100Gi\nnodeTopology: {matchLabels: {zone: a}}\n",
  },
  {
    name: "a ResourceClaimTemplate for a device",
    yaml: "apiVersion: resource.k8s.io/v1\nkind: ResourceClaimTemplate\nmetadata: {name: gpu}\nspec: {spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu-ROUTE, allocationMode: ExactCount, count: 2}}]}}}\n",
  },
  {
    name: "an Event",
    yaml: "apiVersion: v1\nkind: Event\nmetadata: {name: event.1}\ninvolvedObject: {kind: ConfigMap, name: a, namespace: ROUTE, apiVersion: v1}\nreason: Told\nmessage: words\ntype: Normal\ncount: 1\nsource: {component: me}\nfirstTimestamp: 2026-11-22T10:00:00Z\nlastTimestamp: '2026-11-22T10:00:00Z'\n",
  },
  {
    name: "an object that names its namespace",
    yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: with-namespace, namespace: ROUTE}\ndata: {a: b}\n",
  },
];

import { API_VERSION } from "./names.ts";
import { VARIABLE_TYPES } from "./schema/variables.ts";

/** Objects that parse and that an API server takes, as test data. Together they set every field of every spec. */
export interface GoodSpec {
  name: string;
  object: { apiVersion: string; kind: string; metadata: { name: string; namespace?: string }; spec: object };
}

const meta = (name: string) => ({ name, namespace: "default" });
const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { mode: "0644" } };

const cilium = {
  name: "cni",
  type: "Network",
  namespace: "kube-system",
  helm: { repo: "https://helm.cilium.io", chart: "cilium", version: "1.18.x", releaseName: "cilium" },
  values: { ipam: { mode: "kubernetes", list: [1, { a: null }] } },
  valuesFrom: [
    { secretKeyRef: { name: "cilium-license", key: "license" }, targetPath: "license.value", optional: true },
    { configMapKeyRef: { name: "cilium-values", key: "values.yaml" } },
  ],
  crds: "Create",
  outputs: [
    {
      name: "host",
      object: { apiVersion: "v1", kind: "Service", name: "cilium-ingress" },
      value: "self.status.loadBalancer.ingress[0].ip",
    },
    {
      name: "root_certificate",
      object: { apiVersion: "cert-manager.io/v1", kind: "Certificate", name: "ca.root", namespace: "kube-system" },
      value: "self.status.revision",
      sensitive: true,
    },
  ],
};

const storage = {
  name: "csi",
  type: "Storage",
  namespace: "csi",
  namespaceMetadata: {
    labels: { "pod-security.kubernetes.io/enforce": "privileged" },
    annotations: { "example.com/note": "made for the driver" },
  },
  manifests: [
    { object: configMap },
    { inline: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: inline\n" },
    { configMapRef: { name: "storage-manifests" } },
    { configMapKeyRef: { name: "storage-manifests", key: "more.yaml" }, optional: true },
    { secretRef: { name: "storage-secrets" } },
    { secretKeyRef: { name: "storage-secrets", key: "class.yaml" }, optional: false },
    { url: "https://example.com/crds.yaml?raw=true", sha256: "0f".repeat(32), registryRef: { name: "files" } },
    {
      oci: { repo: "oci://127.0.0.1:5000/manifests", artifact: "team/app", version: ">=1.0.0 <2.0.0" },
      path: "./deploy",
    },
    { oci: { registryRef: { name: "oci" }, artifact: "app", version: `sha256:${"0f".repeat(32)}` } },
    { oci: { registryRef: { name: "oci" }, artifact: "app", version: `\${{ variables.release }}` }, expressions: true },
    { sourceRef: { kind: "GitRepository", name: "apps" }, path: "deploy/.hidden/..data/app.yaml", expressions: false },
  ],
  expressions: true,
  gate: "Applied",
  timeout: "1h30m",
  healthChecks: [
    {
      apiVersion: "example.com/v1",
      kind: "Driver",
      name: "main",
      namespace: "csi",
      current: 'self.status.phase == "Running"',
      failed: 'self.status.phase == "Broken"',
    },
  ],
  adoption: "Never",
  prune: "Never",
  drift: {
    mode: "Warn",
    ignore: [
      {
        target: {
          group: "apps",
          version: "v1",
          kind: "Deployment",
          name: "web",
          namespace: "csi",
          labelSelector: { matchLabels: { app: "web" }, matchExpressions: [{ key: "old", operator: "DoesNotExist" }] },
        },
        jsonPointers: ["/spec/replicas", "/metadata/annotations/example.com~1note"],
      },
    ],
  },
};

const variablesFrom = [
  { configMapRef: { name: "settings" } },
  { secretRef: { name: "secrets" }, optional: true },
  { configMapKeyRef: { name: "settings", key: "region" } },
  { secretKeyRef: { name: "secrets", key: "text" }, variable: "token" },
];

const variables = [
  ...VARIABLE_TYPES.map((type) => ({ name: `v_${type}`, type })),
  { name: "plain", description: "What it is for.", default: "a", enum: ["a", "b"], pattern: "^[ab]$", immutable: true },
  { name: "sized", type: "number", minimum: 0.5, maximum: 2, required: false },
  { name: "token", sensitive: true, required: true, minLength: 1, maxLength: 64 },
];

const addOn = { name: "metrics", manifests: [{ object: configMap }], namespace: "metrics" };

const selector = {
  matchLabels: { env: "prod" },
  matchExpressions: [
    { key: "topology.kubernetes.io/region", operator: "In", values: ["eu", "us"] },
    { key: "old", operator: "DoesNotExist" },
  ],
};

export const GOOD_SPECS: readonly GoodSpec[] = [
  {
    name: "a cluster profile with core layers in order and add-ons between them",
    object: {
      apiVersion: API_VERSION,
      kind: "ClusterProfile",
      metadata: meta("base"),
      spec: {
        version: "1.4.0-rc.1+build.5",
        serviceAccountName: "deployer",
        clusterSelector: selector,
        deletionPolicy: "Orphan",
        unmatchPolicy: "Delete",
        deletionGrace: "1h30m",
        readyWhen: { maxUnavailable: "10%" },
        allowMassPrune: true,
        layers: [
          { ...addOn, name: "first" },
          { ...addOn, name: "os", type: "OS" },
          { ...addOn, name: "kubernetes", type: "Kubernetes" },
          cilium,
          {
            ...addOn,
            name: "between",
            when: 'cluster.labels["gpu"] == "yes" && has(layers.cni.outputs.host)',
            requires: { kubernetes: ">=1.33 <1.40", layers: [{ name: "cni", version: "1.18.x" }] },
          },
          storage,
        ],
      },
    },
  },
  {
    name: "the smallest add-on profile",
    object: {
      apiVersion: API_VERSION,
      kind: "AddOnProfile",
      metadata: meta("smallest"),
      spec: { clusterRefs: [{ name: "local" }], layers: [{ name: "a", manifests: [{ object: configMap }] }] },
    },
  },
  {
    name: "an add-on profile whose layers share its namespace",
    object: {
      apiVersion: API_VERSION,
      kind: "AddOnProfile",
      metadata: meta("shared"),
      spec: {
        namespace: "apps",
        clusterSelector: {},
        layers: [
          { name: "web", helm: { repo: "oci://ghcr.io/example/charts", chart: "web", version: ">=1.0.0 <2.0.0" } },
          { name: "shop", helm: { registryRef: { name: "company" }, chart: "shop", version: "1.2.3" } },
          { name: "app", manifests: [{ inline: "a" }], namespaceMetadata: { labels: { a: "b" } } },
        ],
      },
    },
  },
  {
    name: "a system profile over the clusters of all tenants",
    object: {
      apiVersion: API_VERSION,
      kind: "SystemProfile",
      metadata: { name: "bootstrap" },
      spec: {
        clusterSelector: { matchLabels: { edge: "true" } },
        namespaceSelector: {},
        layers: [
          {
            name: "virtual-machines",
            namespace: "vms",
            helm: { repo: "http://charts.example.com/stable", chart: "vm", version: "v2.0.1" },
            valuesFrom: [{ configMapKeyRef: { namespace: "shared", name: "values", key: "vm.yaml" } }],
          },
          { name: "apps", manifests: [{ configMapRef: { namespace: "shared", name: "apps" } }] },
        ],
      },
    },
  },
  {
    name: "a system profile that names its clusters",
    object: {
      apiVersion: API_VERSION,
      kind: "SystemProfile",
      metadata: { name: "named" },
      spec: { clusterRefs: [{ name: "local" }, { name: "edge-17", namespace: "acme" }], layers: [addOn] },
    },
  },
  {
    name: "a target cluster with Cluster API's key",
    object: {
      apiVersion: API_VERSION,
      kind: "TargetCluster",
      metadata: meta("edge-17"),
      spec: { connection: { kubeconfigSecretRef: { name: "edge-17-kubeconfig", key: "value" } } },
    },
  },
  {
    name: "a target cluster with the key left out",
    object: {
      apiVersion: API_VERSION,
      kind: "TargetCluster",
      metadata: meta("edge-18"),
      spec: { connection: { kubeconfigSecretRef: { name: "edge-18-kubeconfig" } } },
    },
  },
  {
    name: "a target cluster with what is different there",
    object: {
      apiVersion: API_VERSION,
      kind: "TargetCluster",
      metadata: meta("edge-19"),
      spec: {
        connection: { kubeconfigSecretRef: { name: "edge-19-kubeconfig" } },
        variables: { region: "north", replicas: 3, nested: { list: [1, null] } },
        variablesFrom,
        overrides: [
          { profileRef: { kind: "ClusterProfile", name: "base" }, layer: "cni", values: { mtu: 1400, gone: null } },
        ],
      },
    },
  },
  {
    name: "variables of all types, and expressions",
    object: {
      apiVersion: API_VERSION,
      kind: "AddOnProfile",
      metadata: meta("variables"),
      spec: {
        clusterSelector: {},
        variables,
        variablesFrom,
        layers: [
          {
            name: "web",
            namespace: `web-\${{ variables.v_string }}`,
            helm: { repo: "https://charts.example.com", chart: "web", version: `\${{ variables.v_semver }}` },
            values: { a: `\${{ variables.v_list }}` },
          },
        ],
      },
    },
  },
  {
    name: "the smallest registry",
    object: {
      apiVersion: API_VERSION,
      kind: "Registry",
      metadata: meta("public"),
      spec: { type: "Helm", url: "https://charts.example.com" },
    },
  },
  {
    name: "a registry with everything",
    object: {
      apiVersion: API_VERSION,
      kind: "Registry",
      metadata: meta("company"),
      spec: {
        type: "OCI",
        url: "oci://registry.example.com:5000/platform",
        secretRef: { name: "registry-login" },
        certSecretRef: { name: "registry-certificates" },
        serviceAccountName: "registries",
        mirrors: ["https://mirror-1.example.com/platform", "oci://mirror-2.example.com/platform"],
        tokenOrigins: ["https://sso.example.com", "https://sso.example.com:8443"],
        interval: "10m",
        verify: { secretRef: { name: "cosign-keys" } },
      },
    },
  },
  {
    name: "a folder of packs",
    object: {
      apiVersion: API_VERSION,
      kind: "Registry",
      metadata: meta("packs"),
      spec: { type: "Pack", url: "http://packs.example.com/stable/", mirrors: ["https://mirror.example.com"] },
    },
  },
  {
    name: "a deployment of a profile on the cluster that Strata runs in",
    object: {
      apiVersion: API_VERSION,
      kind: "ProfileDeployment",
      metadata: meta("base-local"),
      spec: {
        profileRef: { kind: "ClusterProfile", name: "base", namespace: "default" },
        clusterRef: { name: "local" },
      },
    },
  },
  {
    name: "a deployment of a profile on a target cluster",
    object: {
      apiVersion: API_VERSION,
      kind: "ProfileDeployment",
      metadata: meta("base-edge-17"),
      spec: {
        profileRef: { kind: "SystemProfile", name: "named" },
        clusterRef: { name: "edge-17", namespace: "acme" },
      },
    },
  },
];

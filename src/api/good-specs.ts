import { API_VERSION } from "./names.ts";

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
  ],
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
};

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
        layers: [
          { ...addOn, name: "first" },
          { ...addOn, name: "os", type: "OS" },
          { ...addOn, name: "kubernetes", type: "Kubernetes" },
          cilium,
          { ...addOn, name: "between" },
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

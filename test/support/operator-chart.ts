import { loadAll } from "js-yaml";
import { helm } from "./helm.ts";
import { CHART_FOLDER } from "./install.ts";

export const NAMESPACE = "strata-system";

export interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  rules?: Rule[];
  // biome-ignore lint/suspicious/noExplicitAny: a Deployment's spec, of which tests look at single fields
  spec?: any;
  [field: string]: unknown;
}

/** The text that `helm template` makes of the operator's chart; `home` is for helm's own files. */
export async function renderedText(home: string, values: readonly string[] = []): Promise<string> {
  return await helm(["template", "strata", CHART_FOLDER, "--namespace", NAMESPACE, ...values], { home });
}

export function manifestsIn(text: string): Manifest[] {
  return (loadAll(text) as (Manifest | null)[]).filter((manifest) => manifest !== null);
}

export function ofKinds(manifests: readonly Manifest[], ...kinds: string[]): Manifest[] {
  return manifests.filter(({ kind }) => kinds.includes(kind));
}

/** The one object of a kind. */
export function only(manifests: readonly Manifest[], kind: string): Manifest {
  const [first, ...more] = ofKinds(manifests, kind);
  if (first === undefined || more.length > 0)
    throw new Error(`${more.length + Number(first !== undefined)} of ${kind}`);
  return first;
}

/** Every value that changes what is rendered. */
export const EVERYTHING = {
  replicas: 2,
  image: { repository: "registry.lan/strata", digest: `sha256:${"0".repeat(64)}`, pullPolicy: "Always" },
  imagePullSecrets: [{ name: "pull" }],
  registries: { public: { type: "OCI", url: "oci://registry.lan/platform" } },
  extraArgs: ["--chart-cache-mib=128"],
  extraEnv: [{ name: "NODE_OPTIONS", value: "--max-old-space-size=1024" }],
  impersonation: { namespaces: ["acme"] },
  targets: { namespaces: ["acme"] },
  systemProfiles: { namespaces: ["platform"], clusterRole: "edge-apps" },
  serviceAccount: { annotations: { example: "account" } },
  priorityClassName: "system-cluster-critical",
  nodeSelector: { "kubernetes.io/os": "linux" },
  tolerations: [{ key: "dedicated", operator: "Exists" }],
  affinity: { nodeAffinity: {} },
  topologySpreadConstraints: [{ topologyKey: "rack", maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" }],
  commonLabels: { team: "platform", "app.kubernetes.io/name": "not mine to set" },
  podLabels: { tier: "control", "app.kubernetes.io/component": "not mine to set" },
  podAnnotations: { example: "pod" },
  metrics: { port: 9090, annotations: { example: "service" } },
  serviceMonitor: { enabled: true, labels: { release: "prometheus" }, interval: "30s" },
  networkPolicy: {
    enabled: true,
    metricsFrom: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
    egress: [{ to: [{ ipBlock: { cidr: "10.0.0.0/8" } }], ports: [{ protocol: "TCP", port: 6443 }] }],
  },
};
/** Values as arguments for helm. */
export const asArguments = (values: object): string[] =>
  Object.entries(values).map(([name, value]) => `--set-json=${name}=${JSON.stringify(value)}`);

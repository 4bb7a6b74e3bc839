import type { Live } from "./stories.ts";

interface More {
  namespace?: string;
  labels?: Readonly<Record<string, string>>;
  /** Of the spec, besides the connection. */
  spec?: Live;
}

/** A TargetCluster, of the tenant acme if nothing else is said, and the Secret of its name with its kubeconfig. */
export function targetCluster(
  name: string,
  kubeconfig: string,
  { namespace = "acme", labels, spec = {} }: More = {},
): Live[] {
  const metadata = { name, namespace };
  const connection = { kubeconfigSecretRef: { name } };
  return [
    { apiVersion: "v1", kind: "Secret", metadata, stringData: { kubeconfig } },
    {
      apiVersion: "strata.dev/v1alpha1",
      kind: "TargetCluster",
      metadata: labels ? { ...metadata, labels } : metadata,
      spec: { connection, ...spec },
    },
  ];
}

/** The namespace of a kubeconfig's current context, as kubectl would take it: `default` if it names none. */
export async function contextNamespace(kubeconfigPath: string | undefined): Promise<string> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  if (kubeconfigPath === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfigPath);
  return config.getContextObject(config.getCurrentContext())?.namespace ?? "default";
}

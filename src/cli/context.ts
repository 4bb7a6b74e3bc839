/** A kubeconfig's context: its current one, if none is named. */
export interface ContextOptions {
  kubeconfig: string | undefined;
  context?: string | undefined;
}

/** The namespace of a kubeconfig's context, as kubectl would take it: `default` if it names none. */
export async function contextNamespace({ kubeconfig, context }: ContextOptions): Promise<string> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  return config.getContextObject(context ?? config.getCurrentContext())?.namespace ?? "default";
}

import { z } from "zod";
import { dataKey, objectName } from "./text.ts";

const kubeconfigSecretRef = z
  .strictObject({
    name: objectName("name").describe("Name of a Secret in the TargetCluster's namespace."),
    key: dataKey()
      .default("kubeconfig")
      .describe("Key of the Secret that holds the kubeconfig. Cluster API writes its Secrets with the key `value`."),
  })
  .describe(
    "A Secret with a kubeconfig. Watched: new credentials are used for the next request. A kubeconfig with `exec`, `auth-provider`, file paths or `proxy-url` is refused.",
  );

export const targetClusterSpec = z
  .strictObject({
    connection: z.strictObject({ kubeconfigSecretRef }).describe("How Strata reaches the cluster."),
  })
  .describe("The cluster and how to reach it.");

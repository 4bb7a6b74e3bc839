import { z } from "zod";
import { freeObject } from "./maps.ts";
import { OWN_NAMESPACE } from "./references.ts";
import { dataKey, dnsLabel, objectName } from "./text.ts";
import { clusterVariables, variableSources } from "./variables.ts";

const MAX_OVERRIDES = 256;

const override = z.strictObject({
  profileRef: z
    .strictObject({
      kind: z
        .enum(["ClusterProfile", "AddOnProfile", "SystemProfile"])
        .describe("Kind of the profile: ClusterProfile, AddOnProfile or SystemProfile."),
      name: objectName("name").describe("Name of the profile."),
    })
    .describe("The profile, of the TargetCluster's namespace unless it is a SystemProfile."),
  layer: dnsLabel("layer").describe("Name of the profile's layer."),
  values: freeObject().describe(
    "Values of the layer on this cluster, merged over all others: maps deep, lists replaced, null deletes a key (keep nulls with `kubectl apply --server-side`).",
  ),
});

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
    variables: clusterVariables.exactOptional(),
    variablesFrom: variableSources(OWN_NAMESPACE).exactOptional(),
    overrides: z
      .array(override)
      .min(1)
      .max(MAX_OVERRIDES)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe(
        "What layers get here that they get nowhere else, in this order. One that names no layer of a profile that comes to this cluster does nothing.",
      )
      .exactOptional(),
  })
  .describe("The cluster and how to reach it.");

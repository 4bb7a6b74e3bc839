import { z } from "zod";
import { AS_A_WHOLE, freeObject } from "./maps.ts";
import { OWN_NAMESPACE } from "./references.ts";
import { exactlyOneOf, withRules } from "./rules.ts";
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
      .exactOptional()
      .describe(
        "Key of the Secret that holds the kubeconfig, `kubeconfig` if absent. Cluster API writes its Secrets with the key `value`.",
      ),
  })
  .describe(
    "A Secret with a kubeconfig. Watched: new credentials are used for the next request. A kubeconfig with `exec`, `auth-provider`, file paths or `proxy-url` is refused.",
  );

const clusterAPIRef = z
  .strictObject({
    name: objectName("name").describe("Name of the Cluster of Cluster API, in the TargetCluster's namespace."),
  })
  .describe(
    "A cluster that Cluster API makes. It need not exist yet: the layers of a profile that are applied on the hub may bring it. Its kubeconfig is the Secret that Cluster API writes, named after it with `-kubeconfig`.",
  );

export const targetClusterSpec = z
  .strictObject({
    connection: withRules(
      z.strictObject({
        kubeconfigSecretRef: kubeconfigSecretRef.exactOptional(),
        clusterAPIRef: clusterAPIRef.exactOptional(),
      }),
      [
        exactlyOneOf(
          ["kubeconfigSecretRef", "clusterAPIRef"],
          "exactly one of kubeconfigSecretRef and clusterAPIRef must be set",
        ),
      ],
    )
      .meta(AS_A_WHOLE)
      .describe("How Strata reaches the cluster."),
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

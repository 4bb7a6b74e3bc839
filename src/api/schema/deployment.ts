import { z } from "zod";
import { LOCAL_CLUSTER } from "../names.ts";

/** Written by Strata only, which is why nothing but the shape is checked. */
export const profileDeploymentSpec = z
  .strictObject({
    profileRef: z
      .strictObject({
        kind: z.enum(["ClusterProfile", "AddOnProfile", "SystemProfile"]).describe("Kind of the profile."),
        name: z.string().min(1).max(253).describe("Name of the profile."),
        namespace: z
          .string()
          .min(1)
          .max(63)
          .describe("Namespace of the profile; a SystemProfile has none.")
          .exactOptional(),
      })
      .describe("The profile that is brought to the cluster."),
    clusterRef: z
      .strictObject({
        name: z
          .string()
          .min(1)
          .max(253)
          .describe(`Name of the TargetCluster, or \`${LOCAL_CLUSTER}\`, the cluster that Strata runs in.`),
        namespace: z
          .string()
          .min(1)
          .max(63)
          .describe(`Namespace of the TargetCluster; \`${LOCAL_CLUSTER}\` has none.`)
          .exactOptional(),
      })
      .describe("The cluster that the profile is brought to."),
    applyTo: z
      .enum(["Workload", "Management"])
      .describe(
        "Which layers: those for the cluster itself (Workload, the default), or those that are applied for it on the cluster that Strata runs in (Management).",
      )
      .exactOptional(),
  })
  .describe("Which profile on which cluster. Written by Strata only: edits are undone.");

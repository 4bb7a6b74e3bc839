import { GROUP, VERSION } from "../../api/names.ts";
import type { Resource } from "../resource.ts";

/** Strata's own kinds as resources; they need no discovery. */
export const HUB_RESOURCES = {
  ClusterProfile: own("ClusterProfile", "clusterprofiles", true),
  AddOnProfile: own("AddOnProfile", "addonprofiles", true),
  SystemProfile: own("SystemProfile", "systemprofiles", false),
  TargetCluster: own("TargetCluster", "targetclusters", true),
  ProfileDeployment: own("ProfileDeployment", "profiledeployments", true),
  Registry: own("Registry", "registries", true),
} as const;

function own(kind: string, plural: string, namespaced: boolean): Resource {
  return { group: GROUP, version: VERSION, kind, plural, namespaced, verbs: [], hasStatus: true };
}

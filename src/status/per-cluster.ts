import { conditionOf } from "../api/conditions.ts";
import type { DeploymentLayerStatus, LayerState, Profile, ProfileDeployment } from "../api/types.ts";

/** From the best to the worst: of several rows of a layer the worst speaks. */
const SEVERITY: readonly LayerState[] = [
  "Skipped",
  "Ready",
  "Suspended",
  "Drifted",
  "Removing",
  "Pending",
  "Resolving",
  "Applying",
  "Waiting",
  "Blocked",
  "Failed",
];

/** The worse a state is, the larger. */
export function severity({ state }: { state: LayerState }): number {
  return SEVERITY.indexOf(state);
}

/** One deployment for each cluster: what is applied on the hub for it counts as its own. */
export function perCluster(profile: Profile, deployments: readonly ProfileDeployment[]): ProfileDeployment[] {
  const groups = Map.groupBy(deployments, ({ spec: { clusterRef } }) => `${clusterRef.namespace}/${clusterRef.name}`);
  return [...groups.values()].flatMap((sides) => {
    const [first] = sides;
    return first && sides.length > 1 ? [{ ...first, status: mergedStatus(profile, sides) }] : sides;
  });
}

function mergedStatus(
  { spec }: Profile,
  sides: readonly ProfileDeployment[],
): NonNullable<ProfileDeployment["status"]> {
  const late = sides.filter((side) => conditionOf(side, "Ready")?.status !== "True");
  // Where one side waits for the other, which only a person can mend, that one speaks.
  const speaking = late.find((side) => conditionOf(side, "Stalled")?.status === "True") ?? late[0] ?? sides[0];
  const rows = Map.groupBy(
    sides.flatMap(({ status }) => status?.layers ?? []),
    ({ name }) => name,
  );
  const worst = [...rows.values()].flatMap((same): DeploymentLayerStatus[] =>
    same.toSorted((a, b) => severity(b) - severity(a)).slice(0, 1),
  );
  const rank = ({ name }: DeploymentLayerStatus): number => spec.layers.findIndex((layer) => layer.name === name);
  return {
    ...speaking?.status,
    profileGeneration: Math.min(...sides.map(({ status }) => status?.profileGeneration ?? 0)),
    layers: worst.toSorted((a, b) => rank(a) - rank(b)),
  };
}

import type { DeploymentLayerStatus, ProfileDeploymentStatus } from "../api/types.ts";
import type { Tiding } from "./ports.ts";

/** One event per transition of a layer: that it is Ready, or what went wrong. */
export function transitions(before: ProfileDeploymentStatus | undefined, after: ProfileDeploymentStatus): Tiding[] {
  const old = new Map(before?.layers?.map((row) => [row.name, row]));
  return (after.layers ?? []).flatMap((row): Tiding[] => {
    const previous = old.get(row.name);
    if (previous?.state === row.state && previous.reason === row.reason) return [];
    if (row.state === "Ready" && previous?.state !== "Drifted") {
      return [{ type: "Normal", reason: "LayerReady", message: `layer ${row.name} is Ready` }];
    }
    if (row.state === "Suspended")
      return [{ type: "Normal", reason: "LayerSuspended", message: `layer ${row.name} is left as it is` }];
    const isTold = row.reason === "DriftFight" || row.reason === "DriftLeft";
    if (row.state !== "Failed" && row.state !== "Blocked" && !isTold) return [];
    return [{ type: "Warning", reason: row.reason ?? row.state, message: withName(row) }];
  });
}

/** Some sentences begin with the layer's name by themselves. */
function withName({ name, message, state }: DeploymentLayerStatus): string {
  const told = message ?? state;
  return told.startsWith(`layer ${name} `) ? told : `layer ${name}: ${told}`;
}

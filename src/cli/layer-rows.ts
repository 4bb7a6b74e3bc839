import type { DeploymentLayerStatus, LayerStatus, Profile, ProfileDeployment } from "../api/types.ts";

/** One layer, of one cluster or rolled up over all of them. */
export interface LayerRow {
  namespace?: string;
  kind: string;
  profile: string;
  /** Absent in a roll-up. */
  cluster?: string;
  layer: string;
  state: string;
  reason?: string;
  /** Of a cluster: healthy objects of all. Of a roll-up: clusters where the layer is Ready, of all. */
  ready?: string;
  /** When it came into this state, RFC 3339. */
  since?: string;
  source?: string;
  version?: string;
  message?: string;
}

/** What a person may name: `base`, or with a kind before it, `scp/base` or `TargetCluster/edge`. */
export interface Wanted {
  kind?: string;
  name: string;
}

/** The rows of a profile, rolled up over its clusters. */
export function rollUpRows({ kind, metadata: { name, namespace }, spec, status }: Profile): LayerRow[] {
  const about = { kind, profile: name, ...(namespace === undefined ? {} : { namespace }) };
  const rows = status?.layers ?? [];
  // A profile that Strata has not looked at yet has layers all the same.
  if (rows.length === 0) return spec.layers.map((layer) => ({ ...about, layer: layer.name, state: "" }));
  return rows.map((row) => ({ ...about, ...fieldsOf(row) }));
}

/** The rows of one profile on one cluster. */
export function clusterRows({ spec: { profileRef, clusterRef }, status }: ProfileDeployment): LayerRow[] {
  const { kind, name, namespace } = profileRef;
  const about = {
    kind,
    profile: name,
    cluster: clusterRef.name,
    ...(namespace === undefined ? {} : { namespace }),
  };
  return (status?.layers ?? []).map((row) => ({ ...about, ...fieldsOf(row) }));
}

function fieldsOf(row: LayerStatus | DeploymentLayerStatus): Omit<LayerRow, "kind" | "profile"> {
  const { name, state, reason, ready, lastTransitionTime, source, version, message } = row;
  const optional = { reason, ready, since: lastTransitionTime, source, version, message };
  const present = Object.entries(optional).filter(([, value]) => value !== undefined && value !== "");
  return { layer: name, state, ...Object.fromEntries(present) };
}

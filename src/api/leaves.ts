import { kindSchema } from "./crd.ts";
import { KINDS } from "./kinds.ts";
import type { StructuralSchema } from "./structural.ts";

const PROFILE_KINDS = new Set(["ClusterProfile", "AddOnProfile", "SystemProfile"]);

/**
 * Every leaf of every spec that a person writes, such as `Profile spec.layers[].timeout`: a field without fields of its
 * own. A leaf that all three profiles share is named once, under `Profile`. ProfileDeployments are written by Strata.
 */
export function specLeaves(): string[] {
  const kindsOfPath = new Map<string, string[]>();
  for (const definition of KINDS) {
    const spec = kindSchema(definition).properties?.["spec"];
    if (spec === undefined || definition.kind === "ProfileDeployment") continue;
    for (const path of leafPaths(spec, "spec")) {
      kindsOfPath.set(path, [...(kindsOfPath.get(path) ?? []), definition.kind]);
    }
  }
  return [...kindsOfPath].flatMap(([path, kinds]) => {
    const others = kinds.filter((kind) => !PROFILE_KINDS.has(kind));
    const isShared = kinds.length - others.length === PROFILE_KINDS.size;
    return (isShared ? ["Profile", ...others] : kinds).map((kind) => `${kind} ${path}`);
  });
}

function leafPaths(node: StructuralSchema, path: string): string[] {
  if (node.items?.properties !== undefined) return leafPaths(node.items, `${path}[]`);
  // An embedded object is one leaf: its fields are Kubernetes' own.
  const isOpen = node["x-kubernetes-preserve-unknown-fields"] === true;
  if (node.properties === undefined || isOpen) return [path];
  return Object.entries(node.properties).flatMap(([name, child]) => leafPaths(child, `${path}.${name}`));
}

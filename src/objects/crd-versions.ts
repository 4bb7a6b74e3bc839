import type { GroupKind, KubeObject } from "./types.ts";

interface CrdVersion {
  name: string;
  served?: unknown;
  storage?: unknown;
}

/** The versions of a CustomResourceDefinition; what is none is left out. */
export function versionsOf(crd: KubeObject): CrdVersion[] {
  const { versions } = (crd["spec"] ?? {}) as { versions?: unknown };
  return Array.isArray(versions) ? versions.filter((version) => typeof version?.name === "string") : [];
}

/** The names of the versions that it serves. */
export function servedVersionsOf(crd: KubeObject): string[] {
  return versionsOf(crd).flatMap(({ name, served }) => (served === true ? [name] : []));
}

/** The kind that it serves; undefined when it does not say. */
export function kindServedBy(crd: KubeObject): GroupKind | undefined {
  const { group, names } = (crd["spec"] ?? {}) as { group?: unknown; names?: { kind?: unknown } | null };
  const kind = names?.kind;
  return typeof group === "string" && typeof kind === "string" ? { group, kind } : undefined;
}

/** Every way in which Strata differs from helm, on purpose. Each has a row of this name in docs/helm.md. */
export const DIFFERENCES = [
  "rollback-renders",
  "lookup-is-off",
  "crds-are-upgraded",
  "aggregated-roles",
  "crd-and-object",
  "volumes-stay",
  "rollback-upgrades",
  "objects-twice",
  "refused-early",
  "apply-method",
  "descriptions",
  "other-policies",
] as const;

export type DifferenceName = (typeof DIFFERENCES)[number];

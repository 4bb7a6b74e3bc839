import { type BadRow, configMap, fine, objects } from "./bad-row.ts";

const patched = (name: string, target: object, patch: string): object => ({
  ...objects(configMap(name, { a: "1" })),
  patches: [{ target, patch }],
});

/** Patches that cannot be made. */
export const BAD_PATCHES: readonly BadRow[] = [
  {
    name: "a patch for an object that is not in the layer",
    layers: () => [patched("lost-patch", { kind: "Deployment" }, "spec: { replicas: 2 }")],
    want: "Stalled",
    reason: "InvalidPatch",
    layer: "app",
    says: "patches[0] matches no object of the layer (kind Deployment): correct its target, or take it out",
    cure: { layers: [patched("lost-patch", { kind: "ConfigMap" }, "data: { b: '2' }")] },
  },
  {
    name: "a patch of a field that is not there, in what runs",
    first: () => fine("no-field"),
    layers: () => [patched("no-field", {}, "[{ op: replace, path: /data/b, value: '2' }]")],
    want: "Stalled",
    reason: "InvalidPatch",
    layer: "app",
    says: "patches[0].patch[0] (replace /data/b): there is no /data/b in ConfigMap no-field",
    cure: { layers: [patched("no-field", {}, "[{ op: add, path: /data/b, value: '2' }]")] },
  },
  {
    name: "a patch that gives an object another name",
    layers: () => [patched("renamed", {}, "metadata: { name: other }")],
    want: "Stalled",
    reason: "InvalidPatch",
    layer: "app",
    says: "patches[0].patch: must not change metadata.name of ConfigMap renamed",
    cure: { layers: fine("renamed") },
  },
  {
    name: "a patch that takes the mark of another layer",
    layers: () => [patched("marked", {}, "metadata: { annotations: { strata.dev/layer: other } }")],
    want: "Stalled",
    reason: "InvalidPatch",
    layer: "app",
    says: "patches[0].patch: must not change strata.dev/layer, which Strata sets itself, of ConfigMap marked",
    cure: { layers: fine("marked") },
  },
];

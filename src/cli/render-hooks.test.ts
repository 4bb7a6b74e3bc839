import { describe, expect, test } from "vitest";
import type { Profile } from "../api/types.ts";
import { applySetOf } from "../membership/applyset.ts";
import { scopeOfBuiltIn } from "../objects/scope.ts";
import type { KubeObject } from "../objects/types.ts";
import type { Hook, PlannedLayer } from "../plan/types.ts";
import { secrecyOf } from "./diff-mask.ts";
import { printProfile } from "./print-layers.ts";
import { hooksOfLayer } from "./render-hooks.ts";

function hook(name: string, weight: number, events: string[], object: Partial<KubeObject> = {}): Hook {
  const told = { name, kind: "Job", path: "shop/templates/h.yaml", events, weight, manifest: "" };
  const full = { apiVersion: "batch/v1", kind: "Job", metadata: { name }, ...object };
  return { ...told, deletePolicies: [], outputLogPolicies: [], object: full };
}

function layerWith(hooks: Hook[]): PlannedLayer {
  const spec = { name: "shop", type: "AddOn", helm: { repo: "oci://r.example", chart: "shop", version: "1.x" } };
  const release = { chart: "shop", hooks, manifest: "", notes: "" };
  const content = { objects: [], crds: [], release };
  const state = { kind: "known", content, desired: [], digest: "", problems: [], unknownKinds: [] };
  return { spec, inputs: undefined, state, namespace: "web" } as unknown as PlannedLayer;
}

const about = {
  set: applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "web" }),
  digestKey: new Uint8Array(32),
  scopes: scopeOfBuiltIn,
};
const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "door" }, data: { code: "b3Blbg==" } };
const layer = layerWith([
  hook("b", 0, ["pre-install", "pre-upgrade"]),
  hook("a", 0, ["test"]),
  hook("door", -5, ["pre-install"], secret),
]);

describe("the hooks of a chart layer", () => {
  test("come in the order in which they run, and in the layer's namespace", () => {
    const { hooks, problems } = hooksOfLayer(layer, about);
    expect(hooks.map(({ name, object }) => [name, object.metadata.namespace])).toEqual([
      ["door", "web"],
      ["a", "web"],
      ["b", "web"],
    ]);
    expect(problems).toEqual([]);
  });

  test("may be of a kind that nobody knows, as a hook that runs before may bring it", () => {
    const unknown = layerWith([hook("lamp", 0, ["test"], { apiVersion: "example.com/v1", kind: "Lamp" })]);
    expect(hooksOfLayer(unknown, about)).toMatchObject({ hooks: [{ name: "lamp" }], problems: [] });
  });

  test("are printed after the objects, each led by its events and weight, with Secrets hidden", () => {
    const profile = { kind: "AddOnProfile", metadata: { namespace: "acme", name: "web" }, spec: {} } as Profile;
    const { hooks } = hooksOfLayer(layer, about);
    const layers = [{ layer: layer.spec, isForHub: false, namespace: "web", version: "1.2.3", desired: [], hooks }];
    const rendered = { layers, secrecy: secrecyOf({ exact: [], contained: [], sealed: [] }) };
    const options = { marks: false, showSecrets: false, clusters: [] };
    const text = printProfile(profile, rendered, options);
    expect(text).toContain("namespace web, 0 objects, 3 hooks\n---\n# hook: pre-install, weight -5\napiVersion: v1\n");
    expect(text).toContain("---\n# hook: test, weight 0\n");
    expect(text).toContain("---\n# hook: pre-install, pre-upgrade, weight 0\n");
    expect(text).toContain("code: (hidden)");
    expect(printProfile(profile, rendered, { ...options, showSecrets: true })).toContain("code: b3Blbg==");
  });
});

import { describe, expect, test } from "vitest";
import { kindSchema } from "./crd.ts";
import { KINDS } from "./kinds.ts";
import type { StructuralSchema } from "./structural.ts";

/** A field of a spec that refers to another object: `…Ref`, `…Refs` or `…KeyRef`. */
interface ReferenceField {
  path: string;
  fields: StructuralSchema;
}

function referencesIn(node: StructuralSchema, path: string): ReferenceField[] {
  const inner = node.items ?? node;
  const own = /Refs?(?:\[\])?$/.test(path) ? [{ path, fields: inner }] : [];
  const children = Object.entries(inner.properties ?? {}).flatMap(([name, child]) =>
    referencesIn(child, `${path}.${name}${child.items === undefined ? "" : "[]"}`),
  );
  return [...own, ...children];
}

const specOf = (kind: string): StructuralSchema => {
  const definition = KINDS.find((one) => one.kind === kind);
  const spec = definition && kindSchema(definition).properties?.["spec"];
  if (spec === undefined) throw new Error(kind);
  return spec;
};

/** What tenants write. ProfileDeployments are written by Strata, SystemProfiles by admins. */
const TENANTS = ["ClusterProfile", "AddOnProfile", "TargetCluster", "Registry"];
const fields = TENANTS.flatMap((kind) => referencesIn(specOf(kind), kind));

describe("every reference that a tenant may write", () => {
  test("is found in the schemas, whatever it is called", () => {
    const paths = fields.map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(40);
    expect(paths).toEqual(
      expect.arrayContaining([
        "AddOnProfile.clusterRefs[]",
        "AddOnProfile.variablesFrom[].secretRef",
        "AddOnProfile.layers[].manifests[].secretKeyRef",
        "AddOnProfile.layers[].valuesFrom[].configMapKeyRef",
        "AddOnProfile.layers[].pack.charts[].registryRef",
        "TargetCluster.connection.kubeconfigSecretRef",
        "Registry.verify.secretRef",
      ]),
    );
  });

  test.each(fields)(
    "$path has no namespace: it means an object of the tenant's own",
    ({ fields: { properties, ...rest } }) => {
      expect(Object.keys(properties ?? {})).toContain("name");
      expect(Object.keys(properties ?? {}).filter((name) => /namespace/i.test(name))).toEqual([]);
      // Nothing beside the named fields is kept.
      expect(rest["additionalProperties"]).toBeUndefined();
      expect(rest["x-kubernetes-preserve-unknown-fields"]).toBeUndefined();
    },
  );

  test("has a namespace in a SystemProfile, which only admins write", () => {
    const system = referencesIn(specOf("SystemProfile"), "SystemProfile");
    const bare = system.filter(({ fields: { properties } }) => properties?.["namespace"] === undefined);
    // Registries are those of Strata's own namespace; profiles are named by kind.
    expect(bare.map(({ path }) => path).filter((path) => !/registryRef$/.test(path))).toEqual([]);
  });
});

import { describe, expect, test } from "vitest";
import { customResourceDefinition } from "./crd.ts";
import { KINDS } from "./kinds.ts";
import { structuralSchema } from "./structural.ts";

const crds = KINDS.map((definition) => ({ kind: definition.kind, crd: customResourceDefinition(definition) }));

function valuesOf(pick: (crd: (typeof crds)[number]["crd"]) => unknown): unknown[] {
  return crds.map(({ crd }) => pick(crd));
}

test("names, plurals and short names are unique", () => {
  for (const names of [valuesOf((crd) => crd.metadata.name), valuesOf((crd) => crd.spec.names.shortNames[0])]) {
    expect(new Set(names).size).toBe(KINDS.length);
  }
});

test("only SystemProfile is cluster-scoped", () => {
  expect(KINDS.filter(({ scope }) => scope === "Cluster").map(({ kind }) => kind)).toEqual(["SystemProfile"]);
});

describe("columns", () => {
  const wanted = {
    ClusterProfile: ["Ready", "Clusters", "Layer", "Message", "Age"],
    AddOnProfile: ["Ready", "Clusters", "Layer", "Message", "Age"],
    SystemProfile: ["Ready", "Clusters", "Layer", "Message", "Age"],
    TargetCluster: ["Ready", "Version", "Message", "Age"],
    ProfileDeployment: ["Profile", "Cluster", "Ready", "Layer", "Message", "Age"],
    Registry: ["Ready", "Type", "URL", "Entries", "Message", "Age"],
  };

  test.each(Object.entries(wanted))("of %s as kubectl get shows them", (kind, names) => {
    const columns = KINDS.find((definition) => definition.kind === kind)!.columns;
    expect(columns.filter(({ wide }) => wide !== true).map(({ name }) => name)).toEqual(names);
  });

  test.each(crds)("of $kind point at fields that exist", ({ crd }) => {
    const [version] = crd.spec.versions;
    for (const { jsonPath } of version!.additionalPrinterColumns) {
      if (jsonPath.startsWith(".metadata.")) continue;
      const names = jsonPath
        .replace(/\[\?\(.*\)\]/, "")
        .split(".")
        .slice(1);
      let node: Record<string, unknown> | undefined = version!.schema.openAPIV3Schema;
      for (const name of names) {
        const fields = (node?.["items"] ?? node) as { properties?: Record<string, Record<string, unknown>> };
        node = fields.properties?.[name];
      }
      expect(node, jsonPath).toBeDefined();
    }
  });
});

/** Objects of a schema that may be empty, and are merged field by field. */
function emptied(node: Record<string, unknown>, path: string): string[] {
  if (node["x-kubernetes-map-type"] === "atomic" || node["x-kubernetes-list-type"] === "atomic") return [];
  const own = node["type"] === "object" && node["required"] === undefined ? [path] : [];
  const fields = Object.entries((node["properties"] ?? {}) as Record<string, Record<string, unknown>>);
  const items = node["items"] as Record<string, unknown> | undefined;
  return [
    ...own,
    ...fields.flatMap(([name, field]) => emptied(field, `${path}.${name}`)),
    ...(items ? emptied(items, `${path}[]`) : []),
  ];
}

test.each(KINDS)("$kind has nothing that server-side apply turns into null when its last entry goes", ({ spec }) => {
  expect(emptied({ ...structuralSchema(spec, "spec") }, "spec")).toEqual([]);
});

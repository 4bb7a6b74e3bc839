import type { Column, KindDefinition } from "./kinds.ts";
import { GROUP, VERSION } from "./names.ts";
import { VALIDATIONS } from "./schema/rules.ts";
import { type StructuralSchema, structuralSchema } from "./structural.ts";

/** The structural schema of the whole object of a kind, but for its metadata. */
export function kindSchema(definition: KindDefinition): StructuralSchema {
  const { kind, description, rules } = definition;
  return {
    description,
    type: "object",
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", description: `Version of the schema: ${GROUP}/${VERSION}.` },
      kind: { type: "string", description: `The kind: ${kind}.` },
      spec: structuralSchema(definition.spec, `${kind}.spec`),
      status: structuralSchema(definition.status, `${kind}.status`),
    },
    ...(rules.length > 0 && { [VALIDATIONS]: rules.map(({ cel, message }) => ({ rule: cel, message })) }),
  };
}

/** The CustomResourceDefinition of a kind. */
export function customResourceDefinition(definition: KindDefinition) {
  const { kind, plural, shortName, scope } = definition;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ["strata"],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: definition.columns.map(printerColumn),
          schema: { openAPIV3Schema: withMetadata(kindSchema(definition)) },
        },
      ],
    },
  };
}

/** The API server describes metadata by itself, and refuses any word about it. */
function withMetadata(schema: StructuralSchema) {
  const { apiVersion, kind, ...properties } = schema.properties ?? {};
  return { ...schema, properties: { apiVersion, kind, metadata: { type: "object" }, ...properties } };
}

function printerColumn({ name, type, jsonPath, description, wide }: Column) {
  return { name, type: type ?? "string", jsonPath, description, ...(wide && { priority: 1 }) };
}

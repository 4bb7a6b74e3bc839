import { z } from "zod";
import { VALIDATIONS } from "./schema/rules.ts";

/** A node of a structural schema, as `apiextensions.k8s.io/v1` has it (a subset of JSONSchemaProps). */
export interface StructuralSchema {
  description?: string;
  /** Absent where any JSON may stand. */
  type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  required?: string[];
  items?: StructuralSchema;
  default?: unknown;
  [constraint: string]: unknown;
}

type JsonNode = Record<string, unknown>;

const PRESERVE = "x-kubernetes-preserve-unknown-fields";

/** The one union that Kubernetes has: a number or a text, as in `maxUnavailable`. Its node has no type. */
export const INT_OR_STRING = "x-kubernetes-int-or-string";

/** Keywords that go into the CRD as they are. Anything else is an error: a keyword must not get lost in silence. */
const KEPT = new Set([
  "type",
  "description",
  "default",
  "enum",
  "required",
  "format",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "maxProperties",
  "minimum",
  "maximum",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
  "x-kubernetes-embedded-resource",
  "not",
  PRESERVE,
  INT_OR_STRING,
  VALIDATIONS,
]);

const TYPES = new Set(["object", "array", "string", "integer", "number", "boolean"]);

/**
 * The structural schema of a zod schema (KEP-1693's rules: a type on every node that is not open, no unions, no references). The API
 * server prunes unknown fields by it. Beyond Kubernetes' own demands each field needs a description, and each text and
 * list a bound, so that the cost of CEL stays within the budget.
 *
 * @throws Error with the path of the node that cannot be expressed; a fault in the schemas, found by their tests.
 */
export function structuralSchema(schema: z.ZodType, path: string): StructuralSchema {
  const options = { target: "openapi-3.0", reused: "inline", cycles: "throw", unrepresentable: "throw" } as const;
  // A transformation shows on the output's side only, and a default makes a field optional on the input's side only.
  z.toJSONSchema(schema, { ...options, io: "output" });
  const json = z.toJSONSchema(schema, { ...options, io: "input" });
  return structuralNode(json as JsonNode, path);
}

function structuralNode(node: JsonNode, path: string): StructuralSchema {
  const { type, description } = node;
  const isOpen = type === undefined && (node[PRESERVE] === true || node[INT_OR_STRING] === true);
  if (!isOpen && !TYPES.has(String(type))) throw new Error(`${path}: not structural: type is ${String(type)}`);
  const result: JsonNode = { ...(description !== undefined && { description }), ...(!isOpen && { type }) };
  for (const [keyword, value] of Object.entries(node)) {
    if (KEPT.has(keyword)) result[keyword] = value;
    else convertKeyword(result, { node, keyword, value, path });
  }
  if (type === "integer") boundInteger(result);
  demandBounds(result, path);
  const isWhole =
    type === "array" ? !("x-kubernetes-list-map-keys" in result) : result["x-kubernetes-map-type"] === "atomic";
  if (isWhole && hasDefault([result["properties"], result["items"]]))
    throw new Error(`${path}: a default in what is compared as a whole makes equal applies conflict`);
  return result as unknown as StructuralSchema;
}

/**
 * Server-side apply compares an atomic value as it is written with the live one, which has its defaults: two managers who write
 * the same would be told of a conflict.
 */
function hasDefault(node: unknown): boolean {
  if (typeof node !== "object" || node === null) return false;
  return Object.entries(node).some(
    ([name, child]) => (name === "default" && typeof child !== "object") || hasDefault(child),
  );
}

interface Keyword {
  node: JsonNode;
  keyword: string;
  value: unknown;
  path: string;
}

function convertKeyword(result: JsonNode, { node, keyword, value, path }: Keyword): void {
  switch (keyword) {
    case "$schema":
      return;
    case "properties":
      result["properties"] = convertProperties(value as Record<string, JsonNode>, path);
      return;
    case "items":
      result["items"] = structuralNode(value as JsonNode, `${path}[]`);
      return;
    case "additionalProperties":
      convertAdditional(result, node, path);
      return;
    case "pattern":
      // zod's own pattern of a date says what the format says.
      if (node["format"] === "date-time") return;
      if (String(value).includes("(?")) throw new Error(`${path}: the pattern is not one for RE2: ${String(value)}`);
      result["pattern"] = value;
      return;
    case "anyOf":
      demandIntOrString(value as JsonNode[], path);
      return;
    default:
      throw new Error(`${path}: keyword ${keyword} cannot be expressed in a structural schema`);
  }
}

function convertProperties(properties: Record<string, JsonNode>, path: string): Record<string, StructuralSchema> {
  const result: Record<string, StructuralSchema> = {};
  for (const [name, child] of Object.entries(properties)) {
    const field = structuralNode(child, `${path}.${name}`);
    if (field.description === undefined) throw new Error(`${path}.${name}: has no description`);
    result[name] = field;
  }
  return result;
}

/** `false` is how zod marks a strict object: the API server refuses or prunes unknown fields by itself. */
function convertAdditional(result: JsonNode, node: JsonNode, path: string): void {
  const value = node["additionalProperties"] as JsonNode | false;
  if (value === false) return;
  if (Object.keys(value).length > 0) {
    result["additionalProperties"] = structuralNode(value, `${path}.*`);
  } else if (node[PRESERVE] !== true) {
    throw new Error(`${path}: a free object must say that it keeps unknown fields`);
  }
}

function demandIntOrString(branches: readonly JsonNode[], path: string): void {
  const types = branches.map(({ type }) => type).join(" or ");
  if (types !== "integer or string")
    throw new Error(`${path}: a union can only be of integer and string, not ${types}`);
}

function boundInteger(node: JsonNode): void {
  const isInt32 = node["maximum"] === 2 ** 31 - 1;
  node["format"] = isInt32 ? "int32" : "int64";
  if (node["minimum"] === -(2 ** 31) || node["minimum"] === Number.MIN_SAFE_INTEGER) delete node["minimum"];
  if (isInt32 || node["maximum"] === Number.MAX_SAFE_INTEGER) delete node["maximum"];
}

function demandBounds(node: JsonNode, path: string): void {
  const isText = node["type"] === "string" && node["enum"] === undefined && node["format"] === undefined;
  if (isText && node["maxLength"] === undefined) throw new Error(`${path}: a text needs a maximum length`);
  if (node["type"] === "array" && node["maxItems"] === undefined) throw new Error(`${path}: a list needs a maximum`);
  const isMap = node["additionalProperties"] !== undefined;
  if (isMap && node["maxProperties"] === undefined) throw new Error(`${path}: a map needs a maximum`);
}

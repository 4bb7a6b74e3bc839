import { describe, expect, test } from "vitest";
import { z } from "zod";
import { issueSentence, problemsOf } from "../problems.ts";
import { structuralSchema } from "../structural.ts";
import { ANY_NAMESPACE, OWN_NAMESPACE } from "./references.ts";
import { clusterVariables, variableDeclarations, variableSources } from "./variables.ts";

const spec = z.strictObject({
  variables: variableDeclarations.exactOptional(),
  variablesFrom: variableSources(OWN_NAMESPACE).exactOptional(),
});

function problems(value: unknown): string[] {
  const parsed = spec.safeParse(value, { error: issueSentence });
  return parsed.success ? [] : problemsOf(parsed.error);
}

describe("declarations", () => {
  test.each<[string, object]>([
    ["a name alone, of type string", { name: "podCIDR" }],
    ["any default", { name: "a", type: "object", default: { a: [1, null] } }],
    ["fractions as bounds", { name: "a", type: "number", minimum: 0.5, maximum: 0.5 }],
    ["a pattern of an address", { name: "a", type: "ipv4", pattern: "^10[.]", minLength: 7, maxLength: 15 }],
    ["required with a default, as exports have it", { name: "a", required: true, default: "x", enum: ["x"] }],
    ["sensitive and immutable", { name: "_a1", sensitive: true, immutable: true, description: "The password." }],
    ["not sensitive, with a default", { name: "a", sensitive: false, default: "x" }],
  ])("%s", (_, declaration) => {
    expect(problems({ variables: [declaration] })).toEqual([]);
  });

  const noSecrets =
    "a sensitive variable must have no default and no enum: give its value by a Secret in variablesFrom";
  test.each<[string, object, string]>([
    [
      "a name with a dash",
      { name: "pod-cidr" },
      'name must consist of letters, digits and "_", and not start with a digit',
    ],
    ["a name that begins with a digit", { name: "1a" }, "and not start with a digit"],
    ["a word of CEL as a name", { name: "in" }, "name must not be true, false, null or in, which are words of CEL"],
    ["a type that is none", { name: "a", type: "text" }, "Unsupported value"],
    ["a minimum of a text", { name: "a", minimum: 1 }, "minimum is only for variables of type integer and number"],
    ["a maximum of a list", { name: "a", type: "list", maximum: 1 }, "maximum is only for variables"],
    [
      "a pattern of a number",
      { name: "a", type: "number", pattern: "1" },
      "pattern is only for variables whose value is text",
    ],
    ["a length of a boolean", { name: "a", type: "boolean", minLength: 1 }, "minLength is only for variables"],
    ["a length of a map", { name: "a", type: "object", maxLength: 1 }, "maxLength is only for variables"],
    [
      "bounds that cross",
      { name: "a", type: "integer", minimum: 2, maximum: 1 },
      "minimum must not be greater than maximum",
    ],
    ["lengths that cross", { name: "a", minLength: 2, maxLength: 1 }, "minLength must not be greater than maxLength"],
    ["a default of a sensitive variable", { name: "a", sensitive: true, default: "x" }, noSecrets],
    ["an enum of a sensitive variable", { name: "a", sensitive: true, enum: ["x"] }, noSecrets],
    ["a field that is none", { name: "a", hidden: true }, "unknown field"],
  ])("not %s", (_, declaration, want) => {
    expect(problems({ variables: [declaration] }).join()).toContain(want);
  });
});

describe("sources", () => {
  test.each<[string, object]>([
    ["a ConfigMap", { configMapRef: { name: "a" } }],
    ["a Secret that may be absent", { secretRef: { name: "a" }, optional: true }],
    ["a key for a variable", { secretKeyRef: { name: "a", key: "tls.crt" }, variable: "certificate" }],
  ])("%s", (_, source) => {
    expect(problems({ variablesFrom: [source] })).toEqual([]);
  });

  test.each<[string, object, string]>([
    [
      "none",
      { optional: true },
      "exactly one of configMapRef, secretRef, configMapKeyRef and secretKeyRef must be set",
    ],
    ["two", { configMapRef: { name: "a" }, secretRef: { name: "a" } }, "exactly one of"],
    ["a variable for a whole object", { secretRef: { name: "a" }, variable: "b" }, "variable is only for"],
    ["another namespace", { secretRef: { name: "a", namespace: "b" } }, "unknown field"],
  ])("not %s", (_, source, want) => {
    expect(problems({ variablesFrom: [source] }).join()).toContain(want);
  });
});

test("the API server can take the schemas, and refuses secrets in a profile as they do", () => {
  const all = z.strictObject({
    variables: variableDeclarations.exactOptional(),
    values: clusterVariables.exactOptional(),
    from: variableSources(ANY_NAMESPACE).exactOptional(),
  });
  expect(structuralSchema(all, "spec").properties?.["variables"]?.items).toMatchObject({
    not: {
      required: ["sensitive"],
      properties: { sensitive: { enum: [true] } },
      anyOf: [{ required: ["default"] }, { required: ["enum"] }],
    },
  });
});

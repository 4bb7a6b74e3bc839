import { z } from "zod";
import { namesDiffer } from "./lists.ts";
import { freeObject } from "./maps.ts";
import { keyRef, objectRef } from "./references.ts";
import { exactlyOneOf, matching, onlyWith, type Rule, withRules } from "./rules.ts";

/** The types that a variable can have. */
export const VARIABLE_TYPES = [
  "string",
  "integer",
  "number",
  "boolean",
  "ipv4",
  "ipv4cidr",
  "ipv6",
  "ipv6cidr",
  "semver",
  "base64",
  "object",
  "list",
] as const;

export type VariableType = (typeof VARIABLE_TYPES)[number];

const MAX_VARIABLES = 128;
const MAX_SOURCES = 32;
const MAX_ENUM = 64;
/** More than any value holds: see MAX_VALUE in plan/variable-types.ts. */
const MAX_LENGTH = 1_048_576;

const SIZED: readonly VariableType[] = ["integer", "number"];
const TEXTUAL: readonly VariableType[] = VARIABLE_TYPES.filter(
  (type) => ![...SIZED, "boolean", "object", "list"].includes(type),
);

/** An identifier of CEL, so that it can stand behind `variables.`; its four keywords cannot. */
function variableName() {
  return withRules(z.string().max(63), [
    matching("^[A-Za-z_][A-Za-z0-9_]*$", 'name must consist of letters, digits and "_", and not start with a digit'),
    {
      cel: "!(self in ['true', 'false', 'null', 'in'])",
      message: "name must not be true, false, null or in, which are words of CEL",
      check: (name) => !["true", "false", "null", "in"].includes(name),
    },
  ]);
}

/** Any JSON. The API server keeps it as it is and its CEL cannot see it. */
function anyJson() {
  return z.unknown().meta({ "x-kubernetes-preserve-unknown-fields": true });
}

interface Limits {
  type: VariableType;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  sensitive?: boolean;
  default?: unknown;
  enum?: readonly unknown[];
}

function onlyForTypes(field: keyof Limits, types: readonly VariableType[], message: string): Rule<Limits> {
  return {
    cel: `!has(self.${field}) || self.type in [${types.map((type) => `'${type}'`).join(", ")}]`,
    message,
    check: (variable) => variable[field] === undefined || types.includes(variable.type),
  };
}

const sizes: Rule<Limits>[] = [
  onlyForTypes("minimum", SIZED, "minimum is only for variables of type integer and number"),
  onlyForTypes("maximum", SIZED, "maximum is only for variables of type integer and number"),
  {
    cel: "!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
    message: "minimum must not be greater than maximum",
    check: ({ minimum, maximum }) => minimum === undefined || maximum === undefined || minimum <= maximum,
  },
];

const texts: Rule<Limits>[] = [
  onlyForTypes("pattern", TEXTUAL, "pattern is only for variables whose value is text"),
  onlyForTypes("minLength", TEXTUAL, "minLength is only for variables whose value is text"),
  onlyForTypes("maxLength", TEXTUAL, "maxLength is only for variables whose value is text"),
  {
    cel: "!has(self.minLength) || !has(self.maxLength) || self.minLength <= self.maxLength",
    message: "minLength must not be greater than maxLength",
    check: ({ minLength, maxLength }) => minLength === undefined || maxLength === undefined || minLength <= maxLength,
  },
];

const declared = z.strictObject({
  name: variableName().describe("Name of the variable: expressions write it `variables.<name>`."),
  type: z
    .enum(VARIABLE_TYPES)
    .default("string")
    .describe(
      "Type of the value: string, integer, number, boolean, ipv4, ipv4cidr, ipv6, ipv6cidr, semver, base64, object or list. base64 stays encoded. In a ConfigMap or Secret, object and list are written as YAML.",
    ),
  description: z.string().max(1024).describe("What the variable is for, for people.").exactOptional(),
  default: anyJson()
    .describe("Value where nothing else gives one. Not for a sensitive variable: profiles are no place for secrets.")
    .exactOptional(),
  required: z
    .boolean()
    .describe(
      "Whether every cluster must have a value: without one nothing is applied there. Defaults to false: only an expression that uses the variable needs it.",
    )
    .exactOptional(),
  enum: z
    .array(z.unknown().meta({ "x-kubernetes-preserve-unknown-fields": true }))
    .min(1)
    .max(MAX_ENUM)
    .meta({ "x-kubernetes-list-type": "atomic" })
    .describe("The values that are allowed, from 1 to 64 of the variable's type. Not for a sensitive variable.")
    .exactOptional(),
  pattern: z
    .string()
    .min(1)
    .max(512)
    .describe(
      "Regular expression in RE2's syntax that the text must match somewhere; write `^` and `$` to match all of it.",
    )
    .exactOptional(),
  minimum: z.number().describe("Smallest value of an integer or a number.").exactOptional(),
  maximum: z.number().describe("Greatest value of an integer or a number.").exactOptional(),
  minLength: z.int32().min(0).max(MAX_LENGTH).describe("Least number of characters of the text.").exactOptional(),
  maxLength: z.int32().min(0).max(MAX_LENGTH).describe("Greatest number of characters of the text.").exactOptional(),
  sensitive: z
    .boolean()
    .describe(
      "Whether the value is a secret: it may then come from Secrets only. Defaults to false. What comes from a Secret is kept out of statuses, events and logs in any case.",
    )
    .exactOptional(),
  immutable: z
    .boolean()
    .describe(
      "Whether the value must stay what it first was on a cluster: a change is refused, and nothing is applied. Defaults to false.",
    )
    .exactOptional(),
});

/**
 * Profiles are no place for secrets. The API server's CEL sees neither `default` nor `enum`, whose type is open, so it
 * goes by `not` (and says no more than that it must not validate it); everybody else sees the sentence.
 */
const declaration = withRules(
  declared
    .check((context) => {
      const { sensitive, default: value, enum: values } = context.value;
      if (!sensitive || (value === undefined && values === undefined)) return;
      const message =
        "a sensitive variable must have no default and no enum: give its value by a Secret in variablesFrom";
      context.issues.push({ code: "custom", message, input: context.value, continue: true });
    })
    .meta({
      not: {
        required: ["sensitive"],
        properties: { sensitive: { enum: [true] } },
        anyOf: [{ required: ["default"] }, { required: ["enum"] }],
      },
    }),
  [...sizes, ...texts],
);

/** One variable as a profile declares it, with its defaults filled in. */
export type VariableDeclaration = z.output<typeof declaration>;

/** `variables` of a profile. */
export const variableDeclarations = z
  .array(declaration)
  .min(1)
  .max(MAX_VARIABLES)
  .check(namesDiffer)
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
  .describe(
    "The variables that expressions of this profile may use, from 1 to 128. Where several places give a value, the last of these counts: `default`, the profile's `variablesFrom` in order, the TargetCluster's `variablesFrom` in order, the TargetCluster's `variables`.",
  );

const SOURCES = ["configMapRef", "secretRef", "configMapKeyRef", "secretKeyRef"] as const;

function variableSource<N extends z.ZodRawShape>(namespace: N) {
  const schema = z.strictObject({
    configMapRef: objectRef(
      namespace,
      "A ConfigMap whose keys are names of variables; other keys are left alone. Watched: a change is applied.",
    ).exactOptional(),
    secretRef: objectRef(
      namespace,
      "A Secret whose keys are names of variables; other keys are left alone. Watched: a change is applied.",
    ).exactOptional(),
    configMapKeyRef: keyRef(
      namespace,
      "One key of a ConfigMap, holding the value of one variable. Watched: a change is applied.",
    ).exactOptional(),
    secretKeyRef: keyRef(
      namespace,
      "One key of a Secret, holding the value of one variable. Watched: a change is applied.",
    ).exactOptional(),
    variable: z
      .string()
      .min(1)
      .max(63)
      .describe("Name of the variable that the key is for. Only with a key reference. Defaults to the key.")
      .exactOptional(),
    optional: z
      .boolean()
      .describe(
        "Whether the object or key may be absent; it then gives nothing. Defaults to false: the profile's layers wait for it.",
      )
      .exactOptional(),
  });
  return withRules(schema, [
    exactlyOneOf(SOURCES, "exactly one of configMapRef, secretRef, configMapKeyRef and secretKeyRef must be set"),
    onlyWith("variable", SOURCES.slice(2), "variable is only for configMapKeyRef and secretKeyRef"),
  ]);
}

/** `variablesFrom` of a profile or a TargetCluster. `namespace` is the shape that references add (see references.ts). */
export function variableSources<N extends z.ZodRawShape>(namespace: N) {
  return z
    .array(variableSource(namespace))
    .min(1)
    .max(MAX_SOURCES)
    .meta({ "x-kubernetes-list-type": "atomic" })
    .describe(
      "Where values of variables come from, from 1 to 32 ConfigMaps and Secrets; the last one that gives a value counts. A text is read by the type of its variable.",
    );
}

/** `variables` of a TargetCluster. */
export const clusterVariables = freeObject().describe(
  "Values of variables by name, for every profile that comes to this cluster; a profile that has no variable of a name leaves it alone. They go over the profile's own. Secrets do not belong here: a sensitive variable takes its value from a Secret in `variablesFrom`.",
);

import type { z } from "zod";

/**
 * A demand on a value that the shape alone cannot state. It is written once, for both readers: `cel` is what the API
 * server evaluates, `check` is the same in TypeScript, and `message` is the sentence that a person sees from either.
 */
export interface Rule<T> {
  cel: string;
  message: string;
  check: (value: T) => boolean;
}

/** The key under which a schema carries its rules into the CRD. */
export const VALIDATIONS = "x-kubernetes-validations";

/**
 * Adds rules to a schema. As on the API server, they are judged after defaults are filled in, and only where the shape
 * is right. To be called once per schema: a second call would hide the first one's rules from the CRD.
 */
export function withRules<S extends z.ZodType>(schema: S, rules: readonly Rule<z.output<S>>[]): S {
  const checked = schema.check((context) => {
    for (const rule of rules) {
      if (!rule.check(context.value)) {
        context.issues.push({ code: "custom", message: rule.message, input: context.value, continue: true });
      }
    }
  });
  return checked.meta({ [VALIDATIONS]: rules.map(({ cel, message }) => ({ rule: cel, message })) });
}

/** The pattern has to mean the same in RE2 and in JavaScript, and holds no single quote. */
export function matching(pattern: string, message: string): Rule<string> {
  const expression = new RegExp(pattern);
  return { cel: `self.matches(r'${pattern}')`, message, check: (value) => expression.test(value) };
}

/** As `matching`, for texts that may hold an expression, whose result is judged once it is known. */
export function matchingUnlessExpression(pattern: string, message: string): Rule<string> {
  const { cel, check } = matching(pattern, message);
  return {
    cel: `self.contains('${EXPRESSION}') || ${cel}`,
    message,
    check: (value) => value.includes(EXPRESSION) || check(value),
  };
}

const EXPRESSION = "${{";

/** Exactly one of the named optional fields is set. */
export function exactlyOneOf<K extends string>(fields: readonly K[], message: string): Rule<{ [P in K]?: unknown }> {
  const isSet = fields.map((field) => `has(self.${celName(field)})`);
  return {
    cel: `[${isSet.join(", ")}].exists_one(isSet, isSet)`,
    message,
    check: (value) => fields.filter((field) => value[field] !== undefined).length === 1,
  };
}

/** `field` may be set only when one of `hosts` is. */
export function onlyWith<F extends string, K extends string>(
  field: F,
  hosts: readonly K[],
  message: string,
): Rule<{ [P in F | K]?: unknown }> {
  const isSet = [`!has(self.${celName(field)})`, ...hosts.map((host) => `has(self.${celName(host)})`)];
  return {
    cel: isSet.join(" || "),
    message,
    check: (value) => value[field] === undefined || hosts.some((host) => value[host] !== undefined),
  };
}

/** Fields named by a word that CEL reserves are spelled with underscores (Kubernetes CEL: escaping of properties). */
function celName(field: string): string {
  return field === "namespace" ? "__namespace__" : field;
}

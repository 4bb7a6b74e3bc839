import type { z } from "zod";

type RawIssue = z.core.$ZodRawIssue;

const TYPE_NAMES: Record<string, string> = { record: "object", int: "integer" };

/** The sentence for an issue, in the words of the API server, so that a person meets each problem under one name. */
export function issueSentence(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "Required value";
      return `must be of type ${TYPE_NAMES[formatOf(issue) ?? issue.expected] ?? issue.expected}`;
    case "invalid_union": // There is no other one in Kubernetes: see INT_OR_STRING.
      return "must be of type integer,string";
    case "invalid_value":
      return unsupportedValue(issue.input, issue.values);
    case "too_big":
      if (issue.origin === "array") return `must have at most ${issue.maximum} items`;
      if (issue.origin !== "string") return `should be less than or equal to ${issue.maximum}`;
      return `may not be more than ${issue.maximum} bytes`;
    case "too_small":
      if (issue.origin === "array") return `should have at least ${issue.minimum} items`;
      if (issue.origin !== "string") return `should be greater than or equal to ${issue.minimum}`;
      return `should be at least ${issue.minimum} chars long`;
    case "invalid_format":
      return issue.pattern === undefined ? undefined : `should match '${issue.pattern.slice(1, -1)}'`;
    default:
      return undefined;
  }
}

/** Zod expects a number where a whole one is meant, too. */
function formatOf({ inst }: RawIssue): string | undefined {
  const { format } = (inst?._zod.def ?? {}) as { format?: string };
  return format?.includes("int") ? "int" : undefined;
}

/** `Required value` for an absent one, else the sentence that lists what is supported. */
export function unsupportedValue(input: unknown, supported: readonly unknown[]): string {
  if (input === undefined) return "Required value";
  const values = supported.map((value) => JSON.stringify(value)).join(", ");
  return `Unsupported value: ${JSON.stringify(input)}: supported values: ${values}`;
}

/** The problems of a failed parse, one sentence each, led by the path of the field. */
export function problemsOf(error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => `unknown field "${fieldPath([...issue.path, key])}"`);
    }
    return [issue.path.length === 0 ? issue.message : `${fieldPath(issue.path)}: ${issue.message}`];
  });
}

function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

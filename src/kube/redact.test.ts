import { expect, test } from "vitest";
import { redact } from "./redact.ts";

const open = { hideEchoes: false, secrets: [] };
const secret = { hideEchoes: true, secrets: [] };
const long = "x".repeat(61);

test.each([
  [
    "a short echo stays",
    "spec.replicas: Invalid value: -1: must be positive",
    open,
    "spec.replicas: Invalid value: -1: must be positive",
  ],
  ["a long echo goes", `a: Invalid value: "${long}": too odd`, open, "a: Invalid value: …: too odd"],
  [
    "an echo with colons, brackets and quotes inside",
    `a: Invalid value: {"k":"v: \\"}: ","l":["${long}: "]}: no`,
    open,
    "a: Invalid value: …: no",
  ],
  [
    "an echoed Go struct",
    `a: Invalid value: core.X{Name:"${long}", B:map[string]int{"c: ":1}}: no`,
    open,
    "a: Invalid value: …: no",
  ],
  [
    "a long CEL sentence is no echo",
    `spec: Invalid value: exactly one of clusterRefs and clusterSelector must be set, and ${long}`,
    open,
    `spec: Invalid value: exactly one of clusterRefs and clusterSelector must be set, and ${long}`,
  ],
  [
    "every echo of a Secret goes",
    `[data[a]: Invalid value: "p: w": bad, type: Unsupported value: "q": supported values: "Opaque"]`,
    secret,
    `[data[a]: Invalid value: (hidden): bad, type: Unsupported value: (hidden): supported values: "Opaque"]`,
  ],
  [
    "a typed patch's value of a Secret goes",
    ".stringData.a: expected string, got &value.valueUnstructured{Value:123}",
    secret,
    ".stringData.a: expected string, got &value.valueUnstructured{Value:(hidden)}",
  ],
  ["an echo that does not end", `a: Invalid value: "canary`, secret, "a: Invalid value: (hidden)"],
  [
    "an echo inside an echo",
    `patch: Invalid value: "{\\"m\\":\\"Invalid value: canary\\"}": bad`,
    secret,
    "patch: Invalid value: (hidden): bad",
  ],
  [
    "a duplicate of a Secret, with nothing after it",
    `x: Duplicate value: "canary"`,
    secret,
    "x: Duplicate value: (hidden)",
  ],
])("%s", (_name, message, redaction, want) => {
  expect(redact(message, redaction)).toBe(want);
});

test("known secrets are masked wherever they stand", () => {
  const message = `admission webhook "w" denied the request: password hunter22 is weak (${Buffer.from("hunter22").toString("base64")})`;
  expect(redact(message, { hideEchoes: false, secrets: ["hunter22"] })).toBe(
    'admission webhook "w" denied the request: password (hidden) is weak ((hidden))',
  );
});

import { describe, expect, it } from "vitest";
import { fastest } from "../../test/support/fastest.ts";
import type { VariableDeclaration } from "../api/schema/variables.ts";
import { Failure } from "../errors.ts";
import type { Scope } from "./expression-scope.ts";
import { evaluateCondition } from "./expressions.ts";
import { resolveVariables } from "./variables.ts";

/** Patterns on which engines that backtrack take seconds to years, each with a text that makes them. */
const CORPUS: readonly [pattern: string, text: string][] = [
  ["^(a+)+$", `${"a".repeat(2000)}!`],
  ["^(a|aa)+$", `${"a".repeat(2000)}!`],
  ["^(a|a?)+$", `${"a".repeat(2000)}!`],
  ["^(a*)*$", `${"a".repeat(2000)}!`],
  ["^((a+)*)*$", `${"a".repeat(1000)}!`],
  ["^([a-zA-Z]+)*$", `${"z".repeat(2000)}1`],
  ["^(\\d+)+$", `${"1".repeat(2000)}x`],
  ["^(\\w+\\s?)*$", `${"word ".repeat(400)}!`],
  ["(x+x+)+y", "x".repeat(1000)],
  ["(.*a){12}$", `${"a".repeat(200)}!`],
  ["^(.*?,){11}P", "1,2,3,4,5,6,7,8,9,10,11,12,13".repeat(8)],
  ["^(a?){25}a{25}$", "a".repeat(24)],
  ["\\s+$", `${" ".repeat(3000)}x`],
  ["^(([a-z])+.)+[A-Z]([a-z])+$", "a".repeat(500)],
  ["^([0-9a-z]([-.\\w]*[0-9a-z])*@([0-9a-z][-\\w]*[0-9a-z]\\.)+[a-z]{2,9})$", `${"a".repeat(300)}!`],
  ["(?i)^(?:(?:a|b)|(?:ab))*c$", "ab".repeat(800)],
];

const scopeWith = (text: string): Scope => ({
  cluster: { name: "edge", kubernetesVersion: "v1.36.3" },
  profile: { name: "p", kind: "AddOnProfile" },
  variables: { types: new Map([["v", "string"]]), values: new Map([["v", text]]), sensitive: new Set() },
  layers: new Map(),
});

const declare = (name: string, pattern: string): VariableDeclaration => ({ name, type: "string", pattern });

function resolve(declared: VariableDeclaration[], text: string): string {
  const values = Object.fromEntries(declared.map(({ name }) => [name, text]));
  const cluster = { what: "TargetCluster edge", texts: [], values };
  const resolved = resolveVariables({ declared, profileTexts: [], cluster, digestKey: new Uint8Array(32) });
  return resolved instanceof Failure ? resolved.message : "";
}

describe("a hostile pattern is answered in less than 50 ms", () => {
  it.each(CORPUS)("%s, of a variable and in an expression", (pattern, text) => {
    const condition = `variables.v.matches(${JSON.stringify(pattern)})`;
    expect(resolve([declare("v", pattern)], text)).toContain("must match the pattern");
    expect(evaluateCondition(condition, scopeWith(text), "when")).toMatchObject({ kind: "value", value: false });
    expect(fastest(() => resolve([declare("v", pattern)], text))).toBeLessThan(50);
    expect(fastest(() => evaluateCondition(condition, scopeWith(text), "when"))).toBeLessThan(50);
  });
});

describe("what many take together is bounded too", () => {
  it("of the patterns of a profile's variables", () => {
    const declared = Array.from({ length: 128 }, (_, index) => declare(`v${index}`, "(a?){50}b"));
    const problems = resolve(declared, "a".repeat(8000)).split("; ");
    expect(problems).toHaveLength(128);
    expect(problems[0]).toContain("must match the pattern");
    expect(problems.filter((problem) => problem.includes("is too long to be compared")).length).toBeGreaterThan(120);
  });

  it("of expressions that are given one budget", () => {
    const ten = "[1,2,3,4,5,6,7,8,9,10]";
    const loops = (depth: number): string => (depth === 0 ? "true" : `${ten}.all(v${depth}, ${loops(depth - 1)})`);
    const shared = { ...scopeWith(""), budget: { left: 1_000_000 } };
    const kinds = Array.from({ length: 9 }, () => evaluateCondition(loops(5), shared, "when").kind);
    expect(kinds).toEqual(["value", "value", ...Array.from({ length: 7 }, () => "failed")]);
    expect(evaluateCondition(loops(5), scopeWith(""), "when").kind).toBe("value");
  });
});

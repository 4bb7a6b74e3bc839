import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, cloneJson, integerOf, isExactNumber, parseJson, stringifyJson } from "./json.ts";

describe("integers beyond 2^53", () => {
  it.each([
    ["9007199254740993"],
    ["-9007199254740993"],
    ["9223372036854775807"],
    ["18446744073709551615"],
    ["123456789012345678901234567890"],
  ])("%s survives byte for byte", (digits) => {
    const text = `{"a":[${digits}],"b":"${digits}"}`;
    expect(stringifyJson(parseJson(text))).toBe(text);
    expect(stringifyJson(cloneJson(parseJson(text)))).toBe(text);
    expect(canonicalJson(parseJson(text))).toBe(text);
    expect(isExactNumber((parseJson(text) as { a: unknown[] }).a[0])).toBe(true);
  });

  it("every integer of 64 bits survives", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        expect(stringifyJson(parseJson(`{"value":${value}}`))).toBe(`{"value":${value}}`);
        expect(stringifyJson(integerOf(value))).toBe(String(value));
      }),
    );
  });

  it("leaves smaller integers, fractions and long digits in strings as they are", () => {
    expect(parseJson('{"a":9007199254740991,"b":0.12345678901234567890,"c":"12345678901234567890"}')).toEqual({
      a: 9007199254740991,
      b: 0.12345678901234568,
      c: "12345678901234567890",
    });
  });
});

describe("keys", () => {
  it("parses a key with an escape right after V8 has seen one with a backslash", () => {
    // Without the work-around this reads {a: 1, "\\": 2}.
    JSON.parse('{"a":1,"\\\\":1}');
    expect(parseJson('{"a":1,"\\n":2}')).toEqual({ a: 1, "\n": 2 });
    expect(parseJson('{"a" : 1, "\\u003e" : 9007199254740993}')).toHaveProperty([">"]);
  });

  it("parses any keys and values as they were written", () => {
    const text = fc.string({ unit: fc.constantFrom("\\", "\n", ">", '"', "k", "e", "y", ":", "{", "é", "😀") });
    fc.assert(
      fc.property(fc.array(fc.dictionary(text, fc.oneof(text, fc.integer()))), (value) => {
        expect(parseJson(stringifyJson(value))).toEqual(value);
        expect(parseJson(JSON.stringify(value, null, 2).replaceAll(">", "\\u003e"))).toEqual(value);
      }),
    );
  });

  it("keeps __proto__ and constructor as data", () => {
    const text = '{"__proto__":{"polluted":true},"constructor":1}';
    for (const value of [parseJson(text), cloneJson(parseJson(text))]) {
      expect(Object.keys(value as object)).toEqual(["__proto__", "constructor"]);
      expect((value as { polluted?: boolean }).polluted).toBeUndefined();
    }
    expect(canonicalJson(parseJson(text))).toBe(text);
  });

  it("refuses what is not JSON", () => {
    expect(() => parseJson("{a: 1}")).toThrow(SyntaxError);
  });
});

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, shuffled(item)]),
  );
}

describe("canonicalJson", () => {
  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
      }),
    );
  });

  it("says the same as JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseJson(canonicalJson(value))).toEqual(parseJson(stringifyJson(value)));
      }),
    );
  });

  it("depends on the order of a list", () => {
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });
});

it("cloneJson shares nothing", () => {
  const original = { list: [{ a: 1 }], map: { b: 2 } };
  const clone = cloneJson(original);
  clone.list[0]!.a = 9;
  clone.map.b = 9;
  expect(original).toEqual({ list: [{ a: 1 }], map: { b: 2 } });
});

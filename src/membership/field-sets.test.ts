import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FieldSet, fieldsGiven, isRetaken, sharesFields, withoutFields } from "./field-sets.ts";

const LIST: FieldSet = {
  "f:env": {
    ".": {},
    'k:{"name":"A"}': { ".": {}, "f:name": {}, "f:value": {} },
    'k:{"name":"B"}': { ".": {}, "f:name": {}, "f:value": {} },
  },
};

describe("fieldsGiven: what of a field set an object gives a value to", () => {
  const rows: [name: string, set: FieldSet, object: Record<string, unknown>, want: FieldSet][] = [
    ["nothing", { "f:data": { ".": {}, "f:a": {} } }, { data: { b: "1" } }, {}],
    [
      "an entry of a map",
      { "f:data": { ".": {}, "f:a": {}, "f:b": {} } },
      { data: { a: "1" } },
      { "f:data": { ".": {}, "f:a": {} } },
    ],
    ["what is owned as a whole", { "f:spec": {} }, { spec: { deep: { a: 1 } } }, { "f:spec": {} }],
    ["a field that is a scalar here and a map there", { "f:a": { "f:b": {} } }, { a: 1 }, { "f:a": { "f:b": {} } }],
    ["a null", { "f:a": {} }, { a: null }, { "f:a": {} }],
    [
      "an item of a list, by its key",
      LIST,
      { env: [{ name: "A", value: "1" }] },
      { "f:env": { ".": {}, 'k:{"name":"A"}': { ".": {}, "f:name": {}, "f:value": {} } } },
    ],
    [
      "an item whose key the server completed",
      {
        "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {}, "f:protocol": {} } },
      },
      { ports: [{ containerPort: 80 }] },
      { "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } } },
    ],
    ["an item of a set", { "f:list": { 'v:"a"': {}, 'v:"b"': {} } }, { list: ["b"] }, { "f:list": { 'v:"b"': {} } }],
  ];
  it.each(rows)("%s", (_name, set, object, want) => expect(fieldsGiven(set, object)).toEqual(want));
});

describe("withoutFields: what is left of a field set", () => {
  const rows: [name: string, set: FieldSet, taken: FieldSet, want: FieldSet | undefined][] = [
    ["all, when nothing is taken", LIST, {}, LIST],
    ["nothing, when all is taken", LIST, LIST, undefined],
    ["nothing, when the whole of it is taken", LIST, { "f:env": {} }, undefined],
    [
      "the other item of a list",
      LIST,
      { "f:env": { 'k:{"name":"A"}': { ".": {}, "f:name": {}, "f:value": {} } } },
      { "f:env": { ".": {}, 'k:{"name":"B"}': { ".": {}, "f:name": {}, "f:value": {} } } },
    ],
    ["the other field", { "f:a": {}, "f:b": {} }, { "f:b": {}, "f:c": {} }, { "f:a": {} }],
  ];
  it.each(rows)("%s", (_name, set, taken, want) => expect(withoutFields(set, taken)).toEqual(want));
});

describe("isRetaken: whether fields were taken back without another value", () => {
  const data = (...keys: string[]): FieldSet => ({
    "f:data": { ".": {}, ...Object.fromEntries(keys.map((key) => [`f:${key}`, {}])) },
  });
  const rows: [name: string, before: FieldSet, after: FieldSet, others: FieldSet, want: boolean][] = [
    ["somebody has the value too", data("b"), data("a", "b"), data("a"), true],
    ["it was taken from somebody", data("b"), data("a", "b"), {}, false],
    ["one was, and another not", {}, data("a", "b"), data("a"), false],
    ["it was gone", data(), data("a"), data("c"), false],
    ["somebody wrote more by our name, which goes", data("a", "b"), data("a"), {}, false],
    ["nothing but the schema is another one: owned as a whole before", { "f:data": {} }, data("a"), {}, true],
    ["nothing but the schema is another one: owned as a whole by now", data("a"), { "f:data": {} }, {}, true],
  ];
  it.each(rows)("%s", (_name, before, after, others, want) => expect(isRetaken({ before, after }, others)).toBe(want));
});

const { set } = fc.letrec<{ set: FieldSet }>((tie) => ({
  set: fc
    .dictionary(
      fc.constantFrom(".", "f:a", "f:b", 'k:{"name":"a"}', 'v:"a"'),
      fc.oneof({ depthSize: "small" }, fc.constant({}), tie("set")),
      { maxKeys: 4 },
    )
    // The node itself has no fields.
    .map((fields) => ("." in fields ? { ...fields, ".": {} } : fields)),
}));

describe("two field sets", () => {
  it("share nothing once the fields of the other are taken out", () => {
    fc.assert(
      fc.property(set, set, (one, other) => {
        const left = withoutFields(one, other);
        expect(left !== undefined && sharesFields(left, other)).toBe(false);
      }),
    );
  });

  it("that share nothing lose nothing but maps and lists without fields", () => {
    fc.assert(
      fc.property(set, set, (one, other) => {
        fc.pre(!sharesFields(one, other));
        expect(withoutFields(one, other)).toEqual(withoutFields(one, {}));
      }),
    );
  });
});

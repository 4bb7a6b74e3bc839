import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeValues, type Values } from "../../plan/values.ts";
import { sparse } from "./sparse.ts";

const { values } = fc.letrec<{ values: Values; value: unknown }>((tie) => ({
  values: fc.dictionary(fc.constantFrom("a", "b", "c", "d.e"), tie("value"), { maxKeys: 4 }) as fc.Arbitrary<Values>,
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer({ min: 0, max: 2 }),
    fc.constantFrom("x", true),
    fc.array(fc.integer(), { maxLength: 2 }),
    tie("values"),
  ),
}));

test("what differs, over what it differs from, is the whole again", () => {
  fc.assert(
    fc.property(values, values, (full, base) => {
      expect(mergeValues(base, sparse(full, base))).toEqual(full);
    }),
  );
});

test("nothing differs from itself", () => {
  fc.assert(
    fc.property(values, (full) => {
      expect(sparse(full, full)).toEqual({});
    }),
  );
});

test("in the place of a key that is gone stands what would show below, or null", () => {
  expect(sparse({ a: {} }, { a: { b: 1, c: 2 } }, { a: { b: 3 } })).toEqual({ a: { b: 3, c: null } });
});

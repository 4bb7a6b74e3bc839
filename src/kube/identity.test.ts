import fc from "fast-check";
import { expect, test } from "vitest";
import { Failure } from "../errors.ts";
import { type HeaderPairs, type Identity, impersonationHeaders } from "./identity.ts";

const word = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom("", " ", "\t", "\0", "\r\n", "a\r\nb", "ann", "ä", "a b", " a"),
);
const words = fc.array(word, { maxLength: 3 });
const identity: fc.Arbitrary<Identity> = fc.record(
  { user: word, groups: words, uid: word, extra: fc.dictionary(word, words, { maxKeys: 2 }) },
  { requiredKeys: ["user"] },
);

function headersOf(whom: Identity): HeaderPairs | undefined {
  try {
    return impersonationHeaders(whom);
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    return undefined;
  }
}

test("any identity is refused, or names its user and every group in headers that are neither empty nor two", () => {
  fc.assert(
    fc.property(identity, (whom) => {
      const headers = headersOf(whom);
      if (headers === undefined) return;
      expect(headers[0]).toEqual(["Impersonate-User", whom.user]);
      const groups = headers.filter(([name]) => name === "Impersonate-Group").map(([, value]) => value);
      expect(groups).toEqual(whom.groups ?? []);
      for (const [name, value] of headers) {
        expect(name).toMatch(/^Impersonate-[-A-Za-z]+[!-~]*$/);
        expect(value).toMatch(/^[!-~]([ -~]*[!-~])?$/);
      }
    }),
    { numRuns: 500 },
  );
});

test.each(["", " ", "\t", "\0", "\r\n", "a\r\nImpersonate-Group: system:masters"])(
  "the user %j never means nobody, which would be Strata itself",
  (user) => {
    expect(() => impersonationHeaders({ user })).toThrow(/refused/);
  },
);

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRegex, search } from "./regex.ts";
import { RegexSyntaxError } from "./regex-syntax.ts";

function matches(pattern: string, text: string): boolean {
  return search(compileRegex(pattern), text, () => {});
}

describe("search", () => {
  it.each([
    ["^v1\\.\\d+$", "v1.36", true],
    ["^v1\\.\\d+$", "v1.36-rc.1", false],
    ["Ready|Bound", "is Bound", true],
    ["(?i)ubuntu", "UBUNTU 24.04", true],
    ["(?i:u)buntu", "UBUNTU", false],
    ["a(?i)b(c)d", "aBCD", true],
    ["(a(?i)b)c", "aBC", false],
    ["^(?:a|bc)*$", "abca", true],
    ["^(?P<major>\\d+)\\.", "12.1", true],
    ["[^a-c]", "abc", false],
    ["[]x]", "]", true],
    ["[a-]", "-", true],
    ["[[:digit:]]{3}", "a123", true],
    ["^a{2,3}$", "aaaa", false],
    ["a{,3}", "a{,3}", true],
    ["^(a?){3}$", "aa", true],
    ["(a*)*b", "aaab", true],
    [".", "\n", false],
    ["(?s).", "\n", true],
    ["(?m)^b$", "a\nb\nc", true],
    ["^b$", "a\nb\nc", false],
    ["\\bcat\\b", "a cat.", true],
    ["\\Bat", "cat", true],
    ["\\Acat\\z", "cat", true],
    ["\\x41\\x{1F600}", "A😀", true],
    ["^.$", "😀", true],
    ["^\\S+\\s\\w+$", "a-b c_1", true],
    ["", "anything", true],
    ["\\.", ".", true],
  ])("%s on %j is %s", (pattern, text, want) => {
    expect(matches(pattern, text)).toBe(want);
  });

  it.each([
    ["(", "a ( without its )"],
    [")", "a ) without its ("],
    ["*a", "nothing to repeat before *"],
    ["a**", "two repetitions in a row"],
    ["a{2}{3}", "two repetitions in a row"],
    ["[a", "it ends too early"],
    ["[z-a]", "a range in [ ] runs backwards"],
    ["(?=a)", "(?= is not supported"],
    ["(?<!a)", "(?< is not supported"],
    ["(a)\\1", "\\1 is not supported"],
    ["\\p{L}", "\\p is not supported"],
    ["a{3,2}", "{3,2} is empty"],
    ["a{1001}", "{1001} repeats more than 1000 times"],
    ["(a{1000}){1000}", "it is too large"],
    ["a".repeat(600), "it is longer than 512 characters"],
    ["\\", "it ends too early"],
  ])("refuses %s", (pattern, message) => {
    expect(() => compileRegex(pattern)).toThrow(new RegexSyntaxError(message));
  });

  it("agrees with JavaScript's engine on small patterns", () => {
    const leaf = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\w", "^", "$", "\\b");
    const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
      pattern: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.tuple(tie("pattern"), tie("pattern")).map(([a, b]) => a + b),
        fc.tuple(tie("pattern"), tie("pattern")).map(([a, b]) => `(?:${a}|${b})`),
        fc
          .tuple(tie("pattern"), fc.constantFrom("*", "+", "?", "{2}", "{1,2}", "*?"))
          .map(([a, repeat]) => `(?:${a})${repeat}`),
      ),
    }));
    const text = fc.array(fc.constantFrom("a", "b", " ", "\n"), { maxLength: 6 }).map((letters) => letters.join(""));
    fc.assert(
      fc.property(pattern, text, (source, input) => {
        expect(matches(source, input)).toBe(new RegExp(source).test(input));
      }),
      { numRuns: 500 },
    );
  });

  it.each(["(a+)+$", "(a|aa)+$", "(.*a){12}$", "a*a*a*a*a*a*b"])("takes linear time for %s", (pattern) => {
    const steps = (length: number) => {
      let taken = 0;
      search(compileRegex(pattern), `${"a".repeat(length)}!`, (count) => {
        taken += count;
      });
      return taken;
    };
    expect(steps(2000)).toBeLessThan(steps(1000) * 2.1);
  });
});

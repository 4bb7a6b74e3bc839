import { describe, expect, it } from "vitest";
import { maskSecrets } from "./mask.ts";

describe("maskSecrets", () => {
  it.each([
    ["plain", "login with hunter22 failed", ["hunter22"], "login with (hidden) failed"],
    ["twice", "hunter22hunter22", ["hunter22"], "(hidden)(hidden)"],
    ["base64", `data: ${Buffer.from("hunter22").toString("base64")}`, ["hunter22"], "data: (hidden)"],
    ["quoted", 'bad value "a\\"b\\nc"', ['a"b\nc'], 'bad value "(hidden)"'],
    [
      "one line of many",
      "near line MIIEabcdef",
      ["-----BEGIN-----\nMIIEabcdef\n-----END-----\n"],
      "near line (hidden)",
    ],
    ["without its line break", "token abcdef.", ["abcdef\n"], "token (hidden)."],
    ["one inside another", "secret-long", ["secret", "secret-long"], "(hidden)"],
    ["too short to hide", "on and on", ["on", ""], "on and on"],
    ["none", "nothing here", [], "nothing here"],
  ])("%s", (_, text, secrets, want) => {
    expect(maskSecrets(text, secrets)).toBe(want);
  });
});

import { describe, expect, test } from "vitest";
import { fastest } from "../../test/support/fastest.ts";
import { Failure } from "../errors.ts";
import { mask } from "./mask.ts";

const CANARY = "c4n4ry-V4lue";
const JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzdHJhdGEifQ.c2lnbmF0dXJl";

describe("a canary", () => {
  test.each<[string, unknown]>([
    ["under a telling name", { password: CANARY, dbPassword: CANARY, clientSecret: CANARY, Authorization: CANARY }],
    ["in a Secret's data", { object: { kind: "Secret", data: { a: CANARY }, stringData: { b: CANARY } } }],
    ["in chart values", { values: { license: CANARY } }],
    ["in a kubeconfig under its name", { kubeconfig: `users: [{user: {token: ${CANARY}}}]` }],
    ["in a kubeconfig in a text", `users:\n- user:\n    token: ${CANARY}\n    client-key-data: ${CANARY}`],
    ["in JSON in a text", `{"password": "${CANARY}"}`],
    ["in a header in a text", `sent Authorization: Bearer ${CANARY}`],
    ["in a URL", `https://user:${CANARY}@registry.lan/v2/`],
    ["in a query", `https://host/path?token=${CANARY}&x=1`],
    ["in a private key", `-----BEGIN RSA PRIVATE KEY-----\n${CANARY}\n-----END RSA PRIVATE KEY-----`],
    ["in a private key that is cut off", `-----BEGIN PRIVATE KEY-----\n${CANARY}`],
    ["in what a JSON parser quotes", parserError(`${CANARY}`)],
    ["in what a JSON parser quotes from the middle", parserError(`{"a": "${CANARY}", "b": ${CANARY}}`)],
    ["in the excerpt of a YAML parser", new Error(`bad indentation (1:2)\n\n 1 | password ${CANARY}`)],
    ["in the cause of an error", new Failure("InvalidValues", "bad values", { cause: parserError(CANARY) })],
    ["in bytes", { body: Buffer.from(CANARY) }],
    ["far down", { a: { b: { c: { d: { e: { f: { g: CANARY } } } } } } }],
  ])("%s is hidden", (_, value) => {
    expect(JSON.stringify(mask(value))).not.toContain(CANARY);
  });

  test("that is a JSON Web Token is hidden anywhere", () => {
    expect(mask(`the token was ${JWT}.`)).toBe("the token was (hidden).");
  });
});

describe("what is no secret", () => {
  test.each<[string, unknown]>([
    ["a sentence about a Secret", 'Secret acme/edge-17-kubeconfig does not exist: create it or set "optional"'],
    ["an image and its error", "Pod csi-x ImagePullBackOff: registry.lan/csi:1: manifest unknown"],
    ["numbers, flags and nothing", { port: 8080, ok: true, cluster: undefined, none: null }],
    ["a list of sentences", { problems: ["spec.layers[0]: name is missing"] }],
  ])("stays: %s", (_, value) => {
    expect(mask(value)).toEqual(value);
  });
});

describe("an error", () => {
  test("that is a Failure is its reason and sentence, with its causes and without a stack", () => {
    const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" });
    expect(mask(new Failure("Unreachable", "the API server does not answer", { cause }))).toEqual({
      type: "Failure",
      reason: "Unreachable",
      message: "the API server does not answer",
      cause: expect.objectContaining({ code: "ECONNREFUSED", message: "connect ECONNREFUSED 127.0.0.1:1" }),
    });
  });

  test("that nobody expected keeps where it came from", () => {
    expect(mask(new TypeError("x is not a function"))).toMatchObject({
      type: "TypeError",
      at: expect.arrayContaining([expect.stringContaining("mask.test.ts")]),
    });
  });
});

test("a megabyte of text is cut, and takes no time", () => {
  const text = "token".repeat(200_000);
  expect(String(mask(text)).length).toBeLessThan(5_000);
  expect(fastest(() => mask(text))).toBeLessThan(200);
});

function parserError(text: string): Error {
  try {
    JSON.parse(text);
  } catch (error) {
    return error as Error;
  }
  throw new Error("it could be parsed");
}

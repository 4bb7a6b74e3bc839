import { expect, test } from "vitest";
import { challengeOf } from "./challenge.ts";

const bearer = (realm: string, service?: string, scope?: string) => ({
  kind: "bearer",
  realm: new URL(realm),
  service,
  scope,
});

test.each([
  [
    'Bearer realm="https://auth.x/token",service="x",scope="repository:a:pull"',
    bearer("https://auth.x/token", "x", "repository:a:pull"),
  ],
  ['bearer Realm="https://auth.x/token"', bearer("https://auth.x/token")],
  ['Basic realm="x", Bearer realm="https://auth.x/token", service="x"', bearer("https://auth.x/token", "x")],
  ['Bearer realm="https://auth.x/token", Basic realm="https://evil.x"', bearer("https://auth.x/token")],
  [['Basic realm="x"', 'Bearer realm="https://auth.x/token"'], bearer("https://auth.x/token")],
  ['Basic realm="x"', { kind: "basic" }],
  ["Basic", { kind: "basic" }],
  ['Bearer realm="no address", Basic realm="x"', { kind: "basic" }],
  ['Bearer realm="no address"', undefined],
  ["Negotiate", undefined],
  ['Digest realm="Basic"', undefined],
  [undefined, undefined],
])("%j", (header, wanted) => {
  expect(challengeOf(header)).toEqual(wanted);
});

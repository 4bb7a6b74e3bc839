import { describe, expect, test } from "vitest";
import { dockerAuthFor, parseDockerConfig } from "./docker-config.ts";

const b64 = (text: string) => Buffer.from(text).toString("base64");
const config = (auths: object) => JSON.stringify({ auths });
const basic = (username: string, password: string) => ({ kind: "basic", username, password });

describe("what is read", () => {
  test.each([
    {
      auths: { "ghcr.io": { auth: b64("me:pass:word") } },
      host: "ghcr.io",
      path: "",
      credentials: basic("me", "pass:word"),
    },
    { auths: { "ghcr.io": { username: "me", password: "" } }, host: "ghcr.io", path: "", credentials: basic("me", "") },
    { auths: { "r.lan:5000": { auth: b64("a:b\0\0") } }, host: "r.lan:5000", path: "", credentials: basic("a", "b") },
    {
      auths: { "https://index.docker.io/v1/": { auth: b64("a:b") } },
      host: "registry-1.docker.io",
      path: "",
      credentials: basic("a", "b"),
    },
    {
      auths: { "docker.io/acme": { auth: b64("a:b") } },
      host: "registry-1.docker.io",
      path: "acme",
      credentials: basic("a", "b"),
    },
    { auths: { "http://r.lan/v2/": { auth: b64("a:b") } }, host: "r.lan", path: "", credentials: basic("a", "b") },
    {
      auths: { "x.azurecr.io": { auth: b64("0000:"), identitytoken: "refresh" } },
      host: "x.azurecr.io",
      path: "",
      credentials: { kind: "identity", token: "refresh" },
    },
    { auths: { "x.io": { registrytoken: "t" } }, host: "x.io", path: "", credentials: { kind: "bearer", token: "t" } },
  ])("$auths", ({ auths, ...wanted }) => {
    expect(parseDockerConfig(config(auths), "Secret login")).toEqual({ ok: true, value: [wanted] });
  });
});

test.each([
  ["no JSON", ["Secret login: this is no docker config JSON"]],
  ['{"auths":{"x.io":{"auth":5}}}', ["Secret login, auths.x.io.auth: this is no docker config JSON"]],
  ["{}", ["Secret login: it has no auths"]],
  [
    JSON.stringify({ credsStore: "osxkeychain", auths: { "x.io": {} } }),
    [
      "Secret login: credsStore names a program, which Strata does not run: put the credentials into auths",
      'Secret login, auths["x.io"]: it needs auth (base64 of user:password) or an identitytoken',
    ],
  ],
  [
    JSON.stringify({ credHelpers: { "x.io": "ecr-login" } }),
    ["Secret login: credHelpers names a program, which Strata does not run: put the credentials into auths"],
  ],
  [
    config({ "*.x.io": { auth: b64("a:s3cret") } }),
    ['Secret login, auths["*.x.io"]: a host must stand here; patterns are not supported'],
  ],
  [
    config({ "https://me:s3cret@x.io": { auth: b64("a:b") } }),
    ['Secret login, auths["…"]: a host must stand here; patterns are not supported'],
  ],
  ['{"auths":{"me:s3cret@x.io":5}}', ["Secret login, auths.…: this is no docker config JSON"]],
  [
    config({ "x.io": { auth: b64("s3cret") } }),
    ['Secret login, auths["x.io"]: it needs auth (base64 of user:password) or an identitytoken'],
  ],
])("%s is refused", (text, problems) => {
  const parsed = parseDockerConfig(text, "Secret login");
  expect(parsed).toEqual({ ok: false, problems });
  expect(JSON.stringify(parsed)).not.toContain("s3cret");
});

test.each([
  { host: "r.lan", path: "acme/charts/shop", wanted: "charts" },
  { host: "r.lan", path: "acme/chartsy/shop", wanted: "acme" },
  { host: "r.lan", path: "acme", wanted: "acme" },
  { host: "r.lan", path: "other/shop", wanted: "all" },
  { host: "s.lan", path: "acme/charts/shop", wanted: undefined },
])("for $host/$path the longest path counts: $wanted", ({ host, path, wanted }) => {
  const entry = (username: string) => ({ auth: b64(`${username}:x`) });
  const text = config({ "r.lan": entry("all"), "r.lan/acme": entry("acme"), "r.lan/acme/charts": entry("charts") });
  const parsed = parseDockerConfig(text, "x");
  const found = parsed.ok ? dockerAuthFor(parsed.value, host, path) : undefined;
  expect(found).toEqual(wanted === undefined ? undefined : basic(wanted, "x"));
});

test("a password of zero bytes with an end costs no time", () => {
  const auths = { "x.io": { auth: b64(`me:${"\0".repeat(700_000)}x`) } };
  expect(parseDockerConfig(config(auths), "x")).toMatchObject({ ok: true, value: [{ credentials: basic("me", "") }] });
});

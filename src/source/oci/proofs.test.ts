import { describe, expect, test } from "vitest";
import type { Credentials, RegistryAccess } from "../access.ts";
import { Proofs } from "./proofs.ts";

const basic = { kind: "basic" as const, username: "me", password: "x" };
const BASIC = `Basic ${Buffer.from("me:x").toString("base64")}`;
const docker: Credentials = {
  kind: "docker",
  auths: ["charts.example", "mirror.example", "other.example", "registry-1.docker.io"].map((host) => ({
    host,
    path: "",
    credentials: basic,
  })),
};

function proofs(credentials: Credentials, more: Partial<RegistryAccess> = {}): Proofs {
  const url = "https://charts.example/stable";
  return new Proofs({ kind: "Helm", url, mirrors: ["https://mirror.example/"], credentials, ...more });
}

describe("over HTTP, before anybody asks for them", () => {
  test.each([
    { url: "https://charts.example/stable/index.yaml", alone: BASIC, listed: BASIC },
    { url: "https://charts.example/elsewhere", alone: BASIC, listed: BASIC },
    { url: "https://mirror.example/index.yaml", alone: undefined, listed: BASIC },
    { url: "http://charts.example/stable/index.yaml", alone: undefined, listed: undefined },
    { url: "https://charts.example:8443/stable", alone: undefined, listed: undefined },
    { url: "https://other.example/", alone: undefined, listed: undefined },
    { url: "https://charts.example.evil.example/", alone: undefined, listed: undefined },
  ])("$url sees $alone, of a docker config JSON $listed", ({ url, alone, listed }) => {
    expect(proofs(basic).headerFor(new URL(url))).toBe(alone);
    expect(proofs(docker).headerFor(new URL(url))).toBe(listed);
  });
});

describe("in an OCI registry, after its challenge", () => {
  test.each([
    { origin: "https://charts.example", alone: basic, listed: basic },
    { origin: "https://mirror.example", alone: undefined, listed: basic },
    { origin: "https://other.example", alone: undefined, listed: undefined },
  ])("$origin sees $alone, of a docker config JSON $listed", ({ origin, alone, listed }) => {
    expect(proofs(basic).credentialsFor({ origin, path: "a" })).toEqual(alone);
    expect(proofs(docker).credentialsFor({ origin, path: "a" })).toEqual(listed);
  });

  test.each([
    { url: "oci://r.example/acme", path: "", wanted: basic },
    { url: "oci://r.example/acme/charts", path: "", wanted: basic },
    { url: "oci://r.example", basePath: "acme", path: "", wanted: basic },
    { url: "oci://r.example", path: "", wanted: undefined },
    { url: "oci://r.example/other", path: "", wanted: undefined },
    { url: "oci://r.example/acme", path: "other/shop", wanted: undefined },
  ])("of an entry for a part of it: $url with path '$path' $wanted", ({ path, wanted, ...access }) => {
    const part: Credentials = { kind: "docker", auths: [{ host: "r.example", path: "acme", credentials: basic }] };
    const asked = proofs(part, { kind: "OCI", mirrors: ["oci://r.example/mirror"], ...access });
    expect(asked.credentialsFor({ origin: "https://r.example", path })).toEqual(wanted);
  });

  test("Docker Hub is one under all its names", () => {
    const hub = { origin: "https://registry-1.docker.io", path: "a" };
    for (const url of ["oci://docker.io/acme", "oci://registry-1.docker.io", "https://index.docker.io"]) {
      expect(proofs(docker, { kind: "OCI", url, mirrors: [] }).credentialsFor(hub)).toEqual(basic);
      expect(proofs(basic, { kind: "OCI", url, mirrors: [] }).credentialsFor(hub)).toEqual(basic);
    }
  });
});

test.each(["http://sso.example", "sso.example", ""])("a token service %s is refused: it is not encrypted", (origin) => {
  expect(() => proofs(basic, { name: "Registry a/b", tokenOrigins: [origin] })).toThrow(
    "tokenOrigins of Registry a/b: each must begin with https://",
  );
});

test("a token service is an origin, whatever path somebody wrote", () => {
  expect(proofs(basic, { tokenOrigins: ["https://sso.example/token"] }).tokenOrigins).toEqual(["https://sso.example"]);
});

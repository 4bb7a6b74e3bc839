import { describe, expect, test } from "vitest";
import type { Failure } from "../../errors.ts";
import { addressCheck, PRIVATE_NETWORKS } from "../../text/addresses.ts";
import { HttpClient } from "../http/http-client.ts";
import { fetchToken } from "./token.ts";

/** Says whether credentials would go to a realm: where they may, the address is asked, and nobody is there. */
async function outcome(origin: string, realm: string, tokenOrigins: readonly string[]): Promise<string> {
  await using http = new HttpClient({ plainHttp: new Set(), check: addressCheck(PRIVATE_NETWORKS) });
  const challenge = { kind: "bearer" as const, realm: new URL(realm), service: undefined, scope: undefined };
  const credentials = { kind: "basic" as const, username: "me", password: "x" };
  const asked = { origin, path: "a", what: "a", subject: "chart" as const, challenge, credentials, tokenOrigins };
  const aborted = AbortSignal.abort(new Error("asked"));
  const failure = await fetchToken(http, asked, aborted).catch((error: Failure) => error);
  return failure instanceof Error && failure.message === "asked" ? "asked" : (failure as Failure).reason;
}

describe("who may be sent a password for a token", () => {
  test.each([
    { registry: "https://harbor.example", realm: "https://harbor.example/service/token", want: "asked" },
    { registry: "https://registry-1.docker.io", realm: "https://auth.docker.io/token", want: "asked" },
    { registry: "https://registry.gitlab.com", realm: "https://gitlab.com/jwt/auth", want: "asked" },
    {
      registry: "https://r.example",
      realm: "https://sso.example/token",
      listed: ["https://sso.example"],
      want: "asked",
    },
    { registry: "https://r.example", realm: "https://sso.example/token", want: "SourceUnauthorized" },
    { registry: "https://registry.co.uk", realm: "https://evil.co.uk/token", want: "SourceUnauthorized" },
    { registry: "https://r.example", realm: "https://r.example.evil.example/token", want: "SourceUnauthorized" },
    { registry: "https://r.example", realm: "https://r.example:8443/token", want: "SourceUnauthorized" },
    { registry: "https://r.example", realm: "http://r.example/token", want: "SourceUnauthorized" },
    { registry: "https://r.example", realm: "https://auth.docker.io/token", want: "SourceUnauthorized" },
    { registry: "https://registry-1.docker.io", realm: "http://auth.docker.io/token", want: "SourceUnauthorized" },
    { registry: "https://r.example", realm: "https://x:y@r.example/token", want: "InvalidSpec" },
  ])("$registry → $realm: $want", async ({ registry, realm, listed = [], want }) => {
    expect(await outcome(registry, realm, listed)).toBe(want);
  });
});

import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuthority } from "../../test/support/certificates.ts";
import type { Failure } from "../errors.ts";
import { LOOPBACK_NETWORKS } from "../text/addresses.ts";
import type { Credentials, RegistryAccess } from "./access.ts";
import type { ChartSource } from "./chart-source.ts";
import type { SourceOptions } from "./source-pool.ts";
import { Sources } from "./sources.ts";
import { CHART_LAYER, digestOf, guard, listTags, push } from "./testing/oci-server.ts";
import { startWebServer, type WebServer } from "./testing/web-server.ts";

const bytes = gzipSync("the chart");
const digest = digestOf(bytes);
const signal = new AbortController().signal;
const basic: Credentials = { kind: "basic", username: "me", password: "s3cret" };
const bearer: Credentials = { kind: "bearer", token: "t0k3n" };
const BASIC = `Basic ${Buffer.from("me:s3cret").toString("base64")}`;

let server: WebServer;
/** Another origin, which must never see credentials. */
let other: WebServer;
let sources: Sources;
let source: ChartSource;

beforeEach(async () => {
  server = await startWebServer();
  other = await startWebServer();
  use({});
});
afterEach(async () => {
  await Promise.all([sources, server, other].map((one) => one[Symbol.asyncDispose]()));
});

function use(options: SourceOptions): void {
  sources = new Sources({ allowedNetworks: LOOPBACK_NETWORKS, ...options });
  source = sources.charts;
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (error: Failure) => error,
  );
  expect(`${failure?.message}`).not.toMatch(/s3cret|t0k3n/);
  return `${failure?.reason}: ${failure?.message}`.replaceAll(server.host, "HOST").replaceAll(other.host, "OTHER");
}

const proofs = (at: WebServer) => at.seen.map(({ headers }) => headers.authorization);

function index(url: string): string {
  return JSON.stringify({ entries: { shop: [{ version: "1.2.3", urls: [url], digest: digest.slice(7) }] } });
}

describe("a private repository over HTTP", () => {
  const shop = (more: Partial<RegistryAccess> = {}) => ({
    repo: { kind: "Helm" as const, url: `${server.url}/stable`, name: "Registry private", ...more },
    chart: "shop",
    version: "1.2.3",
  });

  beforeEach(() => {
    server.serve("/stable/index.yaml", index("shop.tgz"));
    server.serve("/stable/shop.tgz", bytes);
    for (const [path, handler] of Object.entries(server.handlers)) {
      server.handlers[path] = (request, response) => {
        if ([BASIC, "Bearer t0k3n"].includes(request.headers.authorization ?? "")) handler(request, response);
        else response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
      };
    }
  });

  test.each([
    { credentials: basic, header: BASIC },
    { credentials: bearer, header: "Bearer t0k3n" },
  ])("$credentials.kind: the index and the chart", async ({ credentials, header }) => {
    expect((await source.fetch(shop({ credentials }), signal)).bytes).toEqual(bytes);
    expect(proofs(server)).toEqual([header, header]);
  });

  test("a docker config JSON", async () => {
    const auths = [
      { host: server.host, path: "", credentials: { kind: "basic" as const, username: "me", password: "s3cret" } },
    ];
    await source.fetch(shop({ credentials: { kind: "docker", auths } }), signal);
    expect(proofs(server)).toEqual([BASIC, BASIC]);
  });

  test.each<{ fault: string; credentials?: Credentials; sentence: string }>([
    {
      fault: "no credentials",
      sentence:
        "SourceUnauthorized: Registry private (HOST) wants credentials for the index of its charts: refer to a Registry that has them, or correct the name",
    },
    {
      fault: "a wrong password",
      credentials: { kind: "basic", username: "me", password: "old-s3cret" },
      sentence:
        "SourceUnauthorized: Registry private (HOST) does not accept the user and password for the index of its charts: correct them in the Secret of the Registry",
    },
    {
      fault: "an expired token",
      credentials: { kind: "bearer", token: "old-t0k3n" },
      sentence:
        "SourceUnauthorized: Registry private (HOST) does not accept the token for the index of its charts: correct them in the Secret of the Registry",
    },
    {
      fault: "a token with a line end",
      credentials: { kind: "bearer", token: "t0k3n\n" },
      sentence: "InvalidSpec: the token of Registry private is empty, or has blanks or letters that no token has",
    },
    {
      fault: "a user with a colon",
      credentials: { kind: "basic", username: "me:you", password: "" },
      sentence: "InvalidSpec: the user of Registry private must not contain a colon",
    },
  ])("$fault: $sentence", async ({ credentials, sentence }) => {
    expect(await failureOf(source.fetch(shop(credentials === undefined ? {} : { credentials }), signal))).toBe(
      sentence,
    );
  });

  test("a chart that the index puts on another origin is fetched without credentials", async () => {
    server.serve("/stable/index.yaml", index(`${other.url}/shop.tgz`));
    other.serve("/shop.tgz", bytes);
    await source.fetch(shop({ credentials: basic }), signal);
    expect(proofs(other)).toEqual([undefined]);
  });

  test("a redirect to another origin and back again takes no credentials along", async () => {
    const to =
      (url: string): WebServer["handlers"][string] =>
      (_request, response) =>
        void response.writeHead(302, { location: url }).end();
    server.handlers["/stable/shop.tgz"] = to(`${other.url}/away`);
    other.handlers["/away"] = to(`${server.url}/home`);
    server.serve("/home", bytes);
    await source.fetch(shop({ credentials: basic }), signal);
    expect(proofs(other)).toEqual([undefined]);
    expect(proofs(server)).toEqual([BASIC, BASIC, undefined]);
  });

  test("the same host on another port is another origin", async () => {
    const auths = [
      { host: other.host, path: "", credentials: { kind: "basic" as const, username: "me", password: "s3cret" } },
    ];
    server.serve("/stable/index.yaml", index(`${other.url}/shop.tgz`));
    other.serve("/shop.tgz", bytes);
    await source.fetch(shop({ credentials: { kind: "docker", auths } }), signal);
    expect(proofs(other)).toEqual([undefined]);
  });

  test("a user in the address is refused", async () => {
    const url = "https://me:s3cret@charts.example/stable";
    expect(await failureOf(source.fetch(shop({ url }), signal))).toBe(
      "InvalidSpec: the address of charts.example must not contain a user or a password",
    );
  });
});

describe("a private OCI registry", () => {
  const TOKEN = "/token?service=reg&scope=repository%3Aacme%2Fshop%3Apull";
  const shop = (more: Partial<RegistryAccess> = {}) => ({
    repo: { kind: "OCI" as const, url: `oci://${server.host}`, basePath: "acme", name: "Registry private", ...more },
    chart: "shop",
    version: "1.2.3",
  });
  const challenge = (realm: string) => `Bearer realm="${realm}/token",service="reg",scope="repository:acme/shop:pull"`;
  const identity = (token: string): Credentials => ({
    kind: "docker",
    auths: [{ host: server.host, path: "", credentials: { kind: "identity", token } }],
  });

  /** A token service that knows who may have a token. */
  function tokens(at: WebServer, { token = "t0k3n", seconds = 300 } = {}): void {
    at.handlers[TOKEN] = ({ headers }, response) => {
      if (headers.authorization !== BASIC) response.writeHead(401).end();
      else response.end(JSON.stringify({ access_token: token, expires_in: seconds }));
    };
    at.handlers["/token"] = (_request, response) => {
      const { body } = at.seen.at(-1)!;
      if (new URLSearchParams(body).get("refresh_token") === "refresh")
        response.end(JSON.stringify({ access_token: token }));
      else response.writeHead(400).end(JSON.stringify({ error: "invalid_grant" }));
    };
  }

  beforeEach(() => {
    const layers = [{ mediaType: CHART_LAYER, bytes }];
    push(server, { repository: "acme/shop", tag: "1.2.3", layers });
    listTags(server, "acme/shop", ["1.2.3"]);
  });

  test("a password is shown after the challenge, and from then on before", async () => {
    guard(server, BASIC, 'Basic realm="x"');
    expect((await source.fetch(shop({ credentials: basic }), signal)).bytes).toEqual(bytes);
    expect(proofs(server)).toEqual([undefined, BASIC, BASIC]);
  });

  test("a token for a password", async () => {
    guard(server, "Bearer t0k3n", challenge(server.url));
    tokens(server);
    await source.fetch(shop({ credentials: basic }), signal);
    expect(server.paths().filter((path) => path.startsWith("/token"))).toEqual([TOKEN]);
    expect(proofs(server)).toEqual([undefined, BASIC, "Bearer t0k3n", "Bearer t0k3n"]);
  });

  test("a token for an identity token goes by POST", async () => {
    guard(server, "Bearer t0k3n", challenge(server.url));
    tokens(server);
    await source.fetch(shop({ credentials: identity("refresh") }), signal);
    const asked = server.seen.find(({ path }) => path === "/token");
    expect(asked?.method).toBe("POST");
    expect(Object.fromEntries(new URLSearchParams(asked?.body))).toEqual({
      service: "reg",
      scope: "repository:acme/shop:pull",
      grant_type: "refresh_token",
      refresh_token: "refresh",
      client_id: "strata",
    });
  });

  test("a token of one's own is shown at once", async () => {
    guard(server, "Bearer t0k3n", challenge(server.url));
    await source.fetch(shop({ credentials: bearer }), signal);
    expect(proofs(server)).toEqual(["Bearer t0k3n", "Bearer t0k3n"]);
  });

  test("a token that has expired is renewed", async () => {
    tokens(server, { seconds: 0 });
    guard(server, "Bearer t0k3n", challenge(server.url));
    await source.fetch(shop({ credentials: basic }), signal);
    expect(server.paths().filter((path) => path === TOKEN)).toHaveLength(2);
  });

  test("a token that the registry takes back is renewed", async () => {
    const { handlers } = server;
    tokens(server);
    guard(server, "Bearer t0k3n", challenge(server.url));
    await source.resolve(shop({ credentials: basic }), signal);
    tokens(server, { token: "t0k3n-2" });
    const manifest = handlers["/v2/acme/shop/manifests/1.2.3"]!;
    handlers["/v2/acme/shop/manifests/1.2.3"] = (request, response) => {
      const isNew = request.headers.authorization === "Bearer t0k3n-2";
      request.headers.authorization = isNew ? "Bearer t0k3n" : "";
      manifest(request, response);
    };
    expect(await source.resolve(shop({ credentials: basic }), signal)).toEqual({ version: "1.2.3", digest });
  });

  test.each<{ fault: string; credentials?: Credentials; sentence: string }>([
    {
      fault: "no credentials",
      sentence:
        "SourceUnauthorized: Registry private (HOST) wants credentials for a token for acme/shop 1.2.3: refer to a Registry that has them, or correct the name",
    },
    {
      fault: "a wrong password",
      credentials: { kind: "basic", username: "me", password: "old-s3cret" },
      sentence:
        "SourceUnauthorized: Registry private (HOST) does not accept the user and password for a token for acme/shop 1.2.3: correct them in the Secret of the Registry",
    },
    {
      fault: "an identity token that is not valid any more",
      credentials: {
        kind: "docker",
        auths: [{ host: "HOST", path: "", credentials: { kind: "identity", token: "old" } }],
      },
      sentence:
        "SourceUnauthorized: Registry private (HOST) does not accept the identity token for acme/shop 1.2.3: correct them in the Secret of the Registry",
    },
    {
      fault: "an expired token",
      credentials: { kind: "bearer", token: "old-t0k3n" },
      sentence:
        "SourceUnauthorized: Registry private (HOST) does not accept the token for acme/shop 1.2.3: correct them in the Secret of the Registry",
    },
  ])("$fault: $sentence", async ({ credentials, sentence }) => {
    guard(server, "Bearer t0k3n", challenge(server.url));
    tokens(server);
    const isDocker = credentials?.kind === "docker";
    const given = isDocker ? identity("old") : credentials;
    expect(await failureOf(source.fetch(shop(given === undefined ? {} : { credentials: given }), signal))).toBe(
      sentence,
    );
  });

  test("a password that is refused after the challenge is not tried for ever", async () => {
    guard(server, "Basic nobody", 'Basic realm="x"');
    expect(await failureOf(source.fetch(shop({ credentials: basic }), signal))).toBe(
      "SourceUnauthorized: Registry private (HOST) does not accept the user and password for acme/shop 1.2.3: correct them in the Secret of the Registry",
    );
    expect(await failureOf(source.fetch(shop({ credentials: basic }), signal))).toContain("SourceUnauthorized");
    expect(proofs(server)).toEqual([undefined, BASIC, undefined, BASIC]);
  });

  test("a password goes to no other origin for a token", async () => {
    guard(server, "Bearer t0k3n", challenge(other.url));
    tokens(other);
    expect(await failureOf(source.fetch(shop({ credentials: basic }), signal))).toBe(
      "SourceUnauthorized: Registry private (HOST) wants its credentials to be sent to http://OTHER: list http://OTHER in the Registry's tokenOrigins if that is right",
    );
    expect(other.seen).toEqual([]);
  });

  test("an identity token goes to no other origin either, and not along a redirect", async () => {
    guard(server, "Bearer t0k3n", challenge(other.url));
    expect(await failureOf(source.fetch(shop({ credentials: identity("refresh") }), signal))).toContain("tokenOrigins");
    expect(other.seen).toEqual([]);
    guard(server, "Bearer t0k3n", challenge(server.url));
    server.handlers["/token"] = (_request, response) =>
      void response.writeHead(307, { location: `${other.url}/token` }).end();
    expect(await failureOf(source.fetch(shop({ credentials: identity("refresh") }), signal))).toContain("answers 307");
    expect(other.seen).toEqual([]);
  });

  test("nobody in particular may ask a token service elsewhere", async () => {
    guard(server, "Bearer t0k3n", challenge(other.url));
    other.serve(TOKEN, JSON.stringify({ token: "t0k3n" }));
    expect((await source.fetch(shop(), signal)).bytes).toEqual(bytes);
    expect(proofs(other)).toEqual([undefined]);
  });

  test("a challenge after a redirect to another origin is not answered", async () => {
    server.handlers[`/v2/acme/shop/blobs/${digest}`] = (_request, response) =>
      void response.writeHead(307, { location: `${other.url}/blob` }).end();
    other.handlers["/blob"] = (_request, response) =>
      void response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    guard(server, BASIC, 'Basic realm="x"');
    expect(await failureOf(source.fetch(shop({ credentials: basic }), signal))).toContain(
      "SourceUnauthorized: Registry private (OTHER) wants credentials",
    );
    expect(proofs(other)).toEqual([undefined]);
  });

  test("a realm at the metadata service is not asked", async () => {
    guard(server, "Bearer t0k3n", 'Bearer realm="http://[64:ff9b::a9fe:a9fe]/token"');
    expect(await failureOf(source.fetch(shop(), signal))).toBe(
      "InvalidSpec: requests to [64:ff9b::a9fe:a9fe] are not allowed: its address is link-local, which no setting allows",
    );
  });

  test("429 is told with its pause, during which nobody asks", async () => {
    server.handlers["/v2/acme/shop/manifests/1.2.3"] = (_request, response) =>
      void response.writeHead(429, { "retry-after": "7" }).end();
    const first = await source.resolve(shop(), signal).catch((error: Failure) => error);
    expect(first).toMatchObject({ reason: "SourceUnavailable", retryAfterMs: 7000 });
    const second = (await source.resolve(shop(), signal).catch((error: Failure) => error)) as Failure;
    expect(second.message).toContain("asks for fewer requests (429)");
    expect(second.retryAfterMs).toBeLessThanOrEqual(7000);
    expect(server.seen).toHaveLength(1);
  });

  test("a token service that answers 429", async () => {
    guard(server, "Bearer t0k3n", challenge(server.url));
    server.handlers[TOKEN] = (_request, response) => void response.writeHead(429, { "retry-after": "7" }).end();
    const failure = await source.resolve(shop({ credentials: basic }), signal).catch((error: Failure) => error);
    expect(failure).toMatchObject({ reason: "SourceUnavailable", retryAfterMs: 7000 });
  });

  test.each([
    { fault: "no JSON", body: "<html>" },
    { fault: "no token", body: "{}" },
    { fault: "a token with a line end", body: JSON.stringify({ token: "a\r\nb" }) },
  ])("a token service that answers with $fault", async ({ body }) => {
    guard(server, "Bearer t0k3n", challenge(server.url));
    server.serve(TOKEN, body);
    expect(await failureOf(source.resolve(shop(), signal))).toBe(
      "SourceUnavailable: HOST answers without a token for acme/shop 1.2.3",
    );
  });

  test("a download that is cut", async () => {
    server.handlers[`/v2/acme/shop/blobs/${digest}`] = (_request, response) => {
      response.writeHead(200, { "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, 5), () => response.destroy());
    };
    expect(await failureOf(source.fetch(shop(), signal))).toBe(
      "SourceUnavailable: HOST is not available: it closed the connection",
    );
  });

  test("a manifest of another digest than the registry announces", async () => {
    server.serve("/v2/acme/shop/manifests/1.2.3", "{}", { "docker-content-digest": digest });
    expect(await failureOf(source.fetch(shop(), signal))).toBe(
      `InvalidChart: HOST lies: the manifest of acme/shop 1.2.3 is not what was promised: expected ${digest}, found ${digestOf("{}")}`,
    );
  });

  test("a tag that moved since it was resolved", async () => {
    const moved = gzipSync("another chart");
    push(server, { repository: "acme/shop", tag: "1.2.3", layers: [{ mediaType: CHART_LAYER, bytes: moved }] });
    expect(await failureOf(source.fetch({ ...shop(), digest }, signal))).toBe(
      `InvalidChart: chart shop 1.2.3 of oci://HOST is not what was promised: expected ${digest}, found ${digestOf(moved)}`,
    );
    expect(server.paths()).toEqual(["/v2/acme/shop/manifests/1.2.3"]);
  });

  test("what one access fetched, another does not get by knowing its digest", async () => {
    guard(server, BASIC, 'Basic realm="x"');
    await source.fetch(shop({ credentials: basic }), signal);
    expect(await failureOf(source.fetch({ ...shop(), digest }, signal))).toContain("SourceUnauthorized");
    // A registry of one's own may promise any digest; its bytes are asked for all the same.
    push(other, { repository: "acme/shop", tag: "1.2.3", layers: [{ mediaType: CHART_LAYER, bytes }] });
    delete other.handlers[`/v2/acme/shop/blobs/${digest}`];
    const lie = source.fetch({ ...shop({ url: `oci://${other.host}` }), digest }, signal);
    expect(await failureOf(lie)).toBe("ChartNotFound: OTHER has no acme/shop 1.2.3");
  });
});

describe("mirrors", () => {
  const shop = (more: Partial<RegistryAccess> = {}) => ({
    repo: {
      kind: "OCI" as const,
      url: `oci://${server.host}/acme`,
      mirrors: [`oci://${other.host}/mirror/acme`],
      ...more,
    },
    chart: "shop",
    version: "1.2.3",
  });
  const layers = [{ mediaType: CHART_LAYER, bytes }];

  test("are asked first, and then the registry is not", async () => {
    push(other, { repository: "mirror/acme/shop", tag: "1.2.3", layers });
    expect((await source.fetch(shop(), signal)).bytes).toEqual(bytes);
    expect(server.seen).toEqual([]);
  });

  test.each([
    { fault: "has nothing", at: () => undefined },
    {
      fault: "is broken",
      at: () => (other.handlers["/v2/mirror/acme/shop/manifests/1.2.3"] = (_, r) => void r.writeHead(500).end()),
    },
    {
      fault: "has other bytes under the digest",
      at: () => {
        push(other, { repository: "mirror/acme/shop", tag: "1.2.3", layers });
        other.serve(`/v2/mirror/acme/shop/blobs/${digest}`, "others");
      },
    },
    {
      fault: "has another digest than was resolved",
      at: () =>
        push(other, {
          repository: "mirror/acme/shop",
          tag: "1.2.3",
          layers: [{ mediaType: CHART_LAYER, bytes: gzipSync("x") }],
        }),
    },
  ])("a mirror that $fault: the registry is asked", async ({ at }) => {
    push(server, { repository: "acme/shop", tag: "1.2.3", layers });
    at();
    expect((await source.fetch({ ...shop(), digest }, signal)).bytes).toEqual(bytes);
    expect(other.seen.length).toBeGreaterThan(0);
  });

  test("when none has it, the sentence says what each said", async () => {
    other.handlers["/v2/mirror/acme/shop/tags/list?n=1000"] = (_request, response) =>
      void response.writeHead(503).end();
    expect(await failureOf(source.fetch(shop(), signal))).toBe(
      'ChartNotFound: oci://HOST/acme has no chart "shop"; its mirrors neither: OTHER answers 503 for the versions of mirror/acme/shop',
    );
  });

  test("get no credentials but those that a docker config JSON has for them", async () => {
    push(other, { repository: "mirror/acme/shop", tag: "1.2.3", layers });
    guard(other, BASIC, 'Basic realm="x"');
    push(server, { repository: "acme/shop", tag: "1.2.3", layers });
    await source.fetch(shop({ credentials: basic }), signal);
    expect(proofs(other)).toEqual([undefined]);
    const auths = [
      { host: other.host, path: "", credentials: { kind: "basic" as const, username: "me", password: "s3cret" } },
    ];
    await source.fetch(shop({ credentials: { kind: "docker", auths } }), signal);
    expect(proofs(other)).toEqual([undefined, undefined, BASIC, BASIC]);
  });

  test("one that never answers costs its own deadline only", async () => {
    await sources[Symbol.asyncDispose]();
    use({ deadlineMs: 2000 });
    other.handlers["/v2/mirror/acme/shop/manifests/1.2.3"] = () => undefined;
    push(server, { repository: "acme/shop", tag: "1.2.3", layers });
    expect((await source.fetch(shop(), signal)).bytes).toEqual(bytes);
  });
});

test("a registry that hangs disturbs no other", async () => {
  const hang = () => undefined;
  server.handlers["/index.yaml"] = hang;
  for (let n = 0; n < 50; n += 1) server.handlers[`/${n}/index.yaml`] = hang;
  const gone = new AbortController();
  const chart = { chart: "shop", version: "1.2.3" };
  const stuck = Array.from({ length: 50 }, (_, n) =>
    source.resolve({ repo: `${server.url}/${n}`, ...chart }, gone.signal),
  );
  other.serve("/index.yaml", index("shop.tgz"));
  expect(await source.resolve({ repo: other.url, ...chart }, signal)).toEqual({ version: "1.2.3", digest });
  gone.abort(new Error("enough"));
  await Promise.allSettled(stuck);
});

describe("over TLS", () => {
  const authority = createAuthority("registry authority");
  const own = authority.issue({ commonName: "registry", hosts: ["127.0.0.1"] });
  const client = authority.issue({ commonName: "strata-client" });
  const clientCertificate = { cert: client.certPem, key: client.keyPem };
  const chart = { chart: "shop", version: "1.2.3" };

  const start = (more: object = {}) => startWebServer({ cert: own.certPem, key: own.keyPem, ...more });
  const strict = { ca: authority.certPem, requestCert: true, rejectUnauthorized: true };

  test("a private authority is trusted where the Registry names it", async () => {
    await using secure = await start();
    secure.serve("/index.yaml", index("shop.tgz"));
    const repo = { kind: "Helm" as const, url: secure.url, ca: authority.certPem };
    expect(await source.resolve({ repo, ...chart }, signal)).toEqual({ version: "1.2.3", digest });
    const failure = await source
      .resolve({ repo: secure.url, ...chart }, signal)
      .catch((error: Failure) => error.message);
    expect(failure).toContain("is not available: its TLS certificate is not accepted");
  });

  test("a certificate for another host is not accepted", async () => {
    const elsewhere = authority.issue({ commonName: "x", hosts: ["registry.example"] });
    await using secure = await startWebServer({ cert: elsewhere.certPem, key: elsewhere.keyPem });
    const repo = { kind: "Helm" as const, url: secure.url, ca: authority.certPem };
    const failure = await source.resolve({ repo, ...chart }, signal).catch((error: Failure) => error.message);
    expect(failure).toContain("its TLS certificate is not accepted (ERR_TLS_CERT_ALTNAME_INVALID)");
  });

  test("a client certificate is shown to the registry, and to no other origin", async () => {
    await using secure = await start(strict);
    await using storage = await start({ ...strict, rejectUnauthorized: false });
    secure.serve("/index.yaml", index(`${storage.url}/shop.tgz`));
    storage.serve("/shop.tgz", bytes);
    const repo = { kind: "Helm" as const, url: secure.url, ca: authority.certPem, clientCertificate };
    expect((await source.fetch({ repo, ...chart }, signal)).bytes).toEqual(bytes);
    expect(secure.seen.map((one) => one.client)).toEqual(["strata-client"]);
    expect(storage.seen.map((one) => one.client)).toEqual([undefined]);
  });

  const to =
    (url: string): WebServer["handlers"][string] =>
    (_request, response) =>
      void response.writeHead(302, { location: url }).end();

  test("a client certificate goes along with redirects of the registry's own, and not back from elsewhere", async () => {
    await using secure = await start({ ...strict, rejectUnauthorized: false });
    secure.handlers["/index.yaml"] = to("/v2/index.yaml");
    secure.serve("/v2/index.yaml", index(`${secure.url}/shop.tgz`));
    secure.handlers["/shop.tgz"] = to(`${other.url}/away`);
    other.handlers["/away"] = to(`${secure.url}/home`);
    secure.serve("/home", bytes);
    const repo = { kind: "Helm" as const, url: secure.url, ca: authority.certPem, clientCertificate };
    expect((await source.fetch({ repo, ...chart }, signal)).bytes).toEqual(bytes);
    const shown = "strata-client";
    expect(secure.seen.map((one) => one.client)).toEqual([shown, shown, shown, undefined]);
  });

  test("a redirect out of the folder of a docker configuration shows nothing of it there", async () => {
    await using secure = await start();
    secure.serve("/b/secret", "of another team");
    secure.handlers["/a/go"] = to("/b/secret");
    const host = new URL(secure.url).host;
    const auths = [{ host, path: "a", credentials: { kind: "basic" as const, username: "me", password: "s3cret" } }];
    const registry = {
      kind: "Helm" as const,
      url: `${secure.url}/a`,
      ca: authority.certPem,
      credentials: { kind: "docker" as const, auths },
    };
    await failureOf(sources.urls.text({ url: `${secure.url}/a/go`, sha256: "0".repeat(64), registry }, signal));
    expect(secure.seen.map(({ path, headers }) => [path, headers.authorization !== undefined])).toEqual([
      ["/a/go", true],
      ["/b/secret", false],
    ]);
  });

  test("an address elsewhere leads to nothing that a client certificate opens, and tells no digest of it", async () => {
    await using secure = await start(strict);
    await using lenient = await start({ ...strict, rejectUnauthorized: false });
    for (const at of [secure, lenient]) {
      at.serve("/others/secret", "of another team");
      at.serve("/mine/open", "of ours");
      at.handlers["/mine/out"] = to("/others/secret");
    }
    const ask = async (at: WebServer, url: string) => {
      const registry = { kind: "Helm" as const, url: `${at.url}/mine`, ca: authority.certPem, clientCertificate };
      return failureOf(sources.urls.text({ url, sha256: "0".repeat(64), registry }, signal));
    };
    for (const path of ["/others/secret", "/mine/open"]) {
      other.handlers["/"] = to(`${secure.url}${path}`);
      expect(await ask(secure, `${other.url}/`)).not.toContain("found");
      expect(secure.seen).toEqual([]);
    }
    other.handlers["/"] = to(`${lenient.url}/others/secret`);
    // What nobody was shown anything for is open to all.
    expect(await ask(lenient, `${other.url}/`)).toContain(digestOf("of another team"));
    expect(await ask(lenient, `${lenient.url}/mine/open`)).toContain("found other bytes");
    expect(await ask(lenient, `${lenient.url}/mine/out`)).toContain("found other bytes");
    const shown = "strata-client";
    expect(lenient.seen.map((one) => one.client)).toEqual([undefined, shown, shown, undefined]);
  });

  test.each([
    { given: { ca: "no PEM" }, sentence: "InvalidSpec: the CA of Registry private is no certificate in PEM" },
    { given: { ca: "" }, sentence: "InvalidSpec: the CA of Registry private is no certificate in PEM" },
    {
      given: { ca: authority.certPem.replace("MII", "MIX") },
      sentence: "InvalidSpec: the CA of Registry private is no certificate in PEM",
    },
    {
      given: { clientCertificate: { cert: "no PEM", key: own.keyPem } },
      sentence:
        "InvalidSpec: the client certificate of Registry private or its key cannot be used: PEM of both is expected, of one another",
    },
    {
      given: { clientCertificate: { cert: client.certPem, key: own.keyPem } },
      sentence:
        "InvalidSpec: the client certificate of Registry private or its key cannot be used: PEM of both is expected, of one another",
    },
  ])("$sentence", async ({ given, sentence }) => {
    const repo = { kind: "Helm" as const, url: "https://127.0.0.1:1", name: "Registry private", ...given };
    expect(await failureOf(source.resolve({ repo, ...chart }, signal))).toBe(sentence);
  });
});

describe("addresses", () => {
  const chart = { chart: "shop", version: "1.2.3" };
  beforeEach(async () => {
    await sources[Symbol.asyncDispose]();
    use({ allowedNetworks: [] });
  });

  test.each([
    "http://169.254.169.254/",
    "https://2852039166/",
    "https://0251.0376.0251.0376/",
    "https://0xa9fea9fe/",
    "https://169.254.169.254./",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[fd00:ec2::254]/",
    "oci://2852039166/charts",
    "oci://[::ffff:a9fe:a9fe]/charts",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://localhost/",
    "oci://localhost:5000/charts",
    "https://10.1.2.3/",
    "https://[::1]/",
    "https://0.0.0.0/",
    "https://[fd12:3456::1]/",
  ])("%s is not asked", async (repo) => {
    expect(await failureOf(source.resolve({ repo, ...chart }, signal))).toMatch(
      /^InvalidSpec: requests to .* are not allowed: its address is /,
    );
  });

  test.each([
    {
      repo: "https://10.1.2.3/",
      sentence:
        "InvalidSpec: requests to 10.1.2.3 are not allowed: its address is private; whoever runs Strata can add its network to allowedNetworks",
    },
    {
      repo: "oci://localhost:5000/charts",
      sentence:
        "InvalidSpec: requests to localhost are not allowed: its address is loopback, Strata's own host, which only setups for tests add to allowedNetworks",
    },
    {
      repo: "https://2852039166/",
      sentence:
        "InvalidSpec: requests to 169.254.169.254 are not allowed: its address is link-local, which no setting allows",
    },
  ])("a person reads: $sentence", async ({ repo, sentence }) => {
    expect(await failureOf(source.resolve({ repo, ...chart }, signal))).toBe(sentence);
  });

  test("a network that the configuration allows is asked, and no other", async () => {
    await sources[Symbol.asyncDispose]();
    use({ allowedNetworks: ["127.0.0.1/32"] });
    server.serve("/index.yaml", index("shop.tgz"));
    expect(await source.resolve({ repo: server.url, ...chart }, signal)).toEqual({ version: "1.2.3", digest });
    const next = `https://127.0.0.2:${new URL(server.url).port}/`;
    expect(await failureOf(source.resolve({ repo: next, ...chart }, signal))).toContain("its address is loopback");
  });

  test("no redirect and no token service leads into a private network either", async () => {
    await sources[Symbol.asyncDispose]();
    use({ allowedNetworks: ["127.0.0.1/32"] });
    server.handlers["/index.yaml"] = (_request, response) =>
      response.writeHead(302, { location: "https://10.1.2.3/index.yaml" }).end();
    const challenge = 'Bearer realm="https://192.168.1.1/token"';
    server.handlers["/v2/charts/shop/manifests/1.2.3"] = (_request, response) =>
      response.writeHead(401, { "www-authenticate": challenge }).end();
    const redirected = source.resolve({ repo: server.url, ...chart }, signal);
    expect(await failureOf(redirected)).toContain("requests to 10.1.2.3 are not allowed: its address is private");
    const challenged = source.resolve({ repo: `oci://${server.host}/charts`, ...chart }, signal);
    expect(await failureOf(challenged)).toContain("requests to 192.168.1.1 are not allowed: its address is private");
  });
});

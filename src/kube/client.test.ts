import type { Settings } from "node:http2";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createAuthority } from "../../test/support/certificates.ts";
import { isExactNumber } from "../objects/json.ts";
import { accessOf, type ClusterAccess } from "./access.ts";
import { ApiError, ConnectionError } from "./api-error.ts";
import { connect } from "./client.ts";
import { toFailure } from "./failures.ts";
import { serviceAccountIdentity } from "./identity.ts";
import { coreResource, type Resource } from "./resource.ts";
import { answer, failure, type Script, startServer } from "./testing/api-server.ts";
import { FakeClock, settle } from "./testing/fake-clock.ts";
import type { RequestRecord } from "./transport.ts";

const { signal } = new AbortController();
const CONFIG_MAP = coreResource("ConfigMap", "configmaps", true);
const SECRET = coreResource("Secret", "secrets", true);
const ROLE: Resource = {
  ...coreResource("ClusterRole", "clusterroles", false),
  group: "rbac.authorization.k8s.io",
};
const configMap = (name = "a") => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } });
const ok: Script = (_seen, response) => answer(response, 200, configMap());

describe("what goes over the wire", () => {
  test("names keep their case and are escaped; the host's path prefix stays", async () => {
    await using server = await startServer(ok);
    await using client = connect(accessOf({ server: `${server.access.server}/k8s/clusters/c-1/` }));
    await client.get(ROLE, { name: "MyApp:Viewer" }, { signal });
    expect(server.seen[0]?.path).toBe(
      "/k8s/clusters/c-1/apis/rbac.authorization.k8s.io/v1/clusterroles/MyApp%3AViewer",
    );
  });

  test.each(["", ".", "..", "a/status", "a%2Fstatus"])(
    "the name %j is refused before anything is sent",
    async (name) => {
      await using server = await startServer(ok);
      const refused = server.client().get(CONFIG_MAP, { namespace: "default", name }, { signal });
      await expect(refused).rejects.toMatchObject({ reason: "InvalidObject" });
      expect(server.seen).toEqual([]);
    },
  );

  test("a namespaced kind without a namespace is refused before anything is sent", async () => {
    await using server = await startServer(ok);
    const refused = server.client().get(CONFIG_MAP, { name: "a" }, { signal });
    await expect(refused).rejects.toMatchObject({ reason: "NamespaceMissing" });
  });

  test("apply sends manager, force and strict validation, and says whether it created", async () => {
    await using server = await startServer((_seen, response) => answer(response, 201, configMap()));
    const client = server.client({ userAgent: "strata/9" });
    const result = await client.apply(CONFIG_MAP, configMap(), {
      manager: "strata-1",
      force: true,
      dryRun: true,
      signal,
    });
    expect(result).toEqual({ created: true, object: configMap() });
    const [seen] = server.seen;
    expect(`${seen?.method} ${seen?.url}`).toBe(
      "PATCH /api/v1/namespaces/default/configmaps/a?fieldManager=strata-1&fieldValidation=Strict&dryRun=All&force=true",
    );
    expect(seen?.headers).toMatchObject({ "content-type": "application/apply-patch+yaml", "user-agent": "strata/9" });
  });

  test("integers beyond 2^53 arrive and come back digit by digit", async () => {
    await using server = await startServer((_seen, response) => {
      response.end('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"n":9007199254740993}');
    });
    const object = {
      ...configMap(),
      n: (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON("9223372036854775807"),
    };
    const result = await server.client().apply(CONFIG_MAP, object, { manager: "m", force: false, signal });
    expect(server.seen[0]?.body).toContain('"n":9223372036854775807');
    const back = result.object["n"];
    expect(isExactNumber(back) && back.rawJSON).toBe("9007199254740993");
  });

  test("metadata-only answers carry the kind of their resource, and nothing but metadata", async () => {
    await using server = await startServer((_seen, response) =>
      answer(response, 200, {
        apiVersion: "meta.k8s.io/v1",
        kind: "PartialObjectMetadata",
        metadata: { name: "a" },
        data: {},
      }),
    );
    const object = await server
      .client()
      .get(CONFIG_MAP, { namespace: "default", name: "a" }, { metadataOnly: true, signal });
    expect(object).toEqual({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } });
    expect(server.seen[0]?.headers.accept).toContain("as=PartialObjectMetadata;");
  });

  test("delete sends its preconditions", async () => {
    await using server = await startServer((_seen, response) =>
      answer(response, 200, { kind: "Status", status: "Success" }),
    );
    const key = { namespace: "default", name: "a" };
    await server
      .client()
      .delete(CONFIG_MAP, key, { uid: "u", resourceVersion: "7", propagationPolicy: "Foreground", signal });
    expect(JSON.parse(server.seen[0]?.body ?? "")).toMatchObject({
      preconditions: { uid: "u", resourceVersion: "7" },
      propagationPolicy: "Foreground",
    });
  });

  test("a list comes in pages, gzipped or not, and its items know their kind", async () => {
    await using server = await startServer(({ query }, response) => {
      const second = query.get("continue") === "next";
      const metadata = second ? { resourceVersion: "5" } : { resourceVersion: "5", continue: "next" };
      const page = { kind: "ConfigMapList", metadata, items: [{ metadata: { name: second ? "b" : "a" } }] };
      response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync(JSON.stringify(page)));
    });
    const list = await server
      .client()
      .listAll(CONFIG_MAP, { namespace: "x", labelSelector: "a=b,c", limit: 1, signal });
    expect(list).toEqual({
      items: ["a", "b"].map((name) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } })),
      resourceVersion: "5",
    });
    expect(server.seen.map(({ url }) => url)).toEqual([
      "/api/v1/namespaces/x/configmaps?labelSelector=a%3Db%2Cc&limit=1",
      "/api/v1/namespaces/x/configmaps?labelSelector=a%3Db%2Cc&limit=1&continue=next",
    ]);
  });

  test("a list that the server forgot between two pages is asked for again in one piece", async () => {
    await using server = await startServer(({ query }, response) => {
      if (query.get("continue")) {
        answer(response, 410, failure(410, "Expired", "too old"));
      } else {
        const whole = query.get("limit") === "0";
        answer(response, 200, {
          metadata: { resourceVersion: "9", continue: whole ? "" : "next" },
          items: [configMap()],
        });
      }
    });
    const list = await server.client().listAll(CONFIG_MAP, { signal });
    expect(list).toMatchObject({ items: [configMap()], resourceVersion: "9" });
  });
});

describe("identity", () => {
  test("an impersonating client sends user and several groups with every request, on connections of its own", async () => {
    await using server = await startServer(ok);
    const client = server.client();
    const tenant = client.asUser({ user: "ann", groups: ["a", "b: c"], extra: { "X.y/Z": ["1", "2"] } });
    await client.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal });
    await tenant.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal });
    const [own, acting] = server.seen.map(({ rawHeaders }) =>
      rawHeaders.flatMap((name, i) =>
        i % 2 === 0 && name.startsWith("Impersonate") ? [`${name}: ${rawHeaders[i + 1]}`] : [],
      ),
    );
    expect(own).toEqual([]);
    expect(acting).toEqual([
      "Impersonate-User: ann",
      "Impersonate-Group: a",
      "Impersonate-Group: b: c",
      "Impersonate-Extra-x.y%2Fz: 1",
      "Impersonate-Extra-x.y%2Fz: 2",
    ]);
    expect(server.connections).toBe(2);
    expect(client.asUser(serviceAccountIdentity("acme", "default"))).toBe(
      client.asUser({ user: "system:serviceaccount:acme:default" }),
    );
    expect(client.asUser(serviceAccountIdentity("acme", "other"))).not.toBe(
      client.asUser(serviceAccountIdentity("acme", "default")),
    );
  });

  test.each([
    ["an empty user", { user: "" }],
    ["a user of spaces", { user: " " }],
    ["a user with a line break", { user: "a\r\nImpersonate-Group: system:masters" }],
    ["an empty group", { user: "a", groups: ["b", ""] }],
    ["an empty uid", { user: "a", uid: "" }],
    ["an empty extra value", { user: "a", extra: { scopes: [""] } }],
  ])("%s is refused, and never means Strata itself", async (_name, identity) => {
    await using server = await startServer(ok);
    expect(() => server.client().asUser(identity)).toThrow(/refused/);
  });

  test.each([
    ["", "default"],
    ["acme", ""],
    ["acme:default", "x"],
    ["acme", "a b"],
  ])("no ServiceAccount identity of %j and %j", (namespace, name) => {
    expect(() => serviceAccountIdentity(namespace, name)).toThrow(/serviceAccountName/);
  });
});

describe("tokens", () => {
  const withToken = (access: ClusterAccess, tokens: string[], asked: boolean[]): ClusterAccess => ({
    ...access,
    token: (renew) => {
      asked.push(renew);
      if (renew && tokens.length > 1) {
        tokens.shift();
      }
      return Promise.resolve(tokens[0]);
    },
  });
  const onlyNew: Script = ({ headers }, response) =>
    headers.authorization === "Bearer new"
      ? answer(response, 200, configMap())
      : answer(response, 401, failure(401, "Unauthorized", "Unauthorized"));

  test("after a 401 the token is read again and the request repeated once", async () => {
    await using server = await startServer(onlyNew);
    const asked: boolean[] = [];
    await using client = connect(withToken(server.access, ["old", "new"], asked));
    await client.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal });
    expect(asked).toEqual([false, true]);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer old", "Bearer new"]);
  });

  test("a 401 is not repeated when there is no other token", async () => {
    await using server = await startServer(onlyNew);
    await using client = connect(withToken(server.access, ["old"], []));
    const refused = client.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal });
    await expect(refused).rejects.toMatchObject({ status: 401 });
    expect(server.seen).toHaveLength(1);
  });

  test("a token that cannot be read is a failure of the connection, in words without its source's", async () => {
    await using server = await startServer(ok);
    await using client = connect({ ...server.access, token: () => Promise.reject(new Error("canary")) });
    const refused = client.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal });
    await expect(refused).rejects.toMatchObject({ code: "TOKEN", message: expect.not.stringContaining("canary") });
  });

  test("rotated credentials serve the next request of every client of the cluster, on the same connections", async () => {
    await using server = await startServer(onlyNew);
    await using client = connect(accessOf({ server: server.access.server, tokenText: "old" }));
    const tenant = client.asUser({ user: "u" });
    const get = () => tenant.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal });
    await expect(get()).rejects.toMatchObject({ status: 401 });
    await settle();
    client.rotate(accessOf({ server: server.access.server, tokenText: "new" }));
    await get();
    expect(server.connections).toBe(1);
  });
});

const authority = createAuthority("ca");
const { certPem, keyPem } = authority.issue({ commonName: "server", hosts: ["127.0.0.1", "kubernetes"] });

describe("TLS", () => {
  const stranger = createAuthority("stranger");
  const admin = authority.issue({ commonName: "admin" });
  const tls = { cert: certPem, key: keyPem, ca: authority.certPem, requestCert: true, rejectUnauthorized: true };
  const clientCert = admin;
  const cases: [name: string, access: (server: string) => ClusterAccess, want: RegExp | undefined][] = [
    ["the right authority", (server) => accessOf({ server, caPem: authority.certPem, clientCert }), undefined],
    [
      "the server's other name",
      (server) =>
        accessOf({
          server: server.replace("127.0.0.1", "localhost"),
          caPem: authority.certPem,
          clientCert,
          serverName: "kubernetes",
        }),
      undefined,
    ],
    [
      "another authority",
      (server) => accessOf({ server, caPem: stranger.certPem, clientCert }),
      /127\.0\.0\.1:\d+: its certificate is signed by an unknown authority/,
    ],
    ["no authority", (server) => accessOf({ server, clientCert }), /signed by an unknown authority/],
    [
      "another name",
      (server) => accessOf({ server, caPem: authority.certPem, clientCert, serverName: "x" }),
      /certificate is for another name/,
    ],
    [
      "a client certificate of another cluster",
      (server) => accessOf({ server, caPem: authority.certPem, clientCert: stranger.issue({ commonName: "admin" }) }),
      /refused the TLS handshake|the connection was cut/,
    ],
  ];
  test.each(
    cases.flatMap(([name, ...rest]) => [
      [name, "HTTP/1.1", undefined, ...rest] as const,
      [name, "HTTP/2", {}, ...rest] as const,
    ]),
  )("%s, over %s", async (_name, _protocol, http2, access, want) => {
    await using server = await startServer(ok, tls, http2);
    await using client = connect(access(server.access.server));
    const got = await client.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal }).catch((error: Error) => error);
    if (want === undefined) {
      expect(got).toEqual(configMap());
    } else {
      expect(got).toBeInstanceOf(ConnectionError);
      expect(toFailure(got, "edge")).toMatchObject({ reason: "Unreachable", message: expect.stringMatching(want) });
    }
  });

  test("a rotated authority is taken up by the next request", async () => {
    await using server = await startServer(ok, tls);
    const access = (caPem: string) => accessOf({ server: server.access.server, caPem, clientCert });
    await using client = connect(access(stranger.certPem));
    const get = () => client.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal });
    await expect(get()).rejects.toThrow(/unknown authority/);
    client.rotate(access(authority.certPem));
    expect(await get()).toEqual(configMap());
  });
});

describe("faults", () => {
  const tls = { cert: certPem, key: keyPem, ca: authority.certPem };
  const get = (client: ReturnType<typeof connect>, options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
    client.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal, ...options });

  const faults: [name: string, script: Script, want: object][] = [
    [
      "429 with Retry-After",
      (_seen, response) => answer(response, 429, failure(429, "TooManyRequests", "slow"), { "Retry-After": "7" }),
      { reason: "Throttled", retryAfterMs: 7_000 },
    ],
    [
      "503 with Retry-After, not from Kubernetes",
      (_seen, response) => response.writeHead(503, { "Retry-After": "2" }).end("<html>canary</html>"),
      { reason: "ServerError", retryAfterMs: 2_000, message: "edge: the server answered HTTP 503 without saying why" },
    ],
    [
      "retryAfterSeconds in the Status",
      (_seen, response) => answer(response, 500, failure(500, "ServerTimeout", "later", { retryAfterSeconds: 3 })),
      { reason: "ServerError", retryAfterMs: 3_000 },
    ],
    [
      "a reset",
      (_seen, _response, socket) => socket.resetAndDestroy(),
      { reason: "Unreachable", message: expect.stringMatching(/127\.0\.0\.1:\d+: the connection was cut/) },
    ],
    [
      "a body that is cut",
      (_seen, response, socket) =>
        response.writeHead(200, { "Content-Length": "100" }).write('{"met', () => socket.destroy()),
      { reason: "Unreachable", message: expect.stringContaining("the connection was cut") },
    ],
    [
      "an answer that is not JSON",
      (_seen, response) => response.end("canary"),
      { reason: "Unreachable", message: "edge: the answer is not one of a Kubernetes API server" },
    ],
    ["an answer that is no object", (_seen, response) => answer(response, 200, ["canary"]), { reason: "Unreachable" }],
    [
      "a redirect",
      (_seen, response) => response.writeHead(302, { Location: "https://canary/" }).end(),
      { reason: "ServerError" },
    ],
    [
      "gzip that is none",
      (_seen, response) => response.writeHead(200, { "Content-Encoding": "gzip" }).end("canary"),
      { reason: "Unreachable", message: expect.stringContaining("its answer was corrupt") },
    ],
  ];
  const protocols: [name: string, http2: Settings | undefined][] = [
    ["HTTP/1.1", undefined],
    ["HTTP/2", {}],
  ];
  test.each(
    protocols.flatMap(([name, http2]) => faults.map(([fault, ...rest]) => [fault, name, http2, ...rest] as const)),
  )("%s, over %s", async (_name, _protocol, http2, script, want) => {
    await using server = await startServer(script, tls, http2);
    const error: unknown = await get(server.client()).catch((caught: unknown) => caught);
    const got = toFailure(error, "edge");
    expect(got).toMatchObject(want);
    expect(got.message).not.toContain("canary");
    expect(server.seen).toHaveLength(1);
  });

  test("connection refused is said in words, with host and port", async () => {
    const { port } = await startServer(ok).then(async (server) => {
      await server[Symbol.asyncDispose]();
      return server;
    });
    await using client = connect(accessOf({ server: `https://127.0.0.1:${port}` }));
    await expect(get(client)).rejects.toThrow(`127.0.0.1:${port}: connection refused`);
  });

  test("a server that never answers, and one that never ends its answer, are left after the time limit", async () => {
    await using server = await startServer(({ path }, response) => {
      if (path.endsWith("/b")) {
        response.write("{");
      }
    });
    const client = server.client();
    const late = ["a", "b"].map((name) => client.get(CONFIG_MAP, { namespace: "x", name }, { signal, timeoutMs: 50 }));
    for (const outcome of await Promise.allSettled(late)) {
      expect(outcome).toMatchObject({
        reason: { code: "TIMEOUT", message: expect.stringContaining("no answer within 0.05 s") },
      });
    }
  });

  test("the time limit is 30 s by default", async () => {
    const clock = new FakeClock();
    const arrived = Promise.withResolvers<void>();
    await using server = await startServer(() => arrived.resolve());
    const refused = expect(get(server.client({ clock }))).rejects.toThrow("no answer within 30 s");
    await arrived.promise;
    expect(clock.waiting).toEqual([30_000]);
    await clock.advance(30_000);
    await refused;
  });

  test("an aborted signal ends the request at once, with its own reason", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await startServer(() => arrived.resolve());
    const controller = new AbortController();
    const reason = new Error("shutting down");
    const refused = expect(get(server.client(), { signal: controller.signal })).rejects.toBe(reason);
    await arrived.promise;
    controller.abort(reason);
    await refused;
  });

  test("close ends what runs; a closed client refuses", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await startServer(() => arrived.resolve());
    const client = server.client();
    const running = expect(get(client)).rejects.toThrow(/the client was closed/);
    await arrived.promise;
    await client.close();
    await running;
    await expect(get(client)).rejects.toThrow(/the client was closed/);
  });

  test("no more requests at a time than allowed; whoever is aborted in the line leaves it", async () => {
    const open: (() => void)[] = [];
    await using server = await startServer((_seen, response) => {
      open.push(() => answer(response, 200, configMap()));
    });
    const client = server.client({ concurrency: 2 });
    const controller = new AbortController();
    const first = [get(client), get(client)];
    const third = get(client, { signal: controller.signal });
    const fourth = get(client);
    await expect.poll(() => open.length).toBe(2);
    controller.abort(new Error("gone"));
    await expect(third).rejects.toThrow("gone");
    await settle();
    expect(server.seen).toHaveLength(2);
    for (const end of open.splice(0)) {
      end();
    }
    await Promise.all(first);
    await expect.poll(() => open.length).toBe(1);
    open[0]?.();
    await fourth;
    expect(server.seen).toHaveLength(3);
  });

  test("each HTTP request is told for the metrics, those without an answer as status 0", async () => {
    const records: RequestRecord[] = [];
    await using server = await startServer(({ path }, response, socket) =>
      path.endsWith("/b") ? socket.destroy() : answer(response, 404, failure(404, "NotFound", "x", { name: "a" })),
    );
    const client = server.client({ onRequest: (record) => records.push(record) });
    expect(await client.find(CONFIG_MAP, { namespace: "x", name: "a" }, { signal })).toBeUndefined();
    await expect(client.find(ROLE, { name: "b" }, { signal })).rejects.toBeInstanceOf(ConnectionError);
    expect(records).toEqual([
      { verb: "get", resource: "configmaps", status: 404, ms: expect.any(Number) },
      { verb: "get", resource: "clusterroles.rbac.authorization.k8s.io", status: 0, ms: expect.any(Number) },
    ]);
  });

  test("a request without an answer in its time is told too, one that was given up is not", async () => {
    const records: RequestRecord[] = [];
    const clock = new FakeClock();
    await using server = await startServer(() => undefined);
    const client = server.client({ clock, onRequest: (record) => records.push(record) });
    const giveUp = new AbortController();
    const get = (signal: AbortSignal) => client.get(ROLE, { name: "a" }, { signal }).catch((error: unknown) => error);
    const all = [get(signal), get(giveUp.signal)];
    await expect.poll(() => server.seen.length).toBe(2);
    giveUp.abort(new Error("enough"));
    await clock.advance(30_000);
    await Promise.all(all);
    expect(records).toMatchObject([{ verb: "get", status: 0, ms: 30_000, isLate: true }]);
  });

  test("find: a kind that is not served is an error, not an absent object", async () => {
    await using server = await startServer((_seen, response) => response.writeHead(404).end("404 page not found"));
    const refused = server.client().find(CONFIG_MAP, { namespace: "x", name: "a" }, { signal });
    await expect(refused).rejects.toBeInstanceOf(ApiError);
  });

  test("an error about a Secret repeats none of its values, whoever wrote the message", async () => {
    const value = "canary-value-1";
    const encoded = Buffer.from(value).toString("base64");
    await using server = await startServer((_seen, response) =>
      answer(
        response,
        422,
        failure(422, "Invalid", `denied: ${value} and ${encoded}: data[a]: Invalid value: "other canary": bad`, {
          causes: [{ reason: "FieldValueInvalid", field: "data[a]", message: 'Invalid value: "other canary": bad' }],
        }),
      ),
    );
    const object = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "x" }, data: { a: encoded } };
    const error: unknown = await server
      .client()
      .apply(SECRET, object, { manager: "m", force: false, signal })
      .catch((caught: unknown) => caught);
    const told = JSON.stringify([error, (error as Error).message, toFailure(error, "Secret x/s").message]);
    expect(told).toContain("data[a]");
    expect(told).not.toContain("canary");
    expect(told).not.toContain(encoded);
  });
});

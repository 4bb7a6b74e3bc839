import { execFile } from "node:child_process";
import { once } from "node:events";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { createAuthority } from "../../../test/support/certificates.ts";
import { startTcpProxy, type TcpProxy } from "../../../test/support/tcp-proxy.ts";
import { accessOf } from "../access.ts";
import { connect } from "../client.ts";
import { toFailure } from "../failures.ts";
import { coreResource } from "../resource.ts";
import { answer, type Script, type ScriptedServer, startServer } from "../testing/api-server.ts";
import { FakeClock, settle } from "../testing/fake-clock.ts";
import type { HttpStream } from "../transport.ts";

const CONFIG_MAP = coreResource("ConfigMap", "configmaps", true);
const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "x" } };
const { signal } = new AbortController();
const authority = createAuthority("ca");
const { certPem, keyPem } = authority.issue({ commonName: "server", hosts: ["127.0.0.1"] });
const tls = { cert: certPem, key: keyPem, ca: authority.certPem };

type Client = ReturnType<ScriptedServer["client"]>;
const get = (client: Client, name = "a") => client.get(CONFIG_MAP, { namespace: "x", name }, { signal });
const watch = (client: Client, life: AbortSignal = signal) =>
  client.watch(CONFIG_MAP, { timeoutSeconds: 300, signal: life });

/** Answers reads at once, and begins watches that never end. */
const serve: Script = ({ query }, response) =>
  query.has("watch") ? void response.writeHead(200).write("{}\n") : answer(response, 200, object);
const streamOf = (response: unknown) => (response as { stream: ServerHttp2Stream }).stream;

const through = ({ port }: TcpProxy, { access }: ScriptedServer) => ({
  ...access,
  server: `https://127.0.0.1:${port}`,
});

/** How a stream ended: `end`, or what it threw. */
async function endOf({ chunks }: HttpStream): Promise<unknown> {
  try {
    for await (const _ of chunks);
    return "end";
  } catch (error) {
    return error;
  }
}

const isUp = (clients: Client) => expect(get(clients)).resolves.toEqual(object);

describe("one session", () => {
  test("carries requests and watches of one identity; another identity has its own", async () => {
    await using server = await startServer(serve, tls, {});
    const client = server.client();
    await Promise.all([...Array.from({ length: 42 }, () => watch(client)), get(client), get(client)]);
    expect(server.connections).toBe(1);
    await get(client.asUser({ user: "ann" }));
    expect(server.connections).toBe(2);
  });

  test("lets a large list come in one go, its windows wide open", async () => {
    await using server = await startServer(serve, tls, {});
    await isUp(server.client());
    const [session] = server.sessions;
    expect(session?.remoteSettings).toMatchObject({ initialWindowSize: 4_194_304, enablePush: false });
    expect(session?.state.remoteWindowSize).toBeGreaterThan(30_000_000);
  });

  test("a watch that is aborted ends alone", async () => {
    const resets: number[] = [];
    await using server = await startServer(
      (seen, response, socket) => {
        const stream = streamOf(response);
        stream.on("close", () => resets.push(stream.rstCode));
        serve(seen, response, socket);
      },
      tls,
      {},
    );
    const client = server.client();
    const life = new AbortController();
    const [first, second] = await Promise.all([watch(client, life.signal), watch(client)]);
    const ends = [endOf(first), endOf(second)];
    life.abort(new Error("enough"));
    expect(await ends[0]).toMatchObject({ message: "enough" });
    await expect.poll(() => resets).toEqual([constants.NGHTTP2_CANCEL]);
    await isUp(client);
    expect(server.connections).toBe(1);
  });

  test("keeps an answer that came to its end before anybody has read of it", async () => {
    const brief: Script = (seen, response, socket) =>
      seen.query.has("watch") ? void response.end("{}\n") : serve(seen, response, socket);
    await using server = await startServer(brief, tls, {});
    const client = server.client();
    const early = await watch(client);
    // Its answer comes behind the other's end.
    await isUp(client);
    let text = "";
    for await (const chunk of early.chunks) text += Buffer.from(chunk).toString();
    expect(text).toBe("{}\n");
    expect(server.connections).toBe(1);
  });

  test("a list that its reader takes slowly holds nobody up", async () => {
    const big = JSON.stringify({ ...object, data: { a: "x".repeat(8_000_000) } });
    await using server = await startServer(
      ({ query, path }, response) => {
        if (query.has("watch")) response.end(`${big}\n`);
        else answer(response, 200, path.endsWith("/a") ? object : JSON.parse(big));
      },
      tls,
      {},
    );
    const client = server.client();
    const slow = await watch(client);
    const chunks = slow.chunks[Symbol.asyncIterator]();
    let size = (await chunks.next()).value?.length ?? 0;
    await isUp(client);
    expect((await get(client, "big"))["data"]).toEqual({ a: "x".repeat(8_000_000) });
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) size += next.value.length;
    expect(size).toBe(big.length + 1);
    expect(server.connections).toBe(1);
  }, 30_000);

  test("has its room back after answers that nobody reads", async () => {
    const known: Script = (seen, response, socket) =>
      seen.headers.authorization === "Bearer new" ? serve(seen, response, socket) : response.writeHead(401).write("{");
    await using server = await startServer(known, tls, { maxConcurrentStreams: 4 });
    const token = (renew: boolean) => Promise.resolve(renew ? "new" : "old");
    await using client = connect({ ...server.access, token });
    for (let turn = 0; turn < 10; turn += 1) {
      await isUp(client);
      await settle();
    }
    expect([server.seen.length, server.connections]).toEqual([20, 1]);
  });

  test("takes as many large objects as may be sent at once", async () => {
    await using server = await startServer(serve, tls, {});
    const client = server.client();
    const large = { ...object, data: { a: "x".repeat(1_500_000) } };
    const write = () => client.apply(CONFIG_MAP, large, { manager: "m", force: false, signal });
    await Promise.all(Array.from({ length: 16 }, write));
    expect(server.connections).toBe(1);
  });

  test("close ends what runs, with its connections", async () => {
    await using server = await startServer(serve, tls, {});
    const client = server.client();
    const end = endOf(await watch(client));
    await client.close();
    expect(await end).toMatchObject({ message: expect.stringContaining("the client was closed") });
    await expect(get(client)).rejects.toThrow(/the client was closed/);
    await expect.poll(() => server.sockets.size).toBe(0);
  });
});

describe("more than one session", () => {
  test("opens when the first has as many streams as the server takes; nobody waits", async () => {
    await using server = await startServer(serve, tls, { maxConcurrentStreams: 10 });
    const client = server.client();
    await Promise.all(Array.from({ length: 25 }, () => watch(client)));
    expect(server.connections).toBe(3);
    await isUp(client);
    expect(server.connections).toBe(3);
  });

  test("a server that takes no streams at all is not asked again and again", async () => {
    await using server = await startServer(serve, tls, { maxConcurrentStreams: 0 });
    await expect(get(server.client())).rejects.toThrow(/it takes no requests on a connection/);
    expect(server.connections).toBe(1);
  });

  test("after GOAWAY running streams go on, and new ones have a new session; the old one ends with its last", async () => {
    await using server = await startServer(serve, tls, {});
    const client = server.client();
    const life = new AbortController();
    const running = await watch(client, life.signal);
    const [old] = server.sessions;
    const chunks = running.chunks[Symbol.asyncIterator]();
    await chunks.next();
    old?.goaway(constants.NGHTTP2_NO_ERROR);
    await expect.poll(async () => [await get(client), server.connections][1]).toBe(2);
    expect(server.sockets.size).toBe(2);
    const next = chunks.next();
    life.abort(new Error("done"));
    await expect(next).rejects.toThrow("done");
    await expect.poll(() => server.sockets.size).toBe(1);
    await isUp(client);
    expect(server.connections).toBe(2);
  });

  test("rotated certificates: the next request has a session of its own, the old one ends with its last stream", async () => {
    await using server = await startServer(serve, { ...tls, requestCert: true }, {});
    const access = (user: string) =>
      accessOf({
        server: server.access.server,
        caPem: authority.certPem,
        clientCert: authority.issue({ commonName: user }),
      });
    await using client = connect(access("first"));
    const life = new AbortController();
    const end = endOf(await watch(client, life.signal));
    client.rotate(access("second"));
    await isUp(client);
    await isUp(client);
    expect([server.connections, server.sockets.size]).toEqual([2, 2]);
    life.abort(new Error("done"));
    await end;
    await expect.poll(() => server.sockets.size).toBe(1);
  });
});

describe("refused streams", () => {
  const refuse = (times: number): Script => {
    let refused = 0;
    return (seen, response, socket) => {
      refused += 1;
      if (refused > times) serve(seen, response, socket);
      else streamOf(response).close(constants.NGHTTP2_REFUSED_STREAM);
    };
  };

  test("are sent again at once, with their body, each on a new session", async () => {
    await using server = await startServer(refuse(2), tls, {});
    await server.client().apply(CONFIG_MAP, object, { manager: "m", force: false, signal });
    expect(server.seen.map(({ body }) => JSON.parse(body))).toEqual([object, object, object]);
    expect(server.connections).toBe(3);
  });

  test("are a failure of the network when they are refused again and again", async () => {
    await using server = await startServer(refuse(9), tls, {});
    await expect(get(server.client())).rejects.toThrow(/it refused the request before it began with it/);
    expect(server.seen).toHaveLength(3);
  });

  test("other resets are not repeated", async () => {
    await using server = await startServer(
      (_seen, response) => streamOf(response).close(constants.NGHTTP2_INTERNAL_ERROR),
      tls,
      {},
    );
    await expect(get(server.client())).rejects.toThrow(/the connection was cut/);
    expect(server.seen).toHaveLength(1);
  });
});

describe("a session that goes silent", () => {
  test("is dead 10 s after a PING: all its streams fail at once, and the next request has a new session", async () => {
    const clock = new FakeClock();
    await using server = await startServer(serve, tls, {});
    await using network = await startTcpProxy(server.port);
    await using client = connect(through(network, server), { clock });
    const ends = (await Promise.all([watch(client), watch(client)])).map(endOf);
    network.freeze();
    await clock.advance(24_999);
    expect(clock.waiting).toEqual([1]);
    await clock.advance(1);
    for (const end of await Promise.all(ends)) {
      expect(end).toMatchObject({ code: "HTTP2_SILENT", message: expect.stringContaining("no answer to a PING") });
      expect(toFailure(end, "X").reason).toBe("Unreachable");
    }
    network.thaw();
    await isUp(client);
    expect(network.connections).toBe(2);
  });

  test("lives as long as bytes come, behind which the answer to its PING lies", async () => {
    const clock = new FakeClock();
    const rest = Promise.withResolvers<void>();
    await using server = await startServer(
      async (_seen, response) => {
        response.writeHead(200).write("{}\n");
        await rest.promise;
        response.write("x".repeat(1_000_000));
      },
      tls,
      {},
    );
    await using network = await startTcpProxy(server.port);
    await using client = connect(through(network, server), { clock });
    const chunks = (await watch(client)).chunks[Symbol.asyncIterator]();
    await chunks.next();
    network.freeze();
    rest.resolve();
    await clock.advance(15_000);
    for (let turn = 0; turn < 3; turn += 1) {
      await expect.poll(() => network.trickle()).toBeGreaterThan(0);
      await chunks.next();
      await clock.advance(10_000);
      await settle();
      await settle();
      expect(clock.waiting).toEqual([10_000]);
    }
    const end = chunks.next().then(async (next) => {
      for (let more = next; !more.done; more = await chunks.next());
    });
    await Promise.all([expect(end).rejects.toMatchObject({ code: "HTTP2_SILENT" }), clock.advance(20_000)]);
  });

  test("is avoided by the request after one that had no answer in its time; its watches wait for the PING", async () => {
    const clock = new FakeClock();
    await using server = await startServer(serve, tls, {});
    await using network = await startTcpProxy(server.port);
    await using client = connect(through(network, server), { clock });
    const life = new AbortController();
    const end = endOf(await watch(client, life.signal));
    const get = (timeoutMs: number) => client.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal, timeoutMs });
    network.freeze();
    const soon = expect(get(900)).rejects.toMatchObject({ code: "TIMEOUT" });
    await clock.advance(900);
    await soon;
    network.thaw();
    await isUp(client);
    expect(network.connections).toBe(1);
    network.freeze();
    const last = expect(get(2_000)).rejects.toMatchObject({ code: "TIMEOUT" });
    await clock.advance(2_000);
    await last;
    network.thaw();
    await isUp(client);
    expect(network.connections).toBe(2);
    life.abort(new Error("still there"));
    expect(await end).toMatchObject({ message: "still there" });
  });

  test("at its very beginning is left after the time limit of a connection", async () => {
    const clock = new FakeClock();
    const mute = createTlsServer({ ...tls, ALPNProtocols: ["h2"] }, (socket) => socket.on("error", () => undefined));
    onTestFinished(() => void mute.close());
    await once(mute.listen(0, "127.0.0.1"), "listening");
    const server = `https://127.0.0.1:${(mute.address() as AddressInfo).port}`;
    await using client = connect(accessOf({ server, caPem: authority.certPem }), { clock });
    const refused = expect(get(client)).rejects.toThrow("no answer within 5 s");
    await expect.poll(() => clock.waiting).toEqual([5_000, 30_000]);
    await clock.advance(5_000);
    await refused;
  });

  test("answers to PING, for ever, keep a quiet watch", async () => {
    const clock = new FakeClock();
    await using server = await startServer(serve, tls, {});
    const client = server.client({ clock });
    const life = new AbortController();
    let ended = false;
    const end = endOf(await watch(client, life.signal)).finally(() => {
      ended = true;
    });
    let pings = 0;
    for (const session of server.sessions) session.on("ping", () => (pings += 1));
    for (const want of [1, 2, 3]) {
      await expect.poll(() => clock.waiting).toEqual([15_000]);
      await clock.advance(15_000);
      await expect.poll(() => pings).toBe(want);
    }
    expect(ended).toBe(false);
    life.abort(new Error("done"));
    await end;
  });

  test("an idle session is closed before the server would", async () => {
    const clock = new FakeClock();
    await using server = await startServer(serve, tls, {});
    const client = server.client({ clock });
    await isUp(client);
    await settle();
    await clock.advance(45_000);
    await expect.poll(() => server.sockets.size).toBe(0);
    await isUp(client);
    expect(server.connections).toBe(2);
  });
});

test("a client that nobody closed keeps no process alive, and asks for nothing after its last request", async () => {
  await using server = await startServer(serve, tls, {});
  const file = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  const program = `
    import { connect } from ${file("../client.ts")};
    import { coreResource } from ${file("../resource.ts")};
    const client = connect(${JSON.stringify(server.access)});
    const signal = new AbortController().signal;
    await client.get(coreResource("ConfigMap", "configmaps", true), { namespace: "x", name: "a" }, { signal });
    process.stdout.write("answered");`;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { timeout: 30_000 });
  expect((await run).stdout).toBe("answered");
}, 40_000);

describe("a server without HTTP/2", () => {
  test("is spoken to in HTTP/1.1, on the connection that asked for it", async () => {
    await using server = await startServer(serve, tls);
    const client = server.client();
    await isUp(client);
    expect(server.connections).toBe(1);
    await settle();
    await Promise.all([watch(client), watch(client)]);
    expect(server.connections).toBe(2);
  });

  test("is not asked again because we gave a request up", async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await startServer(
      (seen, response, socket) => (seen.path.endsWith("/b") ? arrived.resolve() : serve(seen, response, socket)),
      tls,
    );
    const client = server.client();
    await Promise.all([isUp(client), isUp(client)]);
    await settle();
    const life = new AbortController();
    const given = client.get(CONFIG_MAP, { namespace: "x", name: "b" }, { signal: life.signal });
    await arrived.promise;
    life.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    await isUp(client);
    expect(server.connections).toBe(2);
  });

  test("is asked again after a failure", async () => {
    await using before = await startServer(serve, tls);
    await using after = await startServer(serve, tls, {});
    await using network = await startTcpProxy(before.port);
    await using client = connect(through(network, before));
    await isUp(client);
    network.cut();
    network.lead(after.port);
    await expect(get(client)).rejects.toThrow();
    await isUp(client);
    expect(after.sessions.size).toBe(1);
  });
});

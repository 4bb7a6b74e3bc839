import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import type { KubeObject } from "../objects/types.ts";
import { accessOf } from "./access.ts";
import { Reflector, type ReflectorLimits, type ReflectorOptions } from "./reflector.ts";
import { coreResource } from "./resource.ts";
import { answer, failure, type Script, type ScriptedServer, type Seen, startServer } from "./testing/api-server.ts";
import { FakeClock, settle } from "./testing/fake-clock.ts";

const CONFIG_MAP = coreResource("ConfigMap", "configmaps", true);
const QUICK: Partial<ReflectorLimits> = { backoff: { baseMs: 1, capMs: 5 }, refusedCapMs: 5 };

const object = (name: string, resourceVersion: string) => ({ metadata: { name, namespace: "x", resourceVersion } });
const line = (type: string, value: object) => `${JSON.stringify({ type, object: value })}\n`;
const added = (name: string, rv: string) => line("ADDED", object(name, rv));
const modified = (name: string, rv: string) => line("MODIFIED", object(name, rv));
const deleted = (name: string, rv: string) => line("DELETED", object(name, rv));
const bookmark = (rv: string) => line("BOOKMARK", { metadata: { resourceVersion: rv } });
const endOfList = (rv: string) =>
  line("BOOKMARK", { metadata: { resourceVersion: rv, annotations: { "k8s.io/initial-events-end": "true" } } });
const errorEvent = (code: number, reason: string) => line("ERROR", failure(code, reason, `said ${reason}`));

/** A conversation: the n-th watch gets the n-th answer; lists get theirs. */
function conversation(
  watches: ((response: ServerResponse, seen: Seen) => void)[],
  list: Script = () => undefined,
): Script {
  let next = 0;
  return (seen, response, socket) => {
    if (!seen.query.has("watch")) {
      list(seen, response, socket);
      return;
    }
    const reply = watches[next] ?? (() => response.flushHeaders());
    next += 1;
    reply(response, seen);
  };
}

/** Writes lines and leaves the watch open. */
const open =
  (...lines: string[]) =>
  (response: ServerResponse) => {
    response.flushHeaders();
    for (const one of lines) {
      response.write(one);
    }
  };
/** Writes lines and cuts the connection. */
const cut =
  (...lines: string[]) =>
  (response: ServerResponse) => {
    response.write(lines.join(""), () => response.socket?.destroy());
  };
const status =
  (code: number, reason: string, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    answer(response, code, failure(code, reason, reason), headers);

function follow(server: ScriptedServer, options: Partial<ReflectorOptions> = {}) {
  const told: string[] = [];
  const errors: unknown[] = [];
  const objects: KubeObject[] = [];
  const reflector = new Reflector({
    client: server.client(),
    resource: CONFIG_MAP,
    limits: QUICK,
    handler: (event) => {
      objects.push(...(event.type === "sync" ? event.objects : [event.object]));
      told.push(
        event.type === "sync"
          ? `sync ${event.objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).join(" ")}`
          : `${event.type} ${event.object.metadata.name}`,
      );
    },
    onState: (state) => told.push(state.state === "failing" ? `failing ${state.failure.reason}` : state.state),
    onError: (error) => errors.push(error),
    ...options,
  });
  reflector.start();
  const until = (last: string) => expect.poll(() => told.at(-1), { timeout: 5_000, interval: 5 }).toBe(last);
  return { reflector, told, errors, objects, until, [Symbol.dispose]: () => reflector.stop() };
}

const watchesOf = (server: ScriptedServer) => server.seen.filter(({ query }) => query.has("watch"));

describe("the usual course", () => {
  test("it streams the list, then each change, with the kind that the objects are of", async () => {
    await using server = await startServer(
      conversation([
        open(added("a", "3"), added("b", "1"), endOfList("5"), modified("a", "6"), deleted("b", "7"), added("c", "8")),
      ]),
    );
    using it = follow(server, { namespace: "x", labelSelector: "l", fieldSelector: "f=g", metadataOnly: true });
    await it.until("upsert c");
    expect(it.told).toEqual(["syncing", "sync a@3 b@1", "live", "upsert a", "delete b", "upsert c"]);
    expect(new Set(it.objects.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`))).toEqual(
      new Set(["v1 ConfigMap"]),
    );
    const [watch] = server.seen;
    expect(watch?.path).toBe("/api/v1/namespaces/x/configmaps");
    expect(Object.fromEntries(watch?.query ?? [])).toMatchObject({
      labelSelector: "l",
      fieldSelector: "f=g",
      sendInitialEvents: "true",
      resourceVersionMatch: "NotOlderThan",
      allowWatchBookmarks: "true",
    });
    expect(watch?.headers.accept).toContain("as=PartialObjectMetadata;");
    expect(Number(watch?.query.get("timeoutSeconds"))).toBeGreaterThanOrEqual(300);
    expect(Number(watch?.query.get("timeoutSeconds"))).toBeLessThanOrEqual(600);
  });

  test("changes that come while the list is being streamed are in it", async () => {
    await using server = await startServer(
      conversation([open(added("a", "3"), added("b", "1"), modified("a", "6"), deleted("b", "7"), endOfList("7"))]),
    );
    using it = follow(server);
    await it.until("live");
    expect(it.told).toEqual(["syncing", "sync a@6", "live"]);
  });

  test("an event that comes in pieces, and two in one piece, are events", async () => {
    const text = added("ä€", "3") + endOfList("5") + modified("ä€", "6");
    const bytes = Buffer.from(text);
    await using server = await startServer(
      conversation([
        (response) => {
          for (let at = 0; at < bytes.length; at += 7) {
            response.write(bytes.subarray(at, at + 7));
          }
        },
      ]),
    );
    using it = follow(server);
    await it.until("upsert ä€");
    expect(it.told).toEqual(["syncing", "sync ä€@3", "live", "upsert ä€"]);
  });

  test("a server that cannot stream lists is asked for pages, and so for the next kind of that group at once", async () => {
    const list: Script = ({ query }, response) => {
      const last = query.get("continue") === "n";
      const metadata = { resourceVersion: "5", continue: last ? "" : "n" };
      answer(response, 200, { metadata, items: [object(last ? "b" : "a", "2")] });
    };
    await using server = await startServer(
      conversation([status(422, "Invalid"), open(modified("a", "6")), open()], list),
    );
    const client = server.client();
    using it = follow(server, { client });
    await it.until("upsert a");
    expect(it.told).toEqual(["syncing", "sync a@2 b@2", "live", "upsert a"]);
    expect(watchesOf(server)[1]?.query.get("resourceVersion")).toBe("5");
    using other = follow(server, { client, resource: coreResource("Secret", "secrets", true) });
    await other.until("live");
    expect(watchesOf(server)).toHaveLength(3);
  });

  test("a server that ignores the wish for a streamed list is found out by its silence", async () => {
    const list: Script = (_seen, response) => answer(response, 200, { metadata: { resourceVersion: "5" }, items: [] });
    await using server = await startServer(conversation([open(added("a", "1")), open()], list));
    using it = follow(server, { limits: { ...QUICK, syncSilenceMs: 30 } });
    await it.until("live");
    expect(it.told).toEqual(["syncing", "sync ", "live"]);
  });
});

describe("after a break", () => {
  test("it takes the watch up where it ended, without a new list", async () => {
    await using server = await startServer(
      conversation(
        [cut(added("a", "3"), endOfList("5"), modified("a", "6"), bookmark("9")), open(modified("a", "12"))],
        (_seen, response) => answer(response, 200, { metadata: { resourceVersion: "10" }, items: [] }),
      ),
    );
    using it = follow(server);
    await expect.poll(() => it.told).toEqual(["syncing", "sync a@3", "live", "upsert a", "upsert a"]);
    expect(watchesOf(server)[1]?.query.get("resourceVersion")).toBe("9");
    expect(watchesOf(server)[1]?.query.has("sendInitialEvents")).toBe(false);
  });

  test("a regular end is no failure: the next watch goes on from there", async () => {
    const clock = new FakeClock();
    const watches: ServerResponse[] = [];
    await using server = await startServer(({ query }, response) => {
      watches.push(response);
      open(...(query.has("resourceVersion") ? [modified("a", "6")] : [endOfList("5")]))(response);
    });
    using it = follow(server, { clock });
    await it.until("live");
    await clock.advance(5 * 60_000);
    watches[0]?.end();
    await it.until("upsert a");
    expect(it.told).toEqual(["syncing", "sync ", "live", "upsert a"]);
  });

  test("410 leads to a new list, and what went meanwhile is told as deleted", async () => {
    await using server = await startServer(
      conversation([
        open(added("a", "1"), added("b", "2"), endOfList("5"), errorEvent(410, "Expired")),
        open(added("b", "2"), added("c", "7"), endOfList("9")),
      ]),
    );
    using it = follow(server);
    await expect
      .poll(() => it.told)
      .toEqual(["syncing", "sync a@1 b@2", "live", "syncing", "delete a", "sync b@2 c@7", "live"]);
    expect(watchesOf(server)[1]?.query.has("resourceVersion")).toBe(false);
  });

  test("410 as the answer to the watch is the same", async () => {
    await using server = await startServer(
      conversation(
        [cut(endOfList("5")), status(410, "Expired"), open(added("c", "7"), endOfList("9"))],
        (_seen, response) => answer(response, 200, { metadata: { resourceVersion: "8" }, items: [] }),
      ),
    );
    using it = follow(server);
    await it.until("live");
    await expect.poll(() => it.told.at(-2)).toBe("sync c@7");
  });

  const breaks: [name: string, reply: (response: ServerResponse) => void, want: string][] = [
    ["an ERROR event of another code", open(errorEvent(500, "InternalError")), "failing ServerError"],
    ["HTTP 500", status(500, "InternalError"), "failing ServerError"],
    ["HTTP 503", status(503, "ServiceUnavailable"), "failing ServerError"],
    ["HTTP 429", status(429, "TooManyRequests"), "failing Throttled"],
    ["HTTP 403", status(403, "Forbidden"), "failing AdmissionDenied"],
    ["HTTP 401", status(401, "Unauthorized"), "failing Unauthorized"],
    ["HTTP 404: the kind is gone for now", status(404, ""), "failing KindNotFound"],
    ["a cut connection", cut(modified("a", "6").slice(0, 30)), "failing Unreachable"],
    ["a line that is no JSON", open("{]\n"), "failing Unreachable"],
    ["a line that is no event", open('{"type":"WHAT","object":{}}\n'), "failing Unreachable"],
    ["an event without metadata", open('{"type":"ADDED","object":{}}\n'), "failing Unreachable"],
    ["an end in the middle of a line", (response) => response.end('{"type":"ADDED"'), "failing Unreachable"],
    ["an end at once", (response) => response.end(), "failing Unreachable"],
  ];
  test.each(breaks)("%s is told once, tried again for ever, and resumed without a list", async (_name, reply, want) => {
    const recovered = open(modified("a", "16"));
    await using server = await startServer(
      conversation(
        [open(added("a", "3"), endOfList("5"), errorEvent(500, "x")), reply, reply, reply, recovered],
        (_seen, response) => answer(response, 200, { metadata: { resourceVersion: "9" }, items: [] }),
      ),
    );
    using it = follow(server);
    await it.until("upsert a");
    expect(it.told.slice(0, 3)).toEqual(["syncing", "sync a@3", "live"]);
    expect(it.told).toContain(want);
    expect(it.told.filter((event) => event.startsWith("sync "))).toHaveLength(1);
    expect(watchesOf(server)[4]?.query.get("resourceVersion")).toBe("5");
  });

  test("a first list that fails is tried again until it works", async () => {
    await using server = await startServer(
      conversation([
        status(500, "x"),
        cut(added("a", "1")),
        (response) => response.end(added("a", "1")),
        open(endOfList("4")),
      ]),
    );
    using it = follow(server);
    await it.until("live");
    expect(it.told).toEqual([
      "syncing",
      "failing ServerError",
      "failing Unreachable",
      "failing Unreachable",
      "sync ",
      "live",
    ]);
  });

  test.each([
    ["is tried again at once, and tells nobody", 1, ["syncing", "sync ", "live"]],
    ["that stays busy is a failure", 2, ["syncing", "failing Throttled", "sync ", "live"]],
  ])("the first watch of a kind that a server has just begun to serve %s", async (_name, times, want) => {
    const busy = Array.from({ length: times }, () => status(429, "TooManyRequests"));
    await using server = await startServer(conversation([...busy, open(endOfList("4"))]));
    using it = follow(server);
    await it.until("live");
    expect(it.told).toEqual(want);
  });

  test("a cluster that was restored to an older state is listed anew", async () => {
    await using server = await startServer(
      conversation(
        [cut(added("a", "90"), endOfList("100")), open(added("b", "20"), endOfList("30"), modified("b", "31"))],
        (_seen, response) => answer(response, 200, { metadata: { resourceVersion: "29" }, items: [] }),
      ),
    );
    using it = follow(server);
    await it.until("upsert b");
    expect(it.told).toEqual(["syncing", "sync a@90", "live", "syncing", "delete a", "sync b@20", "live", "upsert b"]);
  });

  test("events that are older than what was told are left out", async () => {
    await using server = await startServer(
      conversation([
        open(added("a", "9"), endOfList("10"), modified("a", "9"), deleted("a", "10"), modified("a", "11")),
      ]),
    );
    using it = follow(server);
    await it.until("upsert a");
    expect(it.told).toEqual(["syncing", "sync a@9", "live", "upsert a"]);
  });
});

describe("time", () => {
  test("waits grow with jitter from 1 s to 30 s, begin anew after a success, and honour Retry-After", async () => {
    const clock = new FakeClock();
    clock.chance = 1;
    let reply: (response: ServerResponse) => void = status(500, "x");
    await using server = await startServer((_seen, response) => reply(response));
    using it = follow(server, { clock, limits: {} });
    const nextWait = async (asked: number) => {
      await expect.poll(() => server.seen.length).toBe(asked);
      // Longer than any back-off is the time limit of a watch that is being opened.
      await expect.poll(() => clock.waiting[0] ?? Infinity).toBeLessThan(300_000);
      return clock.waiting[0] ?? 0;
    };
    const waits: number[] = [];
    for (let asked = 1; asked <= 5; asked += 1) {
      waits.push(await nextWait(asked));
      reply = asked === 4 ? status(503, "x", { "Retry-After": "45" }) : reply;
      await clock.advance(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([3_000, 9_000, 27_000, 30_000, 45_000]);
    expect(it.told.slice(0, 2)).toEqual(["syncing", "failing ServerError"]);
  });

  test("a watch that went silent is left when its time is over, and taken up again", async () => {
    await using server = await startServer(
      conversation([open(endOfList("5")), open(modified("a", "6"))], (_seen, response) =>
        answer(response, 200, { metadata: { resourceVersion: "5" }, items: [] }),
      ),
    );
    using it = follow(server, { limits: { ...QUICK, watchSeconds: [0, 0], graceMs: 50 } });
    await it.until("upsert a");
    expect(it.told).toEqual(["syncing", "sync ", "live", "upsert a"]);
  });

  test("new credentials end the wait at once", async () => {
    const clock = new FakeClock();
    await using server = await startServer(({ headers }, response) =>
      headers.authorization === "Bearer new" ? open(endOfList("1"))(response) : status(401, "Unauthorized")(response),
    );
    const client = server.client({});
    using it = follow(server, { client, clock });
    await it.until("failing Unauthorized");
    await expect.poll(() => clock.waiting.length).toBe(1);
    client.rotate(accessOf({ server: server.access.server, tokenText: "new" }));
    await it.until("live");
  });
});

describe("stop", () => {
  test("it is immediate: no handler, no request, no timer, no connection after it", async () => {
    const watches: ServerResponse[] = [];
    await using server = await startServer((_seen, response) => {
      watches.push(response);
      open(endOfList("5"))(response);
    });
    const clock = new FakeClock();
    using it = follow(server, { clock });
    await it.until("live");
    const closed = new Promise((resolve) => watches[0]?.on("close", resolve));
    watches[0]?.write(added("late", "6"));
    it.reflector.stop();
    const told = it.told.length;
    await closed;
    await settle();
    expect(it.told).toHaveLength(told);
    expect(clock.waiting).toEqual([]);
    expect(server.seen).toHaveLength(1);
  });

  test("no zombie: stopped during a wait after a failure, it never comes back", async () => {
    const clock = new FakeClock();
    await using server = await startServer((_seen, response) => status(500, "x")(response));
    using it = follow(server, { clock });
    await it.until("failing ServerError");
    await expect.poll(() => clock.waiting.length).toBe(1);
    it.reflector.stop();
    await clock.advance(120_000);
    expect(server.seen).toHaveLength(1);
    expect(clock.waiting).toEqual([]);
  });

  test("a handler may stop it: the events behind are not told", async () => {
    await using server = await startServer(conversation([open(endOfList("5") + added("a", "6") + added("b", "7"))]));
    const told: string[] = [];
    const reflector: Reflector = new Reflector({
      client: server.client(),
      resource: CONFIG_MAP,
      handler: (event) => {
        told.push(event.type);
        if (event.type === "upsert") {
          reflector.stop();
        }
      },
      onError: () => undefined,
    });
    reflector.start();
    await expect.poll(() => told.length).toBe(2);
    await settle();
    expect(told).toEqual(["sync", "upsert"]);
  });

  test("nor is anything else of a new list told when the handler stops it in the middle", async () => {
    await using server = await startServer(
      conversation([
        open(added("a", "1"), added("b", "1"), endOfList("5"), errorEvent(410, "Expired")),
        open(endOfList("9")),
      ]),
    );
    const told: string[] = [];
    const reflector: Reflector = new Reflector({
      client: server.client(),
      resource: CONFIG_MAP,
      limits: QUICK,
      handler: (event) => {
        told.push(event.type);
        if (event.type === "delete") {
          reflector.stop();
        }
      },
      onState: ({ state }) => told.push(state),
      onError: () => undefined,
    });
    reflector.start();
    await expect.poll(() => told.at(-1)).toBe("delete");
    await settle();
    expect(told).toEqual(["syncing", "sync", "live", "syncing", "delete"]);
  });

  test("an outer signal stops it too, before it began as well", async () => {
    await using server = await startServer(conversation([]));
    const reflector = new Reflector({
      client: server.client(),
      resource: CONFIG_MAP,
      handler: () => undefined,
      onError: () => undefined,
    });
    reflector.start(AbortSignal.abort());
    await settle();
    expect(server.seen).toEqual([]);
  });
});

test("a handler that throws is told, and the watch goes on", async () => {
  await using server = await startServer(
    conversation([open(added("a", "1"), endOfList("5"), modified("a", "6"), modified("a", "7"))]),
  );
  let calls = 0;
  using it = follow(server, {
    handler: () => {
      calls += 1;
      throw new Error(`call ${calls}`);
    },
  });
  await expect.poll(() => it.errors.map(String)).toEqual(["Error: call 1", "Error: call 2", "Error: call 3"]);
  expect(server.seen).toHaveLength(1);
});

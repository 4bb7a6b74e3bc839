import { errors, request } from "undici";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Failure } from "../errors.ts";
import { LOOPBACK_NETWORKS } from "../text/addresses.ts";
import { Silences } from "./http/silences.ts";
import { Sources } from "./sources.ts";
import { startWebServer, type WebServer } from "./testing/web-server.ts";

vi.mock("undici", async (original) => {
  const undici = await original<typeof import("undici")>();
  return { ...undici, request: vi.fn(undici.request) };
});

const INDEX = JSON.stringify({ entries: { shop: [{ version: "1.2.3", urls: ["shop.tgz"] }] } });
const SENTENCE = "HOST is not available: it takes too long to answer";
const signal = new AbortController().signal;

let server: WebServer;
let sources: Sources;
let passed: number;

beforeEach(async () => {
  server = await startWebServer();
  sources = new Sources({ allowedNetworks: LOOPBACK_NETWORKS, deadlineMs: 1_500 });
  passed = 0;
  const now = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => now() + passed);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all([sources, server].map((one) => one[Symbol.asyncDispose]()));
});

const wordsOf = (error: Failure) => error.message.replace(server.host, "HOST");

test("who comes after one that had no answer is told at once, until the registry answers again", async () => {
  server.handlers["/index.yaml"] = () => {
    passed += 5_000;
  };
  const repository = { kind: "Helm" as const, url: server.url };
  const check = () => sources.registries.check(repository, signal).catch(wordsOf);
  expect(await check()).toBe(SENTENCE);
  expect(await check()).toBe(SENTENCE);
  expect(server.seen, "asked once").toHaveLength(1);
  passed += 10_000;
  server.serve("/index.yaml", INDEX);
  expect(await check()).toEqual({ entries: 1 });
  expect(await check()).toEqual({ entries: 1 });
});

test("so is who comes after one that had no connection in time", async () => {
  vi.mocked(request).mockImplementationOnce(async () => {
    passed += 5_000;
    throw new errors.ConnectTimeoutError("no connection");
  });
  server.serve("/index.yaml", INDEX);
  const check = () => sources.registries.check({ kind: "Helm", url: server.url }, signal).catch(wordsOf);
  const first = await check();
  expect(first).toMatch(/^HOST is not available: /);
  expect(await check()).toBe(first);
  expect(server.seen).toHaveLength(0);
  passed += 10_000;
  expect(await check()).toEqual({ entries: 1 });
});

test("one that sends a little now and then is asked for others", async () => {
  const shop = { repo: server.url, chart: "shop", version: "1.2.3" };
  server.serve("/index.yaml", INDEX);
  const answered = vi.spyOn(Silences.prototype, "answered");
  server.handlers["/shop.tgz"] = async (_request, response) => {
    answered.mockClear();
    response.writeHead(200).write("the beginning");
    await vi.waitFor(() => expect(answered).toHaveBeenCalled());
    passed += 5_000;
    response.write("a little more");
  };
  expect(await sources.charts.fetch(shop, signal).catch(wordsOf)).toBe(SENTENCE);
  expect(await sources.charts.resolve(shop, signal)).toEqual({ version: "1.2.3" });
});

test("one that is slow with one thing is asked for others", async () => {
  const shop = { repo: server.url, chart: "shop", version: "1.2.3" };
  server.serve("/index.yaml", INDEX);
  server.handlers["/shop.tgz"] = (_request, response) => {
    passed += 5_000;
    response.writeHead(200).write("the beginning");
  };
  expect(await sources.charts.fetch(shop, signal).catch(wordsOf)).toBe(SENTENCE);
  expect(await sources.charts.resolve(shop, signal)).toEqual({ version: "1.2.3" });
});

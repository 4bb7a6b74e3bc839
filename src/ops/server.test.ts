import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type OpsServer, startOpsServer } from "./server.ts";

let server: OpsServer | undefined;
afterEach(() => server?.close());

async function start({
  ready = () => undefined,
  text = () => Promise.resolve("strata_x 1\n"),
}: {
  ready?: () => string | undefined;
  text?: () => Promise<string>;
} = {}): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  server = await startOpsServer({
    address: "127.0.0.1",
    port: 0,
    metrics: { contentType: "text/plain; version=0.0.4", text },
    ready,
  });
  const { port } = server;
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init);
}

test("metrics are served as Prometheus wants them", async () => {
  const response = await (await start())("/metrics?x=1");
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4");
  expect(await response.text()).toBe("strata_x 1\n");
});

test("readiness follows the reason that there is, and liveness does not", async () => {
  let reason: string | undefined = "the hub's objects are not known yet";
  const get = await start({ ready: () => reason });
  const before = await get("/readyz");
  expect([before.status, await before.text()]).toEqual([503, "the hub's objects are not known yet\n"]);
  expect((await get("/healthz")).status).toBe(200);
  reason = undefined;
  expect((await get("/readyz")).status).toBe(200);
});

test.each([
  { what: "an unknown path", path: "/", init: {}, want: 404 },
  { what: "a path that only begins like one", path: "/metrics/x", init: {}, want: 404 },
  { what: "another method", path: "/metrics", init: { method: "POST", body: "x" }, want: 405 },
  { what: "HEAD", path: "/healthz", init: { method: "HEAD" }, want: 200 },
])("$what is answered with $want", async ({ path, init, want }) => {
  expect((await (await start())(path, init)).status).toBe(want);
});

test("an error while answering is 500, without its text, and the server lives on", async () => {
  const get = await start({ text: () => Promise.reject(new Error("c4n4ry")) });
  const response = await get("/metrics");
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("c4n4ry");
  expect((await get("/healthz")).status).toBe(200);
});

test("a port that is taken is an error, not silence", async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) => {
    other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port));
  });
  const metrics = { contentType: "", text: () => Promise.resolve("") };
  const attempt = startOpsServer({ address: "127.0.0.1", port, metrics, ready: () => undefined });
  await expect(attempt).rejects.toThrow("EADDRINUSE");
  other.close();
});

test("close ends connections that are kept alive", async () => {
  const get = await start();
  await (await get("/healthz")).text();
  await server?.close();
  server = undefined;
  await expect(get("/healthz")).rejects.toThrow();
});

import type { LookupAddress } from "node:dns";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Failure } from "../../errors.ts";
import { addressCheck, LOOPBACK_NETWORKS } from "../../text/addresses.ts";
import { startWebServer, type WebServer } from "../testing/web-server.ts";
import { HttpClient } from "./http-client.ts";

/** What the name resolves to, one list after the other; the last one stays. */
let answers: string[][] = [];
let asked = 0;

vi.mock("node:dns", () => ({
  lookup: (_name: string, _options: object, found: (error: null, addresses: LookupAddress[]) => void) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    found(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  },
}));

const HOST = "charts.example";
const METADATA = "169.254.169.254";
const signal = new AbortController().signal;
let server: WebServer;
let http: HttpClient;

beforeEach(async () => {
  asked = 0;
  server = await startWebServer();
  server.serve("/index.yaml", "entries", { connection: "close" });
  const plainHttp = new Set([`${HOST}:${port()}`]);
  http = new HttpClient({ plainHttp, check: addressCheck(LOOPBACK_NETWORKS) });
});
afterEach(() => Promise.all([http, server].map((one) => one[Symbol.asyncDispose]())));

const port = (): string => new URL(server.url).port;

async function ask(): Promise<string> {
  const url = new URL(`http://${HOST}:${port()}/index.yaml`);
  return await http.send({ url, what: "the index", subject: "chart", maxBytes: 1000 }, signal).then(
    ({ body }) => body.toString(),
    (failure: Failure) => failure.message,
  );
}

const REFUSED = /^requests to charts\.example are not allowed: its address is link-local, which no setting allows$/;

test("a name is looked up once for a connection, which goes to the address that was checked", async () => {
  answers = [["127.0.0.1"], [METADATA]];
  expect(await ask()).toBe("entries");
  expect(asked).toBe(1);
});

test("a name that resolves to the metadata service the next time is refused the next time", async () => {
  answers = [["127.0.0.1"], [METADATA]];
  await ask();
  expect(await ask()).toMatch(REFUSED);
  expect(server.paths()).toEqual(["/index.yaml"]);
});

test.each([
  { addresses: ["127.0.0.1", METADATA] },
  { addresses: [METADATA, "127.0.0.1"] },
  { addresses: ["127.0.0.1", "::ffff:169.254.169.254"] },
])("a name of which one address is forbidden is refused: $addresses", async ({ addresses }) => {
  answers = [addresses];
  expect(await ask()).toMatch(REFUSED);
  expect(server.paths()).toEqual([]);
});

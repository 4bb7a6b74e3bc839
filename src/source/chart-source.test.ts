import { createHash } from "node:crypto";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Failure } from "../errors.ts";
import { LOOPBACK_NETWORKS } from "../text/addresses.ts";
import type { ChartSource } from "./chart-source.ts";
import { RepositoryIndex } from "./repository-index.ts";
import { Sources } from "./sources.ts";
import { startWebServer, type WebServer } from "./testing/web-server.ts";

const bytes = gzipSync("the chart");
const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const signal = new AbortController().signal;

/** A repository, a registry and a token service that lie on demand. */
let server: WebServer;
let sources: Sources;
let source: ChartSource;
let handlers: WebServer["handlers"];
let seen: WebServer["seen"];
let serve: WebServer["serve"];
let paths: WebServer["paths"];
let base: string;
let host: string;

beforeEach(async () => {
  server = await startWebServer();
  ({ handlers, seen, serve, paths, url: base, host } = server);
  sources = new Sources({ allowedNetworks: LOOPBACK_NETWORKS });
  source = sources.charts;
});
afterEach(async () => {
  await sources[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

function index(versions: object[]): string {
  return JSON.stringify({ entries: { shop: versions, sloop: [] } });
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (error: Failure) => error,
  );
  return `${failure?.reason}: ${failure?.message.replaceAll(host, "HOST")}`;
}

describe("a repository over HTTP", () => {
  const shop = () => ({ repo: `${base}/stable`, chart: "shop", version: "1.2.x" });

  beforeEach(() => {
    const listed = { version: "1.2.3", urls: ["files/shop-1.2.3.tgz"], digest: digest.replace("sha256:", "") };
    serve("/stable/index.yaml", index([{ ...listed, version: "1.3.0" }, listed, { ...listed, version: "1.2.0" }]));
    serve("/stable/files/shop-1.2.3.tgz", bytes);
  });

  test("resolves a range and gives the verified bytes from a relative address", async () => {
    expect(await source.resolve(shop(), signal)).toEqual({ version: "1.2.3", digest });
    const fetched = await source.fetch(shop(), signal);
    expect(fetched).toEqual({ name: "shop", version: "1.2.3", digest, bytes });
  });

  test("equal questions at the same time are one, and known bytes need no request", async () => {
    await Promise.all(Array.from({ length: 20 }, () => source.fetch(shop(), signal)));
    expect(paths()).toEqual(["/stable/index.yaml", "/stable/files/shop-1.2.3.tgz"]);
    await source.fetch({ ...shop(), version: "1.2.3", digest }, signal);
    expect(seen).toHaveLength(2);
  });

  test("an index that did not change is not sent again", async () => {
    handlers["/stable/index.yaml"] = ({ headers }, response) => {
      if (headers["if-none-match"] === '"1"') response.writeHead(304).end();
      else response.writeHead(200, { etag: '"1"' }).end(index([{ version: "1.2.3", urls: ["x"] }]));
    };
    const parse = vi.spyOn(RepositoryIndex, "parse");
    for (let n = 0; n < 3; n += 1) expect(await source.resolve(shop(), signal)).toEqual({ version: "1.2.3" });
    expect(seen.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"1"', '"1"']);
    expect(parse).toHaveBeenCalledOnce();
    parse.mockRestore();
  });

  test("an index that changed is read, also when the server asks by time alone", async () => {
    const times = ["Sun, 01 Nov 2026 10:00:00 GMT", "Mon, 02 Nov 2026 10:00:00 GMT"];
    let now = 0;
    handlers["/stable/index.yaml"] = ({ headers }, response) => {
      const modified = times[now];
      if (headers["if-modified-since"] === modified) response.writeHead(304).end();
      else response.writeHead(200, { "last-modified": modified }).end(index([{ version: `1.2.${now}`, urls: ["x"] }]));
    };
    for (const version of ["1.2.0", "1.2.0"]) expect(await source.resolve(shop(), signal)).toEqual({ version });
    now = 1;
    for (const version of ["1.2.1", "1.2.1"]) expect(await source.resolve(shop(), signal)).toEqual({ version });
    expect(seen.map(({ headers }) => headers["if-modified-since"])).toEqual([undefined, times[0], times[0], times[1]]);
  });

  test("an index may travel compressed", async () => {
    serve("/stable/index.yaml", gzipSync(index([{ version: "1.2.9", urls: ["x"] }])), { "content-encoding": "gzip" });
    expect(await source.resolve(shop(), signal)).toEqual({ version: "1.2.9" });
  });

  test("one who gives up does not disturb the others", async () => {
    const impatient = new AbortController();
    const both = [source.fetch(shop(), impatient.signal), source.fetch(shop(), signal)];
    impatient.abort(new Error("gave up"));
    const [first, second] = await Promise.allSettled(both);
    expect(first).toMatchObject({ status: "rejected", reason: { message: "gave up" } });
    expect(second?.status).toBe("fulfilled");
  });

  test.each([
    { chart: "shpo", sentence: 'ChartNotFound: http://HOST/stable has no chart "shpo"; it has shop' },
    { chart: "cilium", sentence: 'ChartNotFound: http://HOST/stable has no chart "cilium"' },
  ])("a missing chart $chart is told with near names", async ({ chart, sentence }) => {
    expect(await failureOf(source.resolve({ ...shop(), chart }, signal))).toBe(sentence);
  });

  test.each([
    {
      version: "2.x",
      sentence:
        'ChartNotFound: http://HOST/stable has chart "shop", but no version 2.x: the newest are 1.3.0, 1.2.3, 1.2.0',
    },
    {
      version: "newest",
      sentence: 'InvalidSpec: "newest" is neither a version nor a range of versions: write 1.2.3, 1.2.x or ">=1.2 <2"',
    },
  ])("a missing version $version is told with what there is", async ({ version, sentence }) => {
    expect(await failureOf(source.resolve({ ...shop(), version }, signal))).toBe(sentence);
  });

  test("other bytes than the index promises are refused", async () => {
    serve("/stable/files/shop-1.2.3.tgz", gzipSync("something else"));
    const sentence = await failureOf(source.fetch(shop(), signal));
    expect(sentence).toContain(
      `InvalidChart: chart shop 1.2.3 of http://HOST/stable is not what was promised: expected ${digest}`,
    );
  });

  test("a version whose bytes changed since it was pinned is refused", async () => {
    const other = gzipSync("new bytes, new digest, same version");
    const listed = { version: "1.2.3", urls: ["files/shop-1.2.3.tgz"] };
    serve("/stable/index.yaml", index([listed]));
    serve("/stable/files/shop-1.2.3.tgz", other);
    const sentence = await failureOf(source.fetch({ ...shop(), version: "1.2.3", digest }, signal));
    expect(sentence).toContain("InvalidChart: chart shop 1.2.3 of http://HOST/stable is not what was promised");
  });

  test.each([
    {
      fault: "no index",
      handle: (response: ServerResponse) => response.writeHead(404).end(),
      sentence: "ChartNotFound: http://HOST/stable is no chart repository: it has no index.yaml",
    },
    {
      fault: "HTML instead of an index",
      handle: (response: ServerResponse) => response.end("<html>"),
      sentence: "InvalidChart: the index.yaml of http://HOST/stable cannot be read",
    },
    {
      fault: "503",
      handle: (response: ServerResponse) => response.writeHead(503).end(),
      sentence: "SourceUnavailable: HOST answers 503 for the index of its charts",
    },
    {
      fault: "a cut connection",
      handle: (response: ServerResponse) => response.destroy(),
      sentence: "SourceUnavailable: HOST is not available: it closed the connection",
    },
    {
      fault: "too many redirects",
      handle: (response: ServerResponse) => response.writeHead(302, { location: "index.yaml" }).end(),
      sentence: "SourceUnavailable: HOST redirects more than 5 times for the index",
    },
    {
      fault: "a redirect to the metadata service",
      handle: (response: ServerResponse) => response.writeHead(302, { location: "https://169.254.169.254/" }).end(),
      sentence:
        "InvalidSpec: requests to 169.254.169.254 are not allowed: its address is link-local, which no setting allows",
    },
    {
      fault: "a redirect to an unencrypted place",
      handle: (response: ServerResponse) => response.writeHead(302, { location: "http://charts.example/" }).end(),
      sentence: "InvalidSpec: http://charts.example is not encrypted: use https://",
    },
  ])("$fault: $sentence", async ({ handle, sentence }) => {
    handlers["/stable/index.yaml"] = (_request, response) => handle(response);
    expect(await failureOf(source.resolve(shop(), signal))).toBe(sentence);
  });

  test("429 says how long to wait", async () => {
    handlers["/stable/index.yaml"] = (_request, response) => response.writeHead(429, { "retry-after": "7" }).end();
    const failure = await source.resolve(shop(), signal).catch((error: Failure) => error);
    expect(failure).toMatchObject({ reason: "SourceUnavailable", retryAfterMs: 7000 });
  });

  test("a server that never finishes is left after the deadline, and can be asked again", async () => {
    await using impatient = new Sources({ allowedNetworks: LOOPBACK_NETWORKS, deadlineMs: 2000 });
    const hasty = impatient.charts;
    handlers["/stable/index.yaml"] = (_request, response) => void response.writeHead(200).write("entries:");
    const sentence = "SourceUnavailable: HOST is not available: it takes too long to answer";
    expect(await failureOf(hasty.resolve(shop(), signal))).toBe(sentence);
    serve("/stable/index.yaml", index([{ version: "1.2.3", urls: ["x"] }]));
    expect(await hasty.resolve(shop(), signal)).toEqual({ version: "1.2.3" });
  });

  test("a chart of more than 20 MiB is not read to its end", async () => {
    handlers["/stable/files/shop-1.2.3.tgz"] = (_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024);
      const pump = () => {
        while (response.write(chunk));
      };
      response.on("drain", pump);
      pump();
    };
    expect(await failureOf(source.fetch(shop(), signal))).toBe(
      "InvalidChart: chart shop 1.2.3 of HOST is larger than 20 MiB",
    );
  });

  test("a page instead of a package is no chart", async () => {
    serve("/stable/index.yaml", index([{ version: "1.2.3", urls: ["/page"] }]));
    serve("/page", "<html>");
    const sentence = "InvalidChart: http://HOST/stable serves shop 1.2.3 as something that is no packed chart";
    expect(await failureOf(source.fetch(shop(), signal))).toBe(sentence);
  });

  test("a repository may list a chart that is in a registry", async () => {
    serve("/stable/index.yaml", index([{ version: "1.2.3+b1", urls: [`oci://${host}/charts/shop:1.2.3+b1`] }]));
    serve("/v2/charts/shop/manifests/1.2.3_b1", manifest(digest));
    serve(`/v2/charts/shop/blobs/${digest}`, bytes);
    expect(await source.fetch(shop(), signal)).toEqual({ name: "shop", version: "1.2.3+b1", digest, bytes });
  });
});

const CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

function manifest(layer: string, mediaType = CHART_LAYER): string {
  return JSON.stringify({ schemaVersion: 2, layers: [{ mediaType, digest: layer, size: bytes.length }] });
}

describe("a registry", () => {
  const shop = () => ({ repo: `oci://${host}/charts`, chart: "shop", version: "1.2.x" });

  beforeEach(() => {
    serve("/v2/charts/shop/tags/list?n=1000", JSON.stringify({ tags: ["latest", "1.2.0", "1.3.0"] }), {
      link: '</v2/charts/shop/tags/list?n=1000&last=1.3.0>; rel="next"',
    });
    serve("/v2/charts/shop/tags/list?n=1000&last=1.3.0", JSON.stringify({ tags: ["1.2.3_b1"] }));
    serve("/v2/charts/shop/manifests/1.2.3_b1", manifest(digest));
    serve(`/v2/charts/shop/blobs/${digest}`, bytes);
  });

  test("resolves a range over all pages of tags", async () => {
    expect(await source.resolve(shop(), signal)).toEqual({ version: "1.2.3+b1", digest });
    expect((await source.fetch(shop(), signal)).bytes).toEqual(bytes);
  });

  test("an exact version needs no list", async () => {
    await source.fetch({ ...shop(), version: "1.2.3+b1" }, signal);
    expect(paths()).toEqual(["/v2/charts/shop/manifests/1.2.3_b1", `/v2/charts/shop/blobs/${digest}`]);
  });

  test("a version that only the tag writes without v is found", async () => {
    expect(await source.resolve({ ...shop(), version: "v1.2.3" }, signal)).toEqual({ version: "1.2.3+b1", digest });
  });

  test("gets an anonymous token once, and sends it nowhere else", async () => {
    const elsewhere: IncomingHttpHeaders[] = [];
    await using storage = await startWebServer();
    storage.handlers["/blob"] = ({ headers }, response) => {
      elsewhere.push(headers);
      response.end(bytes);
    };
    serve(
      "/token?service=reg&scope=repository%3Acharts%2Fshop%3Apull",
      JSON.stringify({ token: "t0k3n", expires_in: 300 }),
    );
    const guarded = handlers["/v2/charts/shop/manifests/1.2.3_b1"];
    handlers["/v2/charts/shop/manifests/1.2.3_b1"] = (request, response) => {
      if (request.headers.authorization === "Bearer t0k3n") return guarded?.(request, response);
      const challenge = `Bearer realm="${base}/token",service="reg",scope="repository:charts/shop:pull"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
    };
    handlers[`/v2/charts/shop/blobs/${digest}`] = ({ headers }, response) => {
      expect(headers.authorization).toBe("Bearer t0k3n");
      response.writeHead(307, { location: `${storage.url}/blob` }).end();
    };
    await source.fetch({ ...shop(), version: "1.2.3+b1" }, signal);
    await source.resolve({ ...shop(), version: "1.2.3+b1" }, signal);
    expect(paths().filter((path) => path.startsWith("/token"))).toHaveLength(1);
    expect(elsewhere.map(({ authorization }) => authorization)).toEqual([undefined]);
    // The token service sees no credentials: there are none.
    expect(seen.find(({ path }) => path.startsWith("/token"))?.headers.authorization).toBeUndefined();
  });

  test.each([
    {
      fault: "a registry that wants a password",
      handle: (response: ServerResponse) => response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end(),
      sentence:
        "SourceUnauthorized: HOST wants credentials for charts/shop 1.2.3: refer to a Registry that has them, or correct the name",
    },
    {
      fault: "a token service at the metadata address",
      handle: (response: ServerResponse) =>
        response.writeHead(401, { "www-authenticate": 'Bearer realm="http://169.254.169.254/token"' }).end(),
      sentence:
        "InvalidSpec: requests to 169.254.169.254 are not allowed: its address is link-local, which no setting allows",
    },
    {
      fault: "an image instead of a chart",
      handle: (response: ServerResponse) =>
        response.end(manifest(digest, "application/vnd.oci.image.layer.v1.tar+gzip")),
      sentence: "InvalidChart: charts/shop 1.2.3 of HOST is not a Helm chart",
    },
    {
      fault: "a digest that is a path",
      handle: (response: ServerResponse) => response.end(manifest("sha256:../../secrets")),
      sentence: "InvalidChart: charts/shop 1.2.3 of HOST is not a Helm chart",
    },
  ])("$fault: $sentence", async ({ handle, sentence }) => {
    handlers["/v2/charts/shop/manifests/1.2.3"] = (_request, response) => handle(response);
    expect(await failureOf(source.fetch({ ...shop(), version: "1.2.3" }, signal))).toBe(sentence);
  });

  test("other bytes under a digest are refused", async () => {
    serve(`/v2/charts/shop/blobs/${digest}`, gzipSync("something else"));
    expect(await failureOf(source.fetch(shop(), signal))).toContain(
      `InvalidChart: charts/shop 1.2.3+b1 is not what was promised: expected ${digest}`,
    );
  });

  test("missing charts and versions are told", async () => {
    expect(await failureOf(source.resolve({ ...shop(), chart: "shpo" }, signal))).toBe(
      'ChartNotFound: oci://HOST/charts has no chart "shpo"',
    );
    expect(await failureOf(source.resolve({ ...shop(), version: "9.9.9" }, signal))).toBe(
      'ChartNotFound: oci://HOST/charts has chart "shop", but no version 9.9.9: the newest are 1.3.0, 1.2.3+b1, 1.2.0',
    );
  });
});

test.each([
  { repo: "charts.example", sentence: "InvalidSpec: the address of a registry must begin with https:// or oci://" },
  { repo: "ftp://charts.example", sentence: "InvalidSpec: ftp:// addresses are not supported: use https:// or oci://" },
  {
    repo: "oci://charts.example/Upper",
    sentence: 'InvalidSpec: "oci://charts.example/Upper/shop" is no address: write oci://host/path in small letters',
  },
  {
    repo: "oci://",
    sentence: "InvalidSpec: the address of a registry must begin with https:// or oci://",
  },
  { repo: "http://127.0.0.1:1", sentence: "SourceUnavailable: 127.0.0.1:1 is not available: it refuses connections" },
])("$repo: $sentence", async ({ repo, sentence }) => {
  expect(await failureOf(source.resolve({ repo, chart: "shop", version: "" }, signal))).toBe(sentence);
});

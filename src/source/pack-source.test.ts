import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAuthority } from "../../test/support/certificates.ts";
import type { Failure } from "../errors.ts";
import { LOOPBACK_NETWORKS } from "../text/addresses.ts";
import { writeArchive } from "./archive/write-archive.ts";
import { Sources } from "./sources.ts";
import { CHART_LAYER, digestOf, FILE_LAYER, FLUX_LAYER, listTags, push } from "./testing/oci-server.ts";
import { tgz } from "./testing/tar.ts";
import { startWebServer, type WebServer } from "./testing/web-server.ts";

const signal = new AbortController().signal;
const filesOf = (texts: Record<string, string>) =>
  new Map(Object.entries(texts).map(([path, text]) => [path, new TextEncoder().encode(text)]));
const packFiles = (version: string) =>
  filesOf({
    "pack.json": JSON.stringify({ name: "shop", version }),
    "values.yaml": "charts: {}\n",
    "manifests/shop.yaml": "kind: Namespace\n",
  });

let server: WebServer;
let sources: Sources;

beforeEach(async () => {
  server = await startWebServer();
  sources = new Sources({ allowedNetworks: LOOPBACK_NETWORKS });
});
afterEach(async () => {
  await sources[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function failureOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (error: Failure) => error,
  );
  return `${failure?.reason}: ${failure?.message.replaceAll(server.host, "HOST")}`;
}

describe("packs in an OCI registry", () => {
  const path = "acme/spectro-packs/archive/shop";
  const shop = (version: string) => ({
    registry: { kind: "OCI" as const, url: `oci://${server.host}`, basePath: "acme" },
    name: "shop",
    version,
  });
  const publish = (version: string, tag = version) => {
    const bytes = writeArchive(packFiles(version), `shop-${version}`);
    push(server, { repository: path, tag, layers: [{ mediaType: FILE_LAYER, bytes }] });
    return digestOf(bytes);
  };
  const tags = ["latest", "1.5", "v1.1.0", "1.2.0", "1.2.7", "0.30.0-5.5.2026", "LTS__18.4.x", "1.33.x", "2.0.0_b1"];

  beforeEach(() => listTags(server, path, tags));

  test("the files of the folder, without the folder", async () => {
    const digest = publish("1.2.0");
    const pack = await sources.packs.fetch(shop("1.2.0"), signal);
    expect(pack).toEqual({ version: "1.2.0", digest, files: packFiles("1.2.0") });
    await sources.packs.fetch({ ...shop("1.2.0"), digest }, signal);
    expect(server.paths()).toEqual([`/v2/${path}/manifests/1.2.0`, `/v2/${path}/blobs/${digest}`]);
  });

  test.each([
    { wanted: "1.2.x", version: "1.2.7", tag: "1.2.7" },
    { wanted: "~1.2", version: "1.2.7", tag: "1.2.7" },
    { wanted: "", version: "2.0.0+b1", tag: "2.0.0_b1" },
    { wanted: "1.5", version: "1.5", tag: "1.5" },
    { wanted: "v1.1.0", version: "v1.1.0", tag: "v1.1.0" },
    { wanted: "0.30.0-5.5.2026", version: "0.30.0-5.5.2026", tag: "0.30.0-5.5.2026" },
    { wanted: "LTS__18.4.x", version: "LTS__18.4.x", tag: "LTS__18.4.x" },
    { wanted: "1.33.x", version: "1.33.x", tag: "1.33.x" },
    { wanted: "2.0.0+b1", version: "2.0.0+b1", tag: "2.0.0_b1" },
  ])("version $wanted means the tag $tag", async ({ wanted, version, tag }) => {
    const digest = publish(version, tag);
    expect(await sources.packs.resolve(shop(wanted), signal)).toEqual({ version, digest });
  });

  test("more tags than anybody reads", { timeout: 60_000 }, async () => {
    const many = Array.from({ length: 300_000 }, (_, n) => n.toString(36));
    listTags(server, path, ["1.2.0", ...many]);
    publish("1.2.0");
    expect(await sources.packs.resolve(shop("1.2.x"), signal)).toMatchObject({ version: "1.2.0" });
  });

  test.each([
    {
      what: "a chart",
      layers: [{ mediaType: CHART_LAYER, bytes: gzipSync("") }],
      config: "application/vnd.cncf.helm.config.v1+json",
      sentence: `InvalidSource: ${path} 1.2.0 of HOST is a Helm chart, not a pack`,
    },
    {
      what: "an image of two layers",
      layers: ["a", "b"].map((text) => ({ mediaType: FILE_LAYER, bytes: gzipSync(text) })),
      sentence: `InvalidSource: ${path} 1.2.0 of HOST is not a pack: a pack has one layer, this has 2`,
    },
    {
      what: "something that is not packed",
      layers: [{ mediaType: FILE_LAYER, bytes: Buffer.from("pack.json") }],
      sentence: "InvalidSource: oci://HOST serves shop 1.2.0 as something that is no packed pack",
    },
    {
      what: "an archive with a link",
      layers: [{ mediaType: FILE_LAYER, bytes: tgz([{ name: "pack.json", type: "2", link: "/etc/passwd" }]) }],
      sentence:
        'InvalidSource: pack shop 1.2.0 of oci://HOST holds a symbolic link "pack.json": only files and folders are taken',
    },
  ])("$what: $sentence", async ({ layers, config, sentence }) => {
    push(server, { repository: path, tag: "1.2.0", layers, ...(config === undefined ? {} : { config }) });
    expect(await failureOf(sources.packs.fetch(shop("1.2.0"), signal))).toBe(sentence);
  });

  test.each([
    {
      name: "shop",
      version: "9.x",
      sentence:
        'SourceNotFound: oci://HOST has pack "shop", but no version 9.x: the newest are 2.0.0+b1, 1.5, 1.2.7, 1.2.0, v1.1.0',
    },
    { name: "shpo", version: "1.0.0", sentence: 'SourceNotFound: oci://HOST has no pack "shpo"' },
    {
      name: "Shop",
      version: "1.0.0",
      sentence:
        'InvalidSpec: "oci://HOST/acme/spectro-packs/archive/Shop" is no address: write oci://host/path in small letters',
    },
  ])("$name $version: $sentence", async ({ name, version, sentence }) => {
    expect(await failureOf(sources.packs.resolve({ ...shop(version), name }, signal))).toBe(sentence);
  });

  test("a tag that moved since it was resolved", async () => {
    const digest = publish("1.2.0");
    const moved = publish("1.2.1", "1.2.0");
    expect(await failureOf(sources.packs.fetch({ ...shop("1.2.0"), digest }, signal))).toBe(
      `InvalidSource: pack shop 1.2.0 of oci://HOST is not what was promised: expected ${digest}, found ${moved}`,
    );
  });
});

describe("packed packs over HTTP", () => {
  const bytes = writeArchive(packFiles("1.2.0"), "shop-1.2.0");
  const shop = (version: string) => ({
    registry: { kind: "Pack" as const, url: `${server.url}/packs` },
    name: "shop",
    version,
  });
  const list = (entry: object) =>
    server.serve("/packs/index.yaml", JSON.stringify({ apiVersion: "v1", entries: { shop: [entry] } }));

  beforeEach(() => {
    list({ version: "1.2.0", urls: ["archives/shop-1.2.0.tgz"], digest: digestOf(bytes).slice(7) });
    server.serve("/packs/archives/shop-1.2.0.tgz", bytes);
  });

  test("the files of the folder", async () => {
    const digest = digestOf(bytes);
    expect(await sources.packs.resolve(shop("1.x"), signal)).toEqual({ version: "1.2.0", digest });
    expect(await sources.packs.fetch(shop("1.x"), signal)).toEqual({
      version: "1.2.0",
      digest,
      files: packFiles("1.2.0"),
    });
  });

  test.each([
    {
      fault: "an index without digests",
      break: () => list({ version: "1.2.0", urls: ["archives/shop-1.2.0.tgz"] }),
      sentence: "InvalidSource: http://HOST/packs lists shop 1.2.0 without a digest",
    },
    {
      fault: "other bytes",
      break: () => server.serve("/packs/archives/shop-1.2.0.tgz", gzipSync("x")),
      sentence: `InvalidSource: pack shop 1.2.0 of http://HOST/packs is not what was promised: expected ${digestOf(bytes)}, found ${digestOf(gzipSync("x"))}`,
    },
    {
      fault: "a missing archive",
      break: () => delete server.handlers["/packs/archives/shop-1.2.0.tgz"],
      sentence: "SourceNotFound: HOST has no pack shop 1.2.0",
    },
    {
      fault: "no index",
      break: () => delete server.handlers["/packs/index.yaml"],
      sentence: "SourceNotFound: http://HOST/packs is no pack repository: it has no index.yaml",
    },
  ])("$fault: $sentence", async ({ break: spoil, sentence }) => {
    spoil();
    expect(await failureOf(sources.packs.fetch(shop("1.2.0"), signal))).toBe(sentence);
  });

  test("a chart is not looked for among packs, nor a pack among charts", async () => {
    const chart = { repo: shop("").registry, chart: "shop", version: "1.2.0" };
    expect(await failureOf(sources.charts.resolve(chart, signal))).toBe(
      "InvalidSpec: http://HOST/packs is a registry of packs, not of charts",
    );
    const pack = { ...shop("1.2.0"), registry: `${server.url}/packs` };
    expect(await failureOf(sources.packs.resolve(pack, signal))).toBe(
      "InvalidSpec: http://HOST/packs is a registry of charts, not of packs",
    );
  });
});

describe("artifacts of the flux CLI", () => {
  const bytes = tgz([
    { name: "./", type: "5" },
    { name: "deploy/a.yaml", content: "kind: A\n" },
  ]);
  const artifact = (version: string) => ({ registry: `oci://${server.host}/acme`, repository: "shop", version });
  let manifest: string;

  beforeEach(() => {
    manifest = push(server, {
      repository: "acme/shop",
      tag: "main",
      config: "application/vnd.cncf.flux.config.v1+json",
      layers: [{ mediaType: FLUX_LAYER, bytes }],
    });
    listTags(server, "acme/shop", ["main", "1.0.0"]);
  });

  test("by a tag, and by the digest of the manifest: all files under their own paths", async () => {
    const digest = digestOf(bytes);
    const wanted = { version: "main", digest, files: filesOf({ "deploy/a.yaml": "kind: A\n" }) };
    expect(await sources.artifacts.fetch(artifact("main"), signal)).toEqual(wanted);
    expect(await sources.artifacts.fetch(artifact(manifest), signal)).toEqual({ ...wanted, version: manifest });
  });

  test("a manifest of another digest than was asked for", async () => {
    server.serve(`/v2/acme/shop/manifests/${manifest}`, "{}");
    expect(await failureOf(sources.artifacts.fetch(artifact(manifest), signal))).toContain("InvalidSource: HOST lies");
  });

  test("nothing under the digest", async () => {
    const digest = digestOf("nothing");
    expect(await failureOf(sources.artifacts.fetch(artifact(digest), signal))).toBe(
      `SourceNotFound: oci://HOST/acme has nothing of the digest ${digest}`,
    );
  });

  test("an image is no artifact", async () => {
    push(server, { repository: "acme/shop", tag: "main", layers: [{ mediaType: FILE_LAYER, bytes }] });
    expect(await failureOf(sources.artifacts.fetch(artifact("main"), signal))).toBe(
      `InvalidSource: acme/shop main of HOST is no artifact with one layer of type ${FLUX_LAYER}: push it with the flux CLI`,
    );
  });
});

const credentials = { kind: "bearer" as const, token: "t" };

describe("files by address", () => {
  const text = "kind: Namespace\n";
  const sha256 = digestOf(text).slice(7);
  const file = (more: object = {}) => ({ url: `${server.url}/a.yaml?signature=s3cret`, sha256, ...more });

  beforeEach(() => server.serve("/a.yaml?signature=s3cret", text));

  test("the text, asked for once", async () => {
    const asked = Array.from({ length: 5 }, () => sources.urls.text(file(), signal));
    expect(await Promise.all(asked)).toEqual(Array(5).fill(text));
    expect(await sources.urls.text(file(), signal)).toBe(text);
    expect(server.seen).toHaveLength(1);
  });

  const ours = (more: object = {}) => ({
    kind: "Helm" as const,
    url: `${server.url}/charts`,
    name: "Registry acme/ours",
    credentials,
    ...more,
  });

  test("credentials of a registry are shown for what is below it, and to no other origin", async () => {
    server.serve("/charts/a.yaml", text);
    await sources.urls.text({ url: `${server.url}/charts/a.yaml`, sha256, registry: ours() }, signal);
    await sources.urls.text(file({ registry: ours({ url: "http://127.0.0.1:1" }) }), signal);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer t", undefined]);
  });

  test("what is below a mirror is as good", async () => {
    server.serve("/mirror/a.yaml", text);
    const registry = ours({ mirrors: [`${server.url}/mirror/`] });
    expect(await sources.urls.text({ url: `${server.url}/mirror/a.yaml`, sha256, registry }, signal)).toBe(text);
  });

  test.each([
    "/secret.yaml",
    "/charts-of-others/a.yaml",
    "/charts/../secret.yaml",
    "/charts/%2e%2e/secret.yaml",
    "/charts/..%2fsecret.yaml",
    "/charts/..%2Fsecret.yaml",
    "/charts/%252e%252e%252fsecret.yaml",
    "/charts/..;a/secret.yaml",
    "/charts/..%5csecret.yaml",
    "/charts/..\\..\\secret.yaml",
    "/charts/%",
    "/charts/..%20/secret.yaml",
    "/charts/a.yaml?file=../secret.yaml",
  ])("no credentials go to %s of the same origin, not even for the right digest", async (path) => {
    for (const asked of ["/secret.yaml", path, new URL(`${server.url}${path}`).pathname]) server.serve(asked, text);
    const said = await failureOf(sources.urls.text({ url: `${server.url}${path}`, sha256, registry: ours() }, signal));
    expect(said).toContain(
      "InvalidSpec: Registry acme/ours gives its credentials for what is below http://HOST/charts only, and http://HOST/",
    );
    expect(said).toContain("write an address below it");
    expect(server.seen).toEqual([]);
  });

  test("credentials go below a folder whose own name is encoded", async () => {
    server.serve("/projects/acme%2Fshop/helm/100%25.yaml", text);
    const registry = ours({ url: `${server.url}/projects/acme%2Fshop/helm` });
    const url = `${registry.url}/100%25.yaml`;
    expect(await sources.urls.text({ url, sha256, registry }, signal)).toBe(text);
    expect(server.seen[0]?.headers.authorization).toBe("Bearer t");
  });

  test("credentials go along with redirects below the registry, and not out of it nor back again", async () => {
    const redirect =
      (location: string): WebServer["handlers"][string] =>
      (_request, response) =>
        void response.writeHead(302, { location }).end();
    server.handlers["/charts/a.yaml"] = redirect("/charts/b.yaml");
    server.handlers["/charts/b.yaml"] = redirect("/elsewhere.yaml");
    server.handlers["/elsewhere.yaml"] = redirect("/charts/c.yaml");
    server.serve("/charts/c.yaml", "kind: Secret\n");
    const asked = { url: `${server.url}/charts/a.yaml`, sha256, registry: ours() };
    const said = await failureOf(sources.urls.text(asked, signal));
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer t",
      "Bearer t",
      undefined,
      undefined,
    ]);
    // Of what came after credentials were shown, nobody can tell whether it is open to all.
    expect(said).toContain("found other bytes");
  });

  test("without credentials there is nothing that an address could misuse", async () => {
    const { credentials: _, ...registry } = ours();
    expect(await sources.urls.text(file({ registry }), signal)).toBe(text);
  });

  test.each([{ more: {} }, { more: { credentials: undefined } }])(
    "the digest of what credentials open is told to nobody: $more",
    async ({ more }) => {
      server.serve("/charts/a.yaml", "kind: Secret\n");
      const registry = ours(more);
      const said = await failureOf(sources.urls.text({ url: `${server.url}/charts/a.yaml`, sha256, registry }, signal));
      const found = digestOf("kind: Secret\n");
      const isOpen = "credentials" in more;
      expect(said.includes(found)).toBe(isOpen);
      expect(said).toBe(
        `InvalidSource: http://HOST/charts/a.yaml is not what was promised: expected sha256:${sha256}, found ${isOpen ? found : "other bytes (compare sha256 with the file)"}`,
      );
    },
  );

  test.each([
    {
      fault: "other bytes",
      body: "kind: Secret\n",
      sentence: `InvalidSource: http://HOST/a.yaml is not what was promised: expected sha256:${sha256}, found ${digestOf("kind: Secret\n")}`,
    },
    {
      fault: "no UTF-8",
      body: Buffer.from([0xff, 0xfe]),
      more: { sha256: digestOf(Buffer.from([0xff, 0xfe])).slice(7) },
      sentence: "InvalidSource: http://HOST/a.yaml is no text in UTF-8",
    },
    {
      fault: "no digest",
      more: { sha256: "abc" },
      sentence: "InvalidSpec: sha256 of http://HOST/a.yaml must be 64 hexadecimal digits in small letters",
    },
    {
      fault: "no address",
      more: { url: "a.yaml" },
      sentence: "InvalidSpec: the address of a manifest must begin with https://",
    },
    {
      fault: "the metadata service",
      more: { url: "http://169.254.169.254/latest" },
      sentence:
        "InvalidSpec: requests to 169.254.169.254 are not allowed: its address is link-local, which no setting allows",
    },
  ])("$fault: $sentence", async ({ body, more, sentence }) => {
    if (body !== undefined) server.serve("/a.yaml?signature=s3cret", body);
    const said = await failureOf(sources.urls.text(file(more), signal));
    expect(said).toBe(sentence);
    expect(said).not.toContain("s3cret");
  });

  test("the files of an archive, under their own paths", async () => {
    const bytes = tgz([
      { name: "./", type: "5" },
      { name: "deploy/a.yaml", content: "kind: A\n" },
    ]);
    server.serve("/a.tar.gz", bytes);
    const archive = { url: `${server.url}/a.tar.gz`, sha256: digestOf(bytes).slice(7) };
    expect(await sources.urls.files(archive, signal)).toEqual(filesOf({ "deploy/a.yaml": "kind: A\n" }));
    expect(await sources.urls.files(archive, signal)).toEqual(filesOf({ "deploy/a.yaml": "kind: A\n" }));
    expect(server.seen).toHaveLength(1);
  });

  test("an archive that holds a link, or is none", async () => {
    const bytes = tgz([{ name: "a", type: "2", link: "/etc/passwd" }]);
    server.serve("/a.tar.gz", bytes);
    const archive = { url: `${server.url}/a.tar.gz`, sha256: digestOf(bytes).slice(7) };
    expect(await failureOf(sources.urls.files(archive, signal))).toBe(
      'InvalidSource: http://HOST/a.tar.gz holds a symbolic link "a": only files and folders are taken',
    );
    expect(await failureOf(sources.urls.files(file(), signal))).toBe(
      "InvalidSource: http://HOST/a.yaml is no gzip archive, or a broken one",
    );
  });

  test("http:// will do where that is said, and only there", async () => {
    const url = "http://source.example.invalid/a.yaml";
    expect(await failureOf(sources.urls.text({ url, sha256 }, signal))).toBe(
      "InvalidSpec: http://source.example.invalid is not encrypted: use https://",
    );
    const registry = { kind: "Helm" as const, url: "http://source.example.invalid", unencrypted: true };
    expect(await failureOf(sources.urls.text({ url, sha256, registry }, signal))).toMatch(/^SourceUnavailable: /);
    const metadata = { url: "http://169.254.169.254/a", sha256, registry };
    expect(await failureOf(sources.urls.text(metadata, signal))).toMatch(/^InvalidSpec: .*link-local/);
  });

  test("what is not there", async () => {
    delete server.handlers["/a.yaml?signature=s3cret"];
    expect(await failureOf(sources.urls.text(file(), signal))).toBe("SourceNotFound: HOST has no file /a.yaml");
  });
});

describe("how a registry is", () => {
  const check = (registry: object) => sources.registries.check(registry as never, signal);

  test("a repository over HTTP tells how many charts it has, and is not read again while it stays as it is", async () => {
    server.handlers["/index.yaml"] = ({ headers }, response) => {
      if (headers["if-none-match"] === '"1"') response.writeHead(304).end();
      else response.writeHead(200, { etag: '"1"' }).end(JSON.stringify({ entries: { a: [], b: [] } }));
    };
    for (let n = 0; n < 2; n += 1) expect(await check({ kind: "Helm", url: server.url })).toEqual({ entries: 2 });
    expect(server.seen.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"1"']);
  });

  test("what was read with some credentials is nothing to who has others", async () => {
    server.serve("/index.yaml", JSON.stringify({ entries: { a: [] } }), { etag: '"1"' });
    const credentials = { kind: "basic", username: "me", password: "s3cret" };
    for (const own of [{ credentials }, {}, { credentials: { ...credentials, password: "other" } }])
      await check({ kind: "Helm", url: server.url, ...own });
    expect(server.seen.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, undefined, undefined]);
  });

  test("an OCI registry tells what it has below its path, page by page", async () => {
    server.serve("/v2/", "{}");
    const page = (names: string[]) => JSON.stringify({ repositories: names });
    server.serve("/v2/_catalog?n=1000", page(["acme/a", "acmeb"]), {
      link: '</v2/_catalog?n=1000&last=x>; rel="next"',
    });
    server.serve("/v2/_catalog?n=1000&last=x", page(["acme/b/c", "other"]));
    expect(await check({ kind: "OCI", url: `oci://${server.host}`, basePath: "acme" })).toEqual({ entries: 2 });
    expect(await check({ kind: "OCI", url: `oci://${server.host}` })).toEqual({ entries: 4 });
  });

  test.each([401, 403, 404])("an OCI registry that answers %i for its list is well all the same", async (status) => {
    server.serve("/v2/", "{}");
    server.handlers["/v2/_catalog?n=1000"] = (_request, response) => void response.writeHead(status).end();
    expect(await check({ kind: "OCI", url: `oci://${server.host}` })).toEqual({});
  });

  const basic = { credentials: { kind: "basic", username: "me", password: "s3cret" } };
  const OWN = "Basic bWU6czNjcmV0";

  test.each([
    { name: "that asks for the password", more: basic, asksFor: OWN, seen: "accepted" },
    { name: "that asks for nothing", more: basic, asksFor: undefined, seen: "unasked" },
    { name: "that is sent a token", more: { credentials }, asksFor: undefined, seen: "shown" },
    { name: "without credentials", more: {}, asksFor: undefined, seen: undefined },
    {
      name: "whose mirror answers, for which they are not",
      more: basic,
      asksFor: undefined,
      seen: undefined,
      mirror: true,
    },
  ])("an OCI registry $name: the credentials are $seen", async ({ more, asksFor, seen, mirror = false }) => {
    server.handlers["/v2/"] = ({ headers }, response) => {
      const isIn = asksFor === undefined || headers.authorization === asksFor;
      response.writeHead(isIn ? 200 : 401, { "www-authenticate": 'Basic realm="x"' }).end();
    };
    const oci = `oci://${server.host}`;
    const place = mirror ? { url: "oci://127.0.0.1:1", mirrors: [oci] } : { url: oci };
    for (let n = 0; n < 2; n += 1)
      expect(await check({ kind: "OCI", ...place, ...more })).toEqual(seen ? { credentials: seen } : {});
  });

  test("an OCI registry over TLS is shown a client certificate, whether it asks for the password or not", async () => {
    const authority = createAuthority("registry authority");
    const own = authority.issue({ commonName: "registry", hosts: ["127.0.0.1"] });
    const client = authority.issue({ commonName: "strata-client" });
    const ca = authority.certPem;
    await using secure = await startWebServer({
      cert: own.certPem,
      key: own.keyPem,
      ca,
      requestCert: true,
      rejectUnauthorized: false,
    });
    secure.serve("/v2/", "{}");
    const clientCertificate = { cert: client.certPem, key: client.keyPem };
    const access = { kind: "OCI", url: secure.url, ca };
    expect(await check({ ...access, clientCertificate })).toEqual({ credentials: "shown" });
    expect(await check({ ...access, clientCertificate, ...basic })).toEqual({ credentials: "shown" });
    expect(await check({ ...access, ...basic })).toEqual({ credentials: "unasked" });
  });

  test("a repository over HTTP is shown the credentials, wanted or not", async () => {
    server.serve("/index.yaml", JSON.stringify({ entries: {} }));
    expect(await check({ kind: "Helm", url: server.url, ...basic })).toEqual({ entries: 0, credentials: "shown" });
  });

  test("what is no registry is told", async () => {
    expect(await failureOf(check({ kind: "OCI", url: `oci://${server.host}` }))).toBe(
      "SourceNotFound: HOST is no OCI registry: it has no /v2/",
    );
    expect(await failureOf(check({ kind: "Pack", url: server.url }))).toBe(
      "SourceNotFound: http://HOST/ is no pack repository: it has no index.yaml",
    );
  });

  test("wrong credentials are told", async () => {
    server.handlers["/v2/"] = (_request, response) =>
      void response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    const credentials = { kind: "basic", username: "me", password: "old" };
    expect(
      await failureOf(check({ kind: "OCI", url: `oci://${server.host}`, name: "Registry a/b", credentials })),
    ).toBe(
      "SourceUnauthorized: Registry a/b (HOST) does not accept the user and password for its contents: correct them in the Secret of the Registry",
    );
  });
});

import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { LOOPBACK_NETWORKS } from "../text/addresses.ts";
import type { RegistryAccess } from "./access.ts";
import { PackPush } from "./pack-push.ts";
import { Sources } from "./sources.ts";

const signal = new AbortController().signal;
const REPOSITORY = "acme/spectro-packs/archive/shop";
const BASIC = `Basic ${Buffer.from("me:s3cret").toString("base64")}`;
const BEARER = "Bearer t0ken";

const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

type Mode = "open" | "basic" | "token" | "elsewhere" | "closed";

interface Request {
  method: string;
  url: URL;
  body: Uint8Array;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: Uint8Array | string | undefined;
}

/** What a registry holds, and what it answers about uploads. */
class Shelf {
  readonly blobs = new Map<string, Uint8Array>();
  readonly manifests = new Map<string, Uint8Array>();

  answer({ method, url, body }: Request, mode: Mode): Answer {
    const [, kind = "", name = ""] = /\/(blobs|manifests|tags|blobs\/uploads)\/([^/]*)$/.exec(url.pathname) ?? [];
    if (method === "POST") return { status: 202, headers: { location: mode === "elsewhere" ? ELSEWHERE : UPLOAD } };
    if (method === "PUT" && kind === "blobs/uploads") return this.#takeBlob(url.searchParams, body);
    if (method === "PUT") {
      this.manifests.set(name, body);
      return { status: 201 };
    }
    if (kind === "tags") return { status: 200, body: JSON.stringify({ tags: [...this.manifests.keys()] }) };
    const found = (kind === "manifests" ? this.manifests : this.blobs).get(name);
    return found === undefined ? { status: 404 } : { status: 200, body: method === "HEAD" ? undefined : found };
  }

  #takeBlob(query: URLSearchParams, body: Uint8Array): Answer {
    const digest = query.get("digest") ?? "";
    if (digest !== digestOf(body) || query.get("state") !== "a") return { status: 400 };
    this.blobs.set(digest, body);
    return { status: 201 };
  }
}

const UPLOAD = `/v2/${REPOSITORY}/blobs/uploads/1?state=a`;
const ELSEWHERE = "https://elsewhere.example.test/up";

/** A registry that takes uploads, as far as pushing and fetching need it. */
async function startOci(mode: Mode = "open") {
  const shelf = new Shelf();
  const seen: { method: string; path: string }[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const { method = "", url: path = "/" } = request;
    const url = new URL(path, "http://registry");
    seen.push({ method, path });
    const answer = refusalOf(mode, request, url) ?? shelf.answer({ method, url, body }, mode);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { blobs, manifests } = shelf;
  return { host, blobs, manifests, seen, [Symbol.asyncDispose]: async () => void server.close() };
}

/** What a registry answers to who shows too little. */
function refusalOf(mode: Mode, { headers }: IncomingMessage, url: URL): Answer | undefined {
  if (mode === "closed" && headers.authorization === undefined)
    return { status: 401, headers: { "www-authenticate": 'Basic realm="r"' }, body: "" };
  if (mode === "closed") return { status: 403, headers: {}, body: "" };
  if (mode === "basic" && headers.authorization !== BASIC)
    return { status: 401, headers: { "www-authenticate": 'Basic realm="r"' }, body: "" };
  if (mode !== "token") return undefined;
  if (url.pathname === "/token") {
    const isMeant =
      headers.authorization === BASIC && url.searchParams.get("scope") === `repository:${REPOSITORY}:pull,push`;
    return { status: 200, headers: {}, body: JSON.stringify({ token: isMeant ? "t0ken" : "less" }) };
  }
  if (headers.authorization === BEARER) return undefined;
  const challenge = `Bearer realm="http://${headers.host}/token",service="r",scope="repository:${REPOSITORY}:pull"`;
  return { status: 401, headers: { "www-authenticate": challenge }, body: "" };
}

const encode = (text: string) => new TextEncoder().encode(text);

function shop(host: string, values = "a: 1", more: Partial<RegistryAccess> = {}) {
  const files = new Map([
    ["pack.json", encode('{"name":"shop","version":"1.2.0+b1"}')],
    ["values.yaml", encode(values)],
  ]);
  const registry: RegistryAccess = { kind: "OCI", url: `oci://${host}/acme`, ...more };
  return { registry, name: "shop", version: "1.2.0+b1", files, replace: false };
}

const credentials = { kind: "basic" as const, username: "me", password: "s3cret" };

test("a pushed pack is found by those who fetch packs, with the very same files", async () => {
  await using oci = await startOci();
  await using pusher = new PackPush({ allowedNetworks: LOOPBACK_NETWORKS });
  const pack = shop(oci.host);
  const { digest, wasThere, place } = await pusher.push(pack, signal);
  const manifest = oci.manifests.get("1.2.0_b1") ?? new Uint8Array();
  expect({ wasThere, place, digest }).toEqual({
    wasThere: false,
    place: `${oci.host}/${REPOSITORY}:1.2.0+b1`,
    digest: digestOf(manifest),
  });
  expect(JSON.parse(Buffer.from(manifest).toString())).toMatchObject({
    schemaVersion: 2,
    config: { mediaType: "application/vnd.unknown.config.v1+json", size: 2 },
    layers: [{ annotations: { "org.opencontainers.image.title": "shop-1.2.0+b1.tar.gz" } }],
  });
  await using sources = new Sources({ allowedNetworks: LOOPBACK_NETWORKS });
  const { registry, name, version, files } = pack;
  expect(await sources.packs.fetch({ registry, name, version }, signal)).toMatchObject({ version, files });
});

test("the same again sends nothing, other content is refused, and replaces what is there when that is asked for", async () => {
  await using oci = await startOci();
  await using pusher = new PackPush({ allowedNetworks: LOOPBACK_NETWORKS });
  const first = await pusher.push(shop(oci.host), signal);
  const before = oci.seen.length;
  expect(await pusher.push(shop(oci.host), signal)).toEqual({ ...first, wasThere: true });
  expect(oci.seen.slice(before).map(({ method }) => method)).toEqual(["GET"]);
  await expect(pusher.push(shop(oci.host, "a: 2"), signal)).rejects.toMatchObject({
    reason: "InvalidSpec",
    message: `pack shop 1.2.0+b1 is in ${REPOSITORY} already, with other content: give the pack another version, or say --force`,
  });
  const forced = await pusher.push({ ...shop(oci.host, "a: 2"), replace: true }, signal);
  expect(forced.digest).not.toBe(first.digest);
  expect(oci.seen.filter(({ method, path }) => method === "PUT" && path.includes("uploads"))).toHaveLength(3);
});

describe("a private registry", () => {
  test.each<Mode>(["basic", "token"])("takes the credentials (%s)", async (mode) => {
    await using oci = await startOci(mode);
    await using pusher = new PackPush({ allowedNetworks: LOOPBACK_NETWORKS });
    await pusher.push(shop(oci.host, "a: 1", { credentials }), signal);
    expect(oci.manifests.size).toBe(1);
  });

  test.each<[string, Mode, Partial<RegistryAccess>, string]>([
    ["says that it wants some", "basic", {}, "it wants credentials"],
    [
      "does not take wrong ones",
      "basic",
      { credentials: { ...credentials, password: "c4n4ry" } },
      "the user and password may not write there",
    ],
    ["says that they do not suffice", "closed", { credentials }, "the user and password may not write there"],
  ])("%s", async (_, mode, access, why) => {
    await using oci = await startOci(mode);
    await using pusher = new PackPush({ allowedNetworks: LOOPBACK_NETWORKS });
    await expect(pusher.push(shop(oci.host, "a: 1", access), signal)).rejects.toMatchObject({
      reason: "SourceUnauthorized",
      message: `${oci.host} does not take pack shop 1.2.0+b1 into ${REPOSITORY}: ${why}`,
    });
    expect(oci.blobs.size).toBe(0);
  });

  test("cannot send the bytes, and with them credentials, to somebody else", async () => {
    await using oci = await startOci("elsewhere");
    await using pusher = new PackPush({ allowedNetworks: LOOPBACK_NETWORKS });
    await expect(pusher.push(shop(oci.host, "a: 1", { credentials }), signal)).rejects.toThrow(
      "wants uploads to go to https://elsewhere.example.test, which is not supported",
    );
  });
});

test.each<[string, object, string]>([
  [
    "registry over HTTP",
    { registry: { kind: "Pack", url: "https://p.example.test" } },
    "https://p.example.test is no OCI registry: packs are pushed to oci://host/folder",
  ],
  [
    "version that no tag can be",
    { version: "1 2" },
    'version 1 2 of pack shop cannot be a tag: letters, digits, ".", "-", "+"',
  ],
  [
    "registry without TLS that is not this host",
    { registry: { kind: "OCI", url: "http://o.example.test/acme" } },
    "http://o.example.test is not encrypted: use https://",
  ],
])("a %s is refused before anything is sent", async (_, change, message) => {
  await using pusher = new PackPush({ allowedNetworks: LOOPBACK_NETWORKS });
  await expect(pusher.push({ ...shop("127.0.0.1:1"), ...change } as never, signal)).rejects.toThrow(message);
});

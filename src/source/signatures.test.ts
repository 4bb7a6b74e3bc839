import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Failure } from "../errors.ts";
import { LOOPBACK_NETWORKS } from "../text/addresses.ts";
import { Sources } from "./sources.ts";
import {
  CHART_LAYER,
  digestOf,
  FILE_LAYER,
  FLUX_LAYER,
  listTags,
  type PushedLayer,
  push,
} from "./testing/oci-server.ts";
import { startWebServer, type WebServer } from "./testing/web-server.ts";

const SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json";
const ANNOTATION = "dev.cosignproject.cosign/signature";
const COSIGN_REFERRER = "application/vnd.dev.cosign.artifact.sig.v1+json";
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const SIGN = "https://sigstore.dev/cosign/sign/v1";

const ecdsa = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ed25519 = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();

const bytes = gzipSync("the chart");
const signal = new AbortController().signal;

let server: WebServer;
let sources: Sources;
/** Of the chart's manifest. */
let digest: string;

beforeEach(async () => {
  server = await startWebServer();
  sources = new Sources({ allowedNetworks: LOOPBACK_NETWORKS });
  digest = push(server, { repository: "acme/shop", tag: "1.2.3", layers: [{ mediaType: CHART_LAYER, bytes }] });
  listTags(server, "acme/shop", ["1.2.3"]);
});
afterEach(async () => {
  await sources[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const shop = (...keys: KeyObject[]) => ({
  repo: { kind: "OCI" as const, url: `oci://${server.host}/acme`, verify: { cosignKeys: keys.map(pem) } },
  chart: "shop",
  version: "1.2.3",
});

function signature(key: KeyObject, content: Uint8Array): Buffer {
  return sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", content, key);
}

interface Simple {
  key: KeyObject;
  of?: string;
  type?: string;
  /** Bytes that are served instead of those that were signed. */
  served?: string;
}

function simple({ key, of = digest, type = "cosign container image signature", served }: Simple): PushedLayer {
  const critical = { identity: { "docker-reference": "x" }, image: { "docker-manifest-digest": of }, type };
  const payload = Buffer.from(JSON.stringify({ critical, optional: null }));
  return {
    mediaType: SIMPLE,
    bytes: served === undefined ? payload : Buffer.from(served),
    annotations: { [ANNOTATION]: signature(key, payload).toString("base64") },
  };
}

function bundle(
  key: KeyObject,
  { of = digest, predicateType = SIGN, type = "application/vnd.in-toto+json" } = {},
): PushedLayer {
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: of.slice(7) } }],
    predicateType,
    predicate: {},
  };
  const payload = Buffer.from(JSON.stringify(statement));
  const encoded = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
  const signatures = [{ sig: signature(key, encoded).toString("base64") }];
  const dsseEnvelope = { payload: payload.toString("base64"), payloadType: type, signatures };
  const verificationMaterial = { publicKey: { hint: "x" } };
  return {
    mediaType: BUNDLE,
    bytes: Buffer.from(JSON.stringify({ mediaType: BUNDLE, verificationMaterial, dsseEnvelope })),
  };
}

function tagged(...layers: PushedLayer[]): void {
  push(server, { repository: "acme/shop", tag: `${digest.replace(":", "-")}.sig`, layers });
}

/** Pushes a manifest that refers to the chart's, and lists it where the registry has its own list or where a tag stands for it. */
function referring(list: "api" | "tag", artifactType: string | undefined, ...layers: PushedLayer[]): void {
  const pushed = push(server, {
    repository: "acme/shop",
    ...(artifactType === undefined ? {} : { artifactType }),
    layers,
  });
  const manifest = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: pushed, artifactType };
  const broken = { mediaType: "x", digest: "sha512:0" };
  const place = list === "api" ? `referrers/${digest}` : `manifests/${digest.replace(":", "-")}`;
  server.serve(`/v2/acme/shop/${place}`, JSON.stringify({ manifests: [broken, manifest] }));
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (error: Failure) => error,
  );
  return `${failure?.reason}: ${failure?.message.replaceAll(server.host, "HOST").replaceAll(digest, "DIGEST")}`;
}

describe("what is signed is used", () => {
  test.each([
    { kind: "ECDSA", pair: ecdsa },
    { kind: "RSA", pair: rsa },
    { kind: "Ed25519", pair: ed25519 },
  ])("$kind: by tag, as a referrer, in a bundle", async ({ pair: { privateKey, publicKey } }) => {
    tagged(simple({ key: privateKey }));
    expect((await sources.charts.fetch(shop(publicKey), signal)).bytes).toEqual(bytes);
    delete server.handlers[`/v2/acme/shop/manifests/${digest.replace(":", "-")}.sig`];
    for (const layer of [simple({ key: privateKey, type: SIGN }), bundle(privateKey)]) {
      await using others = new Sources({ allowedNetworks: LOOPBACK_NETWORKS });
      referring("api", layer.mediaType === SIMPLE ? COSIGN_REFERRER : BUNDLE, layer);
      expect((await others.charts.fetch(shop(publicKey), signal)).bytes).toEqual(bytes);
    }
  });

  test.each([
    BUNDLE,
    undefined,
    // As cosign writes it: the type of the configuration.
    "application/vnd.oci.empty.v1+json",
    "application/vnd.oci.image.config.v1+json",
  ])("a registry without referrers of its own has them under a tag (%s)", async (type) => {
    referring("tag", type, bundle(ecdsa.privateKey));
    expect((await sources.charts.fetch(shop(ecdsa.publicKey), signal)).bytes).toEqual(bytes);
  });

  test("one good signature among others does, and one of several keys", async () => {
    tagged(simple({ key: stranger.privateKey }), simple({ key: rsa.privateKey, of: digestOf("x") }));
    referring("api", BUNDLE, bundle(stranger.privateKey), bundle(rsa.privateKey));
    expect((await sources.charts.fetch(shop(ecdsa.publicKey, rsa.publicKey), signal)).bytes).toEqual(bytes);
  });

  test("a good signature is looked at once", async () => {
    tagged(simple({ key: ecdsa.privateKey }));
    await sources.charts.resolve(shop(ecdsa.publicKey), signal);
    await sources.charts.fetch(shop(ecdsa.publicKey), signal);
    expect(server.paths().filter((path) => path.endsWith(".sig"))).toHaveLength(1);
  });

  test("without verify nobody asks for signatures", async () => {
    const { url } = shop().repo;
    await sources.charts.fetch({ ...shop(), repo: url }, signal);
    expect(server.seen).toHaveLength(2);
  });
});

describe("what is not signed is not used", () => {
  const untrusted = "VerificationFailed: acme/shop 1.2.3 (DIGEST) is not trusted: its signature";
  const wrongKey = `${untrusted} was not made by a key of the Registry`;
  const elsewhere = digestOf("something else");

  test.each<{ fault: string; sign: () => void; sentence: string }>([
    {
      fault: "no signature",
      sign: () => undefined,
      sentence: "VerificationFailed: acme/shop 1.2.3 (DIGEST) is not signed: sign it with cosign sign --key",
    },
    { fault: "a wrong key", sign: () => tagged(simple({ key: stranger.privateKey })), sentence: wrongKey },
    {
      fault: "a wrong key in a bundle",
      sign: () => referring("api", BUNDLE, bundle(stranger.privateKey)),
      sentence: wrongKey,
    },
    {
      fault: "a signature of something else",
      sign: () => tagged(simple({ key: ecdsa.privateKey, of: elsewhere })),
      sentence: `${untrusted} is of something else (${elsewhere})`,
    },
    {
      fault: "a bundle of something else",
      sign: () => referring("api", BUNDLE, bundle(ecdsa.privateKey, { of: elsewhere })),
      sentence: `${untrusted} is of something else`,
    },
    {
      fault: "a payload that was changed after it was signed",
      sign: () =>
        tagged(
          simple({
            key: ecdsa.privateKey,
            of: elsewhere,
            served: `{"critical":{"image":{"docker-manifest-digest":"${digest}"}}}`,
          }),
        ),
      sentence: wrongKey,
    },
    {
      fault: "a payload of another type",
      sign: () => tagged(simple({ key: ecdsa.privateKey, type: "atomic container signature" })),
      sentence: `${untrusted} cannot be read`,
    },
    {
      fault: "a statement that is no signature",
      sign: () => referring("api", BUNDLE, bundle(ecdsa.privateKey, { predicateType: "https://spdx.dev/Document" })),
      sentence: `${untrusted} says something about it, but does not sign it`,
    },
    {
      fault: "an envelope of another type",
      sign: () => referring("api", BUNDLE, bundle(ecdsa.privateKey, { type: "text/plain" })),
      sentence: `${untrusted} cannot be read`,
    },
    {
      fault: "a layer without its signature",
      sign: () => tagged({ mediaType: SIMPLE, bytes: Buffer.from("{}") }),
      sentence: `${untrusted} cannot be read`,
    },
    {
      fault: "no JSON",
      sign: () => referring("api", BUNDLE, { mediaType: BUNDLE, bytes: Buffer.from("<html>") }),
      sentence: `${untrusted} cannot be read`,
    },
    {
      fault: "layers of other types",
      sign: () => tagged({ mediaType: "text/plain", bytes: Buffer.from("signed!") }),
      sentence: "VerificationFailed: acme/shop 1.2.3 (DIGEST) is not signed: sign it with cosign sign --key",
    },
    {
      fault: "two that do not hold",
      sign: () => tagged(simple({ key: stranger.privateKey }), simple({ key: stranger.privateKey, of: elsewhere })),
      sentence:
        "VerificationFailed: acme/shop 1.2.3 (DIGEST) is not trusted: none of its 2 signatures holds: the last was not made by a key of the Registry",
    },
    {
      fault: "a registry that does not give its signatures",
      sign: () => {
        server.handlers[`/v2/acme/shop/referrers/${digest}`] = (_request, response) =>
          void response.writeHead(503).end();
      },
      sentence: "SourceUnavailable: HOST answers 503 for the signatures of acme/shop 1.2.3",
    },
  ])("$fault: $sentence", async ({ sign: prepare, sentence }) => {
    prepare();
    expect(await failureOf(sources.charts.fetch(shop(ecdsa.publicKey), signal))).toBe(sentence);
    expect(server.paths()).not.toContain(`/v2/acme/shop/blobs/${digestOf(bytes)}`);
  });

  test("a tag that moves from what was signed to what was not", async () => {
    tagged(simple({ key: ecdsa.privateKey }));
    await sources.charts.resolve(shop(ecdsa.publicKey), signal);
    const other = gzipSync("not signed");
    push(server, { repository: "acme/shop", tag: "1.2.3", layers: [{ mediaType: CHART_LAYER, bytes: other }] });
    expect(await failureOf(sources.charts.fetch(shop(ecdsa.publicKey), signal))).toContain("is not signed");
  });

  test("what was fetched without verification is not taken for verified", async () => {
    const { url } = shop().repo;
    const pinned = { ...shop(ecdsa.publicKey), digest: digestOf(bytes) };
    await sources.charts.fetch({ ...pinned, repo: url }, signal);
    expect(await failureOf(sources.charts.fetch(pinned, signal))).toContain("VerificationFailed");
  });

  test.each([
    { as: "chart", layer: CHART_LAYER, ask: "charts" },
    { as: "pack", layer: FILE_LAYER, ask: "packs" },
    { as: "artifact", layer: FLUX_LAYER, ask: "artifacts" },
  ] as const)(
    "what came from an address is not taken for a verified $as of the same digest",
    async ({ layer, ask }) => {
      await using anybodys = await startWebServer();
      anybodys.serve("/a", bytes);
      for (const repository of ["acme/shop", "acme/spectro-packs/archive/shop"])
        push(server, { repository, tag: "1.2.3", layers: [{ mediaType: layer, bytes }] });
      const { repo: registry } = shop(ecdsa.publicKey);
      const file = { url: `${anybodys.url}/a`, sha256: digestOf(bytes).slice(7), registry };
      expect(await failureOf(sources.urls.text(file, signal))).toContain("is no text in UTF-8");
      expect(await failureOf(sources.urls.files(file, signal))).toContain("InvalidSource");
      const about = { version: "1.2.3", digest: digestOf(bytes) };
      const fetches = {
        charts: () => sources.charts.fetch({ repo: registry, chart: "shop", ...about }, signal),
        packs: () => sources.packs.fetch({ registry, name: "shop", ...about }, signal),
        artifacts: () => sources.artifacts.fetch({ registry, repository: "shop", ...about }, signal),
      };
      expect(await failureOf(fetches[ask]())).toMatch(/^VerificationFailed: .* is not signed/);
    },
  );

  test("what one key has signed is not taken for signed by another", async () => {
    tagged(simple({ key: ecdsa.privateKey }));
    await sources.charts.fetch(shop(ecdsa.publicKey), signal);
    expect(await failureOf(sources.charts.fetch(shop(rsa.publicKey), signal))).toContain("VerificationFailed");
  });

  test("a mirror without the signature is passed over", async () => {
    await using mirror = await startWebServer();
    push(mirror, { repository: "acme/shop", tag: "1.2.3", layers: [{ mediaType: CHART_LAYER, bytes }] });
    tagged(simple({ key: ecdsa.privateKey }));
    const { repo, ...chart } = shop(ecdsa.publicKey);
    const mirrored = { ...repo, mirrors: [`oci://${mirror.host}/acme`] };
    expect((await sources.charts.fetch({ ...chart, repo: mirrored }, signal)).bytes).toEqual(bytes);
    expect(mirror.paths()).not.toContain(`/v2/acme/shop/blobs/${digestOf(bytes)}`);
  });
});

describe("keys", () => {
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
  const expected = "a public key in PEM is expected: ECDSA, RSA of 2048 bits or more, or Ed25519";

  test.each([
    { what: "no PEM", keys: [pem(ecdsa.publicKey), "key"], at: 1 },
    { what: "a private key", keys: [ecdsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString()], at: 0 },
    { what: "a short key", keys: [pem(weak)], at: 0 },
    { what: "a key of another sort", keys: [pem(generateKeyPairSync("x25519").publicKey)], at: 0 },
  ])("$what cannot be used", async ({ keys, at }) => {
    const { repo, ...chart } = shop();
    const asked = { ...chart, repo: { ...repo, name: "Registry a/b", verify: { cosignKeys: keys } } };
    expect(await failureOf(sources.charts.resolve(asked, signal))).toBe(
      `InvalidSpec: Registry a/b: key ${at + 1} of the Secret of its verify, in order of their names, cannot be used: ${expected}`,
    );
  });

  test("verify without a key verifies nothing, and is refused", async () => {
    expect(await failureOf(sources.charts.resolve(shop(), signal))).toContain("has no key");
  });

  test("what is no OCI registry has no signatures, and is refused", async () => {
    const { verify } = shop(ecdsa.publicKey).repo;
    const repo = { kind: "Helm" as const, url: server.url, verify };
    expect(await failureOf(sources.charts.resolve({ repo, chart: "shop", version: "1" }, signal))).toBe(
      "InvalidSpec: only what is in an OCI registry can have a signature to verify, not http://HOST",
    );
  });
});

import { generateKeyPairSync } from "node:crypto";
import { Agent } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Failure } from "../../src/errors.ts";
import type { RegistryAccess } from "../../src/source/access.ts";
import { writeArchive } from "../../src/source/archive/write-archive.ts";
import { Sources } from "../../src/source/sources.ts";
import { LOOPBACK_NETWORKS } from "../../src/text/addresses.ts";
import { createAuthority } from "../support/certificates.ts";
import { imageManifest, pushBlob, pushManifest, pushSignature } from "../support/oci-push.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { BASIC, HTPASSWD } from "../support/registry-stories.ts";

const signal = new AbortController().signal;

const authority = createAuthority("registry authority");
const client = authority.issue({ commonName: "strata" });
const clientCertificate = { cert: client.certPem, key: client.keyPem };
const signer = generateKeyPairSync("ec", { namedCurve: "P-256" });
const cosignKey = signer.publicKey.export({ type: "spki", format: "pem" }).toString();

let open: Registry;
let secured: Registry;
let sources: Sources;
const agent = new Agent({ connect: { ca: authority.certPem, cert: client.certPem, key: client.keyPem } });

beforeAll(async () => {
  open = await startRegistry();
  secured = await startRegistry({ authority, clientCertificates: true, htpasswd: HTPASSWD });
  sources = new Sources({ allowedNetworks: LOOPBACK_NETWORKS });
});
afterAll(async () => {
  await Promise.all([sources[Symbol.asyncDispose](), agent.close(), open.stop(), secured.stop()]);
});

const targetOf = ({ url }: Registry) => ({ url, authorization: BASIC, dispatcher: agent });

/** Pushes what `oras push --image-spec v1.0` does of one file: an empty configuration and one layer. */
async function pushPack(registry: Registry, repository: string, version: string): Promise<string> {
  const target = targetOf(registry);
  const files = new Map([["pack.json", new TextEncoder().encode(JSON.stringify({ name: "shop", version }))]]);
  const bytes = writeArchive(files, `shop-${version}`);
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const layer = await pushBlob(target, repository, { bytes, mediaType });
  const empty = { bytes: "{}", mediaType: "application/vnd.unknown.config.v1+json" };
  const manifest = imageManifest(await pushBlob(target, repository, empty), [layer]);
  return await pushManifest(target, repository, { manifest, reference: version });
}

describe("packs in a real registry", () => {
  const repository = "acme/spectro-packs/archive/shop";
  const shop = (more: Partial<RegistryAccess> = {}) => ({
    registry: { kind: "OCI" as const, url: `oci://${open.host}`, basePath: "acme", ...more },
    name: "shop",
    version: "1.x",
  });
  let manifest: string;

  beforeAll(async () => {
    await pushPack(open, repository, "1.9.0");
    manifest = await pushPack(open, repository, "1.10.0");
  });

  test("are found by range and fetched", async () => {
    const pack = await sources.packs.fetch(shop(), signal);
    expect(pack.version).toBe("1.10.0");
    expect([...pack.files.keys()]).toEqual(["pack.json"]);
    expect(await sources.registries.check(shop().registry, signal)).toEqual({ entries: 1 });
  });

  test.each(["tag", "bundle"] as const)("are used when they are signed (%s), and not before", async (form) => {
    const version = form === "tag" ? "2.0.0" : "3.0.0";
    const verified = { ...shop({ verify: { cosignKeys: [cosignKey] } }), version };
    manifest = await pushPack(open, repository, version);
    await expect(sources.packs.fetch(verified, signal)).rejects.toMatchObject({ reason: "VerificationFailed" });
    await pushSignature(targetOf(open), repository, { of: manifest, key: signer.privateKey, form });
    expect((await sources.packs.fetch(verified, signal)).version).toBe(version);
  });
});

describe("a real registry that lets in only those with a certificate and a password", () => {
  const shop = (more: Partial<RegistryAccess> = {}) => ({
    registry: {
      kind: "OCI" as const,
      // On loopback `oci://` means no TLS.
      url: secured.url,
      name: "Registry acme/private",
      ca: authority.certPem,
      clientCertificate,
      credentials: { kind: "basic" as const, username: "me", password: "s3cret" },
      ...more,
    },
    name: "shop",
    version: "1.0.0",
  });

  beforeAll(() => pushPack(secured, "spectro-packs/archive/shop", "1.0.0"));

  test("lets us in", async () => {
    expect((await sources.packs.fetch(shop(), signal)).version).toBe("1.0.0");
    const seen = { entries: 1, credentials: "accepted" };
    expect(await sources.registries.check(shop().registry, signal)).toEqual(seen);
  });

  test.each([
    {
      fault: "a wrong password",
      reason: "SourceUnauthorized",
      more: { credentials: { kind: "basic" as const, username: "me", password: "old" } },
      sentence: /does not accept the user and password for .*: correct them in the Secret of the Registry$/,
    },
    {
      fault: "a certificate of somebody else",
      // Whether the alert arrives before the end of the connection is chance.
      reason: expect.stringMatching(/^Source(?:Unavailable|Unauthorized)$/),
      more: { clientCertificate: keysOf(createAuthority("stranger").issue({ commonName: "strata" })) },
      sentence: /wants? (?:a|another) client certificate/,
    },
  ])("refuses $fault", async ({ reason, more, sentence }) => {
    const failure = (await sources.packs.fetch(shop(more), signal).catch((error: Failure) => error)) as Failure;
    expect(failure.reason).toEqual(reason);
    expect(failure.message).toMatch(sentence);
  });
});

function keysOf({ certPem, keyPem }: { certPem: string; keyPem: string }): { cert: string; key: string } {
  return { cert: certPem, key: keyPem };
}

import { Failure } from "../../errors.ts";
import type { AccessClient } from "../access-client.ts";
import { type Descriptor, MANIFEST_TYPE, type Manifest, parseIndex, parseManifest } from "./manifest.ts";
import type { OciRepository } from "./session.ts";
import {
  BUNDLE,
  checkBundle,
  checkSimpleSigning,
  type Objection,
  SIGNATURE_ANNOTATION,
  SIMPLE_SIGNING,
} from "./signatures.ts";
import { jsonOf } from "./token.ts";

const MAX_SIGNATURE_BYTES = 1024 * 1024;
/** Whoever may push to the registry may add signatures; more than this are not looked at. */
const MAX_REFERRERS = 20;
const MAX_SIGNATURES = 50;

const COSIGN_REFERRER = "application/vnd.dev.cosign.artifact.sig.v1+json";
/** In the index that stands for a registry's own list, cosign writes the type of the configuration for that of the artifact. */
const CONFIGURATION = /^application\/vnd\.oci\.(?:empty|image\.config)\.v1\+json$/;

interface Signed {
  repository: OciRepository;
  /** Of the manifest whose content is about to be used. */
  digest: string;
  what: string;
}

/**
 * Makes sure that a manifest was signed with `cosign sign --key` by one of the keys of its registry: beside it under the
 * tag `sha256-….sig`, or as what refers to it. It is the digest that is verified, so that a tag which moves meanwhile gains
 * nothing. A good signature is remembered.
 *
 * @throws Failure VerificationFailed; SourceUnauthorized or SourceUnavailable when the signatures cannot be read
 */
export async function verifySignature(client: AccessClient, signed: Signed, signal: AbortSignal): Promise<void> {
  const { repository, digest, what } = signed;
  const key = `${repository.origin}/${repository.path}@${digest}`;
  if (client.verified.has(key)) return;
  const objections: string[] = [];
  for await (const objection of objectionsTo(client, signed, signal)) {
    if (objection === undefined) {
      client.verified.set(key, true);
      return;
    }
    objections.push(objection);
  }
  const place = `${what} (${digest})`;
  if (objections.length === 0) {
    throw new Failure("VerificationFailed", `${place} is not signed: sign it with cosign sign --key`);
  }
  const which =
    objections.length === 1 ? "its signature" : `none of its ${objections.length} signatures holds: the last`;
  throw new Failure("VerificationFailed", `${place} is not trusted: ${which} ${objections.at(-1)}`);
}

async function* objectionsTo(client: AccessClient, signed: Signed, signal: AbortSignal): AsyncGenerator<Objection> {
  const { repository, digest } = signed;
  let left = MAX_SIGNATURES;
  for await (const manifest of signatureManifests(client, signed, signal)) {
    for (const layer of manifest.layers.filter(isSignature).slice(0, left)) {
      left -= 1;
      const request = { digest: layer.digest, what: "a signature", subject: "registry" as const };
      const limits = { maxBytes: MAX_SIGNATURE_BYTES };
      const content = await client.oci.blob(repository, { ...request, ...limits }, signal);
      const expected = { digest, keys: client.keys };
      yield layer.mediaType === SIMPLE_SIGNING
        ? checkSimpleSigning(content, layer.annotations?.[SIGNATURE_ANNOTATION], expected)
        : checkBundle(content, expected);
    }
  }
}

/** All manifests that may hold signatures: the one with the tag first, which costs one request where it is used. */
async function* signatureManifests(
  client: AccessClient,
  signed: Signed,
  signal: AbortSignal,
): AsyncGenerator<Manifest> {
  const { repository, digest, what } = signed;
  const asked = { what: `the signatures of ${what}`, subject: "registry" as const };
  const read = async (reference: string) => {
    const body = await client.oci.document(repository, { reference, accept: MANIFEST_TYPE, ...asked }, signal);
    return body === undefined ? undefined : parseManifest(jsonOf(body));
  };
  const tagged = await read(`${digest.replace(":", "-")}.sig`);
  if (tagged !== undefined) yield tagged;
  const index = await client.oci.referrers(repository, digest, asked, signal);
  const referrers = parseIndex(index).filter(mayBeSignature);
  const { sure = [], unsure = [] } = Object.groupBy(referrers, (one) => (saysSignature(one) ? "sure" : "unsure"));
  for (const referrer of [...sure, ...unsure].slice(0, MAX_REFERRERS)) {
    const manifest = await read(referrer.digest);
    if (manifest !== undefined) yield manifest;
  }
}

/** Registries without referrers of their own may have lost the type. */
function mayBeSignature(referrer: Descriptor): boolean {
  const { artifactType } = referrer;
  return artifactType === undefined || CONFIGURATION.test(artifactType) || saysSignature(referrer);
}

function saysSignature({ artifactType = "" }: Descriptor): boolean {
  return artifactType === COSIGN_REFERRER || BUNDLE.test(artifactType);
}

function isSignature({ mediaType }: Descriptor): boolean {
  return mediaType === SIMPLE_SIGNING || BUNDLE.test(mediaType);
}

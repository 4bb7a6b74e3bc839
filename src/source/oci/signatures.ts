import { z } from "zod";
import { isSignedBy, type SignatureKey } from "./signature-keys.ts";
import { jsonOf } from "./token.ts";

/** A layer of this type is what was signed; its annotation is the signature. */
export const SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json";
export const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
/** A layer of this type is a signature with all that belongs to it, as cosign writes since version 3. */
export const BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.3)?\+json/;

const SIMPLE_TYPES = new Set(["cosign container image signature", "https://sigstore.dev/cosign/sign/v1"]);
const STATEMENT_TYPE = "application/vnd.in-toto+json";
/** Statements of other types, such as a list of parts, sign the same digest and are no signature of the artifact. */
const SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1";

const simpleSigning = z.looseObject({
  critical: z.looseObject({
    type: z.string(),
    image: z.looseObject({ "docker-manifest-digest": z.string() }),
  }),
});

const bundle = z.looseObject({
  dsseEnvelope: z.looseObject({
    payload: z.base64(),
    payloadType: z.string(),
    signatures: z
      .array(z.looseObject({ sig: z.base64() }))
      .min(1)
      .max(10),
  }),
});

const statement = z.looseObject({
  predicateType: z.string(),
  subject: z.array(z.looseObject({ digest: z.record(z.string(), z.string()) })),
});

/** Undefined when the signature holds; else why it does not, in words that follow "a signature". */
export type Objection = string | undefined;

const WRONG_KEY = "was not made by a key of the Registry";
const UNREADABLE = "cannot be read";

/**
 * A simple signing payload (`cosign sign` with the tag `sha256-….sig`, or as a referrer).
 *
 * @param digest of the manifest that must have been signed
 */
export function checkSimpleSigning(
  payload: Uint8Array,
  signature: string | undefined,
  { digest, keys }: { digest: string; keys: readonly SignatureKey[] },
): Objection {
  if (signature === undefined) return UNREADABLE;
  if (!isSignedBy(keys, payload, Buffer.from(signature, "base64"))) return WRONG_KEY;
  const critical = simpleSigning.safeParse(jsonOf(payload)).data?.critical;
  if (critical === undefined || !SIMPLE_TYPES.has(critical.type)) return UNREADABLE;
  const signed = critical.image["docker-manifest-digest"];
  return signed === digest ? undefined : `is of something else (${signed.slice(0, 80)})`;
}

/** A sigstore bundle with a signed statement (DSSE) about the manifest. */
export function checkBundle(
  content: Uint8Array,
  { digest, keys }: { digest: string; keys: readonly SignatureKey[] },
): Objection {
  const envelope = bundle.safeParse(jsonOf(content)).data?.dsseEnvelope;
  if (envelope === undefined) return UNREADABLE;
  const payload = Buffer.from(envelope.payload, "base64");
  const signed = preAuthenticationEncoding(envelope.payloadType, payload);
  const isOurs = envelope.signatures.some(({ sig }) => isSignedBy(keys, signed, Buffer.from(sig, "base64")));
  if (!isOurs) return WRONG_KEY;
  const about = envelope.payloadType === STATEMENT_TYPE ? statement.safeParse(jsonOf(payload)).data : undefined;
  if (about === undefined) return UNREADABLE;
  if (about.predicateType !== SIGN_PREDICATE) return "says something about it, but does not sign it";
  const digests = about.subject.map((subject) => `sha256:${subject.digest["sha256"]}`);
  return digests.includes(digest) ? undefined : "is of something else";
}

/** What a DSSE signature is made over: the type and the payload, each with its length. */
function preAuthenticationEncoding(type: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { Failure } from "../../errors.ts";

const KINDS = new Set(["ec", "rsa", "ed25519"]);
const MIN_RSA_BITS = 2048;

/** A public key that signatures are compared with: ECDSA or RSA over SHA-256, or Ed25519, as cosign uses them. */
export type SignatureKey = KeyObject;

/**
 * @param who names the registry in sentences
 * @throws Failure InvalidSpec
 */
export function publicKeys(pems: readonly string[], who: string): SignatureKey[] {
  if (pems.length === 0)
    throw new Failure("InvalidSpec", `verify of ${who} has no key: nothing could ever be verified`);
  return pems.map((pem, index) => {
    const key = pem.includes("PRIVATE KEY") ? undefined : parsed(pem);
    const bits = key?.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS;
    if (key !== undefined && KINDS.has(key.asymmetricKeyType ?? "") && bits >= MIN_RSA_BITS) return key;
    const expected = "a public key in PEM is expected: ECDSA, RSA of 2048 bits or more, or Ed25519";
    const which = `key ${index + 1} of the Secret of its verify, in order of their names,`;
    throw new Failure("InvalidSpec", `${who}: ${which} cannot be used: ${expected}`);
  });
}

/** True when one of the keys made the signature over these bytes. */
export function isSignedBy(keys: readonly SignatureKey[], bytes: Uint8Array, signature: Uint8Array): boolean {
  return keys.some((key) => {
    try {
      return verify(key.asymmetricKeyType === "ed25519" ? null : "sha256", bytes, key, signature);
    } catch {
      return false;
    }
  });
}

function parsed(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}

import { createHash, createHmac } from "node:crypto";
import { canonicalJson } from "./json.ts";

/** SHA-256 of the UTF-8 bytes, 64 hex digits. */
export function sha256Hex(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** As OCI writes it: `sha256:` and 64 hex digits. */
export function sha256Digest(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/**
 * A digest that tells whether a value changed, and tells nothing about the value to whoever lacks the key.
 *
 * 64 bits (16 hex digits) are enough: two versions of one object are compared, never a corpus, and an attacker who
 * could search for a collision would need the key.
 */
export function hmacDigest(key: Uint8Array, value: unknown): string {
  return createHmac("sha256", key).update(canonicalJson(value), "utf8").digest("hex").slice(0, 16);
}

interface ApplySetParent {
  name: string;
  namespace: string;
  kind: string;
  group: string;
}

/** The id of an ApplySet by KEP-3659: `applyset-<base64url(sha256("<name>.<namespace>.<kind>.<group>"))>-v1`. */
export function applySetId({ name, namespace, kind, group }: ApplySetParent): string {
  const hash = createHash("sha256").update(`${name}.${namespace}.${kind}.${group}`, "utf8").digest("base64url");
  return `applyset-${hash}-v1`;
}

/**
 * The name of the ConfigMap that is the ApplySet parent of a profile in a cluster: `strata-<16 hex>`. It depends on
 * names only, so that a restored hub or another one finds what is its own.
 *
 * @param namespace the profile's; empty for a SystemProfile
 * @param suffix for management layers, which live beside those of other targets: `<namespace>/<name>` of the TargetCluster
 */
export function parentName(profileKind: string, namespace: string, name: string, suffix?: string): string {
  const profile = `${profileKind}/${namespace}/${name}`;
  return `strata-${sha256Hex(suffix === undefined ? profile : `${profile}/${suffix}`).slice(0, 16)}`;
}

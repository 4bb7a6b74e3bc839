import { Failure } from "../errors.ts";

/** Whom a client acts as: sent as `Impersonate-*` headers with every request. */
export interface Identity {
  readonly user: string;
  readonly groups?: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Header name and value pairs; names may repeat. */
export type HeaderPairs = readonly (readonly [string, string])[];

/**
 * The identity of a ServiceAccount. No groups are named: the API server then fills in those that the account's own token
 * would carry, and Strata needs no right to impersonate groups at all.
 *
 * @throws Failure `InvalidSpec` when the namespace or the name is empty or holds a character that no such name has.
 */
export function serviceAccountIdentity(namespace: string, name: string): Identity {
  for (const part of [namespace, name]) {
    if (!/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(part)) {
      throw new Failure(
        "InvalidSpec",
        "the ServiceAccount to act as has no valid namespace and name: set serviceAccountName",
      );
    }
  }
  return { user: `system:serviceaccount:${namespace}:${name}` };
}

/**
 * The `Impersonate-*` headers of an identity. An empty part must never mean "no header", because a request without
 * the header runs with Strata's own rights (as in CVE-2026-23990).
 *
 * @throws Failure `InvalidSpec` when the user, a group, the uid or an extra value is empty or cannot be a header.
 */
export function impersonationHeaders(identity: Identity): HeaderPairs {
  const pairs: [string, string][] = [["Impersonate-User", checked("user", identity.user)]];
  for (const group of identity.groups ?? []) {
    pairs.push(["Impersonate-Group", checked("group", group)]);
  }
  if (identity.uid !== undefined) {
    pairs.push(["Impersonate-Uid", checked("uid", identity.uid)]);
  }
  for (const [key, values] of Object.entries(identity.extra ?? {})) {
    const name = `Impersonate-Extra-${encodeURIComponent(checked("extra key", key).toLowerCase())}`;
    pairs.push(...values.map((value): [string, string] => [name, checked("extra value", value)]));
  }
  return pairs;
}

function checked(part: string, value: string): string {
  if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    throw new Failure("InvalidSpec", `the identity to act as has an empty or unprintable ${part}: refused`);
  }
  return value;
}

import { createHmac, randomBytes } from "node:crypto";

/**
 * Gives the bearer token for the next request. `renew` is true after the server answered 401: whoever caches must then
 * read its source again.
 */
export type TokenSource = (renew: boolean) => Promise<string | undefined>;

/** All that is needed to reach one API server as somebody. There is no way to switch off verification of its certificate. */
export interface ClusterAccess {
  /** URL of the API server, with its path prefix if there is one. */
  readonly server: string;
  /** Certificates that the server's certificate must lead to; the system's own when absent. */
  readonly caPem?: string;
  /** The name that the server's certificate must carry, when it is not the URL's host. */
  readonly serverName?: string;
  readonly clientCert?: { readonly certPem: string; readonly keyPem: string };
  readonly token?: TokenSource;
  /** Equal for equal accesses within one process, and of no use outside it: keyed with a random key. */
  readonly fingerprint: string;
}

const FINGERPRINT_KEY = randomBytes(32);

/** A keyed digest of everything that makes an access what it is; reveals none of it. */
export function fingerprintOf(parts: readonly (string | undefined)[]): string {
  return createHmac("sha256", FINGERPRINT_KEY).update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/** An access made from its parts, with its fingerprint. `tokenText` is for tokens that never change by themselves. */
export function accessOf(parts: Omit<ClusterAccess, "fingerprint" | "token"> & { tokenText?: string }): ClusterAccess {
  const { tokenText, ...rest } = parts;
  const { server, caPem, serverName, clientCert } = rest;
  const fingerprint = fingerprintOf([server, caPem, serverName, clientCert?.certPem, clientCert?.keyPem, tokenText]);
  return tokenText === undefined
    ? { ...rest, fingerprint }
    : { ...rest, token: () => Promise.resolve(tokenText), fingerprint };
}

/** True if the two accesses lead to the same server by the same TLS material, so that open connections can stay. */
export function sameConnection(a: ClusterAccess, b: ClusterAccess): boolean {
  return (
    a.server === b.server &&
    a.caPem === b.caPem &&
    a.serverName === b.serverName &&
    a.clientCert?.certPem === b.clientCert?.certPem &&
    a.clientCert?.keyPem === b.clientCert?.keyPem
  );
}

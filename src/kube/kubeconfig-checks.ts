import { createPrivateKey, X509Certificate } from "node:crypto";
import { type AddressCheck, hostnameOf } from "../text/addresses.ts";

/** Checks of single values of a kubeconfig. Each answers what is wrong in words that follow the field's name, without the value. */

const MAX_SERVER = 2048;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The text of base64 data, or undefined if it is not base64. */
export function decodePem(data: string): string | undefined {
  const compact = data.replace(/\s+/g, "");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(compact) ? Buffer.from(compact, "base64").toString("utf8") : undefined;
}

/**
 * An API server is reached by https and nothing else; secrets do not belong into its address. A name is looked up later on,
 * and what it leads to is checked then.
 */
export function serverProblem(server: string, check: AddressCheck): string | undefined {
  if (server.length > MAX_SERVER) {
    return `is longer than ${MAX_SERVER} letters`;
  }
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined) {
    return "is not a URL: write https://host:port";
  }
  if (url.protocol !== "https:") {
    return "is refused: only https:// servers are taken, credentials must not travel in the clear";
  }
  if (url.username !== "" || url.password !== "") {
    return "is refused: it has credentials in the URL; put a token or a client certificate into the user";
  }
  if (url.search !== "" || url.hash !== "" || server.includes("?") || server.includes("#")) {
    return "is refused: it has a query or a fragment";
  }
  const why = check(hostnameOf(url));
  return why === undefined ? undefined : `is refused: ${why}`;
}

/** A token becomes a header: a line break in it would begin another one. */
export function tokenProblem(token: string): string | undefined {
  return /^[\x21-\x7e]+$/.test(token)
    ? undefined
    : "is empty or has spaces, line breaks or other characters that no token has";
}

/** `undefined` as input: it was not base64. */
export function certificateProblem(pem: string | undefined): string | undefined {
  const certificates = pem?.match(CERTIFICATE) ?? [];
  if (pem === undefined || certificates.length === 0) {
    return "is not a base64-encoded PEM certificate";
  }
  return certificates.every(isCertificate) ? undefined : "has a certificate that cannot be read";
}

/** A client certificate and its key must both be there, be readable, and belong together. */
export function clientCertProblem(
  certPem: string | undefined,
  keyPem: string | undefined,
): { field: "client-certificate-data" | "client-key-data"; problem: string } | undefined {
  const certProblem = certificateProblem(certPem);
  if (certProblem !== undefined) {
    return { field: "client-certificate-data", problem: certProblem };
  }
  if (keyPem?.includes("ENCRYPTED")) {
    return { field: "client-key-data", problem: "is encrypted: there is nobody to ask for its password" };
  }
  try {
    const fits = new X509Certificate(certPem ?? "").checkPrivateKey(createPrivateKey(keyPem ?? ""));
    return fits ? undefined : { field: "client-key-data", problem: "is not the key of client-certificate-data" };
  } catch {
    return { field: "client-key-data", problem: "is not a base64-encoded PEM private key" };
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

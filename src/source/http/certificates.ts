import { X509Certificate } from "node:crypto";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { Failure } from "../../errors.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Trust in the certificates of the system and in these.
 *
 * @param who names the registry in sentences
 * @throws Failure InvalidSpec
 */
export function trustContext(ca: string, who: string): SecureContext {
  return createSecureContext({ ca: trusted(ca, who) });
}

/** The same, and a certificate of one's own to show. */
export function provingContext(
  ca: string | undefined,
  { cert, key }: { cert: string; key: string },
  who: string,
): SecureContext {
  const authorities = ca === undefined ? getCACertificates("default") : trusted(ca, who);
  try {
    return createSecureContext({ ca: authorities, cert, key });
  } catch {
    // The cause would quote the file.
    const sentence = `the client certificate of ${who} or its key cannot be used: PEM of both is expected, of one another`;
    throw new Failure("InvalidSpec", sentence);
  }
}

/** TLS itself passes over what is no certificate, and would then trust fewer than somebody meant. */
function trusted(ca: string, who: string): string[] {
  const blocks = ca.match(CERTIFICATE) ?? [];
  if (blocks.length > 0 && blocks.every(isCertificate)) return [...getCACertificates("default"), ...blocks];
  throw new Failure("InvalidSpec", `the CA of ${who} is no certificate in PEM`);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** Who a leaf certificate speaks for: Kubernetes reads the common name as the user and the organizations as groups. */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** DNS names and IPv4 addresses of a server. */
  readonly hosts?: readonly string[];
  /** Milliseconds from now; negative makes one that has expired. Default: one year. */
  readonly lifetime?: number;
}

export interface Authority extends KeyPair {
  issue(subject: Subject): KeyPair;
}

const hour = 3_600_000;
const year = 365 * 24 * hour;
const signatureAlgorithm = sequence(oid("1.2.840.10045.4.3.2")); // ecdsa-with-SHA256

/** A certificate authority of its own, so that tests need no openssl and may act as any user of a cluster. */
export function createAuthority(commonName: string): Authority {
  const pair = newKeys();
  const authority = { name: distinguishedName({ commonName }), key: pair.key };
  const certPem = certificate(authority, { commonName }, pair.publicKey, [
    extension("2.5.29.19", true, sequence(der(0x01, [0xff]))), // basicConstraints: a CA
    extension("2.5.29.15", true, der(0x03, [1, 0x06])), // keyUsage: certificates and revocation lists
    keyIdentifier(pair.publicKey),
  ]);
  const issue = (subject: Subject): KeyPair => {
    const leaf = newKeys();
    return { certPem: certificate(authority, subject, leaf.publicKey, leafExtensions(subject)), keyPem: leaf.keyPem };
  };
  return { certPem, keyPem: pair.keyPem, issue };
}

function newKeys(): { key: KeyObject; keyPem: string; publicKey: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "der" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { key: createPrivateKey(privateKey), keyPem: privateKey, publicKey };
}

function certificate(
  issuer: { name: Buffer; key: KeyObject },
  subject: Subject,
  publicKey: Buffer,
  extensions: readonly Buffer[],
): string {
  const now = Date.now();
  const until = now + (subject.lifetime ?? year);
  const body = sequence(
    der(0xa0, der(0x02, [2])), // X.509 version 3
    der(0x02, [1, ...randomBytes(15)]),
    signatureAlgorithm,
    issuer.name,
    sequence(utcTime(Math.min(now, until) - hour), utcTime(until)),
    distinguishedName(subject),
    publicKey,
    der(0xa3, sequence(...extensions)),
  );
  const signed = sequence(body, signatureAlgorithm, der(0x03, [0], sign("sha256", body, issuer.key)));
  const lines = signed.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function leafExtensions({ hosts = [] }: Subject): Buffer[] {
  const usages = sequence(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2")); // server and client authentication
  const names = hosts.map((host) => (isIP(host) === 4 ? der(0x87, host.split(".").map(Number)) : der(0x82, host)));
  return [
    extension("2.5.29.15", true, der(0x03, [7, 0x80])), // keyUsage: digital signature
    extension("2.5.29.37", false, usages),
    ...(names.length > 0 ? [extension("2.5.29.17", false, sequence(...names))] : []),
  ];
}

function keyIdentifier(publicKey: Buffer): Buffer {
  return extension("2.5.29.14", false, der(0x04, createHash("sha1").update(publicKey).digest()));
}

function distinguishedName({ commonName, organizations = [] }: Subject): Buffer {
  const attribute = (id: string, value: string): Buffer => der(0x31, sequence(oid(id), der(0x0c, value)));
  return sequence(...organizations.map((name) => attribute("2.5.4.10", name)), attribute("2.5.4.3", commonName));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [der(0x01, [0xff])] : []), der(0x04, value));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function utcTime(time: number): Buffer {
  const [date = ""] = new Date(time).toISOString().slice(2).replace(/[-:T]/g, "").split(".");
  return der(0x17, `${date}Z`);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return der(0x06, [first * 40 + second, ...rest.flatMap(base128)]);
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) + 128);
  return digits;
}

/** One DER element: tag, length, content (ITU-T X.690). */
function der(tag: number, ...parts: readonly (Buffer | readonly number[] | string)[]): Buffer {
  const content = Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))),
  );
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

import { generateKeyPairSync } from "node:crypto";
import { dump } from "js-yaml";
import { describe, expect, test } from "vitest";
import { createAuthority } from "../../test/support/certificates.ts";
import { addressCheck, clusterAddressCheck } from "../text/addresses.ts";
import { parseKubeconfig } from "./kubeconfig.ts";

const authority = createAuthority("test-ca");
const { certPem, keyPem } = authority.issue({ commonName: "admin" });
const other = authority.issue({ commonName: "other" });
const base64 = (text: string) => Buffer.from(text).toString("base64");
const CA = base64(authority.certPem);
const CERT = { "client-certificate-data": base64(certPem), "client-key-data": base64(keyPem) };
const CANARY = "canary-5f1d";
const check = clusterAddressCheck([]);
const TOKEN = { token: `${CANARY}.token` };
const { privateKey: encryptedKey } = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" },
});

type Fields = Record<string, unknown>;

function kubeconfig(cluster: Fields = {}, user: Fields = TOKEN, rest: Fields = {}): Fields {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "here",
    contexts: [{ name: "here", context: { cluster: "edge", user: "strata", namespace: "x" } }],
    clusters: [
      { name: "edge", cluster: { server: "https://10.0.0.1:6443", "certificate-authority-data": CA, ...cluster } },
    ],
    users: [{ name: "strata", user }],
    ...rest,
  };
}

function problemsOf(source: string): string[] {
  const result = parseKubeconfig(source, check);
  return result.ok ? [] : result.problems;
}

describe("a kubeconfig that is fine", () => {
  test("with a token", async () => {
    const result = parseKubeconfig(dump(kubeconfig()), check);
    const access = result.ok ? result.value : undefined;
    expect(access).toMatchObject({ server: "https://10.0.0.1:6443", caPem: authority.certPem });
    expect(await access?.token?.(false)).toBe(TOKEN.token);
    expect(access?.fingerprint).not.toContain(CANARY);
  });

  test("with a client certificate, as JSON, with a name for the server's certificate", () => {
    const result = parseKubeconfig(
      JSON.stringify(kubeconfig({ "tls-server-name": "kubernetes.default" }, CERT)),
      check,
    );
    expect(result).toMatchObject({
      ok: true,
      value: { clientCert: { certPem, keyPem }, serverName: "kubernetes.default" },
    });
  });

  test.each<[string, Fields]>([
    [
      "unused entries are not looked at",
      kubeconfig({}, TOKEN, {
        users: [
          { name: "x", user: { exec: {} } },
          { name: "strata", user: TOKEN },
        ],
      }),
    ],
    ["switches that are off", kubeconfig({ "insecure-skip-tls-verify": false, "proxy-url": "" }, { ...TOKEN, as: "" })],
    ["no authority: the system's", kubeconfig({ "certificate-authority-data": null })],
    ["extensions, preferences", kubeconfig({ extensions: [] }, { ...TOKEN, extensions: [] }, { preferences: {} })],
    ["a path behind the host (Rancher)", kubeconfig({ server: "https://rancher.example/k8s/clusters/c-1" })],
    ["a private IPv6 address", kubeconfig({ server: "https://[fd12::1]:6443" })],
  ])("%s", (_name, file) => {
    expect(problemsOf(dump(file))).toEqual([]);
  });

  test("equal files have equal fingerprints, another token another one", () => {
    const fingerprint = (user: Fields) => {
      const result = parseKubeconfig(dump(kubeconfig({}, user)), check);
      return result.ok ? result.value.fingerprint : "";
    };
    expect(fingerprint({ token: "a" })).toBe(fingerprint({ token: "a" }));
    expect(fingerprint({ token: "a" })).not.toBe(fingerprint({ token: "b" }));
  });
});

const USER = "users[0].user";
const CLUSTER = "clusters[0].cluster";
const FILES = "Strata does not read files that a kubeconfig names";

describe("a hostile or broken kubeconfig is refused by name", () => {
  test.each<[name: string, file: Fields, ...want: string[]]>([
    [
      "exec",
      kubeconfig({}, { exec: { command: CANARY } }),
      `${USER}.exec is refused: Strata does not run commands from a kubeconfig; put a token or a client certificate into it`,
    ],
    ["exec beside a token", kubeconfig({}, { ...TOKEN, exec: { command: "sh" } }), `${USER}.exec is refused`],
    ["auth-provider", kubeconfig({}, { "auth-provider": { name: CANARY } }), `${USER}.auth-provider is refused`],
    [
      "a CA file",
      kubeconfig({ "certificate-authority": `/${CANARY}` }),
      `${CLUSTER}.certificate-authority is refused: ${FILES}`,
    ],
    [
      "a client certificate file",
      kubeconfig({}, { "client-certificate": "/etc/passwd" }),
      `${USER}.client-certificate is refused: ${FILES}`,
    ],
    ["a client key file", kubeconfig({}, { "client-key": "/etc/shadow" }), `${USER}.client-key is refused: ${FILES}`],
    ["a token file", kubeconfig({}, { tokenFile: "/var/run/secrets/token" }), `${USER}.tokenFile is refused: ${FILES}`],
    ["a token file beside a token", kubeconfig({}, { ...TOKEN, tokenFile: "/x" }), `${USER}.tokenFile is refused`],
    ["a proxy", kubeconfig({ "proxy-url": `http://${CANARY}` }), `${CLUSTER}.proxy-url is refused`],
    [
      "no verification",
      kubeconfig({ "insecure-skip-tls-verify": true }),
      `${CLUSTER}.insecure-skip-tls-verify is refused`,
    ],
    [
      "no verification, as a string",
      kubeconfig({ "insecure-skip-tls-verify": "true" }),
      `${CLUSTER}.insecure-skip-tls-verify is refused`,
    ],
    ["as", kubeconfig({}, { ...TOKEN, as: CANARY }), `${USER}.as is refused: Strata does not impersonate`],
    ["as-uid", kubeconfig({}, { ...TOKEN, "as-uid": CANARY }), `${USER}.as-uid is refused`],
    ["as-groups", kubeconfig({}, { ...TOKEN, "as-groups": ["system:masters"] }), `${USER}.as-groups is refused`],
    ["as-user-extra", kubeconfig({}, { ...TOKEN, "as-user-extra": { a: ["b"] } }), `${USER}.as-user-extra is refused`],
    [
      "a password",
      kubeconfig({}, { username: "admin", password: CANARY }),
      `${USER}.username is refused: Kubernetes does not accept passwords any more`,
      `${USER}.password is refused`,
    ],
    [
      "an address without end",
      kubeconfig({ server: `https://h${"/".repeat(2048)}${CANARY}` }),
      `${CLUSTER}.server is longer than 2048 letters`,
    ],
    ["http", kubeconfig({ server: `http://${CANARY}:8080` }), `${CLUSTER}.server is refused: only https:// servers`],
    [
      "http on loopback",
      kubeconfig({ server: "http://127.0.0.1:8080" }),
      `${CLUSTER}.server is refused: only https:// servers`,
    ],
    [
      "a unix socket",
      kubeconfig({ server: `unix:///var/run/${CANARY}.sock` }),
      `${CLUSTER}.server is refused: only https://`,
    ],
    ["a file", kubeconfig({ server: "file:///etc/passwd" }), `${CLUSTER}.server is refused: only https://`],
    [
      "credentials in the URL",
      kubeconfig({ server: `https://u:${CANARY}@h` }),
      `${CLUSTER}.server is refused: it has credentials`,
    ],
    [
      "a query in the URL",
      kubeconfig({ server: `https://h/?${CANARY}` }),
      `${CLUSTER}.server is refused: it has a query`,
    ],
    [
      "a fragment in the URL",
      kubeconfig({ server: "https://h/#x" }),
      `${CLUSTER}.server is refused: it has a query or a fragment`,
    ],
    [
      "the metadata service",
      kubeconfig({ server: "https://169.254.169.254/" }),
      `${CLUSTER}.server is refused: its address is link-local, which no setting allows`,
    ],
    [
      "the metadata service, in decimal",
      kubeconfig({ server: "https://2852039166/" }),
      `${CLUSTER}.server is refused: its address is link-local`,
    ],
    [
      "another metadata service, by IPv6",
      kubeconfig({ server: "https://[fd00:ec2::254]/" }),
      `${CLUSTER}.server is refused: its address is of a cloud's metadata service`,
    ],
    [
      "Strata's own host",
      kubeconfig({ server: "https://127.0.0.1:6443" }),
      `${CLUSTER}.server is refused: its address is loopback, Strata's own host, which only setups for tests add to allowedNetworks`,
    ],
    [
      "Strata's own host, in IPv6 clothes",
      kubeconfig({ server: "https://[::ffff:127.0.0.1]:6443" }),
      `${CLUSTER}.server is refused: its address is loopback`,
    ],
    ["no URL", kubeconfig({ server: `${CANARY} 1` }), `${CLUSTER}.server is not a URL`],
    ["no server", kubeconfig({ server: null }), `${CLUSTER}.server is missing`],
    ["a server that is no string", kubeconfig({ server: 6443 }), `${CLUSTER}.server must be a string`],
    [
      "a server name with a line break",
      kubeconfig({ "tls-server-name": "a\r\nb" }),
      `${CLUSTER}.tls-server-name is not a host name`,
    ],
    ["no identity", kubeconfig({}, {}), `${USER} has no credentials: put a token or a client certificate into it`],
    ["an identity of null", kubeconfig({}, null as unknown as Fields), `${USER} must be a map`],
    ["an empty token", kubeconfig({}, { token: "" }), `${USER}.token is empty`],
    [
      "a token that begins another header",
      kubeconfig({}, { token: `a\r\nX: ${CANARY}` }),
      `${USER}.token is empty or has spaces, line breaks`,
    ],
    ["a token that is a number", kubeconfig({}, { token: 123456 }), `${USER}.token must be a string: quote it`],
    [
      "a certificate without its key",
      kubeconfig({}, { "client-certificate-data": base64(certPem) }),
      `${USER}.client-key-data is not a base64`,
    ],
    [
      "a key without its certificate",
      kubeconfig({}, { "client-key-data": base64(keyPem) }),
      `${USER}.client-certificate-data is not a base64`,
    ],
    [
      "another's key",
      kubeconfig({}, { ...CERT, "client-key-data": base64(other.keyPem) }),
      `${USER}.client-key-data is not the key of`,
    ],
    [
      "an encrypted key",
      kubeconfig({}, { ...CERT, "client-key-data": base64(encryptedKey) }),
      `${USER}.client-key-data is encrypted`,
    ],
    [
      "a key that is none",
      kubeconfig({}, { ...CERT, "client-key-data": base64(CANARY) }),
      `${USER}.client-key-data is not a base64-encoded PEM private key`,
    ],
    [
      "an authority that is no base64",
      kubeconfig({ "certificate-authority-data": `${CANARY}!` }),
      `${CLUSTER}.certificate-authority-data is not a base64`,
    ],
    [
      "an authority that is no PEM",
      kubeconfig({ "certificate-authority-data": base64(CANARY) }),
      `${CLUSTER}.certificate-authority-data is not a base64`,
    ],
    [
      "an authority with a broken certificate",
      kubeconfig({
        "certificate-authority-data": base64(`-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`),
      }),
      `${CLUSTER}.certificate-authority-data has a certificate that cannot be read`,
    ],
    [
      "a field nobody knows, in the user",
      kubeconfig({}, { ...TOKEN, tokenCommand: CANARY }),
      `${USER} has a field that is not known: "tokenCommand"`,
    ],
    [
      "a field nobody knows, in the cluster",
      kubeconfig({ socket: CANARY }),
      `${CLUSTER} has a field that is not known: "socket"`,
    ],
    [
      "a field named like Object's own",
      kubeconfig({}, { ...TOKEN, constructor: "x" }),
      `${USER} has a field that is not known: "constructor"`,
    ],
    [
      "no current context",
      kubeconfig({}, TOKEN, { "current-context": "" }),
      "current-context names no entry of contexts",
    ],
    [
      "a missing current context",
      kubeconfig({}, TOKEN, { "current-context": undefined }),
      "current-context is missing",
    ],
    [
      "two users of one name",
      kubeconfig({}, TOKEN, {
        users: [
          { name: "strata", user: TOKEN },
          { name: "strata", user: { exec: {} } },
        ],
      }),
      "the current context's user names more than one entry of users",
    ],
    [
      "a cluster that is not there",
      kubeconfig({}, TOKEN, { clusters: [] }),
      "the current context's cluster names no entry of clusters",
    ],
    ["users that are no list", kubeconfig({}, TOKEN, { users: { strata: TOKEN } }), "users must be a list"],
    ["another kind", kubeconfig({}, TOKEN, { kind: "Secret" }), 'kind must be "Config"'],
  ])("%s", (_name, file, ...want) => {
    const problems = problemsOf(dump(file, { skipInvalid: true }));
    expect(problems).toHaveLength(want.length);
    expect(problems).toEqual(want.map((sentence) => expect.stringContaining(sentence)));
    expect(problems.join()).not.toContain(CANARY);
  });

  test("an address that the check allows is taken", () => {
    const file = dump(kubeconfig({ server: "https://127.0.0.1:6443" }));
    expect(parseKubeconfig(file, clusterAddressCheck(["127.0.0.0/8"])).ok).toBe(true);
    expect(parseKubeconfig(file, addressCheck(["0.0.0.0/0"])).ok).toBe(false);
  });

  test("all problems are told at once", () => {
    const file = kubeconfig(
      { server: "http://x", "proxy-url": "socks5://x", "certificate-authority": "/ca", wrong: 1 },
      { exec: {}, "client-key": "/key", as: "root" },
    );
    expect(problemsOf(dump(file)).map((problem) => problem.split(" ")[0])).toEqual([
      `${CLUSTER}.proxy-url`,
      `${CLUSTER}.certificate-authority`,
      CLUSTER,
      `${CLUSTER}.server`,
      `${USER}.exec`,
      `${USER}.client-key`,
      `${USER}.as`,
    ]);
  });

  test("aliases, by which a small file becomes a large one, are not followed", () => {
    const source = `${dump(kubeconfig())}x: &x [1]\ny: [*x]\n`;
    expect(problemsOf(source)).toEqual([expect.stringContaining("without aliases")]);
    expect(problemsOf(source.replace("*x", "1"))).toEqual([]);
  });

  test.each([
    ["nothing", ""],
    ["a scalar", CANARY],
    ["a list", `[${CANARY}]`],
    ["broken YAML", `token: "${CANARY}\n  x: [`],
    ["two documents", `a: ${CANARY}\n---\nb: 1\n`],
    ["an alias bomb", `a: &a [${CANARY}]\nb: &b [*a, *a]\nc: [*b, *b]\n`],
    ["a tag that makes objects", `a: !!js/function "${CANARY}"\n`],
    ["a deep nest", "[".repeat(100_000)],
    ["2 MiB", `a: ${"x".repeat(2 * 1024 * 1024)}`],
  ])("%s is refused, without a word of it", (_name, source) => {
    const problems = problemsOf(source);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join()).not.toContain(CANARY);
  });
});

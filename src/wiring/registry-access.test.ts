import { describe, expect, test } from "vitest";
import { parseRegistry } from "../api/parse.ts";
import type { Registry } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { Referent, Referents } from "../plan/references.ts";
import { registryAccess, registryNamed, SignaturesUnknown, secretsOf } from "./registry-access.ts";

const CANARY = "canary-71c2";

function registry(spec: object = {}, name = "private", namespace = "acme"): Registry {
  const base = { type: "OCI", url: "oci://registry.example.com/charts" };
  const metadata = { name, namespace };
  const object = { apiVersion: "strata.dev/v1alpha1", kind: "Registry", metadata, spec: { ...base, ...spec } };
  const parsed = parseRegistry(object);
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value;
}

function secret(data: Record<string, string>): Referent {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  const object = { apiVersion: "v1", kind: "Secret", metadata: {}, data: Object.fromEntries(encoded) };
  return { kind: "found", object };
}

/** Secrets of namespace acme. */
function secrets(byName: Record<string, Referent>): Referents {
  return ({ kind, namespace, name }) =>
    (kind === "Secret" && namespace === "acme" ? byName[name] : undefined) ?? { kind: "absent" };
}

const accessWith = (spec: object, byName: Record<string, Referent> = {}) =>
  registryAccess(registry(spec), secrets(byName));
const login = (data: Record<string, string>) => accessWith({ secretRef: { name: "login" } }, { login: secret(data) });

describe("the access of a Registry", () => {
  test("is its address and what its Secrets hold", () => {
    expect(accessWith({})).toEqual({
      kind: "OCI", // leaf: Registry spec.type
      url: "oci://registry.example.com/charts", // leaf: Registry spec.url
      name: "Registry acme/private",
    });
    const helm = { type: "Helm", url: "https://charts.example.com" };
    expect(accessWith(helm)).toMatchObject({ kind: "Helm", url: "https://charts.example.com" });
    // leaf: Registry spec.mirrors
    expect(accessWith({ mirrors: ["oci://a.example.com"] })).toMatchObject({ mirrors: ["oci://a.example.com"] });
    // leaf: Registry spec.tokenOrigins
    expect(accessWith({ tokenOrigins: ["https://sso.example.com"] })).toMatchObject({
      tokenOrigins: ["https://sso.example.com"],
    });
  });

  // leaf: Registry spec.secretRef.name
  test.each([
    ["user and password", { username: "me", password: "pw" }, { kind: "basic", username: "me", password: "pw" }],
    ["those of a file", { username: "me\n", password: "pw\r\n" }, { kind: "basic", username: "me", password: "pw" }],
    ["an empty password", { username: "me", password: "" }, { kind: "basic", username: "me", password: "" }],
    ["a token", { bearerToken: "abc\n" }, { kind: "bearer", token: "abc" }],
    [
      "a docker config",
      { ".dockerconfigjson": JSON.stringify({ auths: { "a.example.com": { username: "me", password: "pw" } } }) },
      {
        kind: "docker",
        auths: [{ host: "a.example.com", path: "", credentials: { kind: "basic", username: "me", password: "pw" } }],
      },
    ],
  ])("has %s", (_, data, credentials) => {
    expect(login(data)).toMatchObject({ credentials });
  });

  // leaf: Registry spec.certSecretRef.name
  test.each([
    ["an authority", { "ca.crt": "CA" }, { ca: "CA" }],
    ["a client's", { "tls.crt": "C", "tls.key": "K" }, { clientCertificate: { cert: "C", key: "K" } }],
    [
      "both, as cert-manager writes them",
      { "ca.crt": "CA", "tls.crt": "C", "tls.key": "K" },
      { ca: "CA", clientCertificate: { cert: "C", key: "K" } },
    ],
    ["no authority in an empty key", { "ca.crt": "", "tls.crt": "C", "tls.key": "K" }, { clientCertificate: {} }],
  ])("has certificates: %s", (_, data, want) => {
    const access = accessWith({ certSecretRef: { name: "certs" } }, { certs: secret(data) });
    expect(access).toMatchObject(want);
    if (!("ca" in want)) expect(access).not.toHaveProperty("ca");
  });

  test("has every key of the Secret with the keys of signatures, in order of name", () => {
    // leaf: Registry spec.verify.secretRef.name
    const keys = secret({ "b.pub": "B", "a.pub": "A" });
    const access = accessWith({ verify: { secretRef: { name: "cosign" } } }, { cosign: keys });
    expect(access).toMatchObject({ verify: { cosignKeys: ["A", "B"] } });
  });

  test("is not known while one of its Secrets is being read", () => {
    const spec = { secretRef: { name: "login" }, certSecretRef: { name: "certs" } };
    const both = { login: secret({ bearerToken: "t" }), certs: { kind: "reading" } as const };
    expect(accessWith(spec, both)).toBe("reading");
    expect(accessWith(spec, { certs: { kind: "reading" } })).toMatchObject({ reason: "ReferenceNotFound" });
  });

  test("comes from each Secret once", () => {
    const same = { name: "all" };
    const both = registry({ secretRef: same, certSecretRef: same, verify: { secretRef: { name: "cosign" } } });
    expect(secretsOf(both)).toEqual([
      { kind: "Secret", namespace: "acme", name: "all" },
      { kind: "Secret", namespace: "acme", name: "cosign" },
    ]);
  });
});

describe("a Registry that cannot be used says why", () => {
  const spec = { secretRef: { name: "login" } };
  const refused = new Failure("Forbidden", 'User "system:serviceaccount:acme:default" cannot list secrets');

  test.each([
    ["the Secret is missing", accessWith(spec), "ReferenceNotFound", "Secret acme/login does not exist"],
    [
      "it may not be read",
      accessWith(spec, { login: { kind: "failed", failure: refused } }),
      "ReferenceNotFound",
      'Secret acme/login cannot be read: User "system:serviceaccount:acme:default" cannot list secrets',
    ],
    [
      "it has other keys",
      login({ user: CANARY, pass: CANARY }),
      "ReferenceNotFound",
      "Secret acme/login must have username and password, bearerToken, or .dockerconfigjson; it has pass, user",
    ],
    [
      "there is a user without a password",
      login({ username: CANARY }),
      "ReferenceNotFound",
      "Secret acme/login must have username and password, bearerToken, or .dockerconfigjson; it has username",
    ],
    [
      "it is empty",
      login({}),
      "ReferenceNotFound",
      "Secret acme/login must have username and password, bearerToken, or .dockerconfigjson; it has no keys",
    ],
    [
      "it has two sorts of credentials",
      login({ username: "me", password: CANARY, bearerToken: CANARY }),
      "InvalidSpec",
      "Secret acme/login has username and password, and bearerToken: keep one of them",
    ],
    [
      "its docker config is none",
      login({ ".dockerconfigjson": CANARY }),
      "InvalidSpec",
      "Secret acme/login key .dockerconfigjson: this is no docker config JSON",
    ],
    [
      "a certificate has no key",
      accessWith({ certSecretRef: { name: "certs" } }, { certs: secret({ "tls.crt": CANARY }) }),
      "ReferenceNotFound",
      "Secret acme/certs must have tls.crt and tls.key together; it has tls.crt",
    ],
    [
      "there are no certificates",
      accessWith({ certSecretRef: { name: "certs" } }, { certs: secret({ "ca.pem": CANARY }) }),
      "ReferenceNotFound",
      "Secret acme/certs must have ca.crt, or tls.crt and tls.key; it has ca.pem",
    ],
    [
      "there is no key of signatures",
      accessWith({ verify: { secretRef: { name: "cosign" } } }, { cosign: secret({}) }),
      "ReferenceNotFound",
      "Secret acme/cosign has no key: nothing could ever be verified",
    ],
  ] as const)("when %s", (_, access, reason, sentence) => {
    expect(access).toMatchObject({ reason, message: `Registry acme/private: ${sentence}` });
    expect((access as Failure).message).not.toContain(CANARY);
  });

  test("it is known of a Registry with verify that it asks for signatures, whichever Secret is missing", () => {
    const signed = { secretRef: { name: "login" }, verify: { secretRef: { name: "k" } } };
    expect(accessWith(signed, { k: secret({ "cosign.pub": "key" }) })).toBeInstanceOf(SignaturesUnknown);
    expect(accessWith({ secretRef: { name: "login" } }, {})).not.toBeInstanceOf(SignaturesUnknown);
  });

  test("all at once", () => {
    const all = {
      secretRef: { name: "login" },
      certSecretRef: { name: "certs" },
      verify: { secretRef: { name: "k" } },
    };
    const access = accessWith(all, { login: secret({}) });
    expect((access as Failure).message).toMatch(/acme\/certs does not exist.*acme\/k does not exist/);
  });
});

describe("the name of a Registry", () => {
  const own = registry({}, "own");
  const hiding = registry({}, "public");
  const shared = registry({}, "public", "strata-system");
  const known = (...all: Registry[]) =>
    new Map(all.map((one) => [`${one.metadata.namespace}/${one.metadata.name}`, one]));

  test.each([
    { means: "the one of the namespace", all: [own, shared], namespace: "acme", name: "own", want: own },
    { means: "else the shared one", all: [own, shared], namespace: "acme", name: "public", want: shared },
    {
      means: "the shared one to a SystemProfile",
      all: [shared, hiding],
      namespace: undefined,
      name: "public",
      want: shared,
    },
    {
      means: "the shared one in its own namespace",
      all: [shared],
      namespace: "strata-system",
      name: "public",
      want: shared,
    },
    {
      means: "nobody else's",
      all: [own],
      namespace: "other",
      name: "own",
      want: "there is no Registry own in namespace other, nor in strata-system, whose Registries all share",
    },
    {
      means: "no tenant's to a SystemProfile",
      all: [own],
      namespace: undefined,
      name: "own",
      want: "there is no Registry own in strata-system, whose Registries all share",
    },
    {
      means: "neither of two of one name",
      all: [hiding, shared],
      namespace: "acme",
      name: "public",
      want: "Registry acme/public has the name of the shared Registry strata-system/public: give it another name, or delete it to use the shared one",
    },
  ])("means $means", ({ all, namespace, name, want }) => {
    const found = registryNamed(known(...all), namespace, name);
    expect(found instanceof Failure ? found.message : found).toBe(want);
  });
});

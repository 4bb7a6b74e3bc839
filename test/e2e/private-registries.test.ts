import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import {
  type PrivateRegistries,
  REGISTRIES,
  type RegistryName,
  startPrivateRegistries,
} from "../support/private-registries.ts";
import { isFailing, LOGIN, profilePath, RegistryStories, reasonOf, registryPath } from "../support/registry-stories.ts";
import { follow, isReady, type Live, read, trustedTenant, waitUntil } from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";

const WRONG = "c4n4ry-password";
const TOKEN = "c4n4ry-token";
/** Each fault is met on the way to the next of them, which nobody has fetched before. */
const VERSIONS = Array.from({ length: 8 }, (_, minor) => `1.${minor}.0`);
const MOVING = "2.0.0";

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let registries: PrivateRegistries;
let stories: RegistryStories;

async function putSecrets(name: RegistryName): Promise<void> {
  await stories.putSecret(`acme/${name}`, LOGIN);
  if (name === "certs") await stories.putSecret("acme/certificates", registries.certificates.own);
  if (name === "signed") await stories.putSecret("acme/cosign", { "cosign.pub": registries.cosignKey });
}

/** Another profile with a chart of the same registry: that one runs, whatever happens. */
const steadyOne = (name: RegistryName): string => `acme/${name}-runs`;

beforeAll(async () => {
  registries = await startPrivateRegistries({ all: VERSIONS, moving: MOVING });
  hub = await startControlPlane({ name: "private-registries" });
  stories = new RegistryStories(hub);
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
  await stories.putTitle("acme/token", "plain");
  for (const name of REGISTRIES) {
    await putSecrets(name);
    await stories.putRegistry(`acme/${name}`, {
      type: name === "web" ? "Helm" : "OCI",
      url: registries.addresses[name],
      secretRef: { name },
      interval: "24h",
      ...(name === "certs" ? { certSecretRef: { name: "certificates" } } : {}),
      ...(name === "signed" ? { verify: { secretRef: { name: "cosign" } } } : {}),
    });
    for (const profile of [`acme/${name}`, steadyOne(name)]) await stories.putProfile(profile, name, "1.0.0");
  }
}, 300_000);

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub, registries].map((one) => one?.[Symbol.asyncDispose]()));
});

interface Fault {
  fault: string;
  of: RegistryName;
  begin(version: string): Promise<void> | void;
  /** What mends it, beside the Secrets, which are mended always. */
  end?(version: string): Promise<void> | void;
  reason: string | RegExp;
  /** With HOST, VERSION and DIGEST for what is another in each run. */
  layer: string | RegExp;
  /** Else it has nothing to complain of. */
  registry?: string | RegExp;
}

/**
 * One that asks for the credentials says more than one that is shown them with each request. That of the client certificate
 * asks for the password too.
 */
const wellOf = (of: RegistryName): string =>
  `the registry answers ${of === "web" ? "when it is shown" : "and accepts"} the credentials`;
const THEIRS = "does not accept the user and password for";
const MEND = "correct them in the Secret of the Registry";
const page = "charts/page VERSION";

/** Whether the alert arrives before the end of the connection is chance. */
const CLIENT_CERTIFICATE = {
  reason: /^(SourceUnauthorized|SourceUnavailable)$/,
  sentence:
    /^HOST (wants a client certificate that it accepts \(ERR_SSL_\w+\): correct it in the Secret of the Registry|is not available: it closed the connection without an answer, as servers do that want another client certificate)$/,
};

const FAULTS: Fault[] = [
  {
    fault: "a wrong password",
    of: "basic",
    begin: () => stories.putSecret("acme/basic", { username: "me", password: WRONG }),
    reason: "SourceUnauthorized",
    layer: `Registry acme/basic (HOST) ${THEIRS} ${page}: ${MEND}`,
    registry: `Registry acme/basic (HOST) ${THEIRS} its contents: ${MEND}`,
  },
  {
    fault: "a wrong password for a token",
    of: "token",
    begin: () => stories.putSecret("acme/token", { username: "me", password: WRONG }),
    reason: "SourceUnauthorized",
    layer: `Registry acme/token (HOST) ${THEIRS} a token for ${page}: ${MEND}`,
    registry: `Registry acme/token (HOST) ${THEIRS} a token for its contents: ${MEND}`,
  },
  {
    fault: "a wrong password for the index",
    of: "web",
    begin: () => stories.putSecret("acme/web", { username: "me", password: WRONG }),
    reason: "SourceUnauthorized",
    layer: `Registry acme/web (HOST) ${THEIRS} the index of its charts: ${MEND}`,
    registry: `Registry acme/web (HOST) ${THEIRS} the index of its charts: ${MEND}`,
  },
  {
    fault: "an expired token",
    of: "token",
    begin: () => stories.putSecret("acme/token", { bearerToken: TOKEN }),
    reason: "SourceUnauthorized",
    layer: `Registry acme/token (HOST) does not accept the token for ${page}: ${MEND}`,
    registry: `Registry acme/token (HOST) does not accept the token for its contents: ${MEND}`,
  },
  {
    fault: "a client certificate of somebody else",
    of: "certs",
    begin: () => stories.putSecret("acme/certificates", registries.certificates.others),
    reason: CLIENT_CERTIFICATE.reason,
    layer: CLIENT_CERTIFICATE.sentence,
    registry: CLIENT_CERTIFICATE.sentence,
  },
  {
    fault: "a Secret that is gone",
    of: "basic",
    begin: async () => void (await hub.kubectlOk(["delete", "secret", "basic", "-n", "acme"])),
    reason: "ReferenceNotFound",
    layer: "Registry acme/basic: Secret acme/basic does not exist",
    registry: "Registry acme/basic: Secret acme/basic does not exist",
  },
  {
    fault: "a Secret with other keys",
    of: "basic",
    begin: () => stories.putSecret("acme/basic", { user: "me", pass: WRONG }),
    reason: "ReferenceNotFound",
    layer:
      "Registry acme/basic: Secret acme/basic must have username and password, bearerToken, or .dockerconfigjson; it has pass, user",
    registry:
      "Registry acme/basic: Secret acme/basic must have username and password, bearerToken, or .dockerconfigjson; it has pass, user",
  },
  {
    fault: "429",
    of: "basic",
    begin: () => registries.proxy.trouble("busy"),
    end: () => registries.proxy.trouble(),
    reason: "SourceUnavailable",
    layer: `HOST asks for fewer requests (429) for ${page}`,
    registry: "HOST asks for fewer requests (429) for its contents",
  },
  {
    fault: "an answer that is cut",
    of: "basic",
    begin: () => registries.proxy.trouble("cut"),
    end: () => registries.proxy.trouble(),
    reason: "SourceUnavailable",
    layer: "HOST is not available: it closed the connection",
    registry: "HOST is not available: it closed the connection",
  },
  {
    fault: "a wrong digest",
    of: "basic",
    begin: () => registries.proxy.trouble("altered", /\/blobs\//),
    end: () => registries.proxy.trouble(),
    reason: "InvalidChart",
    layer: `${page} is not what was promised: expected DIGEST, found DIGEST`,
  },
  {
    fault: "a wrong digest by the index",
    of: "web",
    begin: () =>
      registries.guardWeb(({ url }, response) => url?.endsWith(".tgz") === true && Boolean(response.end("x"))),
    end: () => registries.guardWeb(() => false),
    reason: "InvalidChart",
    layer: "chart page VERSION of URL is not what was promised: expected DIGEST, found DIGEST",
  },
  {
    fault: "a missing signature",
    of: "signed",
    begin: () => undefined,
    end: (version) => registries.sign(version, "owner"),
    reason: "VerificationFailed",
    layer: `${page} (DIGEST) is not signed: sign it with cosign sign --key`,
  },
  {
    fault: "a wrong signature",
    of: "signed",
    begin: (version) => registries.sign(version, "stranger"),
    end: (version) => registries.sign(version, "owner"),
    reason: "VerificationFailed",
    layer: `${page} (DIGEST) is not trusted: its signature was not made by a key of the Registry`,
  },
];

/** A sentence without what is another in each run. */
function withoutPlaces(sentence: string, { of, version }: { of: RegistryName; version: string }): string {
  const host = new URL(registries.addresses[of].replace("oci:", "http:")).host;
  return sentence
    .replaceAll(registries.addresses[of], "URL")
    .replaceAll(host, "HOST")
    .replaceAll(version, "VERSION")
    .replaceAll(/sha256:[0-9a-f]{64}/g, "DIGEST");
}

function expectWords(said: string | undefined, wanted: string | RegExp): void {
  if (wanted instanceof RegExp) expect(said).toMatch(wanted);
  else expect(said).toBe(wanted);
}

/** The version that nobody has fetched yet from a registry. */
async function nextOf(name: RegistryName): Promise<string> {
  const { version } = await stories.page(`acme/${name}`);
  return VERSIONS[VERSIONS.indexOf(version) + 1] ?? "";
}

describe("private registries", () => {
  test.each([
    { sort: "basic", of: "basic" },
    { sort: "a token for a password", of: "token" },
    { sort: "a client certificate", of: "certs" },
    { sort: "a signature", of: "signed" },
    { sort: "an index behind a password", of: "web" },
  ] as const)("$sort: a chart comes", async ({ of }) => {
    await stories.ready(registryPath(`acme/${of}`));
    for (const profile of [`acme/${of}`, steadyOne(of)]) await stories.ready(profilePath(profile));
    expect(await stories.page(`acme/${of}`)).toEqual({ version: "1.0.0", title: "plain" });
    expect(await stories.wordsOf("registry", `acme/${of}`)).toBe(wellOf(of));
  });

  test("a token that has run out is renewed, and nobody hears of it", async () => {
    const version = await nextOf("token");
    const given = registries.tokens.tokensGiven;
    registries.tokens.revokeTokens();
    using story = await follow(hub, profilePath("acme/token"));
    await stories.putProfile("acme/token", "token", version);
    await story.until(version, (profile) => isReady(profile) && profile.metadata.generation > 1);
    expect((await stories.page("acme/token")).version).toBe(version);
    expect(registries.tokens.tokensGiven).toBeGreaterThan(given);
    expect(story.versions.filter(isFailing)).toEqual([]);
  });

  test.each(FAULTS)("$fault ($of): says why, and what runs stays untouched", async (row) => {
    const { of, reason } = row;
    const name = `acme/${of}`;
    await stories.ready(profilePath(name));
    const version = await nextOf(of);
    const before = [await stories.objectsOf(name), await stories.objectsOf(steadyOne(of))];
    using steady = await follow(hub, profilePath(steadyOne(of)));
    try {
      await row.begin(version);
      await stories.ask(name);
      const told = await (row.registry ? stories.failing(registryPath(name)) : stories.ready(registryPath(name)));
      expect(told.status, "what was known of it").toMatchObject({ entries: 1, lastSyncTime: expect.any(String) });
      await stories.putProfile(name, of, version);
      const failing = await stories.failing(profilePath(name));
      expectWords(reasonOf(failing), reason);

      const asked = { of, version };
      expectWords(withoutPlaces(await stories.wordsOf("layer", name), asked), row.layer);
      expectWords(withoutPlaces(await stories.wordsOf("registry", name), asked), row.registry ?? wellOf(of));
      expect([await stories.objectsOf(name), await stories.objectsOf(steadyOne(of))], "what runs").toEqual(before);
    } finally {
      await row.end?.(version);
      await putSecrets(of);
      await stories.ask(name);
    }
    await stories.ready(registryPath(name));
    // What the registry itself knows nothing of is tried again when the layer says so.
    if (row.registry === undefined) await stories.putProfile(name, of, `~${version}`);
    await stories.ready(profilePath(name));
    expect((await stories.page(name)).version).toBe(version);
    expect(await stories.objectsOf(steadyOne(of)), "what ran all the time").toEqual(before[1]);
    expect(
      steady.versions.filter((profile) => !isReady(profile)),
      "what ran all the time",
    ).toEqual([]);
  });

  test("slow: says so in the end, and meanwhile holds neither what runs nor the layers of other registries", async () => {
    const version = await nextOf("basic");
    const other = await nextOf("web");
    const before = await stories.objectsOf(steadyOne("basic"));
    const crowd = ["one", "two", "three", "four", "five", "six"].map((one) => `acme/${one}`);
    using steady = await follow(hub, profilePath(steadyOne("basic")));
    using failed = await follow(hub, profilePath("acme/six"));
    registries.proxy.trouble("silent");
    try {
      await stories.ask("acme/basic");
      for (const [index, name] of crowd.entries()) await stories.putProfile(name, "basic", VERSIONS[index] ?? "");
      await stories.putProfile("acme/basic", "basic", version);
      await stories.putProfile("acme/web", "web", other);
      await stories.ready(profilePath("acme/web"));
      expect((await stories.page("acme/web")).version).toBe(other);
      expect(failed.versions.filter(isFailing), "not after the slow one, but meanwhile").toEqual([]);

      const asked = { of: "basic", version } as const;
      await stories.failing(profilePath("acme/basic"));
      await stories.failing(registryPath("acme/basic"));
      const sentence = "HOST is not available: it takes too long to answer";
      expect(withoutPlaces(await stories.wordsOf("layer", "acme/basic"), asked)).toBe(sentence);
      expect(withoutPlaces(await stories.wordsOf("registry", "acme/basic"), asked)).toBe(sentence);
    } finally {
      registries.proxy.trouble();
      await stories.ask("acme/basic");
    }
    await stories.ready(registryPath("acme/basic"));
    for (const name of ["acme/basic", ...crowd]) await stories.ready(profilePath(name));
    expect(await stories.objectsOf(steadyOne("basic"))).toEqual(before);
    expect(steady.versions.filter((profile) => !isReady(profile))).toEqual([]);
  });

  test("a tag that was moved is refused, and harms nothing that runs", async () => {
    await stories.putProfile("acme/token", "token", MOVING);
    await stories.ready(profilePath("acme/token"));
    const running = () => Promise.all(["acme/token", steadyOne("token")].map((name) => stories.objectsOf(name)));
    const before = await running();
    using steady = await follow(hub, profilePath(steadyOne("token")));
    const { resourceVersion } = (await read(hub, registryPath("acme/token"))).metadata;
    await registries.moveTag();
    // A process that knows the bytes by their digest asks nobody.
    await strata.kill();
    strata = await home.start();
    await stories.putTitle("acme/token", "new");

    const is = (profile: Live) => reasonOf(profile) === "InvalidChart";
    await waitUntil(hub, profilePath("acme/token"), { what: "refused", is });
    const asked = { of: "token", version: MOVING } as const;
    expect(withoutPlaces(await stories.wordsOf("layer", "acme/token"), asked)).toBe(
      "chart page VERSION of URL is not what was promised: expected DIGEST, found DIGEST",
    );
    expect(await stories.wordsOf("registry", "acme/token")).toBe(wellOf("token"));
    expect(await running()).toEqual(before);
    const after = (await read(hub, registryPath("acme/token"))).metadata;
    expect(after.resourceVersion, "a new process asks nobody before the time").toBe(resourceVersion);

    await stories.putTitle("acme/token", "plain");
    await stories.ready(profilePath("acme/token"));
    expect(await stories.page("acme/token")).toEqual({ version: MOVING, title: "plain" });
    expect(steady.versions.filter(isFailing)).toEqual([]);
  });
});

test("nobody reads a password or a token anywhere", async () => {
  const kinds = "clusterprofiles,addonprofiles,profiledeployments,registries,events";
  const all = await hub.kubectlOk(["get", kinds, "-A", "-o", "yaml"]);
  for (const canary of [LOGIN.password, WRONG, TOKEN]) {
    expect(all).not.toContain(canary);
    expect(strata.log()).not.toContain(canary);
  }
});

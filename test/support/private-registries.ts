import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { createAuthority } from "./certificates.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { pullManifest, pushSignature } from "./oci-push.ts";
import { temporaryFolder } from "./processes.ts";
import { type Guard, startChartRepo, startRegistry } from "./registry.ts";
import { BASIC, HTPASSWD, LOGIN, writePage } from "./registry-stories.ts";

export const REGISTRIES = ["basic", "token", "signed", "certs", "web"] as const;
export type RegistryName = (typeof REGISTRIES)[number];

export interface PrivateRegistries extends AsyncDisposable {
  readonly addresses: Readonly<Record<RegistryName, string>>;
  /** On the way to `basic` and `signed`. */
  readonly proxy: FaultProxy;
  /** On the way to `token`. */
  readonly tokens: FaultProxy;
  /** What `web` does to a request that shows the password; answers it itself, or says false. */
  guardWeb(guard: Guard): void;
  /** Signs a version as the owner of the known key, or as somebody else. */
  sign(version: string, by: "owner" | "stranger"): Promise<void>;
  /** The tag of `moving` stands for other bytes from now on. */
  moveTag(): Promise<void>;
  /** The public key that `signed` is to be verified with. */
  readonly cosignKey: string;
  /** `ca.crt`, `tls.crt` and `tls.key` that `certs` accepts, and those with the certificate of somebody else. */
  readonly certificates: Readonly<Record<"own" | "others", Record<string, string>>>;
}

/**
 * Registries that hold the chart `page` and let in nobody but `LOGIN`: the real one behind a proxy (`basic`), behind one that
 * wants tokens (`token`), and to be used with signatures (`signed`, where only 1.0.0 has one); the real one with TLS and
 * client certificates (`certs`); a repository over HTTP (`web`).
 */
export async function startPrivateRegistries(versions: {
  /** In `certs` there are only the first two. */
  all: readonly string[];
  moving: string;
}): Promise<PrivateRegistries> {
  const authority = createAuthority("registry authority");
  const keys = { owner: newKeys(), stranger: newKeys() };
  await using stack = new AsyncDisposableStack();
  const folder = await temporaryFolder("private-registries");
  stack.defer(() => folder.remove());
  const [all, few, moved] = ["all", "few", "moved"].map((name) => join(folder.path, name)) as [string, string, string];
  for (const version of [...versions.all, versions.moving]) await writePage(all, version);
  for (const version of versions.all.slice(0, 2)) await writePage(few, version);
  await writePage(moved, versions.moving, "moved");

  const password = { htpasswd: HTPASSWD, login: LOGIN };
  const oci = stack.use(await startRegistry(password));
  const secured = stack.use(await startRegistry({ authority, clientCertificates: true, ...password }));
  let guard: Guard = () => false;
  const repo = stack.use(
    await startChartRepo(all, (request, response) => {
      if (guard(request, response)) return true;
      if (request.headers.authorization === BASIC) return false;
      response.writeHead(401).end();
      return true;
    }),
  );
  await oci.pushCharts(all);
  await secured.pushCharts(few);
  const proxy = stack.use(await startFaultProxy({ upstream: oci.url }));
  const tokens = stack.use(await startFaultProxy({ upstream: oci.url, tokensFor: BASIC }));

  const sign: PrivateRegistries["sign"] = async (version, by) => {
    const target = { url: oci.url, authorization: BASIC };
    const of = await pullManifest(target, "charts/page", version);
    await pushSignature(target, "charts/page", { of, key: keys[by].privateKey });
  };
  await sign("1.0.0", "owner");
  const certificateOf = ({ certPem, keyPem }: ReturnType<typeof authority.issue>) => ({
    "ca.crt": authority.certPem,
    "tls.crt": certPem,
    "tls.key": keyPem,
  });
  const started = stack.move();
  return {
    addresses: {
      basic: `oci://${proxy.host}/charts`,
      token: `oci://${tokens.host}/charts`,
      signed: `oci://${proxy.host}/charts`,
      certs: `${secured.url}/charts`,
      web: repo.url,
    },
    proxy,
    tokens,
    guardWeb: (next) => {
      guard = next;
    },
    sign,
    moveTag: () => oci.pushCharts(moved),
    cosignKey: keys.owner.publicKey.export({ type: "spki", format: "pem" }).toString(),
    certificates: {
      own: certificateOf(authority.issue({ commonName: "strata" })),
      others: certificateOf(createAuthority("stranger").issue({ commonName: "strata" })),
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function newKeys() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

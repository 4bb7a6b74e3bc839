import { readFile } from "node:fs/promises";
import type { RequestOptions } from "node:https";
import { isIPv6 } from "node:net";
import type { KubeConfig } from "@kubernetes/client-node";
import { Failure } from "../errors.ts";
import { type ClusterAccess, fingerprintOf, type TokenSource } from "./access.ts";
import { type Clock, systemClock } from "./clock.ts";

export interface OwnAccessOptions {
  /** A kubeconfig of a person who is trusted: exec plugins and files are allowed in it. */
  readonly kubeconfigPath?: string | undefined;
  /** A context of the kubeconfig; its current one if absent. */
  readonly context?: string | undefined;
  /** For `KUBERNETES_SERVICE_HOST` and `_PORT`, which every Pod has. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a Pod finds its ServiceAccount's token. */
  readonly serviceAccountDir?: string;
  readonly clock?: Clock;
}

const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";
/** The kubelet replaces a token when 80 % of its hour are over: a minute is soon enough. */
const TOKEN_AGE_MS = 60_000;

/**
 * Strata's own connection: the kubeconfig if one is named, else the Pod's ServiceAccount, else the kubeconfig that
 * kubectl would take. Never used for targets: see `parseKubeconfig`.
 *
 * @throws Failure `InvalidKubeconfig` if there is none, or if it asks for what Strata does not do.
 */
export async function ownAccess(options: OwnAccessOptions): Promise<ClusterAccess> {
  const clock = options.clock ?? systemClock;
  const host = options.env["KUBERNETES_SERVICE_HOST"];
  if (options.kubeconfigPath === undefined && host) {
    const port = options.env["KUBERNETES_SERVICE_PORT"] ?? "443";
    const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
    return await inClusterAccess(server, options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR, clock);
  }
  return await kubeconfigAccess(options.kubeconfigPath, options.context, clock);
}

/**
 * A token that is read again when it is a minute old, and at once after the server refused it. If only the re-reading
 * fails, the one at hand is tried.
 */
export function cachedToken(read: (renew: boolean) => Promise<string | undefined>, clock: Clock): TokenSource {
  let held: { token: string | undefined; readAt: number } | undefined;
  return async (renew) => {
    if (held !== undefined && !renew && clock.now() - held.readAt < TOKEN_AGE_MS) {
      return held.token;
    }
    try {
      held = { token: await read(renew), readAt: clock.now() };
    } catch (error) {
      if (held === undefined) {
        throw error;
      }
    }
    return held.token;
  };
}

async function inClusterAccess(server: string, directory: string, clock: Clock): Promise<ClusterAccess> {
  const caPem = await readFile(`${directory}/ca.crt`, "utf8").catch((cause: unknown) => {
    throw new Failure("InvalidKubeconfig", `the ServiceAccount's files cannot be read from ${directory}`, { cause });
  });
  const token = cachedToken(async () => (await readFile(`${directory}/token`, "utf8")).trim(), clock);
  return { server, caPem, token, fingerprint: fingerprintOf([server, caPem, directory]) };
}

async function kubeconfigAccess(
  path: string | undefined,
  context: string | undefined,
  clock: Clock,
): Promise<ClusterAccess> {
  const source = path ?? "the default kubeconfig";
  const load = async () => inContext(await loadKubeConfig(path, source), context, source);
  let config = await load();
  const server = serverOf(config, source);
  const { caPem, clientCert, serverName, token } = await credentialsOf(config, source);
  const read = async (renew: boolean) => {
    // An exec plugin's token is kept until it expires; only a new config asks the plugin again.
    config = renew ? await load() : config;
    return (await credentialsOf(config, source)).token;
  };
  return {
    server,
    ...(caPem !== undefined && { caPem }),
    ...(serverName !== undefined && { serverName }),
    ...(clientCert !== undefined && { clientCert }),
    ...(token !== undefined && { token: cachedToken(read, clock) }),
    fingerprint: fingerprintOf([server, caPem, serverName, clientCert?.certPem, clientCert?.keyPem, path, context]),
  };
}

async function loadKubeConfig(path: string | undefined, source: string): Promise<KubeConfig> {
  // Its 60 MB of models load only where a kubeconfig is used, which is never the case in a Pod.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  try {
    if (path === undefined) {
      config.loadFromDefault();
    } else {
      config.loadFromFile(path);
    }
  } catch (error) {
    // A parser's message may quote the file.
    throw unusable(
      source,
      `cannot be read (${error instanceof Error && "code" in error ? error.code : "not a kubeconfig"})`,
    );
  }
  return config;
}

function inContext(config: KubeConfig, context: string | undefined, source: string): KubeConfig {
  if (context === undefined) return config;
  if (!config.getContextObject(context)) {
    const names = config.getContexts().map(({ name }) => name);
    throw unusable(source, `has no context ${JSON.stringify(context)}; it has ${names.join(", ") || "none"}`);
  }
  config.setCurrentContext(context);
  return config;
}

function serverOf(config: KubeConfig, source: string): string {
  const cluster = config.getCurrentCluster();
  if (!cluster || cluster.server === "http://localhost:8080") {
    throw unusable(source, "has no current context: name a kubeconfig, or run in a cluster");
  }
  const refused = cluster.proxyUrl ? "proxy-url" : cluster.skipTLSVerify ? "insecure-skip-tls-verify" : undefined;
  if (refused !== undefined) {
    throw unusable(source, `asks for ${refused}, which Strata does not do`);
  }
  if (!URL.canParse(cluster.server) || new URL(cluster.server).protocol !== "https:") {
    throw unusable(source, "has a server that is not https://");
  }
  return cluster.server;
}

interface Credentials extends Pick<ClusterAccess, "caPem" | "serverName" | "clientCert"> {
  readonly token?: string;
}

async function credentialsOf(config: KubeConfig, source: string): Promise<Credentials> {
  const options: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    throw unusable(source, `gives no credentials (${error instanceof Error ? error.name : "unknown"})`);
  }
  const { ca, cert, key, servername } = options;
  const header = Object.entries(options.headers ?? {}).find(([name]) => name.toLowerCase() === "authorization")?.[1];
  const token = /^Bearer (.+)$/.exec(String(header ?? ""))?.[1];
  return {
    ...(ca !== undefined && { caPem: String(ca) }),
    ...(servername !== undefined && { serverName: servername }),
    ...(cert !== undefined && key !== undefined && { clientCert: { certPem: String(cert), keyPem: String(key) } }),
    ...(token !== undefined && { token }),
  };
}

function unusable(source: string, problem: string): Failure {
  return new Failure("InvalidKubeconfig", `${source} ${problem}`);
}

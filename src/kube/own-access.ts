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
  return await kubeconfigAccess(options.kubeconfigPath, clock);
}

/**
 * A token that is read again when it is a minute old, and at once after the server refused it. If only the re-reading
 * fails, the one at hand is tried.
 */
export function cachedToken(read: () => Promise<string | undefined>, clock: Clock): TokenSource {
  let held: { token: string | undefined; readAt: number } | undefined;
  return async (renew) => {
    if (held !== undefined && !renew && clock.now() - held.readAt < TOKEN_AGE_MS) {
      return held.token;
    }
    try {
      held = { token: await read(), readAt: clock.now() };
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

async function kubeconfigAccess(path: string | undefined, clock: Clock): Promise<ClusterAccess> {
  const cluster = (await loadKubeConfig(path)).getCurrentCluster();
  const source = path ?? "the default kubeconfig";
  if (!cluster || (path === undefined && cluster.name === "cluster" && cluster.server === "http://localhost:8080")) {
    throw new Failure("InvalidKubeconfig", `${source} has no current context: name a kubeconfig, or run in a cluster`);
  }
  if (cluster.skipTLSVerify || cluster.proxyUrl) {
    const field = cluster.proxyUrl ? "proxy-url" : "insecure-skip-tls-verify";
    throw new Failure("InvalidKubeconfig", `${source} asks for ${field}, which Strata does not do`);
  }
  const credentials = await readCredentials(path);
  const { ca, cert, key, servername } = credentials;
  const token = cachedToken(async () => (await readCredentials(path)).token, clock);
  return {
    server: cluster.server,
    ...(ca !== undefined && { caPem: ca }),
    ...(servername !== undefined && { serverName: servername }),
    ...(cert !== undefined && key !== undefined && { clientCert: { certPem: cert, keyPem: key } }),
    ...(credentials.token !== undefined && { token }),
    fingerprint: fingerprintOf([cluster.server, ca, cert, key, servername, path]),
  };
}

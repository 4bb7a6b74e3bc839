import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import type { Authority } from "./certificates.ts";
import { helm, packageCharts } from "./helm.ts";
import { startProgram, temporaryFolder } from "./processes.ts";
import { toolPath } from "./tools.ts";
import { until } from "./waiting.ts";

export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:<port>`, as it stands in `oci://` references. */
  readonly host: string;
  /** `http://` or, with an authority, `https://` and the host. */
  readonly url: string;
  /** Packages the chart folders in a folder and pushes them to `oci://<host>/charts/<name>`. */
  pushCharts(chartsFolder: string): Promise<void>;
  stop(): Promise<void>;
}

export interface RegistryOptions {
  /** Signs for the registry, which then speaks TLS. */
  authority?: Authority;
  /** Lets in only those who have a certificate of the authority. */
  clientCertificates?: boolean;
  /** Lets in only those of this htpasswd file: lines of `user:bcrypt`. */
  htpasswd?: string;
  /** Whom `pushCharts` pushes as: one of them. */
  login?: { username: string; password: string };
}

/** Starts distribution's OCI registry, empty, on a port of its own choice. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const { authority, clientCertificates = false, htpasswd, login } = options;
  const folder = await temporaryFolder("registry");
  const config = {
    version: 0.1,
    log: { level: "info", formatter: "json" },
    storage: { filesystem: { rootdirectory: join(folder.path, "storage") }, delete: { enabled: true } },
    http: {
      addr: "127.0.0.1:0",
      ...(authority && {
        tls: { ...(await tlsFiles(authority, folder.path)), ...(clientCertificates && { clientcas: ["ca.crt"] }) },
      }),
    },
    ...(htpasswd !== undefined && { auth: { htpasswd: { realm: "registry", path: "htpasswd" } } }),
  };
  if (htpasswd !== undefined) await writeFile(join(folder.path, "htpasswd"), htpasswd, { mode: 0o600 });
  await writeFile(join(folder.path, "config.json"), JSON.stringify(config));
  const args = ["serve", "config.json"];
  const program = startProgram({ name: "registry", file: toolPath("registry"), args, folder: folder.path });
  const stop = async (): Promise<void> => {
    await program.kill();
    await folder.remove();
  };
  const port = (): string | undefined => /listening on 127\.0\.0\.1:(\d+)/.exec(program.log())?.[1];
  try {
    await until(async () => port() !== undefined, { what: "registry", programs: [program] });
  } catch (error) {
    await stop();
    throw error;
  }
  const host = `127.0.0.1:${port()}`;
  const trust = authority ? ["--ca-file", join(folder.path, "ca.crt")] : ["--plain-http"];
  const proof = [
    ...(authority && clientCertificates ? await clientFiles(authority, folder.path) : []),
    ...(login ? ["--username", login.username, "--password", login.password] : []),
  ];
  const pushCharts = async (chartsFolder: string): Promise<void> => {
    for (const file of await packageCharts(chartsFolder, folder.path)) {
      await helm(["push", file, `oci://${host}/charts`, ...trust, ...proof], { home: folder.path });
    }
  };
  return { host, url: `${authority ? "https" : "http"}://${host}`, pushCharts, stop, [Symbol.asyncDispose]: stop };
}

async function tlsFiles(authority: Authority, folder: string): Promise<{ certificate: string; key: string }> {
  const { certPem, keyPem } = authority.issue({ commonName: "registry", hosts: ["127.0.0.1", "localhost"] });
  await writeFile(join(folder, "ca.crt"), authority.certPem);
  await writeFile(join(folder, "server.crt"), certPem);
  await writeFile(join(folder, "server.key"), keyPem, { mode: 0o600 });
  return { certificate: "server.crt", key: "server.key" };
}

async function clientFiles(authority: Authority, folder: string): Promise<string[]> {
  const { certPem, keyPem } = authority.issue({ commonName: "pusher" });
  const [cert, key] = [join(folder, "client.crt"), join(folder, "client.key")];
  await writeFile(cert, certPem);
  await writeFile(key, keyPem, { mode: 0o600 });
  return ["--cert-file", cert, "--key-file", key];
}

export interface ChartRepo extends AsyncDisposable {
  readonly url: string;
  /** The paths that have been asked for, in order. */
  readonly requests: readonly string[];
  /** The paths that were answered, in order, with their status: 304 where the asker has it already. */
  readonly answers: readonly string[];
  stop(): Promise<void>;
}

/** Answers a request itself, or lets it through by saying false. */
export type Guard = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves the chart folders in a folder as a Helm repository over HTTP: packages and index are made by the real helm. */
export async function startChartRepo(chartsFolder: string, guard: Guard = () => false): Promise<ChartRepo> {
  const folder = await temporaryFolder("charts");
  const requests: string[] = [];
  const answers: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    requests.push(path);
    response.once("finish", () => answers.push(`${response.statusCode} ${path}`));
    if (guard(request, response)) return;
    readFile(join(folder.path, basename(path))).then(
      (content) => serve(content, request, response),
      () => response.writeHead(404).end(),
    );
  });
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await folder.remove();
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await packageCharts(chartsFolder, folder.path);
    await helm(["repo", "index", ".", "--url", url], { home: folder.path });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, requests, answers, stop, [Symbol.asyncDispose]: stop };
}

function serve(content: Buffer, { headers }: IncomingMessage, response: ServerResponse): void {
  const etag = `"${createHash("sha256").update(content).digest("hex")}"`;
  if (headers["if-none-match"] === etag) response.writeHead(304, { etag }).end();
  else response.writeHead(200, { etag }).end(content);
}

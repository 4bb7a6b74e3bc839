import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
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

/** Starts distribution's OCI registry, empty, on a port of its own choice; over TLS when an authority signs for it. */
export async function startRegistry({ authority }: { authority?: Authority } = {}): Promise<Registry> {
  const folder = await temporaryFolder("registry");
  const config = {
    version: 0.1,
    log: { level: "info", formatter: "json" },
    storage: { filesystem: { rootdirectory: join(folder.path, "storage") }, delete: { enabled: true } },
    http: { addr: "127.0.0.1:0", ...(authority && { tls: await tlsFiles(authority, folder.path) }) },
  };
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
  const pushCharts = async (chartsFolder: string): Promise<void> => {
    for (const file of await packageCharts(chartsFolder, folder.path)) {
      await helm(["push", file, `oci://${host}/charts`, ...trust], { home: folder.path });
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

export interface ChartRepo extends AsyncDisposable {
  readonly url: string;
  /** The paths that have been asked for, in order. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

/** Serves the chart folders in a folder as a Helm repository over HTTP: packages and index are made by the real helm. */
export async function startChartRepo(chartsFolder: string): Promise<ChartRepo> {
  const folder = await temporaryFolder("charts");
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    requests.push(path);
    readFile(join(folder.path, basename(path))).then(
      (content) => response.end(content),
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
  return { url, requests, stop, [Symbol.asyncDispose]: stop };
}

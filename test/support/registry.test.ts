import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority } from "./certificates.ts";
import { writeChart } from "./files.ts";
import { helm } from "./helm.ts";
import { temporaryFolder } from "./processes.ts";
import { startChartRepo, startRegistry } from "./registry.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let charts: string;

beforeAll(async () => {
  folder = await temporaryFolder("charts-source");
  charts = join(folder.path, "charts");
  const files = { "templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: hello }\n" };
  await writeChart(join(charts, "hello"), { name: "hello", version: "1.2.3", files });
});
afterAll(() => folder.remove());

test("helm installs from the HTTP repository, which records what was asked for", async () => {
  await using repo = await startChartRepo(charts);
  const rendered = await helm(["template", "x", "hello", "--repo", repo.url], { home: folder.path });
  expect(rendered).toContain("kind: ConfigMap");
  expect(repo.requests).toEqual(["/index.yaml", "/hello-1.2.3.tgz"]);
});

test("helm installs from the OCI registry", async () => {
  await using registry = await startRegistry();
  await registry.pushCharts(charts);
  const reference = `oci://${registry.host}/charts/hello`;
  const rendered = await helm(["template", "x", reference, "--version", "1.2.3", "--plain-http"], {
    home: folder.path,
  });
  expect(rendered).toContain("kind: ConfigMap");
});

test("the OCI registry speaks TLS with a certificate of the given authority", async () => {
  const authority = createAuthority("registry-ca");
  await using registry = await startRegistry({ authority });
  await registry.pushCharts(charts);
  const reference = `oci://${registry.host}/charts/hello`;
  await expect(helm(["show", "chart", reference], { home: folder.path })).rejects.toThrow(/certificate/);
  await writeFile(join(folder.path, "ca.crt"), authority.certPem);
  expect(await helm(["show", "chart", reference, "--ca-file", "ca.crt"], { home: folder.path })).toContain("1.2.3");
});

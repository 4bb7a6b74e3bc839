import { readdir, readFile, readlink } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Renderer } from "../../src/render/renderer.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type PackedChart, packChart, rendererPids, requestOf } from "../support/rendering.ts";
import { toolPath } from "../support/tools.ts";
import { until } from "../support/waiting.ts";

/** What charts.test.ts does not try yet of hostile charts: what they reach, and whether others feel them. */

const ENDLESS = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}";
const CANARY = "c4n4ry-credential";
const CREDENTIALS = ["KUBECONFIG", "KUBERNETES_SERVICE_HOST", "STRATA_TOKEN", "HTTPS_PROXY"];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let endless: PackedChart;
let plain: PackedChart;

beforeAll(async () => {
  for (const name of CREDENTIALS) process.env[name] = CANARY;
  folder = await temporaryFolder("isolation");
  endless = await packChart(folder.path, {
    name: "endless",
    template: `{{ $_ := getHostByName "isolation.invalid" }}{{ $_ := .Files.Get "/etc/passwd" }}${ENDLESS}`,
  });
  plain = await packChart(folder.path, {
    name: "plain",
    template: "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: plain-{{ .Release.Revision }} }\n",
  });
});

afterAll(async () => {
  for (const name of CREDENTIALS) delete process.env[name];
  await folder.remove();
});

function newRenderer(processes: number): Renderer {
  return new Renderer({ binary: toolPath("strata-render"), processes, deadlineMs: 120_000 });
}

/** Begins to render the endless chart and resolves when its process is there; `stop` ends it. */
async function attack(renderer: Renderer) {
  const others = await rendererPids();
  const impatient = new AbortController();
  let isOver = false;
  const over = renderer.renderChart(requestOf(endless), impatient.signal).catch(() => {
    isOver = true;
  });
  const ours = async () => (await rendererPids()).filter((pid) => !others.includes(pid));
  await until(async () => (await ours()).length === 1, { what: "a renderer", programs: [] });
  const [pid = ""] = await ours();
  // It has read its request, and more than the runtime's own start, when it has used half a second of processor time.
  await until(async () => (await ticks(pid)) > 50, { what: "a renderer that is at work", programs: [] });
  const stop = async () => {
    impatient.abort();
    await over;
  };
  return { pid, stop, isOver: () => isOver };
}

/** Hundredths of a second that a process has used, as `/proc/<pid>/stat` counts them. */
async function ticks(pid: string): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

test("while one chart never ends, the others render", async () => {
  await using renderer = newRenderer(2);
  const { stop, isOver } = await attack(renderer);
  const revisions = Array.from({ length: 30 }, (_, index) => index + 1);
  const rendered = await Promise.all(
    revisions.map((revision) => renderer.renderChart(requestOf(plain, { revision }), new AbortController().signal)),
  );
  expect(rendered.map(({ objects }) => objects[0]?.metadata.name)).toEqual(revisions.map((n) => `plain-${n}`));
  expect(isOver()).toBe(false);
  await stop();
});

test("a renderer at work holds no credential, no file and no socket, also after a look for a host and a file", async () => {
  await using renderer = newRenderer(1);
  const { pid, stop } = await attack(renderer);
  const environment = (await readFile(`/proc/${pid}/environ`, "utf8")).split("\0").filter((line) => line !== "");
  expect(environment.map((line) => line.split("=")[0]).sort()).toEqual(["GOMEMLIMIT", "STRATA_RENDER_MEMORY"]);
  expect(await readFile(`/proc/${pid}/cmdline`, "utf8")).toBe(`${toolPath("strata-render")}\0`);
  expect(await readlink(`/proc/${pid}/cwd`)).toBe("/");
  const numbers = await readdir(`/proc/${pid}/fd`);
  const files = new Map(
    await Promise.all(numbers.map(async (n) => [n, await readlink(`/proc/${pid}/fd/${n}`)] as const)),
  );
  // What Node pipes stdin and stdout through are sockets. Go's runtime reads its share of the processor.
  const held = [...files].filter(([number, file]) => Number(number) > 2 && /^(\/(?!sys\/)|socket:)/.test(file));
  expect(held).toEqual([]);
  await stop();
});

test("files outside of the chart are not there for its templates", async () => {
  await using renderer = newRenderer(1);
  const look = ["/etc/passwd", "../../../../../../etc/passwd", "Chart.yaml/../../../etc/passwd", "/proc/self/environ"];
  const all = look.map(
    (path) =>
      `{{ .Files.Get "${path}" }}{{ .Files.GetBytes "${path}" | toString }}{{ .Files.Lines "${path}" | join "" }}`,
  );
  const globs = ["/etc/*", "../**", "/**"].map((glob) => `{{ len (.Files.Glob "${glob}") }}`);
  const template = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: files }\ndata: { found: "${all.join("")}", globs: "${globs.join("")}" }\n`;
  const chart = await packChart(folder.path, { name: "files", template });
  const { objects } = await renderer.renderChart(requestOf(chart), new AbortController().signal);
  expect(objects[0]).toMatchObject({ data: { found: "", globs: "000" } });
});

test("a value is data: what looks like a template or a document in it stays text", async () => {
  await using renderer = newRenderer(1);
  const values = {
    template: '{{ fail "evaluated" }}{{ .Release.Name }}',
    include: '{{- include "hostile" . -}}',
    document: "a\n---\napiVersion: v1\nkind: Secret\n",
    expression: `\${{ cluster.name }}`,
    macro: "{{ .spectro.system.cluster.name }}",
    quote: '" }}\n',
  };
  const template = `{{ define "hostile" }}evaluated{{ end }}apiVersion: v1
kind: ConfigMap
metadata: { name: data }
data: {{ toJson .Values }}
`;
  const chart = await packChart(folder.path, { name: "data", template });
  const { objects } = await renderer.renderChart(requestOf(chart, { values }), new AbortController().signal);
  expect(objects).toEqual([expect.objectContaining({ kind: "ConfigMap", data: values })]);
});

import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  auditMark,
  type Live,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";

const PROFILE = pathOf("strata.dev/v1alpha1", "addonprofiles", "drawn/apps");
const SECRET = "/api/v1/namespaces/drawn/secrets/shop";
const ROUNDS = 50;
/** So many that nobody takes the rounds for a fight about one object, which is met ever more slowly. */
const SETTINGS = 10;

/** What is drawn by lot stands in a Secret that nobody touches, and its authority also in objects that are repaired. */
const TEMPLATE = `
{{- $ca := genCA "shop-ca" 365 }}
{{- $cert := genSignedCert "shop.drawn.svc" (list "127.0.0.1") (list "shop.drawn.svc") 365 $ca }}
apiVersion: v1
kind: Secret
metadata: { name: {{ .Release.Name }} }
stringData:
  ca.crt: {{ $ca.Cert | toJson }}
  tls.crt: {{ $cert.Cert | toJson }}
  tls.key: {{ $cert.Key | toJson }}
  password: {{ randAlphaNum 32 }}
{{- range $index := until ${SETTINGS} }}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings-{{ $index }} }
data:
  title: {{ $.Values.title | quote }}
  ca.crt: {{ $ca.Cert | toJson }}
{{- end }}
`;

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let repo: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder("random");
  const files = { "templates/all.yaml": TEMPLATE };
  await writeChart(join(folder.path, "shop"), { name: "shop", version: "1.0.0", files });
  repo = await startChartRepo(folder.path);
  hub = await startControlPlane({ name: "random", controllers: false });
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "drawn");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), repo?.stop()]);
  await folder?.remove();
});

/** The chart, and a layer beside it whose change makes a pass over all of the profile. */
async function bring(title: string, note: string): Promise<void> {
  const helm = { repo: repo.url, chart: "shop", version: "1.0.0" };
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "note" }, data: { note } };
  const layers = [
    { name: "shop", helm, values: { title } },
    { name: "note", manifests: [{ object }] },
  ];
  const spec = { clusterRefs: [{ name: "local" }], namespace: "drawn", layers };
  const metadata = { name: "apps", namespace: "drawn" };
  await apply(hub, { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata, spec });
  await untilReady(hub, PROFILE);
}

const settingsPath = (round: number) => `/api/v1/namespaces/drawn/configmaps/settings-${round % SETTINGS}`;

async function deleteSettings(round: number): Promise<void> {
  expect((await hub.request("DELETE", settingsPath(round))).status).toBe(200);
}

async function editSettings(round: number): Promise<void> {
  const options = {
    body: { data: { title: "edited", "ca.crt": "none" } },
    contentType: "application/merge-patch+json",
  };
  expect((await hub.request("PATCH", `${settingsPath(round)}?fieldManager=somebody`, options)).status).toBe(200);
}

/** The object is as the chart has it, with the authority that the Secret's certificate is signed by. */
async function settingsAre(round: number, title: string): Promise<void> {
  const { data } = await waitUntil(hub, settingsPath(round), {
    what: "repaired",
    is: (live) => live?.data.title === title,
  });
  expect(data["ca.crt"]).toBe((await drawn())["ca.crt"]);
}

async function drawn(): Promise<Record<string, string>> {
  const { data } = await read(hub, SECRET);
  return Object.fromEntries(Object.keys(data).map((key) => [key, Buffer.from(data[key], "base64").toString()]));
}

/** A metric of the process that runs now. */
async function metric(line: string): Promise<number> {
  const text = await (await fetch(`${strata.url}/metrics`)).text();
  const found = text.split("\n").find((one) => one.startsWith(`${line} `));
  return Number(found?.split(" ").at(-1) ?? 0);
}

const passes = () => metric('strata_pass_duration_seconds_count{queue="deployment",outcome="ok"}');
const renders = () => metric('strata_renders_total{result="miss"}');

/** One reason for a pass after the other; resolves when the pass has done what it was for. */
async function provoke(round: number): Promise<void> {
  if (round % 3 === 0) return await bring("one", `${round}`);
  await (round % 3 === 1 ? editSettings(round) : deleteSettings(round));
  await settingsAre(round, "one");
}

/** After which round the process ends, and how. */
const ENDS: Readonly<Record<number, (round: number) => Promise<void>>> = {
  13: () => strata.kill(),
  // With a repair in its hands.
  26: async (round) => {
    await editSettings(round + 2);
    await strata.kill();
  },
  39: () => strata.terminate(),
};

test("what a chart draws by lot is kept over reconciles and restarts", { timeout: 300_000 }, async () => {
  await bring("one", "none");
  const before: Live = await read(hub, SECRET);
  const { password, "tls.crt": certificate = "", "ca.crt": authority = "" } = await drawn();
  expect(password).toMatch(/^[A-Za-z0-9]{32}$/);
  expect(new X509Certificate(certificate).verify(new X509Certificate(authority).publicKey)).toBe(true);
  const mark = await auditMark(hub);
  const lives: { passes: number; renders: number }[] = [];
  const count = async () => void lives.push({ passes: await passes(), renders: await renders() });
  const initial = await passes();

  for (let round = 1; round <= ROUNDS; round++) {
    await provoke(round);
    const end = ENDS[round];
    if (!end) continue;
    await count();
    await end(round);
    await deleteSettings(round + 1);
    strata = await home.start();
    await settingsAre(round + 1, "one");
    await settingsAre(round + 2, "one");
  }
  await count();

  expect(lives.map((life) => life.renders)).toEqual([1, 0, 0, 0]);
  expect(lives.reduce((sum, life) => sum + life.passes, -initial)).toBeGreaterThanOrEqual(ROUNDS);
  // The whole of it: bytes, uid, resourceVersion and who wrote it when.
  expect(await read(hub, SECRET)).toEqual(before);
  const writes = await strataWrites(hub, mark);
  expect(writes.filter((write) => / configmaps drawn\/settings-/.test(write)).length).toBeGreaterThanOrEqual(33);
  expect(writes.filter((write) => / secrets /.test(write))).toEqual([]);
});

test("a values change renders once, and that is kept in its turn", async () => {
  const mark = await auditMark(hub);
  const old = await drawn();
  const rendered = await renders();
  await bring("two", "none");
  for (const round of [1, 2, 3]) {
    await deleteSettings(round);
    await settingsAre(round, "two");
  }
  expect(await renders()).toBe(rendered + 1);
  expect((await strataWrites(hub, mark)).filter((write) => write.endsWith(" secrets drawn/shop"))).toHaveLength(1);
  const fresh = await drawn();
  for (const key of Object.keys(old)) expect(fresh[key], key).not.toBe(old[key]);
});

test("the Secret itself comes back with what was drawn", async () => {
  const before = await drawn();
  await strata.kill();
  expect((await hub.request("DELETE", SECRET)).status).toBe(200);
  strata = await home.start();
  await waitUntil(hub, SECRET, { what: "made anew", is: (live) => live !== undefined });
  expect(await drawn()).toEqual(before);
});

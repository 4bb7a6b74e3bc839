import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { below, writeChart } from "../support/files.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  follow,
  type Live,
  pathOf,
  read,
  type Story,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";
import { type Moment, startTrap, type Trap } from "../support/trap.ts";

const PROFILE = pathOf("strata.dev/v1alpha1", "addonprofiles", "swept/apps");
const PART_OF = "applyset.kubernetes.io/part-of";
const MAX_HISTORY = 3;
/** More steps than any upgrade here has: a sweep that does not end is an upgrade that does not. */
const TOO_MANY = 40;

const hook = (name: string, annotations: Record<string, string>): string =>
  JSON.stringify({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, annotations },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels: { app: name } },
        spec: { restartPolicy: "Never", containers: [{ name: "main", image: "registry.example/job:1" }] },
      },
    },
  });

const passing = (events: string) => ({ "helm.sh/hook": events, "helm.sh/hook-delete-policy": "hook-succeeded" });

/** Hooks that go when they have succeeded and hooks that stay; objects that change, that stay as they are, and that go. */
const TEMPLATES: Readonly<Record<string, string>> = {
  "config.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { title: {{ .Values.title | quote }}, revision: {{ .Release.Revision | quote }} }
`,
  "only.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: { name: only-{{ .Values.title }} }
`,
  "password.yaml": `
apiVersion: v1
kind: Secret
metadata: { name: password }
stringData: { password: {{ randAlphaNum 24 }} }
`,
  "web.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "registry.example/web:1" }] }
`,
  "before.yaml": hook("before", passing("pre-install,pre-upgrade")),
  "after.yaml": hook("after", passing("post-install,post-upgrade")),
  "staying.yaml": hook("staying", { "helm.sh/hook": "post-install,post-upgrade", "helm.sh/hook-weight": "1" }),
  "leaving.yaml": hook("leaving", passing("pre-delete")),
  "left.yaml": hook("left", { "helm.sh/hook": "post-delete" }),
};

const HOOKS = ["before", "after", "staying", "leaving", "left"] as const;
type HookName = (typeof HOOKS)[number];

let hub: ControlPlane;
let trap: Trap;
let home: StrataHome;
let strata: StrataProcess;
let repo: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let jobs: Readonly<Record<HookName, Story>>;
let config: Story;

beforeAll(async () => {
  folder = await temporaryFolder("sweep");
  const files = below("templates", TEMPLATES);
  await writeChart(join(folder.path, "app"), { name: "app", version: "1.0.0", files });
  [repo, hub] = await Promise.all([startChartRepo(folder.path), startControlPlane({ name: "sweep" })]);
  trap = await startTrap(hub);
  home = await prepareHub({ ...hub, server: trap.server, caPem: trap.caPem });
  await trustedTenant(hub, "swept");
  const stories = HOOKS.map(async (name) => [name, await follow(hub, jobPath(name))] as const);
  jobs = Object.fromEntries(await Promise.all(stories)) as Record<HookName, Story>;
  config = await follow(hub, "/api/v1/namespaces/swept/configmaps/app");
  strata = await home.start();
  await change(1);
  await changed();
});

afterAll(async () => {
  await strata?.kill();
  await trap?.[Symbol.asyncDispose]();
  await Promise.all([hub?.stop(), repo?.stop()]);
  await folder?.remove();
});

const jobPath = (name: HookName): string => `/apis/batch/v1/namespaces/swept/jobs/${name}`;

/** Brings the chart with a title; everything of it changes but the Deployment. */
async function change(title: number): Promise<void> {
  const helm = { repo: repo.url, chart: "app", version: "1.0.0" };
  const layers = [{ name: "app", helm, values: { title: `${title}` }, maxHistory: MAX_HISTORY }];
  const spec = { clusterRefs: [{ name: "local" }], namespace: "swept", layers };
  const metadata = { name: "apps", namespace: "swept" };
  await apply(hub, { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata, spec });
}

const changed = () => untilReady(hub, PROFILE);

async function remove(): Promise<void> {
  await hub.kubectlOk(["delete", "addonprofile", "apps", "-n", "swept", "--wait=false", "--ignore-not-found"]);
}

const removed = () => waitUntil(hub, PROFILE, { what: "gone", is: (live) => live === undefined });

interface Cut {
  /** Which write, from 1. */
  at: number;
  moment: Moment;
}

/** Kills Strata at one of its writes on the way from `act` to `end`, then lets it live; whether there were that many. */
async function killedAt(
  { at, moment }: Cut,
  { act, end }: { act: () => Promise<void>; end: () => Promise<unknown> },
): Promise<boolean> {
  const victim = strata;
  const sprung = trap.set(at, moment, () => void victim.kill());
  await act();
  const ended = end();
  await Promise.race([sprung, ended]);
  if (!(await trap.open())) return false;
  await victim.ended;
  [strata] = await Promise.all([home.start(), ended]);
  return true;
}

/** What the API server did of what Strata asked since the trap was set. */
const done = (): string[] =>
  trap.writes.filter(({ status = 0 }) => status >= 200 && status < 300).map(({ what }) => what);

interface Run {
  id: string;
  /** Versions of the cluster, which order what happened in it. */
  created: number;
  succeeded: number;
}

const versionOf = (object: Live | undefined): number => Number(object?.metadata.resourceVersion ?? Number.NaN);

/** The runs of a hook that began after a version of the cluster: each Job of its own is one. */
function runsSince(name: HookName, mark: number): Run[] {
  const versions = Map.groupBy(jobs[name].versions, (job) => job?.metadata.uid);
  versions.delete(undefined);
  const runs = [...versions.values()].map((job) => ({
    id: job[0].metadata.annotations["strata.dev/hook"],
    created: versionOf(job[0]),
    succeeded: versionOf(job.find(({ status }) => status?.succeeded === 1)),
  }));
  return runs.filter(({ created }) => created > mark);
}

/** The one run of a hook since then, when it is known to have succeeded. */
async function onlyRun(name: HookName, mark: number): Promise<Run> {
  await jobs[name].until(`run and succeeded after version ${mark}`, () =>
    runsSince(name, mark).some(({ succeeded }) => succeeded > 0),
  );
  const [run, ...more] = runsSince(name, mark);
  expect(more, `more runs of ${name}`).toEqual([]);
  return run as Run;
}

interface Revision {
  version: number;
  status: string;
  release: Live;
  written: number;
}

/** The records of the release, the newest last, as Helm reads them. */
async function revisions(): Promise<Revision[]> {
  const { items } = await read(hub, "/api/v1/namespaces/swept/secrets?labelSelector=owner%3Dhelm");
  const all: Revision[] = items.map(({ metadata, data }: Live) => ({
    version: Number(metadata.labels.version),
    status: metadata.labels.status,
    release: JSON.parse(gunzipSync(Buffer.from(atob(data.release), "base64")).toString()),
    written: versionOf({ metadata }),
  }));
  return all.sort((a, b) => a.version - b.version);
}

/** What Strata's label marks, by name. */
async function members(): Promise<string[]> {
  const kinds = ["api/v1/NS/configmaps", "api/v1/NS/secrets", "apis/apps/v1/NS/deployments"];
  const lists = await Promise.all(
    kinds.map((kind) => read(hub, `/${kind.replace("NS", "namespaces/swept")}?labelSelector=${PART_OF}`)),
  );
  return lists.flatMap(({ items }) => items.map(({ metadata }: Live) => metadata.name));
}

/** The version of the cluster now. */
async function now(): Promise<number> {
  return versionOf(await read(hub, "/api/v1/namespaces"));
}

/** What stays the same object, whatever happens to Strata. */
async function identities(): Promise<string[]> {
  const paths = ["api/v1/NS/configmaps/app", "api/v1/NS/secrets/password", "apis/apps/v1/NS/deployments/web"];
  const objects = await Promise.all(paths.map((path) => read(hub, `/${path.replace("NS", "namespaces/swept")}`)));
  const { status, metadata } = objects[2];
  return [...objects.map((object) => object.metadata.uid), metadata.generation, status.observedGeneration];
}

/** What must be true of an upgrade, whatever happened on its way. */
async function expectUpgraded(title: number, mark: number): Promise<void> {
  const all = await revisions();
  const newest = all.at(-1);
  expect(all.map(({ status }) => status)).toEqual([...all.slice(1).map(() => "superseded"), "deployed"]);
  expect(newest?.version, "one revision for one change").toBe(title);
  // A record that a kill has left too much goes with the next revision.
  expect(all.length).toBeLessThanOrEqual(MAX_HISTORY + 1);

  const live = await config.until(`titled ${title}`, (object) => object?.data.title === `${title}`);
  expect(live.data.revision).toBe(`${title}`);
  const { data } = await read(hub, "/api/v1/namespaces/swept/secrets/password");
  expect(newest?.release.manifest, "what helm shows is what is live").toContain(`password: ${atob(data.password)}`);
  expect(await members()).toEqual(["app", `only-${title}`, "password", "web"]);

  const [before, after, staying] = [
    await onlyRun("before", mark),
    await onlyRun("after", mark),
    await onlyRun("staying", mark),
  ];
  const order = [before.succeeded, versionOf(live), after.created, after.succeeded, staying.created, staying.succeeded];
  expect([...order, newest?.written]).toEqual([...order, newest?.written].sort((a = 0, b = 0) => a - b));
  const phases = newest?.release.hooks.map(({ name, last_run }: Live) => `${name} ${last_run?.phase ?? "never"}`);
  expect(phases).toEqual(expect.arrayContaining(["before Succeeded", "after Succeeded", "staying Succeeded"]));
  expect(await read(hub, jobPath("before"))).toBeUndefined();
  expect(await read(hub, jobPath("after"))).toBeUndefined();
  expect((await read(hub, jobPath("staying"))).metadata.annotations["strata.dev/hook"]).toBe(staying.id);

  const made = done().filter((what) => what.startsWith("POST "));
  expect(made.toSorted()).toEqual([
    "POST jobs/after",
    "POST jobs/before",
    "POST jobs/staying",
    `POST secrets/sh.helm.release.v1.app.v${title}`,
  ]);
  const gone = done().filter((what) => what.startsWith("DELETE ") && !what.includes("sh.helm.release"));
  expect(gone.toSorted()).toEqual([
    `DELETE configmaps/only-${title - 1}`,
    "DELETE jobs/after",
    "DELETE jobs/before",
    "DELETE jobs/staying",
  ]);
}

/** What must be true when the release is gone, whatever happened on its way. */
async function expectUninstalled(mark: number): Promise<void> {
  expect(await revisions()).toEqual([]);
  expect(await members()).toEqual([]);
  const leaving = await onlyRun("leaving", mark);
  const left = await onlyRun("left", mark);
  expect(left.created).toBeGreaterThan(leaving.succeeded);
  expect(await read(hub, jobPath("leaving"))).toBeUndefined();
  expect((await read(hub, jobPath("left"))).metadata.annotations["strata.dev/hook"]).toBe(left.id);
  const steps = ["POST jobs/leaving", "DELETE configmaps/app", "POST jobs/left", "DELETE secrets/sh.helm"];
  const at = steps.map((step) => done().findIndex((what) => what.startsWith(step)));
  expect(at).toEqual(at.toSorted((a, b) => a - b));
  expect(done().filter((what) => what.startsWith("POST "))).toEqual(["POST jobs/leaving", "POST jobs/left"]);
}

/** What Strata keeps for itself. */
async function systemObjects(): Promise<string[]> {
  const kinds = ["configmaps", "secrets"];
  const lists = await Promise.all(kinds.map((kind) => read(hub, `/api/v1/namespaces/strata-system/${kind}`)));
  return lists.flatMap(({ items }) => items.map(({ metadata }: Live) => metadata.name));
}

describe("Strata killed at any write", () => {
  const timeout = 1_200_000;

  test("of an upgrade with hooks: each hook runs once, and the release is deployed", { timeout }, async () => {
    let title = 1;
    const same = await identities();
    const upgrade = async (at: number, moment: "before" | "after"): Promise<boolean> => {
      title += 1;
      const mark = await now();
      const killed = await killedAt({ at, moment }, { act: () => change(title), end: changed });
      await expectUpgraded(title, mark);
      expect(await identities()).toEqual(same);
      return killed;
    };
    // For the cluster, a kill after a write and a kill before the next one are the same.
    expect(await upgrade(1, "before")).toBe(true);
    for (let at = 1; await upgrade(at, "after"); at++) expect(at).toBeLessThan(TOO_MANY);
  });

  test("of an uninstall with hooks: each hook runs once, and nothing is left", { timeout }, async () => {
    await remove();
    await removed();
    const empty = await systemObjects();
    for (let at = 1, killed = true; killed; at++) {
      expect(at).toBeLessThan(TOO_MANY);
      const start = await now();
      await change(at);
      await changed();
      // The Jobs that the last release of this name has left do not stand for runs of this one.
      for (const name of ["before", "after", "staying"] as const) await onlyRun(name, start);
      const mark = await now();
      killed = await killedAt({ at, moment: "after" }, { act: remove, end: removed });
      await expectUninstalled(mark);
      expect(await systemObjects()).toEqual(empty);
    }
  });
});

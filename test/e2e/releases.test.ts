import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { below, writeChart } from "../support/files.ts";
import { type HelmProgram, helm } from "../support/helm.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  apply,
  condition,
  follow,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";

const PROFILES = "addonprofiles";

const job = (name: string, annotations: string) => `
apiVersion: batch/v1
kind: Job
metadata:
  name: ${name}
  labels: { app: ${name} }
  annotations: { ${annotations} }
spec:
  backoffLimit: 0
  template:
    metadata:
      labels: { {{- if eq .Values.fails "${name}" }} test.strata.dev/fault: job-failed {{- end }} }
    spec:
      restartPolicy: Never
      containers: [{ name: main, image: "registry.example/job:1" }]
`;

const HOOK = '"helm.sh/hook"';
const POLICY = '"helm.sh/hook-delete-policy"';

/** A chart with a hook of every event, an object that changes, and one that stays behind. */
const TEMPLATES: Readonly<Record<string, string>> = {
  "config.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data:
  title: {{ .Values.title | quote }}
  revision: {{ .Release.Revision | quote }}
  upgrade: {{ .Release.IsUpgrade | quote }}
`,
  "password.yaml": `
apiVersion: v1
kind: Secret
metadata: { name: {{ .Release.Name }}-password }
stringData: { password: {{ randAlphaNum 24 }} }
`,
  "web.yaml": `
apiVersion: apps/v1
kind: Deployment
metadata: { name: {{ .Release.Name }}-web }
spec:
  replicas: 1
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata:
      labels: { app: {{ .Release.Name }} }
    spec: { containers: [{ name: web, image: "registry.example/web:1" }] }
`,
  "kept.yaml": `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-kept, annotations: { helm.sh/resource-policy: keep } }
`,
  "before.yaml": job("before", `${HOOK}: "pre-install,pre-upgrade", ${POLICY}: hook-succeeded`),
  "after.yaml": job("after", `${HOOK}: "post-install,post-upgrade"`),
  "leaving.yaml": job("leaving", `${HOOK}: pre-delete`),
  "left.yaml": job("left", `${HOOK}: post-delete`),
  "test.yaml": job("check", `${HOOK}: test`),
  "NOTES.txt": "Open {{ .Release.Name }} in {{ .Release.Namespace }}.",
};

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let repo: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder("releases");
  for (const [name, version] of [
    ["app", "1.0.0"],
    ["app", "2.0.0"],
    ["other", "1.0.0"],
  ] as const) {
    const files = { "values.yaml": "{ title: plain, fails: none }", ...below("templates", TEMPLATES) };
    await writeChart(join(folder.path, `${name}-${version}`), { name, version, files, fields: { appVersion: "7" } });
  }
  [repo, hub] = await Promise.all([startChartRepo(folder.path), startControlPlane({ name: "releases" })]);
  home = await prepareHub(hub);
  strata = await home.start();
});

afterAll(async () => {
  await strata[Symbol.asyncDispose]();
  await Promise.all([hub.stop(), repo.stop()]);
  await folder.remove();
});

const path = (tenant: string) => pathOf("strata.dev/v1alpha1", PROFILES, `${tenant}/apps`);

/** A profile of one chart, `app`, in the namespace of its tenant. */
function profileOf(tenant: string, values: object, layer: object = {}): object {
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "apps", namespace: tenant },
    spec: {
      clusterRefs: [{ name: "local" }],
      namespace: tenant,
      layers: [{ name: "app", helm: { repo: repo.url, chart: "app", version: "1.0.0" }, values, ...layer }],
    },
  };
}

/** Applies the profile and waits until it is Ready for what was applied. */
async function bring(tenant: string, values: object, layer: object = {}): Promise<Live> {
  await apply(hub, profileOf(tenant, values, layer));
  return await untilReady(hub, path(tenant));
}

/** The commands of a helm, on the hub. */
function commandsOf(program: HelmProgram): (...args: readonly string[]) => Promise<string> {
  return (...args) => helm(args, { home: folder.path, kubeconfigPath: hub.kubeconfigPath, program });
}

/** What people have at hand: the records and the marks are the same for both. */
const PROGRAMS = ["helm", "helm3"] as const satisfies HelmProgram[];

async function historyOf(
  tenant: string,
  program: HelmProgram = "helm",
): Promise<{ revision: number; status: string; description: string }[]> {
  return JSON.parse(await commandsOf(program)("history", "app", "-n", tenant, "-o", "json"));
}

const statusesOf = (history: readonly { status: string }[]) => history.map(({ status }) => status);

async function eventsOf(tenant: string, reason: string): Promise<string[]> {
  const { items } = await read(hub, `/api/v1/namespaces/${tenant}/events`);
  return items.filter((event: Live) => event.reason === reason).map((event: Live) => event.message);
}

describe.each(PROGRAMS)("a chart's release, by the commands of %s", (program) => {
  const shown = `shown-${program}`;
  const runHelm = commandsOf(program);

  test("is what helm itself would show", async () => {
    await trustedTenant(hub, shown);
    await bring(shown, { title: "one" });
    const list = JSON.parse(await runHelm("list", "-A", "-o", "json"));
    expect(list).toContainEqual(
      expect.objectContaining({
        name: "app",
        namespace: shown,
        revision: "1",
        status: "deployed",
        chart: "app-1.0.0",
      }),
    );
    expect(await historyOf(shown, program)).toMatchObject([
      { revision: 1, status: "deployed", description: "Install complete" },
    ]);
    expect(await runHelm("status", "app", "-n", shown)).toContain(`Open app in ${shown}.`);
    expect(JSON.parse(await runHelm("get", "values", "app", "-n", shown, "-o", "json"))).toEqual({ title: "one" });
    // The defaults come from the chart that the record holds.
    expect(await runHelm("get", "all", "app", "-n", shown)).toMatch(
      /COMPUTED VALUES:\nfails: none\ntitle: one\n[\s\S]*HOOKS:\n[\s\S]*MANIFEST:\n[\s\S]*NOTES:\nOpen app/,
    );
    const manifest = await runHelm("get", "manifest", "app", "-n", shown);
    expect(manifest).toContain("# Source: app/templates/config.yaml");
    expect(manifest).not.toMatch(/strata|meta\.helm\.sh/);
    expect(await runHelm("get", "hooks", "app", "-n", shown)).toContain("name: before");
    const config = await read(hub, `/api/v1/namespaces/${shown}/configmaps/app`);
    expect(config.metadata.labels["app.kubernetes.io/managed-by"]).toBe("Helm");
    expect(config.metadata.annotations).toMatchObject({
      "meta.helm.sh/release-name": "app",
      "meta.helm.sh/release-namespace": shown,
    });
    expect(config.data).toEqual({ title: "one", revision: "1", upgrade: "false" });
  });

  test("has a revision for each change, and its hooks ran", async () => {
    await bring(shown, { title: "two" });
    expect(statusesOf(await historyOf(shown, program))).toEqual(["superseded", "deployed"]);
    const config = await read(hub, `/api/v1/namespaces/${shown}/configmaps/app`);
    expect(config.data).toEqual({ title: "two", revision: "2", upgrade: "true" });
    expect(await read(hub, `/apis/batch/v1/namespaces/${shown}/jobs/before`)).toBeUndefined();
    expect(
      (await read(hub, `/apis/batch/v1/namespaces/${shown}/jobs/after`)).metadata.annotations["strata.dev/hook"],
    ).toMatch(/^app\/v2\/[0-9a-f]{8}\/post-upgrade\/0\/1$/);
    const { hooks } = JSON.parse(await runHelm("status", "app", "-n", shown, "-o", "json"));
    const phases = hooks.map(({ name, last_run }: Live) => [name, last_run.phase]);
    expect(phases).toContainEqual(["before", "Succeeded"]);
    expect(phases).toContainEqual(["after", "Succeeded"]);
  });

  test("can be tested by helm", async () => {
    expect(await runHelm("test", "app", "-n", shown)).toMatch(/check[\s\S]*Phase: +Succeeded/);
  });

  test("comes back when a person rolls it back, upgrades it or uninstalls it", async () => {
    const password = (await read(hub, `/api/v1/namespaces/${shown}/secrets/app-password`)).data.password;
    const config = `/api/v1/namespaces/${shown}/configmaps/app`;
    const restored = { what: "as the layer wants it", is: (live: Live) => live?.data?.title === "two" };
    using profile = await follow(hub, path(shown));

    await runHelm("rollback", "app", "1", "-n", shown);
    await waitUntil(hub, config, restored);
    await profile.until("Ready", isReady);
    await waitUntil(hub, `/api/v1/namespaces/${shown}/secrets/sh.helm.release.v1.app.v4`, {
      what: "deployed",
      is: (live) => live?.metadata.labels.status === "deployed",
    });
    expect(statusesOf(await historyOf(shown, program))).toEqual(["superseded", "superseded", "superseded", "deployed"]);
    expect((await read(hub, `/api/v1/namespaces/${shown}/secrets/app-password`)).data.password).toBe(password);

    await runHelm(
      "upgrade",
      "app",
      `${repo.url}/app-2.0.0.tgz`,
      "-n",
      shown,
      "--set",
      "title=mine",
      "--timeout",
      "60s",
    );
    await waitUntil(hub, config, restored);
    await waitUntil(hub, `/api/v1/namespaces/${shown}/secrets/sh.helm.release.v1.app.v6`, {
      what: "deployed",
      is: (live) => live?.metadata.labels.status === "deployed",
    });

    const { uid } = (await read(hub, config)).metadata;
    await runHelm("uninstall", "app", "-n", shown, "--timeout", "60s");
    await waitUntil(hub, config, { what: "made anew", is: (live) => live !== undefined && live.metadata.uid !== uid });
    await waitUntil(hub, `/api/v1/namespaces/${shown}/secrets/sh.helm.release.v1.app.v1`, {
      what: "deployed",
      is: (live) => live?.metadata.labels.status === "deployed",
    });
    expect((await read(hub, `/api/v1/namespaces/${shown}/secrets/app-password`)).data.password).toBe(password);
    expect((await eventsOf(shown, "ReleaseOverruled")).length).toBeGreaterThan(0);
  });

  test("goes with its layer: hooks before and after, its records last, and what it keeps stays", async () => {
    await hub.kubectlOk(["delete", "addonprofile", "apps", "-n", shown, "--timeout=90s"]);
    expect(await runHelm("list", "-n", shown, "-q")).toBe("");
    for (const name of ["leaving", "left"]) {
      expect((await read(hub, `/apis/batch/v1/namespaces/${shown}/jobs/${name}`)).status.succeeded).toBe(1);
    }
    const kept = await read(hub, `/api/v1/namespaces/${shown}/configmaps/app-kept`);
    expect(kept.metadata.labels["applyset.kubernetes.io/part-of"]).toBeUndefined();
    expect(await read(hub, `/api/v1/namespaces/${shown}/configmaps/app`)).toBeUndefined();
  });
});

describe.each(PROGRAMS)("a release that %s made", (program) => {
  const taken = `taken-${program}`;
  const foreign = `foreign-${program}`;
  const web = `/apis/apps/v1/namespaces/${taken}/deployments/app-web`;
  const runHelm = commandsOf(program);

  test("is not touched unless the layer says so", async () => {
    await trustedTenant(hub, taken);
    await runHelm("install", "app", `${repo.url}/app-1.0.0.tgz`, "-n", taken, "--timeout", "60s", "--set", "title=old");
    await apply(hub, profileOf(taken, { title: "new" }));
    const profile = await waitUntil(hub, path(taken), {
      what: "in conflict",
      is: (live) => layerOf(live, "app")?.reason === "Conflict",
    });
    expect(layerOf(profile, "app").message).toBe(
      `Helm release ${taken}/app exists (revision 1, deployed) and was not made by Strata: set the layer's adoption to ` +
        "SameRelease to go on with its history, or choose another helm.releaseName",
    );
  });

  test("goes on with its history, and nothing of it is deleted or restarted", async () => {
    const before = await read(hub, web);
    const pods = await hub.kubectlOk(["get", "pods", "-n", taken, "-l", "app=app", "-o", "name"]);
    await bring(taken, { title: "new" }, { adoption: "SameRelease" });
    const after = await read(hub, web);
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(await hub.kubectlOk(["get", "pods", "-n", taken, "-l", "app=app", "-o", "name"])).toBe(pods);
    expect(after.metadata.managedFields.map((entry: Live) => entry.manager)).not.toContain("helm");
    expect(statusesOf(await historyOf(taken, program))).toEqual(["superseded", "deployed"]);
    expect(await eventsOf(taken, "Adopted")).toContainEqual(expect.stringContaining(`Helm release ${taken}/app`));
  });

  test("of another chart is refused", async () => {
    await trustedTenant(hub, foreign);
    await runHelm("install", "app", `${repo.url}/other-1.0.0.tgz`, "-n", foreign, "--timeout", "60s");
    await apply(hub, profileOf(foreign, {}, { adoption: "SameRelease" }));
    const profile = await waitUntil(hub, path(foreign), {
      what: "in conflict",
      is: (live) => layerOf(live, "app")?.reason === "Conflict",
    });
    expect(layerOf(profile, "app").message).toContain("is of chart other, the layer's chart is app");
  });
});

describe("a hook that fails", () => {
  test("stops the layer with the pod's own words, and is tried again", async () => {
    await trustedTenant(hub, "failing");
    await apply(hub, profileOf("failing", { fails: "before" }));
    const failed = await waitUntil(hub, path("failing"), {
      what: "failed",
      is: (live) => layerOf(live, "app")?.reason === "HookFailed",
    });
    expect(layerOf(failed, "app").message).toMatch(/^pre-install hook Job failing\/before failed: /);
    expect(condition(failed, "Ready").status).toBe("False");
    expect(statusesOf(await historyOf("failing"))).toEqual(["failed"]);
    expect(await read(hub, "/api/v1/namespaces/failing/configmaps/app")).toBeUndefined();
    await bring("failing", { fails: "none" });
    expect(statusesOf(await historyOf("failing"))).toEqual(["failed", "deployed"]);
  });

  test("after an upgrade leads back to what was Ready, if the layer says so", async () => {
    // leaf: Profile spec.layers[].onFailure
    await bring("failing", { fails: "none", title: "good" }, { onFailure: "Rollback" });
    await apply(hub, profileOf("failing", { title: "bad", fails: "after" }, { onFailure: "Rollback" }));
    const back = await waitUntil(hub, path("failing"), {
      what: "rolled back",
      is: (live) => layerOf(live, "app")?.reason === "RolledBack",
    });
    expect(layerOf(back, "app").message).toMatch(/^rolled back to revision 3, which is healthy: revision 4 failed: /);
    expect((await read(hub, "/api/v1/namespaces/failing/configmaps/app")).data.title).toBe("good");
    const history = await historyOf("failing");
    expect(statusesOf(history)).toEqual(["failed", "superseded", "superseded", "failed", "deployed"]);
    expect(history.at(-1)?.description).toBe("Rollback to 3");
    await bring("failing", { title: "better" }, { onFailure: "Rollback" });
  });
});

describe("tests of a chart", () => {
  test("hold the gate until they have succeeded", async () => {
    await trustedTenant(hub, "tested");
    const next = { name: "next", manifests: [{ inline: "{apiVersion: v1, kind: ConfigMap, metadata: {name: next}}" }] };
    const gated = (fails: string) => {
      // leaf: Profile spec.layers[].test
      const profile = profileOf("tested", { fails }, { test: "Gate" }) as Live;
      profile.spec.layers.push(next);
      return profile;
    };
    await apply(hub, gated("check"));
    const failed = await waitUntil(hub, path("tested"), {
      what: "failed its test",
      is: (live) => layerOf(live, "app")?.reason === "TestFailed",
    });
    expect(layerOf(failed, "app").message).toMatch(/test hook Job tested\/check failed/);
    expect(await read(hub, "/api/v1/namespaces/tested/configmaps/next")).toBeUndefined();
    await apply(hub, gated("none"));
    await untilReady(hub, path("tested"));
    expect(await read(hub, "/api/v1/namespaces/tested/configmaps/next")).toBeDefined();
  });
});

describe("a release that was left pending", () => {
  test("is recovered with its history, once whoever left it has had their time", async () => {
    await trustedTenant(hub, "pending");
    await bring("pending", { title: "one" });
    const secrets = "/api/v1/namespaces/pending/secrets";
    const { metadata, ...record } = await read(hub, `${secrets}/sh.helm.release.v1.app.v1`);
    const labels = { ...metadata.labels, status: "pending-upgrade", version: "2", modifiedAt: "1000000000" };
    await apply(hub, { ...record, metadata: { name: "sh.helm.release.v1.app.v2", namespace: "pending", labels } });
    await waitUntil(hub, `${secrets}/sh.helm.release.v1.app.v3`, {
      what: "deployed",
      is: (live) => live?.metadata.labels.status === "deployed",
    });
    const marks = (await read(hub, secrets)).items
      .filter((secret: Live) => secret.type === "helm.sh/release.v1")
      .map((secret: Live) => secret.metadata.labels.status);
    expect(marks).toEqual(["superseded", "failed", "deployed"]);
  });
});

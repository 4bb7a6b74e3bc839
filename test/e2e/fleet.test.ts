import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type ApiProxy, startApiProxy } from "../support/api-proxy.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import {
  auditMarks,
  configMapLayer,
  fleetMember,
  fleetProfile,
  whileWaitedFor,
  writesSince,
} from "../support/fleet.ts";
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
  trustedTenant,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataProcess } from "../support/strata.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

/** What does not answer is waited for up to half a minute, again and again. */
const LONG = { timeout: 400_000 };
const API = "strata.dev/v1alpha1";
const BASE = pathOf(API, "clusterprofiles", "acme/base");
const addOnPath = (name: string): string => pathOf(API, "addonprofiles", `acme/${name}`);
const configMapPath = (name: string): string => pathOf("v1", "configmaps", name);

/** A chart that looks at its cluster while it is rendered. */
const LOOKER = `
apiVersion: v1
kind: ConfigMap
metadata: { name: looker }
data: { found: {{ lookup "v1" "ConfigMap" "kube-public" "asked" | len | quote }}, value: {{ .Values.value | quote }} }
`;

let hub: ControlPlane;
let bergen: ControlPlane;
let oslo: ControlPlane;
let strata: StrataProcess;
/** In front of oslo: it knows each request. */
let osloApi: ApiProxy;
/** In front of that: what is sent may vanish. */
let network: TcpProxy;
let repo: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  [hub, bergen, oslo] = (await Promise.all(
    ["hub", "bergen", "oslo"].map((name) => startControlPlane({ name, nodes: 0 })),
  )) as [ControlPlane, ControlPlane, ControlPlane];
  folder = await temporaryFolder("fleet");
  await writeChart(join(folder.path, "looker"), {
    name: "looker",
    version: "1.0.0",
    files: { "templates/a.yaml": LOOKER, "values.yaml": "value: none" },
  });
  repo = await startChartRepo(folder.path);
  const home = await prepareHub(hub);
  // One pass at a time on a cluster, and one renderer: whoever waited with what others need would hold them up.
  strata = await home.start({ STRATA_CONCURRENCY_PER_CLUSTER: "1", STRATA_RENDER_PROCESSES: "1" });
  await trustedTenant(hub, "acme");
  osloApi = await startApiProxy(oslo);
  network = await startTcpProxy(osloApi.port);
  await apply(hub, ...fleetMember("self", hub.kubeconfig), ...fleetMember("bergen", bergen.kubeconfig));
  await apply(hub, ...fleetMember("oslo", osloApi.kubeconfig(network.port)));
  await apply(hub, base("1"));
  await baseIs("3/3");
});

afterEach(() => {
  osloApi.trouble();
  network.thaw();
});

afterAll(async () => {
  await strata?.kill();
  await network?.[Symbol.asyncDispose]();
  await osloApi?.[Symbol.asyncDispose]();
  await Promise.all([hub?.stop(), bergen?.stop(), oslo?.stop(), repo?.stop(), folder?.remove()]);
});

const base = (value: string): Live =>
  fleetProfile("ClusterProfile", "base", [configMapLayer("first", value), configMapLayer("last", value)]);

const addOn = (name: string, value = name): Live => fleetProfile("AddOnProfile", name, [configMapLayer("only", value)]);

const chart = (name: string): Live => {
  const rule = { apiVersion: "v1", kind: "ConfigMap", namespace: "kube-public", name: "asked" };
  const helm = { repo: repo.url, chart: "looker", version: "1.0.0", lookup: [rule] };
  return fleetProfile("AddOnProfile", name, [{ name: "looker", helm, values: { value: name } }]);
};

const healthy = (): ControlPlane[] => [hub, bergen];

/** A profile that is Ready on so many clusters, for what its spec says now. */
async function profileIs(path: string, clusters: string, message = /^/): Promise<Live> {
  return await waitUntil(hub, path, {
    what: `${clusters} ${message}`,
    is: (live) =>
      live?.status?.summary?.clusters === clusters &&
      live.status.observedGeneration === live.metadata.generation &&
      message.test(live.status.summary.message),
  });
}

const baseIs = (clusters: string, message?: RegExp): Promise<Live> => profileIs(BASE, clusters, message);

async function has(plane: ControlPlane, name: string, value: string): Promise<void> {
  await waitUntil(plane, configMapPath(name), { what: `of value ${value}`, is: (live) => live?.data?.value === value });
}

async function isGone(plane: ControlPlane, path: string): Promise<void> {
  await waitUntil(plane, path, { what: "gone", is: (live) => live === undefined });
}

/** A changed value reaches the healthy clusters, whole. */
async function changeValue(value: string): Promise<void> {
  await apply(hub, base(value));
  for (const plane of healthy()) await has(plane, "base/last", value);
  await baseIs("2/3");
}

/** Requests of passes over oslo that have no answer; those by which Strata finds out how it is are left out. */
const openRequests = () => osloApi.requests.filter(({ isOpen, path }) => isOpen && !/[?&]watch=|^\/version/.test(path));

let count = 0;

/** A new spec gives up what is under way for the one before: something else of oslo waits than what is changed next. */
async function askSomethingElse(): Promise<void> {
  count += 1;
  await apply(hub, addOn("else", `else-${count}`));
}

/** Oslo was well, and falls silent while a pass asks it for something. */
async function fallSilent(): Promise<void> {
  osloApi.trouble();
  await baseIs("3/3");
  osloApi.trouble("silent");
  await askSomethingElse();
}

/** Oslo is well again and has all; on the others nothing was written for that. */
async function goesOnByItself(marks: readonly number[], value: string): Promise<void> {
  expect(isReady(await baseIs("3/3"))).toBe(true);
  await has(oslo, "base/last", value);
  expect(await writesSince(healthy(), marks)).toEqual([[], []]);
}

const SINCE =
  /^oslo: unreachable since (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ): 127\.0\.0\.1:\d+: (?:no answer|the connection went silent)/;

describe("a fleet of three, of which one is dead", () => {
  test(
    "its API server takes requests and answers none: no request of the others waits for one of its",
    LONG,
    async () => {
      await apply(hub, addOn("old"));
      await profileIs(addOnPath("old"), "3/3");
      const waiting = openRequests;

      let value = "";
      const changed = await whileWaitedFor(healthy(), {
        waiting,
        prepare: fallSilent,
        work: async (attempt) => {
          value = `silent-${attempt}`;
          await changeValue(value);
        },
      });
      for (const writes of changed) expect(writes).toContain("patch configmaps base/last");

      const created = await whileWaitedFor(healthy(), {
        waiting,
        prepare: fallSilent,
        work: async (attempt) => {
          await apply(hub, addOn(`new-${attempt}`));
          await profileIs(addOnPath(`new-${attempt}`), "2/3");
        },
      });
      for (const writes of created) expect(writes.join()).toMatch(/patch configmaps new-\d+\/only/);

      const [, repaired] = await whileWaitedFor(healthy(), {
        waiting,
        prepare: fallSilent,
        work: async (attempt) => {
          const body = { data: { value: `drift-${attempt}` } };
          const contentType = "application/merge-patch+json";
          await bergen.request("PATCH", configMapPath("base/last"), { body, contentType });
          await has(bergen, "base/last", value);
        },
      });
      expect(repaired).toContain("patch configmaps base/last");

      const deleted = await whileWaitedFor(healthy(), {
        waiting,
        prepare: async (attempt) => {
          osloApi.trouble();
          await apply(hub, addOn(`gone-${attempt}`));
          await profileIs(addOnPath(`gone-${attempt}`), "3/3");
          await fallSilent();
        },
        work: async (attempt) => {
          await hub.kubectlOk(["delete", "sap", `gone-${attempt}`, "-n", "acme", "--wait=false"]);
          for (const plane of healthy()) await isGone(plane, configMapPath(`gone-${attempt}/only`));
        },
      });
      for (const writes of deleted) expect(writes.join()).toMatch(/delete configmaps gone-\d+\/only/);

      await hub.kubectlOk(["delete", "sap", "old", "-n", "acme", "--wait=false"]);
      for (const plane of healthy()) await isGone(plane, configMapPath("old/only"));
      await baseIs("2/3", SINCE);
      const leaving = await profileIs(addOnPath("old"), "0/1", SINCE);
      expect(layerOf(leaving, "only")).toMatchObject({ state: "Removing", reason: "Unreachable" });

      const marks = await auditMarks(healthy());
      osloApi.trouble();
      await goesOnByItself(marks, value);
      await isGone(hub, addOnPath("old"));
      await isGone(oslo, configMapPath("old/only"));
      await isGone(hub, addOnPath("gone-1"));
      await profileIs(addOnPath("new-1"), "3/3");
      expect(await writesSince(healthy(), marks)).toEqual([[], []]);
    },
  );

  test(
    "all that is sent to it vanishes: the status says so, and since when, and nobody else notices",
    LONG,
    async () => {
      let before = 0;
      let frozenAt = 0;
      await whileWaitedFor(healthy(), {
        waiting: () => network.waiting,
        // A connection is left when a PING on it has no answer: what takes longer than that begins with a fresh one.
        prepare: async () => {
          network.thaw();
          await baseIs("3/3");
          before = network.connections;
          frozenAt = Date.now() - 1_000;
          network.freeze();
          await askSomethingElse();
        },
        work: async (attempt) => {
          await changeValue(`dark-${attempt}`);
        },
      });
      using story = await follow(hub, BASE);
      const dark = await baseIs("2/3", SINCE);
      const since = SINCE.exec(dark.status.summary.message)?.[1] ?? "";
      expect(Date.parse(since)).toBeGreaterThanOrEqual(frozenAt);
      expect(condition(dark, "Ready")).toMatchObject({ status: "False", reason: "Unreachable" });
      expect(condition(dark, "Stalled")).toMatchObject({ status: "False", message: "Strata goes on by itself" });
      for (const name of ["first", "last"])
        expect(layerOf(dark, name)).toMatchObject({
          state: "Blocked",
          ready: "2/3",
          lastTransitionTime: expect.any(String),
        });
      const told = await hub.kubectlOk(["get", "scp", "base", "-n", "acme"]);
      expect(told).toMatch(/base +False +2\/3 +first +oslo: unreachable since /);
      expect(await hub.kubectlOk(["get", "stc", "-n", "acme"])).toMatch(/bergen +True .*\noslo +False .*\nself +True /);

      // It is asked again over connections that are taken, and never answered.
      await expect
        .poll(() => network.waiting.filter((number) => number > before).length, { timeout: 60_000 })
        .toBeGreaterThan(0);
      await changeValue("darker");
      const later = await baseIs("2/3", SINCE);
      expect(SINCE.exec(later.status.summary.message)?.[1], "a new spec is no new silence").toBe(since);
      const messages = story.versions.map((version) => SINCE.exec(version?.status?.summary?.message)?.[1]);
      expect(new Set(messages.filter(Boolean)), "other words for the same are no new silence").toEqual(
        new Set([since]),
      );

      const marks = await auditMarks(healthy());
      network.thaw();
      await goesOnByItself(marks, "darker");
    },
  );

  test("its answers get lost, but not what it is asked for: it has it, and later Strata knows it", LONG, async () => {
    osloApi.trouble("lost", /configmaps/);
    let value = "";
    await whileWaitedFor(healthy(), {
      waiting: openRequests,
      prepare: askSomethingElse,
      work: async (attempt) => {
        value = `lost-${attempt}`;
        await changeValue(value);
      },
    });
    const marks = await auditMarks(healthy());
    osloApi.trouble();
    await goesOnByItself(marks, value);
  });

  test("each of its answers takes seconds: the others are Ready long before, and it gets there too", LONG, async () => {
    osloApi.trouble(3_000);
    await apply(hub, base("slow"));
    await baseIs("2/3", /^oslo: /);
    for (const plane of healthy()) await has(plane, "base/last", "slow");
    await baseIs("3/3");
    await has(oslo, "base/last", "slow");
    osloApi.trouble();
  });

  test("a chart that looks at it is rendered no further: the one renderer is free for all others", LONG, async () => {
    osloApi.trouble("silent", /configmaps\/asked/);
    await whileWaitedFor(healthy(), {
      waiting: openRequests,
      prepare: async (attempt) => void (await apply(hub, chart(`looks-${attempt}`))),
      work: async (attempt) => {
        await apply(hub, chart(`charts-${attempt}`));
        await profileIs(addOnPath(`charts-${attempt}`), "2/3");
        for (const plane of healthy()) await has(plane, `charts-${attempt}/looker`, `charts-${attempt}`);
      },
    });
    osloApi.trouble();
    await profileIs(addOnPath("looks-1"), "3/3");
    await has(oslo, "charts-1/looker", "charts-1");
  });
});

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AuditEvent } from "../support/audit.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { fence } from "../support/ledger.ts";
import { type ChartRepo, startChartRepo } from "../support/registry.ts";
import {
  holderOf,
  isWrite,
  lastWords,
  metric,
  nameOf,
  type Replica,
  replicaOf,
  requestsOf,
  writesBy,
} from "../support/replicas.ts";
import { apply, isReady, type Live, pathOf, read, trustedTenant, waitUntil } from "../support/stories.ts";
import { prepareHub, type StrataHome } from "../support/strata.ts";
import { targetCluster } from "../support/target-cluster.ts";
import { until } from "../support/waiting.ts";

const CHARTS = fileURLToPath(new URL("../support/charts", import.meta.url));
const LEASE = pathOf("coordination.k8s.io/v1", "leases", "strata-system/strata");
const PROFILE = pathOf("strata.dev/v1alpha1", "clusterprofiles", "acme/platform");
const SETTINGS = pathOf("v1", "configmaps", "base/settings");
const LEASE_MS = 15_000;
/** What is promised, times three: the machines of tests are slow and busy. */
const TAKEOVER_AFTER_KILL_MS = 3 * 17_000;
const TAKEOVER_AFTER_TERM_MS = 3 * 2_000;
const MANY = 600;
/** More than are written in the second that work has to end after SIGTERM. */
const CROWD = 2_000;

let hub: ControlPlane;
let edge: ControlPlane;
let charts: ChartRepo;
let home: StrataHome;
/** The one that leads, and the one that stands by. */
let leader: Replica;
let standby: Replica;

beforeAll(async () => {
  charts = await startChartRepo(CHARTS);
  // With controllers: what Strata deletes in the foreground, the garbage collector ends.
  hub = await startControlPlane({ name: "replicas-hub", nodes: 0 });
  edge = await startControlPlane({ name: "replicas-edge", nodes: 1 });
  home = await prepareHub(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await Promise.all([leader?.kill(), standby?.kill()]);
  await Promise.all([hub?.stop(), edge?.stop(), charts?.stop()]);
});

beforeEach(pairUp);

async function start(): Promise<Replica> {
  return await replicaOf(await home.start({ STRATA_LEADER_ELECTION: "true" }));
}

/** Resolves with the Lease when this replica holds it. */
async function leads({ id }: Replica): Promise<Live> {
  return await waitUntil(hub, LEASE, { what: `held by ${id}`, is: (lease) => holderOf(lease).endsWith(`_${id}`) });
}

/** As the kubelet keeps it: two run, one of them leads, and the other knows it. */
async function pairUp(): Promise<void> {
  const running = [leader, standby].filter((one) => one?.running());
  while (running.length < 2) running.push(await start());
  const isOneOfThem = (lease: Live): boolean => running.some(({ id }) => holderOf(lease).endsWith(`_${id}`));
  const lease = await waitUntil(hub, LEASE, { what: "held by one of two", is: isOneOfThem });
  const leads = running.findIndex(({ id }) => holderOf(lease).endsWith(`_${id}`));
  [leader, standby] = [running[leads] as Replica, running[1 - leads] as Replica];
  const knows = async (): Promise<boolean> => standby.log().includes(`_${leader.id} holds the lease`);
  await until(knows, { what: "a replica that stands by", programs: [standby] });
}

/** What a replica wrote on both clusters, leases apart, since a moment. */
const writesOf = (replica: Replica, since = 0): Promise<string[]> => writesBy(replica, [hub, edge], since);

/** The objects of the layer `many` that a replica has written since a mark. */
async function crowdOf(replica: Replica, mark: number): Promise<string[]> {
  const names = (await requestsOf(replica, edge, mark)).filter(isWrite).map(({ objectRef }) => objectRef?.name ?? "");
  return [...new Set(names.filter((name) => name.startsWith("many-")))];
}

/** The name of the ApplySet's parent, with which all that Strata keeps for a profile begins. */
async function parentOn(plane: ControlPlane): Promise<string> {
  const { body } = await plane.request("GET", "/api/v1/namespaces/strata-system/configmaps");
  const isParent = (one: Live): boolean =>
    one.metadata.annotations?.["strata.dev/profile"] === "ClusterProfile/acme/platform";
  return body.items.find(isParent).metadata.name;
}

/** Which cluster it is, which kinds it serves, and what Strata itself has kept there: no object of a layer is asked for. */
const TAKEOVER_READS = [
  "get /api",
  ...["configmaps/parent", "secrets/parent.shop", "secrets/strata-digest-key"].map(
    (name) => `get /api/v1/namespaces/strata-system/${name}`,
  ),
  "get /apis",
  "get /version",
];

const LOST = { level: "fatal", msg: "the lease is lost: this process ends, to be started again and stand by" };

function platform({ value = "1", many = 0 } = {}): Live {
  const one = (name: string): Live => ({
    object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value } },
  });
  const crowd = Array.from({ length: many }, (_, index) =>
    JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: `many-${index}` }, data: { value } }),
  );
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "ClusterProfile",
    metadata: { name: "platform", namespace: "acme" },
    spec: {
      clusterRefs: [{ name: "edge" }],
      layers: [
        { name: "base", namespace: "base", manifests: [one("settings")] },
        { name: "shop", namespace: "shop", helm: { repo: charts.url, chart: "shop", version: "1.2.x" }, crds: "Skip" },
        ...(many === 0 ? [] : [{ name: "many", namespace: "many", manifests: [{ inline: crowd.join("\n---\n") }] }]),
      ],
    },
  };
}

async function isReadyAgain(): Promise<void> {
  const { generation } = (await read(hub, PROFILE)).metadata;
  const is = (live: Live): boolean => isReady(live) && live.metadata.generation >= generation;
  await waitUntil(hub, PROFILE, { what: "Ready", is });
}

describe("Two replicas", () => {
  test("one works; the other is ready, knows the hub, has asked no target and written nothing", async () => {
    await apply(hub, ...targetCluster("edge", edge.kubeconfig), platform());
    await isReadyAgain();
    expect(await metric(leader, "strata_leader")).toBe(1);
    expect(await metric(standby, "strata_leader")).toBe(0);
    expect((await fetch(`${standby.url}/readyz`)).status).toBe(200);
    expect(standby.log()).toContain(`_${leader.id} holds the lease`);
    expect((await writesOf(leader)).length).toBeGreaterThan(10);
    expect(await writesOf(standby)).toEqual([]);
    expect((await requestsOf(standby, edge)).map(nameOf)).toEqual([]);
    const watched = (await requestsOf(standby, hub)).filter(({ verb }) => verb === "watch").map(nameOf);
    expect(watched.some((name) => name.includes("/clusterprofiles"))).toBe(true);
  });

  test("SIGTERM: the other leads within 2 s, and what is Ready costs it no write, no render and no read of an object", async () => {
    const mark = (await edge.auditEvents()).length;
    const began = Date.now();
    const ended = leader.terminate();
    await leads(standby);
    const took = Date.now() - began;
    await ended;
    console.log(`taken over ${took} ms after SIGTERM`);
    expect(took).toBeLessThan(TAKEOVER_AFTER_TERM_MS);
    expect(leader.exitCode()).toBe(0);
    const isOfFence = await fence(hub, "fence-term");
    const parent = await parentOn(edge);
    const reads = async (): Promise<string[]> =>
      (await requestsOf(standby, edge, mark))
        .filter(({ verb }) => verb !== "watch")
        .map((event) => nameOf(event).replace(parent, "parent"))
        .sort();
    await expect.poll(reads, { timeout: 60_000, interval: 250 }).toEqual(TAKEOVER_READS);
    const gone = await hub.kubectl(["delete", "addonprofile", "fence-term", "-n", "acme", "--timeout=60s"]);
    expect(gone.code, `${gone.stderr}${standby.log()}`).toBe(0);
    expect(await reads()).toEqual(TAKEOVER_READS);
    const asked = await requestsOf(standby, edge, mark);
    // Its watches bring what has the label of an ApplySet, and single objects by name.
    const followed = asked.filter(({ verb }) => verb === "watch").map(nameOf);
    expect(followed.filter((name) => !/[?&](label|field)Selector=/.test(name))).toEqual([]);
    expect(asked.filter(isWrite).map(nameOf)).toEqual([]);
    // Strata's own namespace is asked for, and refused, as it is there.
    const isDone = (event: AuditEvent): boolean => isWrite(event) && (event.responseStatus?.code ?? 0) < 300;
    const own = (await requestsOf(standby, hub)).filter(isDone);
    // What the fence itself needs first of all: the key of the hub's digests.
    const fencesOwn = / strata-digest-key$/;
    const written = own.map((event) => `${nameOf(event)} ${event.objectRef?.name}`);
    expect(written.filter((write) => !isOfFence(write) && !fencesOwn.test(write))).toEqual([]);
    expect(await metric(standby, 'strata_renders_total{result="miss"}')).toBe(0);
  });

  test("SIGTERM while a target does not answer: what it asks of that is cut off, and the other leads as soon", async () => {
    edge.pauseApiServer();
    try {
      await apply(hub, platform({ value: "unanswered" }));
      let last = -1;
      const isStuck = async (): Promise<boolean> => {
        const before = last;
        last = await metric(leader, 'strata_queue_wait_seconds_count{queue="deployment"');
        return (
          last === before && last > (await metric(leader, 'strata_pass_duration_seconds_count{queue="deployment"'))
        );
      };
      await until(isStuck, { what: "a pass that has no answer", programs: [leader] });
      const began = Date.now();
      const ended = leader.terminate();
      await leads(standby);
      const took = Date.now() - began;
      await ended;
      console.log(`taken over ${took} ms after SIGTERM beside a silent target`);
      expect(took).toBeLessThan(TAKEOVER_AFTER_TERM_MS);
      expect(leader.exitCode()).toBe(0);
    } finally {
      edge.resumeApiServer();
    }
    await isReadyAgain();
  });

  test("SIGKILL: the other leads when the lease has run out, not before, and within 17 s", async () => {
    const victim = leader;
    const began = Date.now();
    await victim.kill();
    await leads(standby);
    const took = Date.now() - began;
    console.log(`taken over ${took} ms after SIGKILL`);
    expect(took).toBeLessThan(TAKEOVER_AFTER_KILL_MS);
    const leases = (await hub.auditEvents()).filter(
      ({ objectRef, verb, responseStatus }) =>
        objectRef?.resource === "leases" && verb === "patch" && responseStatus?.code === 200,
    );
    const timeOf = (replica: Replica, which: number): number =>
      Date.parse(
        leases.filter(({ userAgent }) => userAgent?.endsWith(`(${replica.id})`)).at(which)?.requestReceivedTimestamp ??
          "",
      );
    expect(timeOf(standby, 0) - timeOf(victim, -1)).toBeGreaterThanOrEqual(LEASE_MS);
    // It works, too.
    await apply(hub, platform({ value: "after-kill" }));
    await isReadyAgain();
  });

  test("SIGSTOP for a minute in the middle of work: the other ends the work, the first writes nothing any more", {
    timeout: 300_000,
  }, async () => {
    const victim = leader;
    await apply(hub, platform({ value: "after-kill", many: MANY }));
    await waitUntil(edge, pathOf("v1", "configmaps", "many/many-20"), {
      what: "there",
      is: (live) => live !== undefined,
    });
    victim.signal("SIGSTOP");
    const minute = new Promise((resolve) => setTimeout(resolve, 60_000));
    const lease = await leads(standby);
    const applied = (await edge.auditEvents()).filter(
      (event) => event.userAgent?.endsWith(`(${victim.id})`) && event.requestURI.includes("/many-"),
    );
    console.log(`stopped after ${applied.length} of ${MANY} objects`);
    expect(applied.length, "stopped too late to show anything").toBeLessThan(MANY);
    await isReadyAgain();
    await minute;
    const resumed = Date.now();
    victim.signal("SIGCONT");
    expect(await lastWords(victim)).toMatchObject(LOST);
    expect(victim.exitCode()).toBe(1);
    expect(await writesOf(victim, Date.parse(lease.spec.acquireTime))).toEqual([]);
    expect(await writesOf(victim, resumed)).toEqual([]);
  });

  test("the Lease deleted by a person: its holder ends, and nobody leads before that is sure", async () => {
    const victim = leader;
    const deleted = Date.now();
    await hub.kubectlOk(["delete", "lease", "strata", "-n", "strata-system"]);
    expect(await lastWords(victim)).toMatchObject({ ...LOST, reason: "somebody has deleted it" });
    expect(victim.exitCode()).toBe(1);
    const ended = Date.now();
    const lease = await leads(standby);
    expect(Date.parse(lease.spec.acquireTime) - deleted).toBeGreaterThanOrEqual(LEASE_MS - 1_000);
    expect(await writesOf(victim, ended)).toEqual([]);
  });

  test("the API server away for longer than the lease: who led ends and writes to no target, nobody ends in a circle", {
    timeout: 300_000,
  }, async () => {
    const victim = leader;
    await hub.stopApiServer();
    expect(await lastWords(victim)).toMatchObject({ ...LOST, reason: expect.stringContaining("not renewed for 10 s") });
    expect(victim.exitCode()).toBe(1);
    const again = await home.launch({ STRATA_LEADER_ELECTION: "true" });
    const mark = (await edge.auditEvents()).length;
    await edge.kubectlOk(["delete", "configmap", "settings", "-n", "base"]);
    const cannotAsk = /"reason":"Unreachable".*"msg":"standing by"/;
    await until(async () => cannotAsk.test(standby.log()), { what: "a standby that cannot ask", programs: [standby] });
    const strangers = (await edge.auditEvents())
      .slice(mark)
      .filter(({ userAgent }) => /^strata\//.test(userAgent ?? ""));
    expect(strangers.filter(isWrite).map(nameOf)).toEqual([]);
    await hub.startApiServer();
    await waitUntil(edge, SETTINGS, { what: "repaired", is: (live) => live !== undefined });
    expect([standby.running(), again.running()]).toEqual([true, true]);
    // The new one had not been able to ask for anything, and stands by, or leads, as the one that waited does.
    [leader, standby] = [standby, await replicaOf(again)];
    await pairUp();
    expect(await metric(leader, "strata_leader")).toBe(1);
    expect(await metric(standby, "strata_leader")).toBe(0);
  });

  test("a stranger who holds the Lease is given way, for as long as it was promised, and let go", async () => {
    const victim = leader;
    const bystander = standby;
    const spec = {
      holderIdentity: "somebody-else",
      leaseDurationSeconds: 3600,
      renewTime: "2020-01-01T00:00:00.000000Z",
    };
    const patchLease = async (changed: object): Promise<string> =>
      await hub.kubectlOk([
        "patch",
        "lease",
        "strata",
        "-n",
        "strata-system",
        "--type=merge",
        "-p",
        JSON.stringify({ spec: changed }),
      ]);
    await patchLease(spec);
    expect(await lastWords(victim)).toMatchObject({ ...LOST, reason: "somebody-else holds it" });
    const waits = async (): Promise<boolean> => bystander.log().includes('"reason":"somebody-else holds the lease"');
    await until(waits, { what: "a bystander", programs: [bystander] });
    leader = await start();
    expect(leader.log()).toContain('"reason":"somebody-else holds the lease"');
    await apply(hub, platform({ value: "after-stranger", many: MANY }));
    const released = Date.now();
    await patchLease({ holderIdentity: "" });
    await isReadyAgain();
    for (const one of [leader, standby])
      expect((await writesOf(one)).filter((write) => Date.parse(write.split(" ")[0] ?? "") < released)).toEqual([]);
    expect(await read(edge, SETTINGS)).toMatchObject({ data: { value: "after-stranger" } });
  });

  // The last one: a layer that lost so many of its objects after it would be held by the brakes.
  test("SIGTERM in the middle of work: the first writes nothing once the other leads, and that one brings the rest", {
    timeout: 300_000,
  }, async () => {
    const victim = leader;
    const mark = (await edge.auditEvents()).length;
    await apply(hub, platform({ value: "after-term", many: CROWD }));
    await waitUntil(edge, pathOf("v1", "configmaps", "many/many-20"), {
      what: "as it is wanted now",
      is: (live) => live?.data.value === "after-term",
    });
    const ended = victim.terminate();
    const lease = await leads(standby);
    await ended;
    expect(victim.exitCode()).toBe(0);
    await isReadyAgain();
    expect(await writesOf(victim, Date.parse(lease.spec.acquireTime))).toEqual([]);
    const [first, rest] = await Promise.all([crowdOf(victim, mark), crowdOf(standby, mark)]);
    console.log(`ended after ${first.length} of ${CROWD} objects; the other has written ${rest.length}`);
    expect(first.length, "ended too late to show anything").toBeLessThan(CROWD);
    expect(rest.length, "all once more").toBeLessThan(CROWD);
    const { body } = await edge.request("GET", "/api/v1/namespaces/many/configmaps");
    expect(body.items.filter(({ data }: Live) => data.value === "after-term")).toHaveLength(CROWD);
  });
});

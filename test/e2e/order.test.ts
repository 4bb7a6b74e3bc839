import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { fence } from "../support/ledger.ts";
import {
  apply,
  auditMark,
  condition,
  follow,
  isReady,
  type Live,
  layerOf,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  waitUntil,
} from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

let hub: ControlPlane;
let strata: StrataProcess;

beforeAll(async () => {
  hub = await startControlPlane({ name: "order" });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
});

const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);
const configMapPath = (name: string): string => pathOf("v1", "configmaps", `acme/${name}`);

function profile(name: string, layers: string): string {
  return `
apiVersion: strata.dev/v1alpha1
kind: AddOnProfile
metadata: { name: ${name}, namespace: acme }
spec:
  namespace: acme
  clusterRefs: [{ name: local }]
  layers:
${layers}`;
}

const configMap = (layer: string, more = ""): string => `
    - name: ${layer}
      manifests:
        - object: { apiVersion: v1, kind: ConfigMap, metadata: { name: ${layer} }, data: { layer: ${layer} } }
${more}`;

const deployment = (layer: string, podLabels = ""): string => `
    - name: ${layer}
      manifests:
        - inline: |
            apiVersion: apps/v1
            kind: Deployment
            metadata: { name: ${layer} }
            spec:
              selector: { matchLabels: { app: ${layer} } }
              template:
                metadata: { labels: { app: ${layer}, ${podLabels} } }
                spec: { containers: [{ name: main, image: registry.example/${layer}:1 }] }`;

const balancer = (settings: string): string => `
    - name: balancer${settings}
      manifests:
        - object:
            apiVersion: v1
            kind: Service
            metadata: { name: balancer }
            spec: { type: LoadBalancer, selector: { app: web }, ports: [{ port: 80 }] }`;

/** What whoever makes load balancers says of the Service: there is nobody else here. */
async function addresses(...ips: readonly string[]): Promise<void> {
  const patch = JSON.stringify({ status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } } });
  const how = ["--subresource=status", "--type=merge", "-p", patch];
  await hub.kubectlOk(["patch", "-n", "acme", "service/balancer", ...how]);
}

/** `kubectl wait` as a person would leave it running in a second terminal. */
function kubectlWait(name: string): { returned: boolean; result: Promise<string> } {
  const args = ["wait", "-n", "acme", `sap/${name}`, "--for=condition=Ready", "--timeout=110s"];
  const wait = { returned: false, result: hub.kubectlOk(args) };
  const mark = (): void => {
    wait.returned = true;
  };
  wait.result.then(mark, mark);
  return wait;
}

/** All requests of anybody for these objects, but for the reads of the test. */
async function requestsFor(names: readonly string[]): Promise<string[]> {
  const events = await hub.auditEvents();
  return events
    .filter(({ objectRef, userAgent }) => names.includes(objectRef?.name ?? "") && userAgent !== "strata-test")
    .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource} ${objectRef?.name}`);
}

describe("order", () => {
  const first = [configMap("one"), deployment("two")].join("");
  const last = [configMap("four"), deployment("five")].join("");
  const sick = profile("tower", first + deployment("three", "test.strata.dev/fault: not-ready") + last);
  const healthy = profile("tower", first + deployment("three") + last);

  test("a layer that is never healthy holds those after it, and the profile says what and why", async () => {
    await apply(hub, sick);
    const waiting = kubectlWait("tower");
    using story = await follow(hub, profilePath("tower"));
    const seen = await story.until("waiting for the third layer's pod", (object) =>
      /Readiness probe failed/.test(layerOf(object, "three")?.message ?? ""),
    );
    const row = (name: string): Live => layerOf(seen, name);
    expect([row("one"), row("two")]).toMatchObject([
      { state: "Ready", ready: "1/1" },
      { state: "Ready", ready: "1/1" },
    ]);
    const pod = (await hub.kubectlOk(["get", "pod", "-n", "acme", "-l", "app=three", "-o", "name"])).trim().slice(4);
    const sentence = `Deployment three 0/1: Pod ${pod} not ready: Readiness probe failed: HTTP probe failed with statuscode: 503`;
    expect(row("three")).toMatchObject({ state: "Waiting", reason: "NotReady", ready: "0/1", message: sentence });
    for (const name of ["four", "five"]) {
      expect(row(name)).toMatchObject({ state: "Pending", message: "waits for layer three" });
    }
    expect(await requestsFor(["four", "five"])).toEqual([]);
    expect(condition(seen, "Ready")).toMatchObject({ status: "False", reason: "NotReady", message: sentence });
    expect(condition(seen, "Reconciling")).toMatchObject({ status: "True" });
    expect(condition(seen, "Stalled")).toMatchObject({ status: "False" });
    const table = await hub.kubectlOk(["get", "-n", "acme", "sap"]);
    const cells = table.split("\n").map((line) => line.split(/\s{2,}/));
    expect(cells[0]?.slice(0, 5)).toEqual(["NAME", "READY", "CLUSTERS", "LAYER", "MESSAGE"]);
    expect(cells[1]?.slice(0, 5)).toEqual(["tower", "False", "0/1", "three", sentence]);

    // The layer may take ten minutes; the new spec need not wait for the end of them.
    expect(waiting.returned).toBe(false);
    await apply(hub, healthy);
    expect(await waiting.result).toContain("condition met");
    const ready = await read(hub, profilePath("tower"));
    expect(isReady(ready)).toBe(true);
    expect(ready.metadata.generation).toBe(2);
    expect(ready.status.layers.map((one: Live) => one.state)).toEqual(Array(5).fill("Ready"));
    const early = story.versions.filter((one) => one.metadata.generation === 1 && isReady(one));
    expect(early).toEqual([]);
    expect(await read(hub, configMapPath("four"))).toMatchObject({ data: { layer: "four" } });
  });

  test("a Ready of the spec before satisfies nobody who waits", async () => {
    expect(isReady(await read(hub, profilePath("tower")))).toBe(true);
    using story = await follow(hub, profilePath("tower"));
    await apply(hub, sick);
    const waiting = kubectlWait("tower");
    await story.until(
      "waiting for the third layer again",
      (object) => object.metadata.generation === 3 && layerOf(object, "three").state === "Waiting",
    );
    expect(waiting.returned).toBe(false);
    // Layers that are installed stay: only what is new has to wait.
    expect(await read(hub, configMapPath("four"))).toMatchObject({ data: { layer: "four" } });
    await apply(hub, healthy);
    await waiting.result;
    expect(story.versions.filter((one) => one.metadata.generation === 3 && isReady(one))).toEqual([]);
    expect(isReady(await read(hub, profilePath("tower")))).toBe(true);
  });

  test("gate Applied lets later layers go on; a timeout is Failed, and still recovers", async () => {
    const impatient = `
      timeout: 1s # leaf: Profile spec.layers[].timeout
      gate: Applied`; // leaf: Profile spec.layers[].gate
    await apply(hub, profile("edge", balancer(impatient) + configMap("behind")));
    using story = await follow(hub, profilePath("edge"));
    const late = await story.until(
      "timed out, with the next layer there",
      (object) => layerOf(object, "balancer")?.reason === "Timeout" && layerOf(object, "behind")?.state === "Ready",
    );
    const sentence = "not ready after 1s: Service balancer has no load balancer address yet";
    expect(layerOf(late, "balancer")).toMatchObject({ state: "Failed", reason: "Timeout", message: sentence });
    expect(condition(late, "Ready")).toMatchObject({ status: "False", reason: "Timeout", message: sentence });
    expect(condition(late, "Reconciling")).toMatchObject({ status: "True" });
    expect(condition(late, "Stalled")).toMatchObject({ status: "False" });

    await apply(hub, profile("edge", balancer("") + configMap("behind")));
    await story.until(
      "patient again",
      (object) => object.metadata.generation === 2 && layerOf(object, "balancer")?.state === "Waiting",
    );
    await apply(hub, profile("edge", balancer(impatient) + configMap("behind")));
    await story.until(
      "timed out again",
      (object) => object.metadata.generation === 3 && layerOf(object, "balancer")?.reason === "Timeout",
    );
    await addresses("192.0.2.1");
    await story.until(
      "Ready without a change of the spec",
      (object) => object.metadata.generation === 3 && isReady(object),
    );
  });

  test("a layer that was Ready is watched on: when it ails it says so, what is behind it stays, and nothing is written", async () => {
    await apply(hub, profile("edge", balancer("") + configMap("behind")));
    await waitUntil(hub, pathOf("v1", "services", "acme/balancer"), { what: "there", is: (object) => !!object });
    await addresses("192.0.2.1");
    const { generation } = (await read(hub, profilePath("edge"))).metadata;
    const isWhole = (object: Live): boolean => isReady(object) && object.metadata.generation === generation;
    await waitUntil(hub, profilePath("edge"), { what: "Ready", is: isWhole });
    await fence(hub, "fence-well");
    const mark = await auditMark(hub);
    await addresses();
    const sentence = "Service balancer has no load balancer address yet";
    const ailing = await waitUntil(hub, profilePath("edge"), {
      what: "without its address",
      is: (object) => layerOf(object, "balancer")?.message === sentence,
    });
    expect(layerOf(ailing, "balancer")).toMatchObject({ state: "Waiting", reason: "NotReady", ready: "0/1" });
    expect(condition(ailing, "Ready")).toMatchObject({ status: "False", reason: "NotReady", message: sentence });
    const isOfFence = await fence(hub, "fence-ailing");
    expect(layerOf(await read(hub, profilePath("edge")), "behind")).toMatchObject({ state: "Ready", ready: "1/1" });
    await addresses("192.0.2.2");
    await waitUntil(hub, profilePath("edge"), { what: "Ready again", is: isWhole });
    expect((await strataWrites(hub, mark)).filter((write) => !isOfFence(write))).toEqual([]);
  });

  test("health checks in CEL decide for the objects that they name, also for one that no layer brings", async () => {
    const checks = `
      healthChecks:
        - apiVersion: v1 # leaf: Profile spec.layers[].healthChecks[].apiVersion
          kind: ConfigMap # leaf: Profile spec.layers[].healthChecks[].kind
          namespace: elsewhere # leaf: Profile spec.layers[].healthChecks[].namespace
          name: made-by-an-operator # leaf: Profile spec.layers[].healthChecks[].name
          current: self.data.phase == "done" # leaf: Profile spec.layers[].healthChecks[].current
          failed: self.data.phase == "broken" # leaf: Profile spec.layers[].healthChecks[].failed
        - apiVersion: v1
          kind: ConfigMap
          current: has(self.data.filled)`;
    await hub.kubectlOk(["create", "namespace", "elsewhere"]);
    await apply(hub, profile("checked", configMap("subject", checks) + configMap("after")));
    using story = await follow(hub, profilePath("checked"));
    const rowIs = async (state: string, message: string): Promise<void> => {
      const seen = await story.until(
        `${state}: ${message}`,
        (object) => layerOf(object, "subject")?.message === message,
      );
      expect(layerOf(seen, "subject")).toMatchObject({ state });
      expect(layerOf(seen, "after")).toMatchObject({ state: "Pending" });
    };
    const not = (expression: string): string => `${expression} is not true yet`;
    await rowIs("Waiting", `ConfigMap acme/subject: ${not("has(self.data.filled)")} (and 1 more)`);
    await hub.kubectlOk([
      "patch",
      "-n",
      "acme",
      "configmap/subject",
      "--type=merge",
      "-p",
      '{"data":{"filled":"yes"}}',
    ]);
    await rowIs("Waiting", "ConfigMap elsewhere/made-by-an-operator: does not exist yet");
    const made = ["configmap", "made-by-an-operator", "-n", "elsewhere"];
    await hub.kubectlOk(["create", ...made, "--from-literal=phase=begun"]);
    await rowIs("Waiting", `ConfigMap elsewhere/made-by-an-operator: ${not('self.data.phase == "done"')}`);
    const phase = (value: string): Promise<string> =>
      hub.kubectlOk(["patch", ...made, "--type=merge", "-p", JSON.stringify({ data: { phase: value } })]);
    await phase("broken");
    await rowIs("Failed", 'ConfigMap elsewhere/made-by-an-operator: self.data.phase == "broken" is true');
    await phase("done");
    await story.until("Ready", isReady);
    expect(await read(hub, configMapPath("after"))).toBeDefined();
    await waitUntil(hub, configMapPath("subject"), {
      what: "with the field of somebody else",
      is: (object) => object?.data.filled === "yes" && object.data.layer === "subject",
    });
  });
});

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";

const faultLabel = "test.strata.dev/fault";

interface Shape {
  readonly name: string;
  readonly fault?: string;
  readonly image?: string;
  readonly nodeSelector?: Record<string, string>;
}

function podTemplate({ name, fault, image = "registry.example/app:1", nodeSelector = {} }: Shape): object {
  const labels = { app: name, ...(fault && { [faultLabel]: fault }) };
  return { metadata: { labels }, spec: { nodeSelector, containers: [{ name: "app", image }] } };
}

function deployment(shape: Shape): object {
  const { name } = shape;
  const spec = { replicas: 2, selector: { matchLabels: { app: name } }, template: podTemplate(shape) };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace: "default" }, spec };
}

function job(shape: Shape): object {
  const template = podTemplate(shape) as { spec: object };
  const spec = { backoffLimit: 0, template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { name: shape.name, namespace: "default" }, spec };
}

describe("a whole control plane", () => {
  let plane: ControlPlane;
  const apply = (object: object): Promise<string> =>
    plane.kubectlOk(["apply", "--server-side", "-f", "-"], { input: JSON.stringify(object) });
  const wait = (what: string, ...args: string[]): Promise<string> =>
    plane.kubectlOk(["wait", "--timeout=60s", what, ...args]);

  beforeAll(async () => {
    plane = await startControlPlane({ name: "whole", nodes: 3 });
  });
  afterAll(() => plane.stop());

  test("reports the version that it was built from", async () => {
    expect((await plane.request("GET", "/version")).body).toMatchObject({ gitVersion: "v1.36.3", minor: "36" });
  });

  test("has the nodes that were asked for, Ready", async () => {
    const { body } = await plane.request("GET", "/api/v1/nodes");
    expect(body.items.map((node: { metadata: { name: string } }) => node.metadata.name)).toEqual([
      "node-0",
      "node-1",
      "node-2",
    ]);
  });

  test("rolls out a Deployment and completes a Job", async () => {
    await apply(deployment({ name: "healthy" }));
    await apply(job({ name: "finite" }));
    await wait("deployment/healthy", "--for=condition=Available");
    await wait("job/finite", "--for=condition=Complete");
  });

  test.each([
    {
      fault: "image-pull",
      state: {
        waiting: { reason: "ImagePullBackOff", message: expect.stringContaining("registry.example/app:1: not found") },
      },
    },
    {
      fault: "crash-loop",
      state: { waiting: { reason: "CrashLoopBackOff", message: expect.stringContaining("app pod=") } },
    },
    { fault: "oom", state: { waiting: { reason: "CrashLoopBackOff", message: expect.stringContaining("app pod=") } } },
    { fault: "not-ready", state: { running: expect.anything() } },
  ])("keeps a Deployment with the fault $fault from becoming available", async ({ fault, state }) => {
    await apply(deployment({ name: fault, fault }));
    const path = Object.keys(state).includes("running") ? "running.startedAt" : "waiting.reason";
    const expected = "waiting" in state && state.waiting ? `=${state.waiting.reason}` : "";
    await wait("pod", "-l", `app=${fault}`, `--for=jsonpath={.status.containerStatuses[0].state.${path}}${expected}`);
    const { body } = await plane.request("GET", `/api/v1/namespaces/default/pods?labelSelector=app%3D${fault}`);
    const [status] = body.items[0].status.containerStatuses;
    expect(status).toMatchObject({ ready: false, state });
    const deployed = await plane.request("GET", `/apis/apps/v1/namespaces/default/deployments/${fault}`);
    expect(deployed.body.status.availableReplicas ?? 0).toBe(0);
  });

  test("takes an image with the tag missing for one that cannot be pulled", async () => {
    await apply(deployment({ name: "bad-image", image: "nginx:missing" }));
    const reason = "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff";
    await wait("pod", "-l", "app=bad-image", reason);
  });

  test("fails a Job whose pod fails", async () => {
    await apply(job({ name: "doomed", fault: "job-failed" }));
    await wait("job/doomed", "--for=condition=Failed");
  });

  test("lets the scheduler say why a pod fits no node", async () => {
    await apply(deployment({ name: "homeless", nodeSelector: { disk: "none" } }));
    await wait("pod", "-l", "app=homeless", "--for=condition=PodScheduled=False");
    const { body } = await plane.request("GET", "/api/v1/namespaces/default/pods?labelSelector=app%3Dhomeless");
    const [condition] = body.items[0].status.conditions;
    expect(condition).toMatchObject({
      reason: "Unschedulable",
      message: expect.stringContaining("0/3 nodes are available"),
    });
  });

  test("finishes deletions, in the foreground too", async () => {
    await apply(deployment({ name: "leaving" }));
    await wait("deployment/leaving", "--for=condition=Available");
    await plane.kubectlOk(["delete", "deployment/leaving", "--cascade=foreground", "--timeout=60s"]);
    await plane.kubectlOk(["create", "namespace", "short-lived"]);
    await plane.kubectlOk(["delete", "namespace", "short-lived", "--timeout=60s"]);
    const pods = await plane.request("GET", "/api/v1/namespaces/default/pods?labelSelector=app%3Dleaving");
    expect(pods.body.items).toEqual([]);
  });

  test("records each request once, with user and answer", async () => {
    await plane.kubectlOk(["create", "configmap", "seen", "--as=ann", "--as-group=system:masters"]);
    const seen = (await plane.auditEvents()).filter(
      (event) => event.objectRef?.resource === "configmaps" && event.verb === "create",
    );
    expect(seen.filter((event) => event.impersonatedUser?.username === "ann")).toMatchObject([
      {
        user: { username: "admin" },
        impersonatedUser: { username: "ann", groups: expect.arrayContaining(["system:masters"]) },
        userAgent: expect.stringMatching(/^kubectl\//),
        responseStatus: { code: 201 },
      },
    ]);
  });

  test("knows ordinary users and accepts tokens of ServiceAccounts", async () => {
    const file = join(plane.dataDir, "eve.kubeconfig");
    await writeFile(file, plane.userKubeconfig({ user: "eve", groups: ["interns"] }));
    const whoami = await plane.kubectlOk(["--kubeconfig", file, "auth", "whoami", "-o", "json"]);
    expect(JSON.parse(whoami).status.userInfo).toMatchObject({
      username: "eve",
      groups: ["interns", "system:authenticated"],
    });
    const refused = await plane.kubectl(["--kubeconfig", file, "get", "secrets"]);
    expect(refused.stderr).toContain('User "eve" cannot list resource "secrets"');
    const token = (await plane.kubectlOk(["create", "token", "default"])).trim();
    const account = await plane.kubectlOk([
      "--kubeconfig",
      "/dev/null",
      "--server",
      plane.server,
      "--token",
      token,
      "--insecure-skip-tls-verify",
      "auth",
      "whoami",
      "-o",
      "json",
    ]);
    expect(JSON.parse(account).status.userInfo.username).toBe("system:serviceaccount:default:default");
  });
});

describe("a bare control plane", () => {
  test("falls silent, recovers, dies, returns at the same address with its data, and leaves nothing", async () => {
    const plane = await startControlPlane({ name: "bare", controllers: false });
    const { dataDir } = plane;
    const version = async (): Promise<number> => (await plane.request("GET", "/version")).status;
    expect(plane.pids()).toHaveLength(2);
    await plane.kubectlOk(["create", "configmap", "kept"]);

    plane.pauseApiServer();
    const unanswered = await plane.kubectl(["get", "configmaps", "--request-timeout=500ms"]);
    expect(unanswered.stderr).toMatch(/timeout|deadline/i);
    plane.resumeApiServer();
    expect(await version()).toBe(200);

    await plane.stopApiServer();
    await expect(version()).rejects.toThrow();
    await plane.startApiServer();
    await plane.kubectlOk(["get", "configmap", "kept"]);
    expect((await plane.auditEvents()).some((event) => event.objectRef?.name === "kept")).toBe(true);

    const pids = plane.pids();
    await plane.stop();
    expect(plane.pids()).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(dataDir)).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

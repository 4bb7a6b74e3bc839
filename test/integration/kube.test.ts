import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessOf } from "../../src/kube/access.ts";
import { connect, type KubeClient } from "../../src/kube/client.ts";
import { systemClock } from "../../src/kube/clock.ts";
import { Discovery } from "../../src/kube/discovery.ts";
import { toFailure } from "../../src/kube/failures.ts";
import { serviceAccountIdentity } from "../../src/kube/identity.ts";
import { parseKubeconfig } from "../../src/kube/kubeconfig.ts";
import { cachedToken } from "../../src/kube/own-access.ts";
import { Reflector, type ReflectorOptions } from "../../src/kube/reflector.ts";
import { coreResource, type Resource } from "../../src/kube/resource.ts";
import { isExactNumber, parseJson } from "../../src/objects/json.ts";
import type { KubeObject } from "../../src/objects/types.ts";
import { clusterAddressCheck, LOOPBACK_NETWORKS } from "../../src/text/addresses.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

const { signal } = new AbortController();
const WRITE = { manager: "strata-test", force: false, signal };
const CONFIG_MAP = coreResource("ConfigMap", "configmaps", true);
const SECRET = coreResource("Secret", "secrets", true);
const NAMESPACE = coreResource("Namespace", "namespaces", false);

let plane: ControlPlane;
let client: KubeClient;
let discovery: Discovery;

beforeAll(async () => {
  // As a highly available one is set up: now and then each client has to connect anew, in the middle of everything.
  plane = await startControlPlane({ controllers: false, goawayChance: 0.02, name: "kube" });
  const access = parseKubeconfig(plane.kubeconfig, clusterAddressCheck(LOOPBACK_NETWORKS));
  if (!access.ok) {
    throw new Error(access.problems.join());
  }
  client = connect(access.value, { userAgent: "strata/test" });
  discovery = new Discovery(client);
});

afterAll(async () => {
  await client.close();
  await plane.stop();
});

const configMap = (name: string, data: Record<string, string> = {}, metadata: object = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default", ...metadata },
  data,
});

async function resource(group: string, kind: string): Promise<Resource> {
  const found = await discovery.resourceFor({ group, kind }, { signal });
  if (found === undefined) {
    throw new Error(`${kind} is not served`);
  }
  return found;
}

async function failureOf(call: Promise<unknown>) {
  return toFailure(
    await call.then(
      () => expect.unreachable(),
      (error: unknown) => error,
    ),
    "X",
  );
}

const widgets = (plural: string, kind: string) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${plural}.kube.test` },
  spec: {
    group: "kube.test",
    scope: "Namespaced",
    names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec: { type: "object", properties: { big: { type: "integer" } } } },
          },
        },
      },
    ],
  },
});

describe("writes", () => {
  // Undocumented, and what Strata's creates rest on: see DESIGN "Writes".
  test("an apply with resourceVersion 1 creates, and answers 409 to one that exists, even to an equal one", async () => {
    const object = configMap("create-only", { a: "1" }, { resourceVersion: "1" });
    expect(await client.apply(CONFIG_MAP, object, WRITE)).toMatchObject({
      created: true,
      object: { data: { a: "1" } },
    });
    const again = client.apply(CONFIG_MAP, object, WRITE);
    await expect(again).rejects.toMatchObject({ status: 409, reason: "Conflict", fieldConflicts: [] });
    const forced = client.apply(CONFIG_MAP, object, { ...WRITE, force: true, manager: "other" });
    await expect(forced).rejects.toMatchObject({ status: 409 });
  });

  test("a dry run stores nothing; a second apply says that it did not create", async () => {
    await client.apply(CONFIG_MAP, configMap("dry"), { ...WRITE, dryRun: true });
    expect(await client.find(CONFIG_MAP, { namespace: "default", name: "dry" }, { signal })).toBeUndefined();
    expect((await client.apply(CONFIG_MAP, configMap("dry"), WRITE)).created).toBe(true);
    const second = await client.apply(CONFIG_MAP, configMap("dry"), { ...WRITE, metadataOnly: true });
    expect(second).toMatchObject({ created: false, object: { apiVersion: "v1", kind: "ConfigMap" } });
    expect(Object.keys(second.object)).toEqual(["apiVersion", "kind", "metadata"]);
  });

  test("names keep upper case and colons", async () => {
    const role = await resource("rbac.authorization.k8s.io", "ClusterRole");
    const object = {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "MyApp:Viewer" },
      rules: [],
    };
    await client.apply(role, object, WRITE);
    expect((await client.get(role, { name: "MyApp:Viewer" }, { signal })).metadata.name).toBe("MyApp:Viewer");
    await client.delete(role, { name: "MyApp:Viewer" }, { signal });
    expect(await client.find(role, { name: "MyApp:Viewer" }, { signal })).toBeUndefined();
  });

  test("fields of another manager are told by field and manager", async () => {
    await client.apply(CONFIG_MAP, configMap("shared", { a: "1", b: "1" }), { ...WRITE, manager: "first" });
    const second = client.apply(CONFIG_MAP, configMap("shared", { a: "2", b: "2" }), { ...WRITE, manager: "second" });
    await expect(second).rejects.toMatchObject({
      status: 409,
      fieldConflicts: [
        { field: ".data.a", manager: "first" },
        { field: ".data.b", manager: "first" },
      ],
    });
  });

  test("deletes hold to their preconditions", async () => {
    const { object } = await client.apply(CONFIG_MAP, configMap("precious"), WRITE);
    const key = { namespace: "default", name: "precious" };
    await expect(client.delete(CONFIG_MAP, key, { uid: "another", signal })).rejects.toMatchObject({ status: 409 });
    await expect(client.delete(CONFIG_MAP, key, { resourceVersion: "1", signal })).rejects.toMatchObject({
      status: 409,
    });
    const { uid = "", resourceVersion = "" } = object.metadata;
    await client.delete(CONFIG_MAP, key, { uid, resourceVersion, signal });
    expect(await client.find(CONFIG_MAP, key, { signal })).toBeUndefined();
  });

  test("patches hold to a resourceVersion and to a JSON patch's test", async () => {
    const { object } = await client.apply(CONFIG_MAP, configMap("patched", { a: "1" }), WRITE);
    const key = { namespace: "default", name: "patched" };
    const fresh = { metadata: { resourceVersion: object.metadata.resourceVersion }, data: { a: "2" } };
    expect(await client.mergePatch(CONFIG_MAP, key, fresh, WRITE)).toMatchObject({ data: { a: "2" } });
    expect(await failureOf(client.mergePatch(CONFIG_MAP, key, fresh, WRITE))).toMatchObject({ reason: "StaleRead" });
    const good = await client.jsonPatch(CONFIG_MAP, key, [{ op: "replace", path: "/data/a", value: "3" }], WRITE);
    expect(good).toMatchObject({ data: { a: "3" } });
    const bad = client.jsonPatch(CONFIG_MAP, key, [{ op: "test", path: "/data/a", value: "1" }], WRITE);
    expect(await failureOf(bad)).toMatchObject({ reason: "StaleRead" });
  });

  test("lists come in pages", async () => {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "paged" } };
    await client.create(NAMESPACE, namespace, WRITE);
    for (let i = 0; i < 5; i += 1) {
      await client.apply(CONFIG_MAP, configMap(`c${i}`, {}, { namespace: "paged" }), WRITE);
    }
    const pages: string[][] = [];
    for await (const page of client.list(CONFIG_MAP, { namespace: "paged", limit: 2, metadataOnly: true, signal })) {
      pages.push(page.items.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    }
    expect(pages).toEqual([["ConfigMap c0", "ConfigMap c1"], ["ConfigMap c2", "ConfigMap c3"], ["ConfigMap c4"]]);
    const named = await client.listAll(CONFIG_MAP, { fieldSelector: "metadata.name=c3", signal });
    expect(named.items).toMatchObject([{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c3" } }]);
  });
});

describe("failures", () => {
  const deployment = (selector: string, extra: object = {}): KubeObject => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "fixed", namespace: "default" },
    spec: {
      selector: { matchLabels: { a: selector } },
      template: { metadata: { labels: { a: selector } }, spec: { containers: [{ name: "c", image: "i" }] } },
      ...extra,
    },
  });

  test("an immutable field", async () => {
    const deployments = await resource("apps", "Deployment");
    await client.apply(deployments, deployment("a"), WRITE);
    const got = await failureOf(client.apply(deployments, deployment("b"), WRITE));
    expect(got).toMatchObject({ reason: "ImmutableField", message: expect.stringContaining("spec.selector") });
  });

  test("an unknown field, in an apply, a create and a patch", async () => {
    const deployments = await resource("apps", "Deployment");
    const object = deployment("a", { tamplate: {} });
    const key = { namespace: "default", name: "fixed" };
    const calls = [
      client.apply(deployments, object, WRITE),
      client.create(deployments, object, WRITE),
      client.mergePatch(deployments, key, { spec: { tamplate: {} } }, WRITE),
    ];
    for (const got of await Promise.all(calls.map(failureOf))) {
      expect(got).toMatchObject({
        reason: "UnknownField",
        message: expect.stringContaining("unknown field spec.tamplate: "),
      });
    }
  });

  test("a duplicate in a list-map names the list and the key", async () => {
    const containers = [
      { name: "c", image: "i" },
      { name: "c", image: "j" },
    ];
    const template = { metadata: { labels: { a: "a" } }, spec: { containers } };
    const got = await failureOf(
      client.apply(await resource("apps", "Deployment"), deployment("a", { template }), WRITE),
    );
    expect(got).toMatchObject({
      reason: "InvalidObject",
      message: expect.stringContaining(
        'spec.template.spec.containers: two entries have the same key, name="c": keep one',
      ),
    });
  });

  test("a namespace that is missing, and one that is terminating", async () => {
    const missing = client.apply(CONFIG_MAP, configMap("a", {}, { namespace: "nowhere" }), WRITE);
    expect(await failureOf(missing)).toMatchObject({
      reason: "NamespaceNotFound",
      message: "X: namespace nowhere does not exist",
    });
    await client.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name: "dying" } }, WRITE);
    await client.delete(NAMESPACE, { name: "dying" }, { signal });
    const late = client.apply(CONFIG_MAP, configMap("a", {}, { namespace: "dying" }), WRITE);
    expect(await failureOf(late)).toMatchObject({ reason: "NamespaceTerminating" });
  });

  test("a kind that is not served, in a group that is and in one that is not", async () => {
    for (const group of ["apps", "nobody.test"]) {
      const foo: Resource = { ...CONFIG_MAP, group, plural: "foos", kind: "Foo" };
      const got = await failureOf(client.find(foo, { namespace: "default", name: "a" }, { signal }));
      expect(got).toMatchObject({ reason: "KindNotFound", message: `X: the cluster does not serve foos.${group}` });
    }
  });

  test.each([
    ["a ConfigMap", { a: "x".repeat(1_100_000) }, {}],
    ["a request", { a: "x".repeat(4_000_000) }, {}],
    ["annotations", {}, { annotations: { a: "x".repeat(300_000) } }],
  ])("%s that is too large", async (_name, data, metadata) => {
    const got = await failureOf(client.apply(CONFIG_MAP, configMap("big", data, metadata), WRITE));
    expect(got).toMatchObject({ reason: "TooLarge", message: expect.stringMatching(/\d{6,} ?(bytes)?/) });
  });

  test.each([
    ["bad base64", { data: { a: "canary-1234!" } }],
    ["a number", { stringData: { a: 987_654_321 } }],
    [
      "bad JSON in a docker config",
      { type: "kubernetes.io/dockerconfigjson", stringData: { ".dockerconfigjson": "canary-1234" } },
    ],
    ["a bad key", { stringData: { "canary key": "canary-1234" }, immutable: "canary-1234" }],
  ])("no failure about a Secret repeats its values: %s", async (_name, fields) => {
    const object: KubeObject = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s", namespace: "default" },
      ...fields,
    };
    const calls = [client.apply(SECRET, object, WRITE), client.create(SECRET, object, WRITE)];
    for (const got of await Promise.all(calls.map(failureOf))) {
      expect(got.reason).toBe("InvalidObject");
      expect(got.message).not.toMatch(/canary-1234|987654321|Y2FuYXJ5LTEyMzQ/);
    }
  });

  test("RBAC says who may not do what", async () => {
    const tenant = client.asUser(serviceAccountIdentity("acme", "default"));
    const got = await failureOf(tenant.apply(CONFIG_MAP, configMap("a"), WRITE));
    expect(got).toMatchObject({
      reason: "Forbidden",
      message: expect.stringContaining('User "system:serviceaccount:acme:default" cannot patch resource "configmaps"'),
    });
  });

  test("a webhook that is down, and only where it applies", async () => {
    const webhooks = await resource("admissionregistration.k8s.io", "ValidatingWebhookConfiguration");
    const service = { name: "nobody", namespace: "default" };
    const rules = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }];
    const webhook = {
      name: "w.kube.test",
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      clientConfig: { service },
      rules,
      objectSelector: { matchLabels: { hooked: "yes" } },
    };
    const kind = "ValidatingWebhookConfiguration";
    await client.apply(
      webhooks,
      { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name: "w" }, webhooks: [webhook] },
      WRITE,
    );
    const hooked = () =>
      client.apply(CONFIG_MAP, configMap("hooked", {}, { labels: { hooked: "yes" } }), { ...WRITE, dryRun: true });
    const reason = async () =>
      await hooked().then(
        () => "admitted",
        (error: unknown) => toFailure(error, "X").reason,
      );
    await expect.poll(reason, { timeout: 30_000 }).toBe("WebhookUnavailable");
    await client.apply(CONFIG_MAP, configMap("free"), WRITE);
  });
});

describe("identity", () => {
  const SELF: Resource = {
    ...coreResource("SelfSubjectReview", "selfsubjectreviews", false),
    group: "authentication.k8s.io",
  };
  const whoAmI = async (who: KubeClient) => {
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview", metadata: {} };
    const { status } = await who.create(SELF, review, WRITE);
    return (status as { userInfo: Record<string, unknown> }).userInfo;
  };

  test("user, every group, uid and extra values arrive", async () => {
    const tenant = client.asUser({
      user: "ann",
      groups: ["a", "b: c", "d"],
      uid: "7",
      extra: { "strata.dev/Scope": ["x", "y"] },
    });
    expect(await whoAmI(tenant)).toMatchObject({
      username: "ann",
      uid: "7",
      groups: expect.arrayContaining(["a", "b: c", "d"]),
      extra: { "strata.dev/scope": ["x", "y"] },
    });
    const events = await plane.auditEvents();
    const own = events.find(({ impersonatedUser }) => impersonatedUser?.username === "ann");
    expect(own?.impersonatedUser?.groups).toEqual(expect.arrayContaining(["a", "b: c", "d"]));
    expect(own?.userAgent).toBe("strata/test");
  });

  test("a ServiceAccount's identity is the one that its own token has", async () => {
    const acting = await whoAmI(client.asUser(serviceAccountIdentity("default", "robot")));
    const withToken = connect({ ...accessOf({ server: plane.server, caPem: plane.caPem }), token: await tokens() });
    const real = await whoAmI(withToken);
    await withToken.close();
    expect([acting["username"], acting["groups"]]).toEqual([real["username"], real["groups"]]);
  });

  test("a token that is refused is read again, and the request goes through", async () => {
    const token = await tokens();
    const robot = connect({ ...accessOf({ server: plane.server, caPem: plane.caPem }), token });
    const name = "system:serviceaccount:default:robot";
    expect(await whoAmI(robot)).toMatchObject({ username: name });
    // The tokens of a deleted account are dead, those of its successor of the same name are others.
    await plane.request("DELETE", "/api/v1/namespaces/default/serviceaccounts/robot");
    const next = await tokens();
    const held = await token(false);
    const old = connect({
      ...accessOf({ server: plane.server, caPem: plane.caPem }),
      token: (renew) => (renew ? next(false) : Promise.resolve(held)),
    });
    const direct = connect(accessOf({ server: plane.server, caPem: plane.caPem, tokenText: held ?? "" }));
    await expect
      .poll(() => whoAmI(direct).catch((error: { status: number }) => error.status), { timeout: 20_000 })
      .toBe(401);
    expect(await whoAmI(old)).toMatchObject({ username: name });
    await Promise.all([robot.close(), old.close(), direct.close()]);
  });

  /** A source of tokens for the ServiceAccount `robot`, which it creates if it is not there. */
  async function tokens() {
    const path = "/api/v1/namespaces/default/serviceaccounts";
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "robot" } };
    await plane.request("POST", path, { body: account });
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
    const read = async () => {
      const { body: answer } = await plane.request("POST", `${path}/robot/token`, { body });
      return (answer as { status: { token: string } }).status.token;
    };
    const token = cachedToken(read, systemClock);
    await token(false);
    return token;
  }
});

describe("discovery", () => {
  test("a kind whose CRD comes later is found after a refresh, and integers beyond 2^53 live in it", async () => {
    const own = new Discovery(client);
    const find = () => own.resourceFor({ group: "kube.test", kind: "Widget" }, { signal });
    expect(await find()).toBeUndefined();
    await client.apply(
      await resource("apiextensions.k8s.io", "CustomResourceDefinition"),
      widgets("widgets", "Widget"),
      WRITE,
    );
    await expect
      .poll(async () => {
        await own.refresh({ signal });
        return await find();
      })
      .toMatchObject({ group: "kube.test", version: "v1", plural: "widgets", namespaced: true, hasStatus: true });
    const found = await find();
    const spec = parseJson('{"big":9007199254740993}') as object;
    const widget = { apiVersion: "kube.test/v1", kind: "Widget", metadata: { name: "w", namespace: "default" }, spec };
    const { object } = await client.apply(found as Resource, widget, WRITE);
    const { big } = object["spec"] as { big: unknown };
    expect(isExactNumber(big) && big.rawJSON).toBe("9007199254740993");
    expect(await plane.kubectlOk(["get", "widget", "w", "-o", "jsonpath={.spec.big}"])).toBe("9007199254740993");
  });

  test("an aggregated API without a server is named and disturbs no other", async () => {
    const services = await resource("apiregistration.k8s.io", "APIService");
    const spec = {
      group: "down.test",
      version: "v1",
      groupPriorityMinimum: 100,
      versionPriority: 10,
      insecureSkipTLSVerify: true,
      service: { name: "nobody", namespace: "default" },
    };
    await client.apply(
      services,
      { apiVersion: "apiregistration.k8s.io/v1", kind: "APIService", metadata: { name: "v1.down.test" }, spec },
      WRITE,
    );
    await expect
      .poll(
        async () => {
          await discovery.refresh({ signal });
          return await discovery.stale({ signal });
        },
        { timeout: 20_000 },
      )
      .toEqual(["down.test/v1"]);
    expect(await resource("apps", "Deployment")).toBeDefined();
    await client.delete(services, { name: "v1.down.test" }, { signal });
  });
});

describe("watches", () => {
  function follow(options: Partial<ReflectorOptions> = {}) {
    const told: string[] = [];
    const reflector = new Reflector({
      client,
      resource: CONFIG_MAP,
      labelSelector: "watched",
      limits: { backoff: { baseMs: 20, capMs: 100 } },
      handler: (event) => {
        const names =
          event.type === "sync"
            ? event.objects.map(({ metadata }) => metadata.name).sort()
            : [event.object.metadata.name];
        told.push([event.type, ...names].join(" "));
      },
      onState: (state) => told.push(state.state === "failing" ? `failing ${state.failure.reason}` : state.state),
      onError: (error) => told.push(`error ${error}`),
      ...options,
    });
    reflector.start();
    return { told, reflector, [Symbol.dispose]: () => reflector.stop() };
  }
  const write = (name: string, data: Record<string, string> = {}) =>
    client.apply(CONFIG_MAP, configMap(name, data, { labels: { watched: "" } }), { ...WRITE, force: true });
  const remove = (name: string) => client.delete(CONFIG_MAP, { namespace: "default", name }, { signal });

  test.each([
    ["by a streamed list", false],
    ["by a list in pages", true],
  ])("everything that exists, then each change, %s", async (_name, pages) => {
    await write("w1");
    const access = parseKubeconfig(plane.kubeconfig, clusterAddressCheck(LOOPBACK_NETWORKS));
    const own = connect(access.ok ? access.value : accessOf({ server: "" }));
    if (pages) {
      own.link.groupsWithoutWatchList.add("");
    }
    using it = follow({ client: own, metadataOnly: true });
    await expect.poll(() => it.told).toEqual(["syncing", "sync w1", "live"]);
    await write("w2");
    await remove("w1");
    // A label taken away is a deletion to a watch that selects by it.
    await client.mergePatch(
      CONFIG_MAP,
      { namespace: "default", name: "w2" },
      { metadata: { labels: { watched: null } } },
      WRITE,
    );
    await expect.poll(() => it.told.slice(3)).toEqual(["upsert w2", "delete w1", "delete w2"]);
    await own.close();
    await remove("w2");
  });

  test("requests and watches share a connection; one that the server wants to end is changed under them, unnoticed", async () => {
    await using network = await startTcpProxy(Number(new URL(plane.server).port));
    const user = plane.userCredentials({ user: "shared", groups: ["system:masters"] });
    const server = `https://127.0.0.1:${network.port}`;
    const { certPem, keyPem } = user;
    await using own = connect(accessOf({ server, caPem: plane.caPem, clientCert: { certPem, keyPem } }));
    const all = Array.from({ length: 40 }, () => follow({ client: own }));
    for (const { told } of all) await expect.poll(() => told.at(-1), { timeout: 20_000 }).toBe("live");
    const before = network.connections;
    while (network.connections === before) await own.get(NAMESPACE, { name: "default" }, { signal });
    await write("shared");
    for (const { told, reflector } of all) {
      await expect.poll(() => told).toEqual(["syncing", "sync", "live", "upsert shared"]);
      reflector.stop();
    }
    await remove("shared");
    // With HTTP/1.1 it would be one for each watch; each of these followed a GOAWAY.
    expect(before).toBeLessThan(10);
    await own.get(NAMESPACE, { name: "default" }, { signal });
    await expect.poll(() => network.open).toBe(1);
  });

  test("an API server that dies is waited for; then changes are told as before", async () => {
    await write("gone");
    await write("stays");
    using it = follow();
    await expect.poll(() => it.told).toEqual(["syncing", "sync gone stays", "live"]);
    await plane.stopApiServer();
    await expect.poll(() => it.told.at(-1)).toBe("failing Unreachable");
    await plane.startApiServer();
    await expect.poll(() => it.told.at(-1), { timeout: 20_000 }).toBe("live");
    await remove("gone");
    await expect.poll(() => it.told.at(-1)).toBe("delete gone");
    await write("new");
    await expect.poll(() => it.told.at(-1)).toBe("upsert new");
    await Promise.all([remove("stays"), remove("new")]);
  });

  test("a server that goes silent is noticed; the watch is taken up when it speaks again", async () => {
    await write("before");
    const access = parseKubeconfig(plane.kubeconfig, clusterAddressCheck(LOOPBACK_NETWORKS));
    const own = connect(access.ok ? access.value : accessOf({ server: "" }), { timeoutMs: 1_000 });
    using it = follow({
      client: own,
      limits: { backoff: { baseMs: 20, capMs: 100 }, watchSeconds: [1, 1], graceMs: 500 },
    });
    await expect.poll(() => it.told).toEqual(["syncing", "sync before", "live"]);
    plane.pauseApiServer();
    await expect.poll(() => it.told.at(-1), { timeout: 10_000 }).toBe("failing Unreachable");
    plane.resumeApiServer();
    await expect.poll(() => it.told.at(-1), { timeout: 10_000 }).toBe("live");
    await write("after");
    await expect.poll(() => it.told.at(-1)).toBe("upsert after");
    expect(it.told.filter((event) => event.startsWith("sync "))).toHaveLength(1);
    it.reflector.stop();
    await own.close();
    await Promise.all([remove("before"), remove("after")]);
  });
});

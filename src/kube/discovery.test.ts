import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Discovery } from "./discovery.ts";
import { answer, type Script, startServer } from "./testing/api-server.ts";
import { FakeClock } from "./testing/fake-clock.ts";

const { signal } = new AbortController();

interface Version {
  version: string;
  freshness?: string;
  kinds?: string[];
}

const entry = (kind: string) => ({
  resource: `${kind.toLowerCase()}s`,
  responseKind: { group: "", version: "", kind },
  scope: kind === "Node" ? "Cluster" : "Namespaced",
  verbs: ["get", "list"],
  shortNames: ["x"],
  ...(kind === "Deployment" && {
    subresources: [
      { subresource: "status", verbs: ["get"], responseKind: { group: "", version: "", kind } },
      { subresource: "scale", verbs: ["get"], responseKind: { group: "autoscaling", version: "v1", kind: "Scale" } },
    ],
  }),
});

const document = (groups: Record<string, Version[]>) => ({
  kind: "APIGroupDiscoveryList",
  apiVersion: "apidiscovery.k8s.io/v2",
  items: Object.entries(groups).map(([name, versions]) => ({
    metadata: name === "" ? {} : { name },
    versions: versions.map(({ kinds = [], ...version }) => ({ ...version, resources: kinds.map(entry) })),
  })),
});

/** A server whose groups a test can change; it answers 304 while they are the same. */
async function cluster(groups: Record<string, Version[]>) {
  const state = {
    groups,
    core: { "": [{ version: "v1", kinds: ["ConfigMap", "Node"] }] } as Record<string, Version[]>,
    down: false,
  };
  const script: Script = ({ path, headers }, response) => {
    if (state.down) {
      answer(response, 500, {});
      return;
    }
    const body = document(path === "/api" ? state.core : state.groups);
    const etag = `"${createHash("sha256").update(JSON.stringify(body)).digest("hex")}"`;
    if (headers["if-none-match"] === etag) {
      response.writeHead(304).end();
    } else {
      answer(response, 200, body, { ETag: etag });
    }
  };
  const server = await startServer(script);
  const clock = new FakeClock();
  return {
    state,
    server,
    clock,
    discovery: new Discovery(server.client(), clock),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const apps: Version[] = [
  { version: "v1", kinds: ["Deployment"] },
  { version: "v1beta1", kinds: ["Deployment", "Widget"] },
];

test("a kind is found by version, or in the version that the server prefers", async () => {
  await using it = await cluster({ apps });
  const found = (query: { group: string; kind: string; version?: string }) =>
    it.discovery.resourceFor(query, { signal });
  expect(await found({ group: "apps", kind: "Deployment" })).toEqual({
    group: "apps",
    version: "v1",
    kind: "Deployment",
    plural: "deployments",
    namespaced: true,
    verbs: ["get", "list"],
    hasStatus: true,
    subresourceKinds: ["Scale"],
    shortNames: ["x"],
  });
  expect(await found({ group: "apps", kind: "Deployment", version: "v1beta1" })).toMatchObject({ version: "v1beta1" });
  expect(await found({ group: "apps", kind: "Widget" })).toMatchObject({ version: "v1beta1" });
  expect(await found({ group: "", kind: "Node" })).toMatchObject({
    version: "v1",
    namespaced: false,
    hasStatus: false,
  });
  expect(await found({ group: "apps", kind: "Deployment", version: "v2" })).toBeUndefined();
  expect(it.server.seen.map(({ path }) => path)).toEqual(["/api", "/apis"]);
});

test("a miss asks the server once in 5 s, however many ask, and an unchanged answer costs a 304", async () => {
  await using it = await cluster({ apps });
  const found = () => it.discovery.resourceFor({ group: "x.io", kind: "Foo" }, { signal });
  await found();
  await found();
  expect(it.server.seen).toHaveLength(2);
  await it.clock.advance(5_000);
  expect(await Promise.all([found(), found(), found()])).toEqual([undefined, undefined, undefined]);
  expect(it.server.seen).toHaveLength(4);
  expect(it.server.seen.slice(2).every(({ headers }) => headers["if-none-match"] !== undefined)).toBe(true);
  it.state.groups = { apps, "x.io": [{ version: "v1", kinds: ["Foo"] }] };
  await it.clock.advance(5_000);
  expect(await found()).toMatchObject({ plural: "foos" });
});

test("a refresh asks at once, and never answers with what was read before it was called", async () => {
  await using it = await cluster({ apps });
  await it.discovery.all({ signal });
  const early = it.discovery.refresh({ signal });
  await expect.poll(() => it.server.seen.length).toBe(4);
  it.state.groups = { apps, "x.io": [{ version: "v1", kinds: ["Foo"] }] };
  await Promise.all([early, it.discovery.refresh({ signal }), it.discovery.refresh({ signal })]);
  expect(it.server.seen).toHaveLength(6);
  expect(await it.discovery.resourceFor({ group: "x.io", kind: "Foo" }, { signal })).toBeDefined();
});

test("an aggregated API that is down is named, keeps its known kinds, and disturbs no other", async () => {
  await using it = await cluster({ apps, "metrics.k8s.io": [{ version: "v1beta1", kinds: ["PodMetric"] }] });
  await it.discovery.all({ signal });
  it.state.groups = {
    apps,
    "metrics.k8s.io": [{ version: "v1beta1", freshness: "Stale" }],
    "y.io": [{ version: "v1", freshness: "Stale" }],
  };
  await it.discovery.refresh({ signal });
  expect(await it.discovery.stale({ signal })).toEqual(["metrics.k8s.io/v1beta1", "y.io/v1"]);
  expect(await it.discovery.resourceFor({ group: "metrics.k8s.io", kind: "PodMetric" }, { signal })).toBeDefined();
  expect(await it.discovery.resourceFor({ group: "apps", kind: "Deployment" }, { signal })).toBeDefined();
});

test("a kind that is gone is gone after a refresh", async () => {
  await using it = await cluster({ apps, "x.io": [{ version: "v1", kinds: ["Foo"] }] });
  expect(await it.discovery.all({ signal })).toHaveLength(6);
  it.state.groups = { apps };
  await it.discovery.refresh({ signal });
  expect(await it.discovery.all({ signal })).toHaveLength(5);
});

test("a failed first read is told, and tried again by the next who asks", async () => {
  await using it = await cluster({ apps });
  it.state.down = true;
  const found = () => it.discovery.resourceFor({ group: "apps", kind: "Deployment" }, { signal });
  await expect(found()).rejects.toMatchObject({ status: 500 });
  it.state.down = false;
  expect(await found()).toBeDefined();
});

test("one caller's abort ends its own waiting only", async () => {
  await using it = await cluster({ apps });
  const controller = new AbortController();
  const impatient = expect(it.discovery.all({ signal: controller.signal })).rejects.toThrow("enough");
  const patient = it.discovery.all({ signal });
  controller.abort(new Error("enough"));
  await impatient;
  expect(await patient).toHaveLength(5);
});

test("a badly described resource is left out, the others stay", async () => {
  const server = await startServer((_seen, response) => {
    const body = document({ "x.io": [{ version: "v1", kinds: ["Foo"] }] });
    body.items[0]?.versions[0]?.resources.push({ resource: 7 } as never);
    answer(response, 200, body);
  });
  const all = await new Discovery(server.client()).all({ signal });
  expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(["Foo"]));
  await server[Symbol.asyncDispose]();
});

test("a server without aggregated discovery is told in a sentence", async () => {
  await using server = await startServer((_seen, response) =>
    answer(response, 200, { kind: "APIGroupList", groups: [] }),
  );
  const refused = new Discovery(server.client()).all({ signal });
  await expect(refused).rejects.toMatchObject({
    reason: "ServerError",
    message: expect.stringContaining("1.33 or later"),
  });
});

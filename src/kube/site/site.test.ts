import { expect, test } from "vitest";
import { Discovery } from "../discovery.ts";
import { answer, type Script, startServer } from "../testing/api-server.ts";
import { Site } from "./site.ts";

const { signal } = new AbortController();
const PART_OF = "applyset.kubernetes.io/part-of";

const served = (group: string, ...kinds: string[]) => ({
  metadata: group === "" ? {} : { name: group },
  versions: [
    {
      version: "v1",
      resources: kinds.map((kind) => ({
        resource: `${kind.toLowerCase()}s`,
        responseKind: { group, version: "v1", kind },
        scope: "Namespaced",
        verbs: ["get", "list", "watch"],
      })),
    },
  ],
});
const document = (...items: object[]) => ({
  kind: "APIGroupDiscoveryList",
  apiVersion: "apidiscovery.k8s.io/v2",
  items,
});

/** A cluster in which every watch begins and brings nothing. */
const cluster: Script = ({ path, query }, response) => {
  if (query.has("watch")) response.writeHead(200).flushHeaders();
  else if (path === "/api") answer(response, 200, document(served("", "ConfigMap", "Secret", "Pod")));
  else answer(response, 200, document(served("apps", "Deployment")));
};

test("of members whose health needs no look at them, metadata is read and nothing else", async () => {
  await using server = await startServer(cluster);
  const client = server.client();
  const site = new Site({
    client,
    discovery: new Discovery(client),
    byNamespace: false,
    onBreak: () => undefined,
    onChange: () => undefined,
    onError: (error) => expect.unreachable(String(error)),
  });
  await site.discover(signal, false);
  const kinds = [
    ...["ConfigMap", "Secret", "Pod"].map((kind) => ({ group: "", version: "v1", kind })),
    { group: "apps", version: "v1", kind: "Deployment" },
  ];
  site.watch(
    "acme/web",
    kinds.map((kind) => ({ kind, namespace: "web" })),
  );
  const watches = () => server.seen.filter(({ query }) => query.has("watch"));
  await expect.poll(() => watches().length).toBe(kinds.length);
  site.close();
  const isMetadata = ({ headers }: (typeof server.seen)[number]) =>
    headers.accept?.startsWith("application/json;as=PartialObjectMetadata;") === true;
  expect(Object.fromEntries(watches().map((seen) => [seen.path, isMetadata(seen)]))).toEqual({
    "/api/v1/configmaps": true,
    "/api/v1/secrets": true,
    "/api/v1/pods": false,
    "/apis/apps/v1/deployments": false,
  });
  expect(new Set(watches().map(({ query }) => query.get("labelSelector")))).toEqual(new Set([PART_OF]));
});

test("of a kind of an API that does not answer, nobody can tell that it is not served", async () => {
  const stale = { metadata: { name: "example.com" }, versions: [{ version: "v1", freshness: "Stale", resources: [] }] };
  await using server = await startServer(({ path }, response) => {
    answer(response, 200, path === "/api" ? document(served("", "Pod")) : document(stale));
  });
  const client = server.client();
  const site = new Site({
    client,
    discovery: new Discovery(client),
    byNamespace: false,
    onBreak: () => undefined,
    onChange: () => undefined,
    onError: (error) => expect.unreachable(String(error)),
  });
  await site.discover(signal, false);
  expect(site.stale()).toEqual(["example.com/v1"]);
  expect(site.watchState("acme/web", { group: "example.com", kind: "Lamp" }, undefined)).toMatchObject({
    message: expect.stringMatching(/^what is left of Lamp: API example.com\/v1 does not answer/),
  });
  expect(site.watchState("acme/web", { group: "example.org", kind: "Lamp" }, undefined)).toBe("unserved");
  site.close();
});

import { expect, test } from "vitest";
import { ApiError } from "../kube/api-error.ts";
import type { KubeClient } from "../kube/client.ts";
import { absenceOf } from "./live-looks.ts";

const target = (spec: object) => ({
  apiVersion: "strata.dev/v1alpha1",
  kind: "TargetCluster",
  metadata: { name: "edge", namespace: "acme" },
  spec,
});
const readable = target({ connection: { kubeconfigSecretRef: { name: "edge" } } });
const strange = target({ connection: { kubeconfigSecretRef: { name: "edge" } }, future: true });

test.each([
  { name: "no TargetCluster", targets: [], secrets: [{}], want: "TargetCluster acme/edge does not exist" },
  { name: "all", targets: [readable], secrets: [{}], want: undefined },
  {
    name: "no Secret",
    targets: [readable],
    secrets: [],
    want: expect.stringMatching(/^Secret acme\/edge, .*does not exist/),
  },
  {
    name: "no Secret, for what makes the cluster",
    side: "Management",
    targets: [readable],
    secrets: [],
    want: undefined,
  },
  {
    name: "no TargetCluster, for that",
    side: "Management",
    targets: [],
    secrets: [],
    want: expect.stringMatching(/^Target/),
  },
  { name: "a TargetCluster that cannot be read", targets: [strange], secrets: [], want: undefined },
] as const)("where a live look finds $name, it says $want", async ({ targets, secrets, want, ...more }) => {
  const listAll = async ({ kind }: { kind: string }) => ({ items: kind === "Secret" ? secrets : targets });
  const client = { listAll } as unknown as KubeClient;
  const clusterRef = { name: "edge", namespace: "acme" };
  const side = "side" in more ? { applyTo: more.side } : {};
  expect(await absenceOf(client, { clusterRef, ...side }, new AbortController().signal)).toEqual(want);
});

test.each([
  {
    name: "goes too",
    metadata: { deletionTimestamp: "2026-11-22T12:00:00Z" },
    want: /^Secret acme\/edge, .*does not exist$/,
  },
  { name: "stays", metadata: {}, want: /secrets "edge" is forbidden/ },
])("a Secret that may not be read is gone when its namespace $name", async ({ metadata, want }) => {
  const message = 'secrets "edge" is forbidden: User "strata" cannot list resource "secrets" in API group ""';
  const request = { verb: "list", resource: "secrets" } as const;
  const fields = {
    status: 403,
    reason: "Forbidden",
    message,
    causes: [],
    details: {},
    retryAfterMs: undefined,
    request,
  };
  const listAll = async ({ kind }: { kind: string }) => {
    if (kind === "Secret") throw new ApiError(fields);
    return { items: kind === "Namespace" ? [{ metadata }] : [readable] };
  };
  const clusterRef = { name: "edge", namespace: "acme" };
  const found = await absenceOf({ listAll } as unknown as KubeClient, { clusterRef }, new AbortController().signal);
  expect(found).toSatisfy((one) => typeof one === ("deletionTimestamp" in metadata ? "string" : "object"));
  expect(found instanceof Error ? found.message : found).toMatch(want);
});

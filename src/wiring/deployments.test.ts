import { expect, test, vi } from "vitest";
import { parseProfile } from "../api/parse.ts";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { newDeployment } from "../plan/targets.ts";
import { profileKey } from "../reconcile/profile.ts";
import { DeploymentWiring } from "./deployments.ts";
import type { Hub } from "./hub.ts";
import { ProfileWiring } from "./profiles.ts";

function profile(kind: string, namespace: string | undefined, registry: string): Profile {
  const helm = { registryRef: { name: registry }, chart: "web", version: "1.0.0" };
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind,
    metadata: { name: `of-${registry}`, ...(namespace === undefined ? {} : { namespace }) },
    spec: { namespace: "web", clusterRefs: [{ name: "local" }], layers: [{ name: "web", helm }] },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value;
}

test.each([
  { of: "acme/private", wants: ["acme/AddOnProfile/private"] },
  { of: "beta/private", wants: ["beta/ClusterProfile/private"] },
  {
    of: "strata-system/public",
    wants: ["acme/AddOnProfile/public", "beta/AddOnProfile/public", "strata-system/SystemProfile/public"],
  },
  { of: "acme/public", wants: ["acme/AddOnProfile/public"] },
  { of: "acme/other", wants: [] },
])("a change of the Registry $of concerns the deployments with layers from it", ({ of, wants }) => {
  const profiles = [
    profile("AddOnProfile", "acme", "private"),
    profile("ClusterProfile", "beta", "private"),
    profile("AddOnProfile", "acme", "public"),
    profile("AddOnProfile", "beta", "public"),
    profile("SystemProfile", undefined, "public"),
  ];
  const keyed = profiles.map((one): [string, ProfileDeployment] => {
    const namespace = one.metadata.namespace ?? "strata-system";
    return [`${namespace}/${one.kind}/${one.metadata.name.slice(3)}`, newDeployment(one, { name: "local" })];
  });
  const byKey = new Map(profiles.map((one) => [profileKey(one), one]));
  const cache = { deployments: new Map(keyed), profile: (key: string) => byKey.get(key) };
  const parts = { renderer: {} as never, registries: {} as never };
  const wiring = new DeploymentWiring({ cache } as unknown as Hub, parts, {
    again: () => undefined,
    elsewhere: (_, work) => work(),
  });
  const renewed = vi.spyOn(wiring.reconciler, "renewSources");
  expect(wiring.renewSources(of, "answers")).toEqual(wants);
  expect(renewed.mock.calls).toEqual(wants.map((key) => [key, "answers"]));
});

test.each([
  { kind: "SystemProfile", namespace: undefined, isGoing: false },
  { kind: "AddOnProfile", namespace: "strata-system", isGoing: true },
])("when Strata's own namespace is deleted, $kind goes with it: $isGoing", ({ kind, namespace, isGoing }) => {
  const own = profile(kind, namespace, "public");
  const deployment = newDeployment(own, { name: "edge", namespace: namespace ?? "acme" });
  const cache = {
    deployments: new Map([["key", deployment]]),
    targets: new Map(),
    unreadableTargets: new Map(),
    profile: () => own,
    isNamespaceGoing: (name: string) => name === "strata-system",
  };
  const hub = { cache, references: { want: () => undefined } } as unknown as Hub;
  const parts = { renderer: {} as never, registries: {} as never };
  const deployments = new DeploymentWiring(hub, parts, { again: () => undefined, elsewhere: (_, work) => work() });
  expect(deployments.observe("key")?.isTenantGoing).toBe(isGoing);
  expect(new ProfileWiring(hub, () => undefined).observe(profileKey(own))?.isTenantGoing).toBe(isGoing);
});

const SILENT = { kind: "failing", failure: new Failure("Unreachable", "no answer") };
const CONNECTING = { kind: "connecting" };
test.each([
  {
    name: "had answered, is lost since then",
    link: { uid: "u", state: SILENT, lostAt: 7 },
    want: { ...SILENT, lostAt: 7 },
  },
  { name: "had never answered, is gone", link: { uid: undefined, state: SILENT, lostAt: 7 }, want: { kind: "gone" } },
  { name: "is being connected to, is gone", link: { uid: undefined, state: CONNECTING }, want: { kind: "gone" } },
  { name: "is not connected to, is gone", link: undefined, want: { kind: "gone" } },
])("of a profile on its way out, a cluster without its Secret that $name", ({ link, want }) => {
  const own = profile("AddOnProfile", "acme", "public");
  const deployment = newDeployment(own, { name: "edge", namespace: "acme" });
  Object.assign(deployment.metadata, { deletionTimestamp: "2026-11-22T12:00:00Z" });
  const cache = {
    deployments: new Map([["key", deployment]]),
    targets: new Map([["acme/edge", { metadata: { name: "edge", namespace: "acme" } }]]),
    unreadableTargets: new Map(),
    profile: () => own,
    isNamespaceGoing: () => false,
  };
  const hub = { cache, linkOf: () => link, hasNoSecret: () => true } as unknown as Hub;
  const parts = { renderer: {} as never, registries: {} as never };
  const deployments = new DeploymentWiring(hub, parts, { again: () => undefined, elsewhere: (_, work) => work() });
  expect(deployments.observe("key")?.target).toEqual(want);
});

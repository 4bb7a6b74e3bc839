import { expect, test } from "vitest";
import { configMap, KEY, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";
import { isHome } from "./home.ts";
import { evaluateTeardown } from "./next-step.ts";

const namespace = (name: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

/** What a profile of the namespace `acme` has left to do when only these namespaces are there, and are being deleted. */
function teardown(cluster: string, { own = [], members = [] }: { own?: string[]; members?: string[] }): string {
  const world = new Simulation(profileOf([{ name: "a", objects: [configMap("a"), ...members.map(namespace)] }]));
  world.run();
  for (const [key, tracked] of world.live) {
    if (tracked.observed.ref.kind !== "Namespace") world.live.delete(key);
    tracked.observed = { ...tracked.observed, terminating: true };
  }
  const parent = { ...world.parent, ownNamespaces: new Set(own) };
  const leaving = new Map(own.map((name) => [name, "deleting" as const]));
  const seen = { ...world.seen(), leaving, cluster: { name: cluster, target: undefined } };
  return evaluateTeardown(seen, { digestKey: KEY, parent }).step.kind;
}

test.each([
  { name: "a namespace that its layers use is waited for", cluster: "local", own: ["shop"], want: "None" },
  { name: "its own is not, which waits for it", cluster: "local", own: ["acme"], want: "Forget" },
  { name: "one of the same name elsewhere is", cluster: "edge", own: ["acme"], want: "None" },
  { name: "a namespace that a layer brought is waited for", cluster: "local", members: ["shop"], want: "None" },
  { name: "its own is not, also when a layer brought it", cluster: "local", members: ["acme"], want: "Forget" },
  { name: "one that a layer brought elsewhere is", cluster: "edge", members: ["acme"], want: "None" },
])("when a profile goes, $name", ({ cluster, want, ...namespaces }) => {
  expect(teardown(cluster, namespaces)).toBe(want);
});

test("the home of what makes a cluster is on the hub, too, and that of a SystemProfile is Strata's own", () => {
  const at = (side: string, profile: object) =>
    ({ profile: { metadata: profile }, cluster: { name: "edge" }, side }) as never;
  expect(isHome("acme", at("Management", { namespace: "acme" }))).toBe(true);
  expect(isHome("acme", at("Workload", { namespace: "acme" }))).toBe(false);
  expect(isHome("strata-system", at("Management", {}))).toBe(true);
});

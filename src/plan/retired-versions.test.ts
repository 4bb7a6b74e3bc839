import { describe, expect, it } from "vitest";
import { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { configMap, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";
import { retirementOf } from "./retired-versions.ts";
import type { RetireVersions, Step } from "./step.ts";
import type { Desired } from "./types.ts";

interface Version {
  name: string;
  storage?: boolean;
  served?: boolean;
}

const version = (name: string, about: Partial<Version> = {}): Version => ({ name, served: true, ...about });
const V1 = version("v1", { storage: true });
const V1BETA1 = version("v1beta1");

function crd(...versions: unknown[]): KubeObject {
  const metadata = { name: "lamps.example.com" };
  const spec = { group: "example.com", names: { kind: "Lamp", plural: "lamps" }, scope: "Namespaced", versions };
  return { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata, spec };
}
const lamp = (apiVersion: string): KubeObject => ({
  apiVersion: `example.com/${apiVersion}`,
  kind: "Lamp",
  metadata: { name: "desk" },
});

describe("a CRD retires", () => {
  it.each<[name: string, next: KubeObject, served: string[], versions: string[] | undefined, to?: string]>([
    ["nothing that it goes on serving", crd(V1, V1BETA1), ["v1", "v1beta1"], undefined],
    ["a version that it has no more", crd(V1), ["v1", "v1beta1"], ["v1beta1"], "v1"],
    [
      "one that it has and does not serve",
      crd(V1, version("v1beta1", { served: false })),
      ["v1", "v1beta1"],
      ["v1beta1"],
      "v1",
    ],
    ["several", crd(V1), ["v1alpha1", "v1beta1", "v1"], ["v1alpha1", "v1beta1"], "v1"],
    ["one in favour of that which is stored", crd(version("v2"), V1), ["v1beta1", "v2", "v1"], ["v1beta1"], "v1"],
    [
      "one in favour of another that stays, where what is stored is new",
      crd(version("v2"), V1),
      ["v1beta1", "v2"],
      ["v1beta1"],
      "v2",
    ],
    ["one in favour of none, where all are new", crd(V1), ["v1beta1"], ["v1beta1"]],
    ["all, where none is served any more", crd(version("v1", { served: false })), ["v1"], ["v1"]],
    ["nothing by a content that is no CRD: the API server refuses that", crd(null, "v1"), ["v1"], undefined],
  ])("%s", (_, object, served, versions, to) => {
    const retirement = retirementOf({ object } as Desired, served);
    expect(retirement?.versions).toEqual(versions);
    expect(retirement?.to).toBe(to);
  });
});

interface Story {
  refusal?: Failure;
  objects?: KubeObject[];
  before?: KubeObject[];
}

/** A profile with a CRD whose older version is to go. @param refusal what comes of the look at the objects */
function world({ refusal, objects = [], before = [] }: Story = {}) {
  const shop = (brought: KubeObject[]) => (brought.length > 0 ? [{ name: "shop", objects: brought }] : []);
  const crds = { name: "crds", objects: [crd(V1BETA1, V1), configMap("a", { v: "1" })] };
  const one = new Simulation(profileOf([crds, ...shop(before)]));
  one.served.set("Lamp.example.com", "Namespaced");
  const looks: RetireVersions[] = [];
  const take = one.take.bind(one);
  one.take = (step: Step) => {
    if (step.kind !== "RetireVersions") return take(step);
    looks.push(step);
    const failed = refusal && { failure: refusal, retryAt: one.now + 60_000, attempts: 1 };
    one.attempts.set(step.look.key, { digest: step.look.digest, lookedAt: one.now, ...failed });
  };
  expect(one.run().done).toBe(true);
  one.steps.length = 0;
  one.profile = profileOf([{ name: "crds", objects: [crd(V1), configMap("a", { v: "2" })] }, ...shop(objects)]);
  return { one, looks };
}

describe("a layer whose CRD retires a version", () => {
  it("looks who uses it before anything is written, once", () => {
    const { one, looks } = world();
    expect(one.run().done).toBe(true);
    expect(looks.map(({ retirement: { versions, to } }) => [versions, to])).toEqual([[["v1beta1"], "v1"]]);
    const kinds = one.steps.map(({ kind }) => kind);
    expect(kinds.indexOf("RetireVersions")).toBeLessThan(kinds.indexOf("Apply"));
  });

  it("is Blocked while somebody does, with nothing of it written, and looks again in time", () => {
    const { one, looks } = world({ refusal: new Failure("VersionInUse", "Lamp shop/desk is written in it") });
    const view = one.run();
    expect(view.wakeAt).toBe(one.now + 60_000);
    expect(one.row("crds")).toMatchObject({ state: "Blocked", reason: "VersionInUse" });
    expect(one.applied()).toEqual([]);
    one.now += 60_000;
    one.run();
    expect(looks).toHaveLength(2);
    expect(one.row("crds")?.state).toBe("Blocked");
  });

  it("looks again before the CRD is written when the look is old", () => {
    const { one, looks } = world();
    const lookStep = (): void => {
      for (let count = 0; count < 20 && one.evaluate().step.kind !== "Apply"; count++) one.take(one.evaluate().step);
    };
    lookStep();
    expect(looks).toHaveLength(1);
    one.now += 29_999;
    expect(one.evaluate().step.kind).toBe("Apply");
    one.now += 1;
    lookStep();
    expect(looks).toHaveLength(2);
  });

  it("looks too where somebody has added a version that is to go again", () => {
    const { one, looks } = world();
    one.run();
    const [key, tracked] = [...one.live].find(([, { observed }]) => observed.ref.name === "lamps.example.com") ?? [];
    if (!key || !tracked) throw new Error("no CRD");
    tracked.observed.servedVersions = ["v1", "v2"];
    const attempt = one.attempts.get(key);
    if (attempt) attempt.fields = "others";
    one.evaluate();
    one.run();
    expect(looks.at(-1)?.retirement.versions).toEqual(["v2"]);
  });

  it("is Blocked while a layer of the profile goes on using it", () => {
    const { one, looks } = world({ objects: [lamp("v1beta1")] });
    one.run();
    expect(looks).toHaveLength(0);
    expect(one.row("crds")).toMatchObject({
      state: "Blocked",
      reason: "VersionInUse",
      message:
        "CustomResourceDefinition lamps.example.com: version v1beta1 would be served no more, and layer shop brings " +
        "Lamp acme/desk in example.com/v1beta1: write it in v1 first",
    });
    expect(one.applied()).toEqual([]);
  });

  it.each([
    ["comes to", []],
    ["goes over to", [lamp("v1beta1")]],
  ])("goes on where the profile %s use the other one", (_, before) => {
    const { one } = world({ before, objects: [lamp("v1")] });
    expect(one.run().done).toBe(true);
  });
});

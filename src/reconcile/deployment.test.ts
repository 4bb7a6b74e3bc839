import { describe, expect, it } from "vitest";
import type { Profile, ProfileDeployment, ProfileDeploymentStatus } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { applySetOf, EMPTY_PARENT, type Parent } from "../membership/applyset.ts";
import type { Outcome } from "../plan/outcome.ts";
import type { NamedRef, SiteView } from "../plan/seen.ts";
import type { Step } from "../plan/step.ts";
import { newDeployment } from "../plan/targets.ts";
import { loadedPack, packLayer } from "../plan/testdata/packs.ts";
import type { LayerContent } from "../plan/types.ts";
import { DeploymentReconciler } from "./deployment.ts";
import type { DeploymentFacts, Interest, TargetFacts } from "./ports.ts";

const KEY = "acme/p-local";
const VIEW: Omit<SiteView, "prepared"> = {
  kubernetesVersion: "v1.36.3",
  scopeOf: () => "Namespaced",
  served: () => true,
  servedIn: () => true,
  watchState: () => "live",
  crdOf: () => undefined,
  member: () => undefined,
  members: () => [],
  named: () => "unknown",
  nodes: () => undefined,
  storage: () => ({ classes: undefined, drivers: undefined }),
  deleted: () => undefined,
  releases: () => [],
  explain: () => undefined,
};

/** One deployment of one layer, and a cluster that answers what a test says. */
class World {
  now = 0;
  readonly profile: Profile;
  readonly deployment: ProfileDeployment;
  readonly steps: string[] = [];
  readonly told: string[] = [];
  readonly statuses: ProfileDeploymentStatus[] = [];
  readonly due: number[] = [];
  wanted: readonly NamedRef[] = [];
  interest: Interest | undefined;
  finished = false;
  answer: (step: Step) => Outcome | Failure = () => ({ kind: "Done" });
  target: TargetFacts;
  /** What differs from a profile that goes to the cluster `local`. */
  facts: Partial<DeploymentFacts> = {};
  absent: string | Failure | undefined;
  tenantGoing = false;
  readonly #reconciler: DeploymentReconciler;

  constructor() {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "acme" } };
    this.profile = {
      apiVersion: "strata.dev/v1alpha1",
      kind: "AddOnProfile",
      metadata: { name: "p", namespace: "acme", generation: 1 },
      spec: {
        clusterRefs: [{ name: "local" }],
        deletionPolicy: "Delete",
        layers: [{ name: "one", type: "AddOn", timeout: "10m", gate: "Ready", manifests: [{ object }] }],
      },
    } as never;
    this.deployment = newDeployment(this.profile, { name: "local" });
    this.target = {
      kind: "ready",
      place: {
        set: applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" }),
        site: this,
        view: VIEW,
        neighbours: () => "still",
        heirs: { claim: () => false, intend: () => false },
        profileOf: () => undefined,
      },
    };
    this.#reconciler = new DeploymentReconciler({
      now: () => this.now,
      random: () => 1,
      observe: () => this.#facts(),
      act: async (step) => {
        this.steps.push(step.kind);
        const answer = this.answer(step);
        if (answer instanceof Failure) throw answer;
        return answer;
      },
      want: (_key, interest) => {
        this.interest = interest;
        this.wanted = interest.named;
      },
      report: (_key, status) => void this.statuses.push(status),
      tell: (_facts, { reason, message }) => void this.told.push(`${reason}: ${message}`),
      tellForGood: (_facts, { reason, message }) => void this.told.push(`for good: ${reason}: ${message}`),
      absence: async () => this.absent,
      isTenantGoing: async () => this.tenantGoing,
      finish: async () => {
        this.finished = true;
      },
      again: (_key, afterMs) => void this.due.push(afterMs),
    });
  }

  #facts(): DeploymentFacts {
    const { profile, deployment, target } = this;
    return {
      key: KEY,
      deployment,
      profile,
      side: "Workload",
      street: () => undefined,
      cluster: undefined,
      target,
      isUnreadable: false,
      matched: true,
      isTenantGoing: false,
      isPlaceGoing: false,
      hasHeir: () => "no",
      referents: () => ({ kind: "absent" }),
      ...this.facts,
    };
  }

  async pass(): Promise<void> {
    await this.#reconciler.reconcile(KEY, new AbortController().signal);
  }

  renewSources(): void {
    this.#reconciler.renewSources(KEY, "changed");
  }
}

const PREPARED: Outcome = { kind: "Prepared", digestKey: new Uint8Array(32), parent: { ...EMPTY_PARENT, hub: "hub" } };
const away = new Failure("Unreachable", "no answer");

describe("a step that fails as a whole", () => {
  async function inTrouble(): Promise<World> {
    const world = new World();
    world.answer = (step) => (step.kind === "Prepare" ? PREPARED : away);
    await world.pass();
    await world.pass();
    return world;
  }

  it("is told once, however often a pass comes by, and tried again only in its time", async () => {
    const world = await inTrouble();
    const told = [...world.told];
    expect(told).toContain("Unreachable: no answer");
    for (let count = 0; count < 5; count++) await world.pass();
    world.now = 1_000;
    await world.pass();
    expect(world.told).toEqual(told);
    expect(world.steps).toEqual(["Prepare", "Render", "Render"]);
    expect(world.due.at(-1)).toBe(2_000);
  });

  it("leaves the status as it is while it lasts", async () => {
    const world = await inTrouble();
    const [first] = world.statuses.slice(-1);
    world.now = 1_000;
    await world.pass();
    expect(world.statuses.at(-1)).toEqual(first);
    expect(first?.layers?.[0]).toMatchObject({ state: "Blocked", reason: "Unreachable" });
  });

  it("is tried again at once when the profile changes", async () => {
    const world = await inTrouble();
    world.profile.metadata.generation = 2;
    await world.pass();
    expect(world.steps).toEqual(["Prepare", "Render", "Render"]);
  });
});

describe("an output", () => {
  it("has its object watched, by its name", async () => {
    const world = new World();
    world.answer = () => PREPARED;
    const object = { apiVersion: "v1", kind: "Service", name: "web" };
    const [layer] = world.profile.spec.layers;
    Object.assign(layer ?? {}, { namespace: "web", outputs: [{ name: "host", object, value: "self.spec.clusterIP" }] });
    for (let count = 0; count < 2; count++) await world.pass();
    expect(world.wanted).toEqual([{ group: "", version: "v1", kind: "Service", namespace: "web", name: "web" }]);
  });
});

describe("a Registry that changes", () => {
  const refused = new Failure("SourceUnauthorized", "the password is wrong");
  const rendered = (result: Failure | LayerContent): Outcome => ({ kind: "Rendered", result });

  it("lets a render that failed be tried again at once, which would else be after ten minutes", async () => {
    const world = new World();
    world.answer = (step) => (step.kind === "Prepare" ? PREPARED : rendered(refused));
    for (let count = 0; count < 4; count++) await world.pass();
    expect(world.steps).toEqual(["Prepare", "Render"]);
    expect(world.due.at(-1)).toBe(600_000);
    world.renewSources();
    await world.pass();
    expect(world.steps).toEqual(["Prepare", "Render", "Render"]);
  });

  it("is not the only thing that does: so does a person who changes the profile", async () => {
    const world = new World();
    world.answer = (step) => (step.kind === "Prepare" ? PREPARED : rendered(refused));
    for (let count = 0; count < 4; count++) await world.pass();
    world.profile.metadata.generation = 2;
    await world.pass();
    expect(world.steps).toEqual(["Prepare", "Render", "Render"]);
  });

  it("counts also when it comes while the old password is being refused", async () => {
    const world = new World();
    world.answer = (step) => {
      if (step.kind === "Prepare") return PREPARED;
      if (world.steps.length === 2) world.renewSources();
      return rendered(refused);
    };
    for (let count = 0; count < 5; count++) await world.pass();
    expect(world.steps).toEqual(["Prepare", "Render", "Render"]);
  });

  it("lets a step that failed as a whole be tried again at once", async () => {
    const world = new World();
    world.answer = (step) => {
      if (step.kind === "Prepare") return PREPARED;
      if (world.steps.length === 2) world.renewSources();
      return refused;
    };
    for (let count = 0; count < 5; count++) await world.pass();
    expect(world.steps).toEqual(["Prepare", "Render", "Render"]);
    world.renewSources();
    await world.pass();
    expect(world.steps).toHaveLength(4);
  });

  it("renders nothing anew", async () => {
    const world = new World();
    const content = { objects: [], crds: [] };
    world.answer = (step) =>
      step.kind === "Prepare" ? PREPARED : step.kind === "Render" ? rendered(content) : { kind: "Done" };
    for (let count = 0; count < 3; count++) await world.pass();
    world.renewSources();
    for (let count = 0; count < 3; count++) await world.pass();
    expect(world.steps.filter((step) => step === "Render")).toHaveLength(1);
  });
});

describe("what is taken away only after one more look", () => {
  const LEFT: Outcome = { kind: "NamespaceLeft", result: { state: "left" } };
  const denied = new Failure("AdmissionDenied", "Namespace old: a webhook says no");

  /** A profile that has used another namespace before. */
  function moved(answer: (step: Step) => Outcome | Failure, isGoing: boolean): World & { record: Parent } {
    const record: Parent = { ...EMPTY_PARENT, hub: "hub", ownNamespaces: new Set(["old"]) };
    const world = Object.assign(new World(), { record });
    if (isGoing) go(world);
    world.answer = (step) => {
      if (step.kind === "Prepare") return { kind: "Prepared", digestKey: new Uint8Array(32), parent: world.record };
      if (step.kind === "Render") return { kind: "Rendered", result: { objects: [], crds: [] } };
      if (!("parent" in step)) return answer(step);
      world.record = step.parent;
      return { kind: "Reached", parent: step.parent };
    };
    return world;
  }

  function go({ profile, deployment }: World): void {
    for (const { metadata } of [profile, deployment]) metadata.deletionTimestamp = new Date(0).toISOString();
  }

  /** When the passes that come by themselves are due, so many of them. */
  async function waits(world: World, count: number): Promise<number[]> {
    const dues: number[] = [];
    for (let passes = 0; dues.length < count && passes < 10 * count; passes++) {
      world.due.length = 0;
      await world.pass();
      const [wait = 0] = world.due.slice(-1);
      if (wait > 0) dues.push(wait);
      world.now += wait;
    }
    return dues;
  }

  const timesTold = ({ told }: World): number =>
    told.filter((one) => one === `AdmissionDenied: ${denied.message}`).length;

  it("and is refused is tried ever more seldom, and told once: the looks between say nothing", async () => {
    const world = moved(({ kind }) => (kind === "LeaveNamespace" ? LEFT : denied), true);
    expect(await waits(world, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(world.steps.filter((step) => step === "Forget")).toHaveLength(4);
    expect(timesTold(world)).toBe(1);
  });

  it("a namespace holds nothing else up: the layers stay Ready, and the profile says why it is not", async () => {
    let result: (Outcome & { kind: "NamespaceLeft" })["result"] = denied;
    const world = moved(() => ({ kind: "NamespaceLeft", result }), false);
    expect(await waits(world, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    const status = world.statuses.at(-1);
    expect(status?.layers?.map(({ state }) => state)).toEqual(["Ready"]);
    expect(status?.summary?.message).toBe(denied.message);
    expect(status?.conditions?.map(({ status }) => status)).toEqual(["False", "True", "False"]);
    expect(timesTold(world)).toBe(1);
    result = { state: "left" };
    for (let count = 0; count < 6; count++) await world.pass();
    expect(world.statuses.at(-1)?.conditions?.[0]).toMatchObject({ type: "Ready", status: "True" });
  });

  it("is no trouble of a profile with a layer that is suspended meanwhile: it is tried when that goes on", async () => {
    const world = moved(() => ({ kind: "NamespaceLeft", result: denied }), false);
    await waits(world, 1);
    Object.assign(world.profile.spec, { layers: [{ ...world.profile.spec.layers[0], suspend: true }] });
    for (let count = 0; count < 4; count++) await world.pass();
    expect(world.statuses.at(-1)?.conditions?.[0]).toMatchObject({ type: "Ready", status: "True" });
  });

  it("is waited for once, also when the answer to the last step is lost", async () => {
    let answers = 0;
    const lost = new Failure("Unreachable", "no answer");
    const world = moved(({ kind }) => {
      if (kind !== "Forget") return LEFT;
      world.record = { ...EMPTY_PARENT, hub: "hub" };
      return answers++ === 0 ? lost : { kind: "Forgotten" };
    }, true);
    expect(await waits(world, 2)).toEqual([1_000]);
    expect(world.finished).toBe(true);
  });

  it("so does one of a profile that goes", async () => {
    const world = moved(() => ({ kind: "NamespaceLeft", result: denied }), true);
    expect(await waits(world, 3)).toEqual([1_000, 2_000, 4_000]);
    expect(world.statuses.at(-1)?.summary?.message).toBe(denied.message);
    expect(world.steps).not.toContain("Forget");
  });

  it("waits while another hub may be about to take over, whose admin has deleted the record of this one", async () => {
    const world = moved(({ kind }) => (kind === "Forget" ? { kind: "Forgotten" } : LEFT), false);
    await waits(world, 1);
    world.record = { ...EMPTY_PARENT, hub: "hub" };
    go(world);
    await world.pass();
    expect(world.due.at(-1)).toBe(120_000);
    expect(world.statuses.at(-1)?.summary?.message).toContain("another Strata may be about to take over");
    // Whatever else happens meanwhile.
    world.now += 20_000;
    world.profile.metadata.generation = 2;
    expect(await waits(world, 1)).toEqual([100_000]);
    expect(world.steps).not.toContain("Forget");
    await waits(world, 1);
    expect(world.finished).toBe(true);
  });
});

describe("a pack that is not verified", () => {
  it("is read again in its time, by a pass that comes by itself, until it is", async () => {
    const world = new World();
    const layers = [packLayer("web")];
    Object.assign(world.profile.spec, { layers });
    const unverified = new Failure("SourceUnavailable", "ours does not answer");
    world.answer = (step) => {
      if (step.kind === "Prepare") return PREPARED;
      if ("parent" in step) return { kind: "Reached", parent: step.parent };
      if (step.kind !== "FetchPack") return { kind: "Done" };
      return { kind: "Fetched", result: { ...loadedPack("web"), ...(world.now < 700_000 ? { unverified } : {}) } };
    };
    /** How often the pack was read by then, and when a pass comes by itself. */
    const readsAt = async (now: number) => {
      world.now = now;
      world.due.length = 0;
      for (let count = 0; count < 5; count++) await world.pass();
      return [world.steps.filter((step) => step === "FetchPack").length, world.due.at(-1)];
    };
    expect(await readsAt(0)).toEqual([1, 600_000]);
    expect(await readsAt(599_999)).toEqual([1, 1]);
    expect(await readsAt(600_000)).toEqual([2, 600_000]);
    expect(await readsAt(1_200_000)).toEqual([3, 0]);
    expect(await readsAt(1e9)).toEqual([3, undefined]);
  });
});

describe("beside a cluster profile that is not done", () => {
  const base = {
    profile: {
      kind: "ClusterProfile",
      metadata: { name: "base", namespace: "acme" },
      spec: { layers: [{ name: "cni" }] },
    },
    deployment: { metadata: { name: "base-edge", namespace: "acme" }, spec: { clusterRef: { name: "edge" } } },
  };

  /** The reason of its first layer after some passes on a cluster whose parent has these layers. */
  async function reasonWith(layers: string[]): Promise<string | undefined> {
    const world = new World();
    world.deployment.status = { layers: [{ name: "one", state: "Ready", readyDigest: "d" }] };
    const own = { profile: world.profile, deployment: world.deployment };
    world.facts = { street: () => ({ own, side: "Workload", sibling: undefined, others: [base as never] }) };
    world.answer = () => ({ ...PREPARED, parent: { ...EMPTY_PARENT, hub: "hub", layers } });
    for (let count = 0; count < 3; count++) await world.pass();
    return world.statuses.at(-1)?.layers?.[0]?.reason;
  }

  it("what is installed there waits for nobody", async () => {
    expect(await reasonWith(["one"])).not.toBe("WaitingForProfile");
  });

  it("waits for its turn on a cluster that was made anew under the same name", async () => {
    expect(await reasonWith([])).toBe("WaitingForProfile");
  });
});

describe("a second cluster profile", () => {
  it("is refused, has nothing to do for which others would wait, and is woken by a change of the first", async () => {
    const world = new World();
    const second = { ...world.profile, kind: "ClusterProfile" } as Profile;
    const deploymentAt = (name: string, second: number) =>
      ({
        ...world.deployment,
        metadata: { name, namespace: "acme", creationTimestamp: `2026-01-01T00:00:0${second}Z` },
      }) as ProfileDeployment;
    const first = {
      profile: { ...second, metadata: { ...second.metadata, name: "first" } },
      deployment: deploymentAt("first", 1),
    };
    const own = { profile: second, deployment: deploymentAt("second", 2) };
    world.facts = {
      profile: second,
      street: () => ({ own, side: "Workload", sibling: undefined, others: [first as never] }),
    };
    await world.pass();
    expect(world.steps).toEqual([]);
    const refused = { state: "Blocked", reason: "Conflict" };
    expect(world.statuses.at(-1)?.layers?.[0]).toMatchObject(refused);
    expect(world.interest).toMatchObject({ waiting: true, moving: false, generation: 1 });
    // By what it says the first one is known when its deployment is made again.
    world.target = { kind: "failing", failure: away };
    await world.pass();
    expect(world.statuses.at(-1)?.layers?.[0]).toMatchObject(refused);
  });
});

describe("a profile that needs itself", () => {
  const told = { state: "Blocked", reason: "InvalidSpec", message: expect.stringContaining("goes in a circle") };

  async function inCircle(row: object, layers: string[] = []): Promise<World> {
    const world = new World();
    const [one] = world.profile.spec.layers;
    // It cannot be read now: what a fresh process has of it is what is stored.
    if (one)
      Object.assign(one, { when: "layers.none.outputs.x", manifests: [{ url: "https://a.example", sha256: "0" }] });
    world.deployment.status = { layers: [{ name: "one", state: "Ready", ...row }] };
    const spec = { ...world.profile.spec, dependsOn: [{ kind: "AddOnProfile", name: "p" }] };
    const own = { profile: { ...world.profile, spec } as Profile, deployment: world.deployment };
    world.facts = { street: () => ({ own, side: "Workload", sibling: undefined, others: [] }) };
    world.answer = () => ({ ...PREPARED, parent: { ...EMPTY_PARENT, hub: "hub", layers } });
    for (let count = 0; count < 3; count++) await world.pass();
    return world;
  }

  it("brings nothing", async () => {
    const { steps, statuses } = await inCircle({});
    expect(steps).toEqual([]);
    expect(statuses.at(-1)?.layers).toMatchObject([told]);
  });

  it("is told in the same way, and goes on being repaired, where it is installed", async () => {
    const { steps, statuses, interest } = await inCircle({ readyDigest: "d" }, ["one"]);
    expect(steps).toContain("Recall");
    expect(steps).not.toContain("Apply");
    expect(statuses.at(-1)?.layers).toMatchObject([{ ...told, readyDigest: "d" }]);
    expect(interest?.waiting).toBe(true);
  });
});

describe("a layer that makes a cluster", () => {
  it.each([
    ["Management", false],
    ["Workload", true],
  ] as const)("on the side %s asks what the nodes are like there: %s", async (side, asks) => {
    const world = new World();
    for (const layer of world.profile.spec.layers) layer.type = "Kubernetes";
    world.facts = { side };
    world.answer = (step) => (step.kind === "Prepare" ? PREPARED : { kind: "Done" });
    await world.pass();
    await world.pass();
    expect(world.interest?.nodes).toBe(asks);
  });
});

describe("on the way out", () => {
  it("installs nothing more for a profile that is being deleted", async () => {
    const world = new World();
    world.profile.metadata.deletionTimestamp = "2026-11-22T12:00:00Z";
    await world.pass();
    expect(world.steps).toEqual([]);
  });

  it("keeps the objects when only the deployment goes, or when they are to be orphaned", async () => {
    const world = new World();
    world.deployment.metadata.deletionTimestamp = "2026-11-22T12:00:00Z";
    await world.pass();
    expect(world).toMatchObject({ finished: true, steps: [] });
  });

  const DELETED = "2026-11-22T12:00:00Z";
  const BROUGHT: ProfileDeploymentStatus = {
    layers: [
      { name: "one", state: "Ready", readyDigest: "d", counts: [{ kind: "ConfigMap", ready: 2, total: 2 }] },
      { name: "two", state: "Pending" },
    ],
  };

  /** A profile that is deleted, at the very moment of its deletion. */
  function deletedWorld(target?: TargetFacts): World {
    const world = new World();
    world.now = Date.parse(DELETED);
    world.profile.metadata.deletionTimestamp = DELETED;
    world.deployment.metadata.deletionTimestamp = DELETED;
    world.deployment.status = BROUGHT;
    if (target) {
      world.target = target;
      Object.assign(world.deployment.spec, { clusterRef: { name: "edge", namespace: "acme" } });
    }
    return world;
  }

  it("lets go of a cluster that is gone, and says for good what is left there", async () => {
    const world = deletedWorld({ kind: "gone" });
    world.absent = "TargetCluster acme/edge does not exist";
    await world.pass();
    expect(world).toMatchObject({
      finished: true,
      steps: [],
      told: ["for good: ObjectsLeft: TargetCluster acme/edge does not exist: left there: layer one (2 objects)"],
    });
  });

  it("says it once, though a pass more may come before the watch tells that the deployment is gone", async () => {
    const world = deletedWorld({ kind: "gone" });
    world.absent = "TargetCluster acme/edge does not exist";
    await world.pass();
    await world.pass();
    expect(world.told).toHaveLength(1);
    Object.assign(world.deployment.metadata, { uid: "of another one of the same name" });
    await world.pass();
    expect(world.told).toHaveLength(2);
  });

  it("says nothing of a cluster that is gone and never had anything", async () => {
    const world = deletedWorld({ kind: "gone" });
    world.absent = "TargetCluster acme/edge does not exist";
    world.deployment.status = { layers: [{ name: "one", state: "Blocked" }] };
    await world.pass();
    expect(world).toMatchObject({ finished: true, told: [] });
  });

  it("takes no watch's word for it that a cluster is gone", async () => {
    const world = deletedWorld({ kind: "gone" });
    await world.pass();
    expect(world).toMatchObject({ finished: false, steps: [], told: [], due: [1_000] });
  });

  it("waits for a cluster that is away, as long as deletionGrace says, and then says what is left there", async () => {
    const world = deletedWorld({ kind: "failing", failure: away });
    Object.assign(world.profile.spec, { deletionGrace: "5m" });
    await world.pass();
    expect(world).toMatchObject({ finished: false, told: [], due: [300_000] });
    const message =
      "unreachable since 2026-11-22T12:00:00Z: no answer; what is there is left there from 2026-11-22T12:05:00Z on, when deletionGrace is over";
    expect(world.statuses.at(-1)?.layers).toMatchObject([{ name: "one", state: "Removing", message }]);
    world.now += 299_000;
    world.facts = { cluster: awaySince(DELETED) };
    await world.pass();
    expect(world).toMatchObject({ finished: false, due: [300_000, 1_000] });
    world.now += 1_000;
    await world.pass();
    const left = "no answer, for longer than deletionGrace: left there: layer one (2 objects)";
    expect(world).toMatchObject({ finished: true, steps: [], told: [`for good: ObjectsLeft: ${left}`] });
  });

  it("begins the grace anew with each silence: a network that fails for a second ends no long deletion", async () => {
    const world = deletedWorld({ kind: "failing", failure: away });
    world.now += 7_200_000;
    world.facts = { cluster: awaySince("2026-11-22T13:59:00Z") };
    await world.pass();
    expect(world).toMatchObject({ finished: false, due: [3_540_000] });
  });

  it("waits for its twin, however long that takes", async () => {
    const failure = new Failure("Conflict", "is the same cluster as acme/a");
    const world = deletedWorld({ kind: "failing", failure, isTwin: true });
    world.now += 1e9;
    await world.pass();
    expect(world).toMatchObject({ finished: false, told: ["Conflict: layer one: is the same cluster as acme/a"] });
    expect(world.interest?.waiting).toBe(true);
  });

  it("knows after a silence in the midst of a removal what may still be there", async () => {
    const world = deletedWorld({ kind: "failing", failure: away });
    world.deployment.status = { layers: [{ name: "one", state: "Removing" }] };
    await world.pass();
    world.now += 3_600_000;
    world.facts = { cluster: awaySince(DELETED) };
    await world.pass();
    expect(world.told).toEqual([
      "for good: ObjectsLeft: no answer, for longer than deletionGrace: left there: layer one",
    ]);
  });

  it("says why it waits no longer for a cluster whose kubeconfig has gone", async () => {
    const world = deletedWorld({ kind: "failing", failure: away, lostAt: Date.parse(DELETED) });
    await world.pass();
    const message =
      "unreachable since 2026-11-22T12:00:00Z: no answer; what is there is left there from 2026-11-22T12:01:00Z on, for its kubeconfig Secret does not exist";
    expect(world.statuses.at(-1)?.layers).toMatchObject([{ message }]);
    expect(world).toMatchObject({ finished: false, due: [60_000] });
  });

  it("waits, where it may not look whether a cluster is gone, as long as for one that is away", async () => {
    const world = deletedWorld({ kind: "gone" });
    world.absent = new Failure("Forbidden", "may not read Secret edge");
    await world.pass();
    expect(world).toMatchObject({ finished: false, told: [], due: [3_600_000] });
    world.now += 3_600_000;
    world.facts = { cluster: awaySince(DELETED) };
    await world.pass();
    expect(world.told).toEqual([
      "for good: ObjectsLeft: may not read Secret edge, for longer than deletionGrace: left there: layer one (2 objects)",
    ]);
  });

  it("waits for the hub, however long it is away", async () => {
    const world = deletedWorld();
    world.target = { kind: "failing", failure: away };
    world.now += 1e9;
    await world.pass();
    expect(world).toMatchObject({ finished: false, steps: [], told: [expect.stringMatching(/: no answer$/)] });
  });

  it("takes back what makes a cluster, whose TargetCluster no watch tells of, only when a live look finds none either", async () => {
    const world = new World();
    world.deployment.metadata.deletionTimestamp = DELETED;
    world.facts = { side: "Management", matched: false };
    await world.pass();
    expect(world).toMatchObject({ finished: false, steps: [], due: [1_000] });
    world.absent = "TargetCluster acme/edge does not exist";
    await world.pass();
    expect(world).toMatchObject({ finished: false, steps: ["Prepare"] });
  });

  it("waits, when it was deleted by hand while the brake holds, until that lets go", async () => {
    const world = new World();
    world.deployment.metadata.deletionTimestamp = DELETED;
    Object.assign(world.profile.spec, { unmatchPolicy: "Delete" });
    const conditions = [{ type: "Stalled", reason: "MassUnmatch", lastTransitionTime: DELETED }];
    Object.assign(world.profile, { status: { conditions } });
    world.facts = { matched: false };
    await world.pass();
    expect(world).toMatchObject({ finished: false, steps: [], due: [] });
    Object.assign(world.profile, { status: {} });
    await world.pass();
    expect(world).toMatchObject({ finished: false, steps: ["Prepare"] });
  });

  it("touches nothing on a cluster that the profile goes to no more", async () => {
    const world = new World();
    world.facts = { matched: false };
    await world.pass();
    expect(world).toMatchObject({ finished: false, steps: [], statuses: [] });
  });

  it.each<[what: string, change: (world: World) => void]>([
    ["the profile goes to the cluster no more", (world) => Object.assign(world.facts, { matched: false })],
    ["the profile is being deleted", ({ profile }) => Object.assign(profile.metadata, { deletionTimestamp: DELETED })],
  ])("claims nothing there any more once %s", async (_, change) => {
    const world = new World();
    world.answer = () => PREPARED;
    await world.pass();
    expect(world.interest).toMatchObject({ moving: true });
    change(world);
    await world.pass();
    expect(world.interest).toMatchObject({ claims: new Map(), isJudged: true, moving: false, generation: 1 });
  });

  it("looks once more whether its namespace goes before it leaves its objects there", async () => {
    const world = new World();
    world.deployment.metadata.deletionTimestamp = DELETED;
    world.tenantGoing = true;
    await world.pass();
    expect(world).toMatchObject({ finished: false, steps: [], due: [1_000] });
    world.facts = { isTenantGoing: true };
    await world.pass();
    expect(world).toMatchObject({ finished: false, steps: ["Prepare"] });
  });

  it.each([
    { where: "local", finished: true },
    { where: "edge", finished: false },
  ])("ends when its rights have gone with its namespace, on $where: $finished", async ({ where, finished }) => {
    const forbidden = new Failure("Forbidden", "may not delete");
    const world = deletedWorld();
    Object.assign(world.deployment.spec, { clusterRef: { name: where } });
    world.answer = () => ({
      ...PREPARED,
      parent: { ...EMPTY_PARENT, hub: "hub", layers: ["one"], places: new Set(["ConfigMap/shop"]) },
    });
    if (world.target.kind === "ready") world.target.place.view = { ...VIEW, watchState: () => forbidden };
    for (let count = 0; count < 3; count++) await world.pass();
    expect(world).toMatchObject({ finished: false });
    world.facts = { isTenantGoing: true };
    await world.pass();
    expect(world).toMatchObject({ finished });
    const left = expect.stringMatching(/^for good: ObjectsLeft: may not delete: left there: layer one$/);
    expect(world.told).toEqual(finished ? expect.arrayContaining([left]) : expect.not.arrayContaining([left]));
  });
});

/** A TargetCluster that has not answered since then. */
function awaySince(lastTransitionTime: string): NonNullable<DeploymentFacts["cluster"]> {
  const conditions = [{ type: "Ready", status: "False", reason: "Unreachable", message: "", lastTransitionTime }];
  return { metadata: { name: "edge", namespace: "acme" }, status: { conditions } } as never;
}

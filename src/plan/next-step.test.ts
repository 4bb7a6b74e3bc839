import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Failure } from "../errors.ts";
import { groupKindKey } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import { configMap, deployment, KEY, type Layer, profileOf, Simulation } from "../reconcile/testdata/simulation.ts";
import { type DeploymentView, evaluateTeardown } from "./next-step.ts";
import { REMOVAL } from "./removal.ts";
import { loadedPack } from "./testdata/packs.ts";

describe("evaluate: a profile's layers, one after the other", () => {
  it("brings every layer, in order, and then has nothing to do", () => {
    const world = new Simulation(
      profileOf([
        { name: "one", objects: [configMap("a")] },
        { name: "two", objects: [deployment("b")] },
      ]),
    );
    const view = world.run();
    expect(view.done).toBe(true);
    expect(world.applied()).toEqual(["a", "b"]);
    expect(view.layers.map(({ state }) => state)).toEqual(["Ready", "Ready"]);
  });

  it("writes the parent before the first object of a kind", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [configMap("a"), deployment("b")] }]));
    world.run();
    const kinds = world.steps.map(({ kind }) => kind);
    expect(kinds.indexOf("Reach")).toBeLessThan(kinds.indexOf("Apply"));
    expect([...world.parent.kinds].sort()).toEqual(["ConfigMap", "Deployment.apps"]);
  });

  it("does not touch the layers behind one that is never healthy", () => {
    const world = new Simulation(profileOf(["a", "b", "c"].map((name) => ({ name, objects: [deployment(name)] }))));
    world.sick.add("b");
    const view = world.run();
    expect(view.layers.map(({ state }) => state)).toEqual(["Ready", "Waiting", "Pending"]);
    expect(view.layers[2]?.message).toBe("waits for layer b");
    expect(world.names()).toEqual(["a", "b"]);
  });

  it("goes on behind a layer whose gate is Applied", () => {
    const world = new Simulation(
      profileOf([
        { name: "a", gate: "Applied", objects: [deployment("a")] },
        { name: "b", objects: [configMap("b")] },
      ]),
    );
    world.sick.add("a");
    expect(world.run().layers.map(({ state }) => state)).toEqual(["Waiting", "Ready"]);
  });

  it("leaves later layers alone when an earlier one degrades, and still repairs them", () => {
    const world = new Simulation(
      profileOf([
        { name: "a", objects: [deployment("a")] },
        { name: "b", objects: [configMap("b")] },
      ]),
    );
    world.run();
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "a") tracked.verdict = { state: "InProgress", message: "late" };
    for (const [key, { observed }] of world.live) if (observed.ref.name === "b") world.live.delete(key);
    world.steps.length = 0;
    const view = world.run();
    expect(world.applied()).toEqual(["b"]);
    expect(view.layers.map(({ state }) => state)).toEqual(["Waiting", "Ready"]);
  });

  it("writes only what changed", () => {
    const objects = (value: string) => [configMap("a", { key: value }), configMap("b")];
    const world = new Simulation(profileOf([{ name: "one", objects: objects("1") }]));
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([{ name: "one", objects: objects("2") }]);
    expect(world.run().done).toBe(true);
    expect(world.applied()).toEqual(["a"]);
  });

  it("prunes what a layer dropped right after its apply, also while it is not healthy", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [deployment("old")] }]));
    world.run();
    world.sick.add("new");
    world.profile = profileOf([{ name: "one", objects: [deployment("new")] }]);
    expect(world.run().layers[0]?.state).toBe("Waiting");
    expect(world.names()).toEqual(["new"]);
  });

  it("keeps what a layer dropped when prune is Never", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [configMap("old"), configMap("new")] }]));
    world.run();
    world.profile = profileOf([{ name: "one", prune: "Never", objects: [configMap("new")] }]);
    world.run();
    expect(world.names()).toEqual(["new", "old"]);
  });

  it("skips a layer whose when is false: it is removed in its turn, nobody waits for it, and it comes back", () => {
    const layers = (when: string) =>
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", when, objects: [configMap("b1"), configMap("b2")] },
        { name: "c", objects: [configMap("c")] },
      ]);
    const world = new Simulation(layers("false"));
    const first = world.run();
    expect(first.layers.map(({ state }) => state)).toEqual(["Ready", "Skipped", "Ready"]);
    expect(first.done).toBe(true);
    expect(world.names()).toEqual(["a", "c"]);
    world.profile = layers("true");
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["a", "b1", "b2", "c"]);
    world.profile = layers("false");
    world.attempts.clear();
    const { removals, done } = world.evaluate();
    expect(removals).toMatchObject([{ layer: "b", left: 2 }]);
    expect(done).toBe(false);
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["a", "c"]);
    expect(world.parent.layers).toEqual(["a", "c"]);
  });

  it("removes what a skipped layer left only when all others are Ready", () => {
    const layers = (when: string) =>
      profileOf([
        { name: "a", objects: [deployment("a")] },
        { name: "b", when, objects: [configMap("b")] },
      ]);
    const world = new Simulation(layers("true"));
    world.run();
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "a") tracked.verdict = { state: "InProgress", message: "late" };
    world.profile = layers("false");
    expect(world.run().layers.map(({ state }) => state)).toEqual(["Waiting", "Skipped"]);
    expect(world.names()).toEqual(["a", "b"]);
  });

  it("tells of all names that do not exist before anything is applied", () => {
    const world = new Simulation(
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", when: "variables.b", objects: [configMap("b")] },
        { name: "c", namespace: `\${{ variables.c }}`, objects: [configMap("c")] },
      ]),
    );
    const { layers, done } = world.run();
    expect(layers.map(({ state, reason, message }) => [state, reason, message])).toEqual([
      ["Pending", "WaitingForLayer", "waits for layer b: nothing new is applied until its expressions are right"],
      ["Failed", "InvalidValues", "when: variables.b is not declared in spec.variables; there is none"],
      ["Failed", "InvalidValues", "namespace: variables.c is not declared in spec.variables; there is none"],
    ]);
    expect(done).toBe(false);
    expect(world.names()).toEqual([]);
  });

  it("changes nothing while an expression is wrong, and repairs what runs", () => {
    const layers = (value: string, when: string) =>
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", objects: [configMap("b", { key: value })] },
        { name: "c", when, objects: [configMap("c")] },
      ]);
    const world = new Simulation(layers("1", "true"));
    world.run();
    world.profile = layers("2", "variables.c");
    world.live.clear();
    world.steps.length = 0;
    const view = world.run();
    expect(view.layers.map(({ state }) => state)).toEqual(["Ready", "Pending", "Failed"]);
    expect(world.applied()).toEqual(["a", "b", "c"]);
    world.profile = layers("2", "true");
    expect(world.run().done).toBe(true);
    expect(world.applied()).toEqual(["a", "b", "c", "b"]);
  });

  it("leaves what runs as it is when a requirement is not met any more", () => {
    const layers = (kubernetes: string) =>
      profileOf([
        { name: "a", requires: { kubernetes }, objects: [configMap("a")] },
        { name: "b", objects: [configMap("b")] },
      ]);
    const world = new Simulation(layers(">=1.33"));
    world.run();
    world.profile = layers(">=1.40");
    const view = world.run();
    expect(view.layers.map(({ state }) => state)).toEqual(["Blocked", "Ready"]);
    expect(view.layers[0]?.message).toBe("requires Kubernetes >=1.40; this cluster has v1.36.3");
    expect(world.names()).toEqual(["a", "b"]);
  });

  it("hands an object from one layer to another without a delete", () => {
    const world = new Simulation(
      profileOf([
        { name: "one", objects: [configMap("x"), configMap("y")] },
        { name: "two", objects: [configMap("z")] },
      ]),
    );
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([
      { name: "one", objects: [configMap("y")] },
      { name: "two", objects: [configMap("z"), configMap("x")] },
    ]);
    expect(world.run().done).toBe(true);
    expect(world.steps.some(({ kind }) => kind === "Remove")).toBe(false);
    expect(world.names()).toEqual(["x", "y", "z"]);
  });

  it("removes layers that left the list last, in reverse order", () => {
    const layers = ["a", "b", "c", "d"].map((name) => ({ name, objects: [configMap(name)] }));
    const world = new Simulation(profileOf(layers));
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([...layers.filter(({ name }) => name === "a"), { name: "e", objects: [configMap("e")] }]);
    expect(world.run().done).toBe(true);
    const order = world.steps.flatMap((step) =>
      step.kind === "Apply" ? ["apply"] : step.kind === "Remove" ? [step.layer] : [],
    );
    expect(order).toEqual(["apply", "d", "c", "b"]);
    expect(world.names()).toEqual(["a", "e"]);
  });

  it("refuses an object that stands in two layers, and keeps the first", () => {
    const world = new Simulation(
      profileOf([
        { name: "one", objects: [configMap("x")] },
        { name: "two", objects: [configMap("x"), configMap("y")] },
      ]),
    );
    const view = world.run();
    expect(view.layers[1]).toMatchObject({
      state: "Failed",
      reason: "InvalidManifest",
      message: "ConfigMap acme/x is in layer one already: keep it in one of the two",
    });
    expect(world.names()).toEqual(["x", "y"]);
  });

  const crd: KubeObject = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.example.com" },
    spec: { group: "example.com", scope: "Namespaced", names: { kind: "Thing", plural: "things" }, versions: [] },
  };
  const thing: KubeObject = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "t" } };

  it("looks for the kinds of its own CRDs before it writes the rest, which goes on while their watches start", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [thing, crd, configMap("a"), deployment("b")] }]));
    world.slow.add("Thing.example.com");
    for (let count = 0; count < 10 && world.evaluate().step.kind !== "Discover"; count++)
      world.take(world.evaluate().step);
    expect(world.names()).toEqual(["things.example.com"]);
    world.served.set("Thing.example.com", "Namespaced");
    expect(world.run().done).toBe(false);
    expect(world.names()).toEqual(["a", "b", "things.example.com"]);
    world.slow.clear();
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["a", "b", "t", "things.example.com"]);
    world.slow.add("Thing.example.com");
    expect(world.evaluate()).toMatchObject({ looking: true, step: { kind: "None" } });
  });

  it("applies a custom object when its CRD, of the same layer, is served", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [thing, crd] }]));
    for (let count = 0; count < 10 && world.evaluate().step.kind !== "Discover"; count++)
      world.take(world.evaluate().step);
    expect(world.names()).toEqual(["things.example.com"]);
    expect(world.evaluate().step).toMatchObject({ kind: "Discover", wanted: [{ kind: "Thing" }] });
    world.served.set("Thing.example.com", "Namespaced");
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["t", "things.example.com"]);
  });

  it.each([
    ["of a group that nobody knows", "example.com/v1", "Thing"],
    ["that Kubernetes no longer serves", "policy/v1beta1", "PodSecurityPolicy"],
    ["that is misspelt", "apps/v1", "Deploymnt"],
  ])("names a kind %s, and applies the rest", (_, apiVersion, kind) => {
    const world = new Simulation(
      profileOf([{ name: "one", objects: [{ apiVersion, kind, metadata: { name: "t" } }, configMap("a")] }]),
    );
    world.attempts.set("discovery", { digest: "Thing", retryAt: world.now + 1 });
    const view = world.run();
    expect(view.layers[0]).toMatchObject({ state: "Failed", reason: "KindNotFound" });
    expect(view.wakeAt).toBe(world.now + 1);
    expect(world.names()).toEqual(["a"]);
  });
});

describe("evaluateTeardown", () => {
  it("takes layers back in reverse order, each gone before the next", () => {
    const world = new Simulation(profileOf(["a", "b", "c"].map((name) => ({ name, objects: [configMap(name)] }))));
    world.run();
    world.steps.length = 0;
    expect(world.tearDown().step.kind).toBe("Forget");
    expect(world.steps.flatMap((step) => (step.kind === "Remove" ? [step.layer] : []))).toEqual(["c", "b", "a"]);
    expect(world.names()).toEqual([]);
  });

  it("watches again all that the parent names before it believes that anything is gone", () => {
    const world = new Simulation(profileOf([{ name: "a", objects: [configMap("a")] }]));
    world.run();
    world.watched.clear();
    expect(evaluateTeardown(world.seen(), { digestKey: KEY, parent: world.parent }).step.kind).toBe("Reach");
  });

  it("takes custom objects back before what may be their operator, wherever their CRD came from", () => {
    const thing = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "t" } };
    const world = new Simulation(profileOf([{ name: "a", objects: [deployment("operator"), thing, configMap("c")] }]));
    world.served.set("Thing.example.com", "Namespaced");
    world.run();
    world.steps.length = 0;
    expect(world.tearDown().step.kind).toBe("Forget");
    expect(goings(world)).toEqual(["delete t", "delete operator", "delete c"]);
  });

  it("waits for an object that is on its way out, and names the finalizer that holds it", () => {
    const world = new Simulation(profileOf([{ name: "a", objects: [configMap("a")] }]));
    world.run();
    for (const tracked of world.live.values())
      tracked.observed = { ...tracked.observed, terminating: true, finalizers: ["example.com/keep"] };
    const view = world.tearDown();
    expect(view.step.kind).toBe("None");
    expect(view.removals[0]?.message).toBe(
      "1 object left; ConfigMap acme/a is being deleted, held by finalizer example.com/keep, which its controller takes off; " +
        `if that runs no more, in that cluster: kubectl patch configmap a -n acme --type=merge -p '{"metadata":{"finalizers":null}}'`,
    );
  });

  it("releases what was adopted and what holds data instead of deleting it", () => {
    const claim: KubeObject = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" } };
    const world = new Simulation(profileOf([{ name: "a", objects: [configMap("mine"), configMap("adopted"), claim] }]));
    world.served.set("PersistentVolumeClaim", "Namespaced");
    world.run();
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "adopted") tracked.observed = { ...tracked.observed, adopted: true };
    world.steps.length = 0;
    world.tearDown();
    const how = world.steps.flatMap((step) =>
      step.kind === "Remove" ? step.items.map(({ tracked, how }) => `${tracked.observed.ref.name} ${how}`) : [],
    );
    expect(how.sort()).toEqual(["adopted release", "data release", "mine delete"]);
  });
});

const namespace = (name: string): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
const placed = (object: KubeObject, where: string): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, namespace: where },
});
/** What went and how, in the order in which it went; what went in one step stands together. */
function goings(world: Simulation): string[] {
  return world.steps.flatMap((step) =>
    step.kind === "Remove"
      ? [step.items.map(({ tracked, how }) => `${how} ${tracked.observed.ref.name}`).join(", ")]
      : [],
  );
}

describe("a layer with a pack", () => {
  const web = (version = "1.0.0"): Layer => ({
    name: "web",
    objects: [],
    pack: { registryRef: { name: "ours" }, name: "web", version },
  });
  const loaded = (name: string) => {
    const files = { "manifests/a.yaml": JSON.stringify(configMap(name)) };
    return { kind: "loaded" as const, loaded: loadedPack("web", { files }) };
  };
  const down = {
    kind: "failed" as const,
    failure: new Failure("SourceUnavailable", "no answer"),
    retryAt: Number.POSITIVE_INFINITY,
  };

  function withPack(): Simulation {
    const world = new Simulation(profileOf([{ name: "first", objects: [configMap("f")] }, web()]));
    world.fetched = loaded("a");
    world.run();
    return world;
  }

  it("is opened before anything is written, and comes in its turn", () => {
    const world = withPack();
    expect(world.steps[0]?.kind).toBe("FetchPack");
    expect(world.applied()).toEqual(["f", "a"]);
    expect(world.parent.layers).toEqual(["first", "web", "web.manifests"]);
  });

  it("keeps what it has, under its name, while another version cannot be had", () => {
    const world = withPack();
    world.profile = profileOf([{ name: "first", objects: [configMap("f"), configMap("g")] }, web("2.0.0")]);
    world.fetched = down;
    const view = world.run();
    expect(view.layers.map(({ name, state }) => [name, state])).toEqual([
      ["first", "Ready"],
      ["web", "Failed"],
    ]);
    expect(view.removals).toEqual([]);
    expect(world.names()).toEqual(["a", "f", "g"]);
    expect(world.parent.layers).toEqual(["first", "web", "web.manifests"]);
  });

  it("prunes what another version of it no longer has", () => {
    const world = withPack();
    world.profile = profileOf([{ name: "first", objects: [configMap("f")] }, web("2.0.0")]);
    world.fetched = loaded("b");
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["b", "f"]);
  });

  describe("that is not healthy", () => {
    const pack = (...objects: KubeObject[]) => {
      const files = objects.map((one) => [`manifests/${one.metadata.name}.yaml`, JSON.stringify(one)]);
      return { kind: "loaded" as const, loaded: loadedPack("web", { files: Object.fromEntries(files) }) };
    };
    const plain = (name: string, more = {}): Layer => ({ name: "web", objects: [deployment(name)], ...more });

    /** The layer as it is now becomes `next`, of which the Deployment `new` is never healthy. */
    function becomes(world: Simulation, next: Layer): DeploymentView {
      world.sick.add("new");
      world.profile = profileOf([next]);
      return world.run();
    }

    it("loses what it was before it had a pack right after its apply", () => {
      const world = new Simulation(profileOf([plain("old")]));
      world.run();
      world.fetched = pack(deployment("new"));
      expect(becomes(world, web()).layers[0]?.state).toBe("Waiting");
      expect(world.names()).toEqual(["new"]);
    });

    it("loses its parts right after the apply of what it has instead of a pack", () => {
      const world = new Simulation(profileOf([web()]));
      world.fetched = pack(deployment("old"));
      world.run();
      expect(becomes(world, plain("new")).layers[0]?.state).toBe("Waiting");
      expect(world.names()).toEqual(["new"]);
    });

    it("says what it waits for while a part is not written, and loses nothing until then", () => {
      const world = new Simulation(profileOf([plain("old")]));
      world.run();
      world.fetched = {
        kind: "loaded",
        loaded: loadedPack("web", {
          charts: ["app"],
          files: { "manifests/new.yaml": JSON.stringify(deployment("new")) },
        }),
      };
      world.sick.add("app");
      world.profile = profileOf([web()]);
      world.run();
      expect(world.names()).toEqual(["app", "old"]);
      expect(world.row("web")?.message).toBe(
        "app: Deployment acme/app: 0/1 replicas available; web, which is left of what it was, goes when all of it is written",
      );
      world.heal();
      world.sick.add("new");
      expect(world.run().layers[1]?.state).toBe("Waiting");
      expect(world.names()).toEqual(["app", "new"]);
    });

    describe("in front of a part that waits for it", () => {
      const charts = (names: string[], ...objects: KubeObject[]) => {
        const files = Object.fromEntries(
          objects.map((one) => [`manifests/${one.metadata.name}.yaml`, JSON.stringify(one)]),
        );
        return { kind: "loaded" as const, loaded: loadedPack("web", { charts: names, files }) };
      };

      /** Chart `old` has another name in the next version of the pack, and manifests come after it. */
      function renamed(...next: KubeObject[]): Simulation {
        const world = new Simulation(profileOf([web()]));
        world.fetched = charts(["old"], configMap("sign", { a: "1" }));
        expect(world.run().done).toBe(true);
        world.fetched = charts(["new"], ...next);
        becomes(world, web("2.0.0"));
        return world;
      }

      it("loses what it had if that part brings nothing new: else both would wait for ever", () => {
        const world = renamed(configMap("sign", { a: "2" }));
        expect(world.names()).toEqual(["new", "sign"]);
        expect(world.row("web.manifests")?.reason).toBe("WaitingForLayer");
      });

      it("keeps it if that part brings something: it may be what stands in its place", () => {
        const world = renamed(configMap("sign", { a: "2" }), deployment("other"));
        expect(world.names()).toEqual(["new", "old", "sign"]);
        expect(world.row("web")?.message).toMatch(
          /; web\.old, which is left of what it was, goes when all of it is written$/,
        );
        world.heal();
        expect(world.run().done).toBe(true);
        expect(world.names()).toEqual(["new", "other", "sign"]);
      });
    });

    it("keeps its parts when prune is Never", () => {
      const world = new Simulation(profileOf([web()]));
      world.fetched = pack(deployment("old"));
      world.run();
      expect(becomes(world, plain("next", { prune: "Never" })).done).toBe(true);
      expect(world.names()).toEqual(["next", "old"]);
      expect(world.parent.layers).toEqual(["web", "web.manifests"]);
    });

    describe("before a layer that waits for an output of the new", () => {
      const outputs = (name: string) => [
        { name: "key", object: { apiVersion: "v1", kind: "ConfigMap", name }, value: "self.data.key" },
      ];
      const behind = (name: string) => ({
        name: "b",
        namespace: `ns-\${{ layers.web.outputs.key }}`,
        objects: [configMap(name)],
      });

      /** Layer `web` was manifests and becomes a pack, which gives its output under another name, once it is healthy. */
      function waitingFor(before: Layer, after: Layer): Simulation {
        const world = new Simulation(profileOf([{ ...plain("old"), outputs: outputs("s1") }, before]));
        world.named = ({ name }) => (name === "s1" ? configMap("s1", { key: "x" }) : "absent");
        expect(world.run().done).toBe(true);
        world.fetched = pack(deployment("new"));
        world.sick.add("new");
        world.profile = profileOf([{ ...web(), outputs: outputs("s2") }, after]);
        world.run();
        return world;
      }

      it("goes if that layer is as it was: it wants what it has", () => {
        expect(waitingFor(behind("b"), behind("b")).names()).toEqual(["b", "new"]);
      });

      it("stays if that layer has changed as well, and says so", () => {
        const world = waitingFor(behind("b"), behind("b2"));
        expect(world.names()).toEqual(["b", "new", "old"]);
        expect(world.row("web")?.message).toMatch(
          /; web, which is left of what it was, goes when it is known what layer b wants of it$/,
        );
      });

      it("stays if nobody remembers how that layer was", () => {
        const world = new Simulation(profileOf([{ ...plain("old"), outputs: outputs("s1") }, behind("b")]));
        world.named = ({ name }) => (name === "s1" ? configMap("s1", { key: "x" }) : "absent");
        world.run();
        world.restart();
        world.fetched = pack(deployment("new"));
        world.sick.add("new");
        world.profile = profileOf([{ ...web(), outputs: outputs("s2") }, behind("b")]);
        world.run();
        expect(world.names()).toEqual(["b", "new", "old"]);
      });
    });

    it("comes back to nothing whose time has passed while it may not go", () => {
      const world = new Simulation(profileOf([plain("old")]));
      world.run();
      const [key = ""] = world.live.keys();
      const failure = new Failure("Forbidden", "no");
      world.attempts.set(key, { digest: REMOVAL, failure, attempts: 1, retryAt: world.now - 5_000 });
      world.fetched = pack(deployment("new"));
      world.sick.add("new");
      const profile = profileOf([web(), { name: "late", objects: [configMap("x")] }]);
      const [, late] = profile.spec.layers;
      if (late) late.manifests = [{ configMapRef: { name: "gone" } }];
      world.profile = profile;
      const view = world.run();
      expect(view.step.kind).toBe("None");
      expect(view.wakeAt).toBeGreaterThan(world.now);
    });

    it("loses nothing while another layer may want it", () => {
      const world = new Simulation(profileOf([plain("old")]));
      world.run();
      world.fetched = pack(deployment("new"));
      world.sick.add("new");
      const profile = profileOf([web(), { name: "late", objects: [configMap("x")] }]);
      const [, late] = profile.spec.layers;
      if (late) late.manifests = [{ configMapRef: { name: "gone" } }];
      world.profile = profile;
      world.run();
      expect(world.names()).toEqual(["new", "old"]);
      world.profile = profileOf([web(), { name: "late", objects: [deployment("old")] }]);
      world.run();
      expect(world.names()).toEqual(["new", "old"]);
      world.sick.clear();
      for (const tracked of world.live.values()) tracked.verdict = { state: "Current", message: "" };
      expect(world.run().done).toBe(true);
      expect(goings(world)).toEqual([]);
    });
  });

  it("that has nothing but values now loses all that it had", () => {
    const world = withPack();
    world.profile = profileOf([{ name: "first", objects: [configMap("f")] }, web("2.0.0")]);
    world.profile.spec.allowMassPrune = true;
    world.fetched = { kind: "loaded", loaded: loadedPack("web") };
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["f"]);
    expect(world.parent.layers).toEqual(["first", "web"]);
  });

  it("takes over what the layer had as manifests, of which the rest goes, and gives it back", () => {
    const plain = { name: "web", objects: [configMap("a"), configMap("old")] };
    const world = new Simulation(profileOf([plain]));
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([web()]);
    world.fetched = loaded("a");
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual(["delete old"]);
    expect(world.parent.layers).toEqual(["web", "web.manifests"]);
    world.steps.length = 0;
    world.profile = profileOf([{ ...plain, objects: [configMap("a")] }]);
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual([]);
    expect(world.names()).toEqual(["a"]);
    expect(world.parent.layers).toEqual(["web"]);
  });

  it("keeps a part that another version of it no longer has when prune is Never", () => {
    const world = withPack();
    world.parent = { ...world.parent, layers: [...world.parent.layers, "web.gone"] };
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "a") tracked.observed = { ...tracked.observed, layer: "web.gone" };
    world.profile = profileOf([
      { name: "first", objects: [configMap("f")] },
      { ...web("2.0.0"), prune: "Never" },
    ]);
    world.fetched = loaded("b");
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["a", "b", "f"]);
    world.profile = profileOf([{ name: "first", objects: [configMap("f")] }, web("2.0.0")]);
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["b", "f"]);
  });

  it("goes with all its parts, and with what is stored of it", () => {
    const world = withPack();
    world.profile = profileOf([{ name: "first", objects: [configMap("f")] }]);
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["f"]);
    const narrow = world.steps.findLast((step) => step.kind === "Narrow");
    expect(narrow).toMatchObject({ gone: ["web", "web.manifests"] });
    expect(world.parent.layers).toEqual(["first"]);
  });
});

describe("what others live in", () => {
  const home = { name: "home", objects: [namespace("shop")] };
  const app = { name: "app", objects: [placed(configMap("a"), "shop")] };
  const other = { name: "other", objects: [configMap("b")] };

  it("releases a Namespace that left the profile while another layer's objects are in it", () => {
    const world = new Simulation(profileOf([home, app]));
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([app]);
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual(["release shop"]);
    expect(world.names()).toEqual(["a"]);
  });

  it("prunes a Namespace after what was dropped with it, also of another layer", () => {
    const world = new Simulation(
      profileOf([
        { name: "home", objects: [namespace("shop"), configMap("x")] },
        { name: "app", objects: [...app.objects, configMap("y")] },
      ]),
    );
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([
      { name: "home", objects: [configMap("x")] },
      { name: "app", objects: [configMap("y")] },
    ]);
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual(["delete a", "delete shop"]);
  });

  it("prunes what the list dropped only after others had time to say that they want it", () => {
    const world = new Simulation(profileOf([{ name: "a", objects: [configMap("stays"), configMap("goes")] }]));
    world.run();
    world.profile = profileOf([{ name: "a", objects: [configMap("stays")] }]);
    world.pruneAt = world.now + 5_000;
    world.run();
    expect([...world.live.keys()]).toHaveLength(2);
    expect(world.evaluate()).toMatchObject({ done: false, wakeAt: world.pruneAt, layers: [{ state: "Ready" }] });
    world.pruneAt = undefined;
    world.run();
    expect([...world.live.keys()]).toHaveLength(1);
  });

  it("prunes waves backwards: data is released before the Namespace around it goes", () => {
    const claim = placed({ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" } }, "shop");
    const world = new Simulation(
      profileOf([
        { name: "one", objects: [namespace("shop"), claim, placed(deployment("web"), "shop"), configMap("x")] },
      ]),
    );
    world.served.set("PersistentVolumeClaim", "Namespaced");
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([{ name: "one", objects: [configMap("x")] }]);
    world.run();
    expect(goings(world)).toEqual(["delete web", "release data", "delete shop"]);
  });

  it.each([
    ["before", [home, app, other]],
    ["after", [app, home, other]],
  ])("takes a Namespace back after the objects in it, when its layer stands %s theirs", (_where, layers) => {
    const world = new Simulation(profileOf(layers));
    world.run();
    world.steps.length = 0;
    expect(world.tearDown().step.kind).toBe("Forget");
    expect(goings(world)).toEqual(["delete b", "delete a", "delete shop"]);
  });

  it("does not delete a CRD under the custom objects of a layer that stays", () => {
    const crd: KubeObject = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.com" },
      spec: { group: "example.com", scope: "Namespaced", names: { kind: "Thing", plural: "things" }, versions: [] },
    };
    const things = {
      name: "things",
      objects: [{ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "t" } }],
    };
    const world = new Simulation(profileOf([{ name: "crds", objects: [crd] }, things]));
    world.served.set("Thing.example.com", "Namespaced");
    world.crds.set("Thing.example.com", "apiextensions.k8s.io/CustomResourceDefinition//things.example.com");
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([things]);
    world.run();
    expect(goings(world)).toEqual(["release things.example.com"]);
    expect(world.names()).toEqual(["t"]);
  });
});

describe("a layer that waits for an output that it had", () => {
  const outputs = [{ name: "key", object: { apiVersion: "v1", kind: "ConfigMap", name: "s" }, value: "self.data.key" }];
  const layers = (objects: KubeObject[]): Layer[] => [
    { name: "a", outputs, objects: [configMap("a")] },
    { name: "b", namespace: `ns-\${{ layers.a.outputs.key }}`, objects },
    { name: "c", objects: [configMap("c")] },
  ];
  const source = configMap("s", { key: "x" });

  /** Ready, and then without the output. */
  function waiting(objects = [configMap("b"), configMap("b2")], more = {}): Simulation {
    const world = new Simulation(
      profileOf(layers(objects).map((one) => (one.name === "b" ? { ...one, ...more } : one))),
    );
    world.named = source;
    expect(world.run().done).toBe(true);
    world.named = "absent";
    world.steps.length = 0;
    return world;
  }
  it("is mended as it was Ready last, and says what it waits for", () => {
    const world = waiting();
    expect(world.run().layers[1]).toMatchObject({ state: "Pending", reason: "WaitingForOutput" });
    expect(world.steps).toEqual([]);
    world.lose("b");
    expect(world.evaluate().layers[1]?.message).toMatch(
      /^waits for output key .*; ConfigMap ns-x\/b changed or deleted/,
    );
    expect(world.run().layers[1]).toMatchObject({ state: "Pending", reason: "WaitingForOutput" });
    expect(world.applied()).toEqual(["b"]);
    expect(world.names()).toEqual(["a", "b", "b2", "c"]);
  });

  it("leaves to another layer what that one has by now", () => {
    const world = waiting();
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "b") tracked.observed = { ...tracked.observed, layer: "c" };
    world.run();
    expect(world.applied()).not.toContain("b");
  });

  it("leaves alone what the watches do not cover, and mends the rest", () => {
    const world = waiting([configMap("b"), deployment("d")]);
    world.refused.add("Deployment.apps");
    world.lose("b");
    world.lose("d");
    world.run();
    expect(world.applied()).toEqual(["b"]);
  });

  it("gets its kinds again whose CRD somebody deleted", () => {
    const crd: KubeObject = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.com" },
      spec: { group: "example.com", scope: "Namespaced", names: { kind: "Thing", plural: "things" }, versions: [] },
    };
    const thing = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "t" } };
    const world = new Simulation(profileOf(layers([crd, thing])));
    world.served.set("Thing.example.com", "Namespaced");
    world.named = source;
    expect(world.run().done).toBe(true);
    world.named = "absent";
    world.steps.length = 0;
    world.lose("things.example.com");
    world.lose("t");
    world.served.delete("Thing.example.com");
    world.run();
    expect(world.applied()).toEqual(["things.example.com"]);
    expect(world.steps.at(-1)?.kind).toBe("Discover");
    world.served.set("Thing.example.com", "Namespaced");
    world.run();
    expect(world.applied()).toEqual(["things.example.com", "t"]);
  });
});

describe("a suspended layer", () => {
  const one = (value: string) => ({ name: "one", objects: [configMap("a", { key: value }), configMap("b")] });
  const two = { name: "two", objects: [configMap("c")] };

  /** Of a world where both layers are Ready. */
  function settled(layers: Layer[] = [one("1"), two]): Simulation {
    const world = new Simulation(profileOf(layers));
    world.run();
    world.steps.length = 0;
    return world;
  }

  function lose(world: Simulation, name: string): void {
    for (const [key, { observed }] of world.live) if (observed.ref.name === name) world.live.delete(key);
  }

  it("is not rendered, written, repaired or pruned, and Ready stays as it was", () => {
    const world = settled();
    lose(world, "b");
    world.profile = profileOf([{ name: "one", suspend: true, objects: [configMap("a", { key: "2" })] }, two]);
    const view = world.run();
    expect(view.layers.map(({ state, stateBefore, gateOpen }) => [state, stateBefore, gateOpen])).toEqual([
      ["Suspended", "Ready", true],
      ["Ready", undefined, true],
    ]);
    expect(view.done).toBe(true);
    expect(world.steps).toEqual([]);
    expect(world.run().layers[0]?.stateBefore).toBe("Ready");
  });

  it("is brought to what it should be when it is resumed, with the applies that this needs", () => {
    const world = settled();
    world.profile = profileOf([{ ...one("2"), suspend: true }, two]);
    world.run();
    lose(world, "b");
    world.profile = profileOf([one("1"), two]);
    expect(world.run().done).toBe(true);
    expect(world.applied()).toEqual(["b"]);
  });

  it("holds back what comes after it if its gate was not open, and says so", () => {
    const world = new Simulation(profileOf([{ ...one("1"), suspend: true }, two]));
    const view = world.run();
    expect(view.layers.map(({ state, message }) => [state, message])).toEqual([
      ["Suspended", "suspended"],
      ["Pending", "waits for layer one, which is suspended"],
    ]);
    expect(view.done).toBe(false);
    expect(world.names()).toEqual([]);
  });

  it("keeps what it has while its `when` is false, and while it is wrong, which holds nobody", () => {
    const world = settled();
    for (const wrong of [
      { when: "false" },
      { outputs: [{ name: "x", object: { apiVersion: "v1", kind: "ConfigMap", name: "a" }, value: "self." }] },
    ]) {
      world.profile = profileOf([
        { ...one("1"), ...wrong, suspend: true },
        { ...two, objects: [configMap("d")] },
      ]);
      expect(world.run().layers.map(({ state }) => state)).toEqual(["Suspended", "Ready"]);
      expect(world.names()).toEqual(["a", "b", "d"]);
    }
  });

  it("loses nothing that another layer drops, while it may want that", () => {
    const world = settled();
    const moved = { ...one("1"), objects: [configMap("a", { key: "1" }), configMap("b"), configMap("c")] };
    world.profile = profileOf([
      { ...moved, suspend: true },
      { ...two, objects: [configMap("d")] },
    ]);
    world.run();
    expect(world.names()).toEqual(["a", "b", "c", "d"]);
    world.profile = profileOf([moved, { ...two, objects: [configMap("d")] }]);
    world.run();
    expect(world.steps.filter(({ kind }) => kind === "Remove")).toEqual([]);
  });

  it("lets others drop what they want as long as it has not changed, in a fresh process too", () => {
    const world = settled();
    world.contents.clear();
    world.profile = profileOf([
      { ...one("1"), suspend: true },
      { ...two, objects: [configMap("d")] },
    ]);
    expect(world.run().done).toBe(true);
    expect(world.names()).toEqual(["a", "b", "d"]);
    expect(world.steps.filter(({ kind }) => kind === "Narrow" || kind === "LeaveNamespace")).toEqual([]);
  });

  it("goes all the same when it leaves the list, and in a teardown", () => {
    const world = settled([{ ...one("1") }, two, { name: "three", objects: [configMap("x")] }]);
    const suspended = [
      { ...one("1"), suspend: true },
      { ...two, suspend: true },
    ];
    world.profile = profileOf(suspended);
    world.run();
    expect(world.names()).toEqual(["a", "b", "c"]);
    world.tearDown();
    expect(world.names()).toEqual([]);
  });

  it("with a pack is read only for packs that are not suspended, and keeps parts that it would not have", () => {
    const pack = (version: string) => ({ registryRef: { name: "ours" }, name: "app", version });
    const manifests = (name: string) => ({ [`manifests/${name}.yaml`]: JSON.stringify(configMap(name)) });
    const layer = (name: string, fields: object) => ({ name, objects: [], pack: pack("1.0.0"), ...fields });
    const world = new Simulation(profileOf([layer("app", {})]));
    world.fetched = { kind: "loaded", loaded: loadedPack("app", { files: manifests("m") }) };
    world.run();
    expect(world.names()).toEqual(["m"]);
    world.packs.clear();
    world.steps.length = 0;
    world.profile = profileOf([layer("app", { suspend: true, pack: pack("2.0.0") })]);
    world.run();
    expect(world.steps).toEqual([]);
    world.profile = profileOf([layer("app", { suspend: true, pack: pack("2.0.0") }), layer("other", {})]);
    world.run();
    expect(world.steps.map(({ kind }) => kind)).toContain("FetchPack");
    expect(world.applied()).toEqual([]);
    expect(world.names()).toEqual(["m"]);
  });
});

describe("an object that says of itself", () => {
  const marked = (what: string) => ({
    ...configMap("a", { key: "1" }),
    metadata: { name: "a", annotations: { [`strata.dev/${what}`]: "Disabled" } },
  });

  it("that it is not to be pruned is given back when its layer drops it, and in a teardown", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [marked("prune"), configMap("b")] }]));
    world.run();
    world.profile = profileOf([{ name: "one", objects: [configMap("b")] }]);
    world.run();
    const released = world.steps.flatMap((step) => (step.kind === "Remove" ? step.items : []));
    expect(released.map(({ how, tracked }) => [how, tracked.observed.ref.name])).toEqual([["release", "a"]]);
  });

  it("that it is to be left as it is is written once and then never, and the layer warns of it", () => {
    const objects = (value: string) => [
      { ...marked("reconcile"), data: { key: value } },
      configMap("b", { key: value }),
    ];
    const world = new Simulation(profileOf([{ name: "one", objects: objects("1") }]));
    expect(world.run().layers[0]?.warnings).toEqual([
      "ConfigMap acme/a is left as it is, as it says strata.dev/reconcile: Disabled",
    ]);
    world.steps.length = 0;
    world.profile = profileOf([{ name: "one", objects: objects("2") }]);
    const view = world.run();
    expect(world.applied()).toEqual(["b"]);
    expect(view.done).toBe(true);
    expect(view.layers[0]?.warnings).toEqual([
      "ConfigMap acme/a is left as it is, as it says strata.dev/reconcile: Disabled; the layer wants it otherwise by now",
    ]);
  });

  it("nothing more, and is being deleted to be created again, is not written before it is gone", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [configMap("a", { key: "1" })] }]));
    world.run();
    world.steps.length = 0;
    world.profile = profileOf([{ name: "one", objects: [configMap("a", { key: "2" })] }]);
    for (const [key, { observed }] of world.live) world.attempts.set(key, { digest: REMOVAL, removed: observed.uid });
    const view = world.run();
    expect(world.applied()).toEqual([]);
    expect(view.layers[0]?.state).toBe("Applying");
    world.live.clear();
    world.run();
    expect(world.applied()).toEqual(["a"]);
  });
});

describe("an object that somebody deletes and a finalizer holds", () => {
  const held =
    "ConfigMap acme/a is being deleted, held by finalizer example.com/keep, which its controller takes off; " +
    `if that runs no more, in that cluster: kubectl patch configmap a -n acme --type=merge -p '{"metadata":{"finalizers":null}}'; ` +
    "it is created again when it is gone";
  const deleting = (world: Simulation) => {
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "a")
        tracked.observed = { ...tracked.observed, terminating: true, finalizers: ["example.com/keep"] };
  };
  const both = (value: string) => profileOf([{ name: "one", objects: [configMap("a", { value }), configMap("b")] }]);

  it.each([
    ["of a layer that is installed", "1", { state: "Drifted", message: held }],
    ["of a layer that is being changed", "2", { state: "Applying", message: `1 of 2 objects applied; ${held}` }],
  ])("%s: the layer names it and the command that lets it go", (_what, value, told) => {
    const world = new Simulation(both("1"));
    world.run();
    deleting(world);
    world.profile = both(value);
    expect(world.run().layers[0]).toMatchObject(told);
  });

  it("is told beside what is repaired meanwhile", () => {
    const world = new Simulation(both("1"));
    world.run();
    deleting(world);
    world.lose("b");
    expect(world.evaluate().layers[0]?.message).toBe(
      `ConfigMap acme/b changed or deleted by somebody: repairing; ${held}`,
    );
  });
});

describe("while a layer before it is late", () => {
  const withTwo = (one: string, two: string) =>
    profileOf([
      { name: "one", objects: [deployment("late"), configMap("x", { value: one })] },
      { name: "two", objects: [configMap("b", { value: two })] },
    ]);

  /** Layer one has changed and is not Ready; Strata was down, and somebody deleted what layer two brought. */
  function afterRestart(two: string): Simulation {
    const world = new Simulation(withTwo("1", "1"));
    world.run();
    world.sick.add("late");
    world.live.clear();
    world.profile = withTwo("2", "1");
    world.run();
    world.restart();
    world.lose("b");
    world.profile = withTwo("2", two);
    world.steps.length = 0;
    world.run();
    return world;
  }

  it("what is installed is repaired, also by a process that has just begun", () => {
    const world = afterRestart("1");
    expect(world.applied()).toContain("b");
    expect(world.row("two")).toMatchObject({ state: "Ready", gate: "Open" });
  });

  it("what has changed meanwhile is not even read", () => {
    const world = afterRestart("2");
    expect(world.applied()).not.toContain("b");
    expect(world.row("two")).toMatchObject({ state: "Pending", message: "waits for layer one" });
    expect(world.steps.flatMap((step) => (step.kind === "Render" ? [step.layer.spec.name] : []))).toEqual(["one"]);
  });
});

describe("what could be lost or forgotten", () => {
  it("prunes nothing while a layer that might want it cannot be rendered", () => {
    const layers = (first: KubeObject[], last: object) => [
      { name: "one", objects: first },
      { name: "two", objects: [configMap("y")], ...last },
    ];
    const world = new Simulation(profileOf(layers([configMap("x"), configMap("moving")], {})));
    world.run();
    const profile = profileOf(layers([configMap("x")], {}));
    const [, two] = profile.spec.layers;
    if (two) two.manifests = [{ configMapRef: { name: "gone" } }];
    world.profile = profile;
    const view = world.run();
    expect(view.layers[1]).toMatchObject({ state: "Blocked", reason: "ReferenceNotFound" });
    expect(world.names()).toContain("moving");
    world.profile = profileOf(layers([configMap("x")], { objects: [configMap("y"), configMap("moving")] }));
    world.steps.length = 0;
    expect(world.run().done).toBe(true);
    expect(goings(world)).toEqual([]);
  });

  it("says when a dropped object cannot be removed, and comes back to it", () => {
    const world = new Simulation(profileOf([{ name: "one", objects: [configMap("old"), configMap("new")] }]));
    world.run();
    const [key = ""] = [...world.live].find(([, { observed }]) => observed.ref.name === "old") ?? [];
    world.attempts.set(key, { digest: REMOVAL, failure: new Failure("Forbidden", "no old"), retryAt: world.now + 7 });
    world.profile = profileOf([{ name: "one", objects: [configMap("new")] }]);
    const view = world.run();
    expect(view.layers[0]).toMatchObject({ state: "Failed", reason: "Forbidden", message: "no old" });
    expect(view).toMatchObject({ done: false, wakeAt: world.now + 7 });
  });

  it("takes back what somebody took the layer's mark off", () => {
    const world = new Simulation(profileOf(["a", "b"].map((name) => ({ name, objects: [configMap(name)] }))));
    world.run();
    for (const tracked of world.live.values())
      if (tracked.observed.ref.name === "a") tracked.observed = { ...tracked.observed, layer: undefined };
    expect(world.tearDown().step.kind).toBe("Forget");
    expect(world.names()).toEqual([]);
  });

  it("is not done before it knows what layers that left the list still have", () => {
    const world = new Simulation(
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", objects: [deployment("b")] },
      ]),
    );
    world.run();
    world.profile = profileOf([{ name: "a", objects: [configMap("a")] }]);
    const hidden = [...world.live].filter(([, { observed }]) => observed.ref.name === "b");
    for (const [key] of hidden) world.live.delete(key);
    world.watched.delete("Deployment.apps");
    world.contents.clear();
    let view = world.evaluate();
    for (; view.step.kind === "Render"; view = world.evaluate()) world.take(view.step);
    expect(view.layers[0]?.state).toBe("Ready");
    expect(view).toMatchObject({ step: { kind: "Reach" }, done: false });
  });

  it("looks only where members may be: not for each kind in each namespace", () => {
    const world = new Simulation(
      profileOf([{ name: "a", objects: [placed(configMap("a"), "one"), placed(deployment("b"), "two")] }]),
    );
    world.run();
    world.watched.clear();
    const { step } = evaluateTeardown(world.seen(), { digestKey: KEY, parent: world.parent });
    const watches = step.kind === "Reach" ? step.watches : [];
    expect(watches.map(({ kind, namespace }) => `${groupKindKey(kind)}/${namespace}`)).toEqual([
      "ConfigMap/one",
      "Deployment.apps/two",
    ]);
  });

  it("keeps in mind where it may not look any more, and does not call a layer gone that may be there", () => {
    const world = new Simulation(
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", objects: [deployment("b")] },
      ]),
    );
    world.run();
    world.live.delete([...world.live.keys()].find((key) => key.endsWith("/b")) ?? "");
    world.refused.add("Deployment.apps");
    world.profile = profileOf([{ name: "a", objects: [configMap("a")] }]);
    const view = world.run();
    expect(view).toMatchObject({ done: false, step: { kind: "None" }, blocked: { reason: "Forbidden" } });
    expect([...world.parent.kinds].sort()).toEqual(["ConfigMap", "Deployment.apps"]);
  });

  it.each<[string, (world: Simulation) => DeploymentView, DeploymentView["step"]["kind"]]>([
    ["goes as a whole", (world) => world.tearDown(), "Forget"],
    [
      "drops its layer",
      (world) => {
        world.profile = profileOf([{ name: "a", objects: [configMap("a")] }]);
        return world.run();
      },
      "None",
    ],
  ])("waits for an API that does not answer while the profile %s, and asks by itself whether it does", (_, go, end) => {
    const world = new Simulation(
      profileOf([
        { name: "a", objects: [configMap("a")] },
        { name: "b", objects: [deployment("b")] },
      ]),
    );
    world.run();
    const [unseen, tracked] = [...world.live].find(([key]) => key.endsWith("/b")) ?? [];
    if (!unseen || !tracked) throw new Error("no Deployment");
    world.live.delete(unseen);
    world.restart();
    world.refused.add("Deployment.apps");
    world.served.delete("Deployment.apps");
    world.steps.length = 0;
    const view = go(world);
    expect(view).toMatchObject({
      done: false,
      looking: false,
      step: { kind: "None" },
      blocked: { reason: "Forbidden" },
    });
    expect(view.wakeAt).toBe(world.now + 1_000);
    expect(world.steps.filter(({ kind }) => kind === "Discover")).toHaveLength(1);
    expect(world.steps.some(({ kind }) => ["Remove", "Narrow", "LeaveNamespace"].includes(kind))).toBe(false);

    world.refused.clear();
    world.served.set("Deployment.apps", "Namespaced");
    world.live.set(unseen, tracked);
    world.now += 1_000;
    expect(go(world).step.kind).toBe(end);
    expect(world.live.has(unseen)).toBe(false);
  });

  it("waits with an object that somebody undoes each time, and says so", () => {
    const world = new Simulation(profileOf([{ name: "a", objects: [configMap("a")] }]));
    world.run();
    for (const [key, attempt] of world.attempts) world.attempts.set(key, { ...attempt, retryAt: world.now + 9 });
    world.live.clear();
    const view = world.run();
    expect(view.layers[0]).toMatchObject({ state: "Drifted", reason: "DriftFight" });
    expect(view.wakeAt).toBe(world.now + 9);
  });
});

describe("whatever the list was and becomes", () => {
  const names = ["a", "b", "c", "d", "e"];
  const layers = fc
    .uniqueArray(fc.constantFrom("l1", "l2", "l3", "l4"), { minLength: 1 })
    .chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(names, { minLength: list.length }),
        fc.array(fc.nat(9), { minLength: 5, maxLength: 5 }),
      ),
    )
    .map(([list, objects, values]) =>
      list.map((name, index) => ({
        name,
        objects: objects
          .filter((_, position) => position % list.length === index)
          .map((object, position) => configMap(object, { v: String(values[position]) })),
      })),
    );

  it("ends with exactly the objects of the last list, and a teardown leaves none", () => {
    fc.assert(
      fc.property(layers, layers, (before, after) => {
        const world = new Simulation(profileOf(before));
        expect(world.run().done).toBe(true);
        world.profile = profileOf(after);
        expect(world.run().done).toBe(true);
        expect(world.names()).toEqual(
          after.flatMap(({ objects }) => objects.map(({ metadata }) => metadata.name ?? "")).sort(),
        );
        expect(world.evaluate().step.kind).toBe("None");
        world.tearDown();
        expect(world.names()).toEqual([]);
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});

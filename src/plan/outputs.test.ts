/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of this file */
import { describe, expect, it } from "vitest";
import { parseProfile, parseTargetCluster } from "../api/parse.ts";
import type { DeploymentLayerStatus } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { applySetOf, EMPTY_PARENT } from "../membership/applyset.ts";
import type { KubeObject } from "../objects/types.ts";
import { buildPlan } from "./build-plan.ts";
import type { Answer, NamedRef, Seen } from "./seen.ts";
import type { ContentState, Plan } from "./types.ts";

const API = "strata.dev/v1alpha1";
const SCOPES: Readonly<Record<string, "Namespaced" | "Cluster">> = {
  Service: "Namespaced",
  Secret: "Namespaced",
  ConfigMap: "Namespaced",
  Node: "Cluster",
  Database: "Namespaced",
};

interface Given {
  /** Fields of the layer `app`, which stands behind `web`. */
  app?: object;
  /** Fields of the layer `web`, which has the outputs. */
  web?: object;
  outputs?: object[];
  /** What is in the cluster, by `Kind namespace/name`. */
  live?: Record<string, KubeObject | "unknown" | Failure>;
  overrides?: object[];
  kubernetesVersion?: string;
  /** As they were told last. */
  rows?: object[];
  /** What the process remembers of conditions. */
  answers?: Record<string, Answer>;
  absentSince?: Record<string, number>;
  now?: number;
  more?: object[];
}

const service = { apiVersion: "v1", kind: "Service", name: "web" };
const host = { name: "host", object: service, value: "self.status.loadBalancer.ingress[0].ip" };
const password = {
  name: "password",
  object: { apiVersion: "v1", kind: "Secret", name: "login" },
  value: "self.data.password",
};

const address = (ip?: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "web" },
  status: ip === undefined ? { loadBalancer: {} } : { loadBalancer: { ingress: [{ ip }] } },
});
const secret = (data: Record<string, string>): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "login", namespace: "web" },
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
});

const chart = { repo: "https://charts.example.com", chart: "app", version: "1.0.0" };
const NEEDS = (output: string) => ({ values: { it: `\${{ layers.web.outputs.${output} }}` } });

function planOf({
  app,
  web,
  outputs = [host],
  live = {},
  overrides,
  kubernetesVersion,
  more = [],
  rows = [],
  answers = {},
  absentSince = {},
  now,
}: Given): Plan {
  const spec = {
    clusterRefs: [{ name: "edge" }],
    namespace: "web",
    layers: [
      {
        name: "web",
        ...(web && "helm" in web ? {} : { manifests: [{ inline: "{}" }] }),
        ...(outputs.length > 0 ? { outputs } : {}),
        ...web,
      },
      { name: "app", helm: chart, ...app },
      ...more,
    ],
  };
  const parsed = parseProfile({ apiVersion: API, kind: "AddOnProfile", metadata: { name: "p", namespace: "a" }, spec });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const target = parseTargetCluster({
    apiVersion: API,
    kind: "TargetCluster",
    metadata: { name: "edge", namespace: "a", labels: { gpu: "yes" } },
    spec: { connection: { kubeconfigSecretRef: { name: "k" } }, ...(overrides ? { overrides } : {}) },
  });
  if (!target.ok) throw new Error(target.problems.join());
  const prepared = { digestKey: new Uint8Array(32), parent: { ...EMPTY_PARENT, hub: "hub" } };
  const known = (kind: { kind: string }) => SCOPES[kind.kind];
  const seen = {
    now: now ?? 0,
    profile: parsed.value,
    cluster: { name: "edge", target: target.value },
    set: applySetOf({ kind: "AddOnProfile", namespace: "a", name: "p" }),
    referents: () => ({ kind: "absent" }),
    packs: new Map(),
    macros: new Map(),
    contents: new Map(),
    installed: new Map(),
    conditions: { answers: new Map(Object.entries(answers)), absentSince: new Map(Object.entries(absentSince)) },
    rows: new Map((rows as DeploymentLayerStatus[]).map((row) => [row.name, row])),
    fixed: {},
    site: {
      kubernetesVersion: kubernetesVersion ?? "v1.36.3",
      scopeOf: known,
      servedIn: (kind: { kind: string }) => known(kind) !== undefined,
      named: ({ kind, namespace, name }: NamedRef) =>
        live[`${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`] ?? "absent",
    },
  } as unknown as Seen;
  return buildPlan(seen, prepared);
}

function stateOf(plan: Plan, name = "app"): ContentState {
  const layer = plan.layers.find(({ spec }) => spec.name === name);
  if (!layer) throw new Error(`no layer ${name}`);
  return layer.state;
}

const valuesOf = (plan: Plan) => plan.layers[1]?.inputs?.layer.values;
const digestOf = (plan: Plan) => plan.layers[1]?.inputs?.digest;

describe("an output of a layer", () => {
  it.each<[string, object, Given["live"], unknown]>([
    ["of a Service's address", host, { "Service web/web": address("10.0.0.1") }, "10.0.0.1"],
    ["of a Secret is text, not base64", password, { "Secret web/login": secret({ password: "pa55" }) }, "pa55"],
    [
      "of a Secret's bytes that are no text stays base64",
      password,
      { "Secret web/login": { ...secret({}), data: { password: "/w==" } } },
      "/w==",
    ],
    [
      "leaf: Profile spec.layers[].outputs[].name",
      { ...host, name: "host" },
      { "Service web/web": address("10.0.0.9") },
      "10.0.0.9",
    ],
    [
      "leaf: Profile spec.layers[].outputs[].object.namespace",
      { ...host, object: { ...service, namespace: "other" } },
      { "Service other/web": address("10.0.0.2") },
      "10.0.0.2",
    ],
    [
      "leaf: Profile spec.layers[].outputs[].object.name",
      { ...host, object: { ...service, name: "web2" } },
      { "Service web/web2": address("10.0.0.3") },
      "10.0.0.3",
    ],
    [
      "leaf: Profile spec.layers[].outputs[].object.kind",
      { ...host, object: { ...service, kind: "ConfigMap" }, value: "self.data" },
      { "ConfigMap web/web": { ...address(), kind: "ConfigMap", data: { a: "1" } } as KubeObject },
      { a: "1" },
    ],
    [
      "leaf: Profile spec.layers[].outputs[].object.apiVersion",
      {
        ...host,
        object: { apiVersion: "db.example.com/v1", kind: "Database", name: "web" },
        value: "self.status.port",
      },
      { "Database web/web": { ...address(), status: { port: 5432 } } as KubeObject },
      5432,
    ],
    [
      "leaf: Profile spec.layers[].outputs[].value",
      { ...host, value: 'self.metadata.name + "." + self.metadata.namespace' },
      { "Service web/web": address() },
      "web.web",
    ],
    [
      "of an object without namespace, whatever namespace is given",
      { ...host, object: { apiVersion: "v1", kind: "Node", name: "n", namespace: "x" }, value: "self.metadata.name" },
      { "Node n": { apiVersion: "v1", kind: "Node", metadata: { name: "n" } } },
      "n",
    ],
  ])("%s", (_, output, live, want) => {
    const { name } = output as { name: string };
    const plan = planOf({ outputs: [output], app: NEEDS(name), live: live ?? {} });
    expect(stateOf(plan)).toEqual({ kind: "unknown" });
    expect(valuesOf(plan)).toEqual({ it: want });
  });

  it.each<[string, object, Given["live"], string]>([
    ["whose object is not there", host, {}, "Service web/web does not exist"],
    [
      "whose field is not there",
      host,
      { "Service web/web": address() },
      "Service web/web has no status.loadBalancer.ingress yet",
    ],
    [
      "whose list is empty",
      host,
      { "Service web/web": { ...address(), status: { loadBalancer: { ingress: [] } } } as KubeObject },
      "Service web/web has no status.loadBalancer.ingress[0] yet",
    ],
    [
      "whose key is not there",
      password,
      { "Secret web/login": secret({ user: "x" }) },
      "Secret web/login has no data.password yet",
    ],
    [
      "that gives null",
      { ...host, value: "self.status.a" },
      { "Service web/web": { ...address(), status: { a: null } } as KubeObject },
      "Service web/web gives null",
    ],
    [
      "that may not be read",
      password,
      { "Secret web/login": new Failure("Forbidden", "may not list secrets") },
      "Secret web/login: may not list secrets",
    ],
    [
      "of a kind that is not served",
      { ...host, object: { apiVersion: "e.io/v1", kind: "Lamp", name: "a" } },
      {},
      "the cluster does not serve Lamp in e.io/v1",
    ],
    [
      "whose expression fails on the object",
      { ...host, value: "self.metadata.name + 1" },
      { "Service web/web": address() },
      "Service web/web: no such overload: dyn<string> + int at character 1",
    ],
  ])("%s is waited for, and said", (_, output, live, why) => {
    const { name } = output as { name: string };
    const state = stateOf(planOf({ outputs: [output], app: NEEDS(name), live: live ?? {} }));
    expect(state).toMatchObject({ kind: "waiting" });
    expect((state as { on: string }).on).toContain(`output ${name} of layer web: ${why}`);
  });

  it("is said with all others that are missing", () => {
    const app = { values: { a: "${{ layers.web.outputs.host }}", b: "${{ layers.web.outputs.password }}" } };
    expect(stateOf(planOf({ outputs: [host, password], app }))).toEqual({
      kind: "waiting",
      on: "output host of layer web: Service web/web does not exist; output password of layer web: Secret web/login does not exist",
    });
  });

  it("is being read while a fresh process does not know it", () => {
    const live = { "Service web/web": "unknown" as const };
    expect(stateOf(planOf({ app: NEEDS("host"), live }))).toEqual({ kind: "reading" });
  });

  it("that changes gives the later layer other inputs, and none when only others do", () => {
    const at = (ip: string, user: string) =>
      digestOf(
        planOf({
          outputs: [host, password],
          app: NEEDS("host"),
          live: { "Service web/web": address(ip), "Secret web/login": secret({ password: user }) },
        }),
      );
    expect(at("10.0.0.1", "a")).toBe(at("10.0.0.1", "b"));
    expect(at("10.0.0.1", "a")).not.toBe(at("10.0.0.2", "a"));
  });

  it("that is sensitive is told apart, so that nobody shows it", () => {
    const live = { "Service web/web": address("10.0.0.1"), "Secret web/login": secret({ password: "pa55" }) };
    expect(planOf({ outputs: [host, password], live }).outputs.secrets).toEqual(["pa55"]);
  });

  it("names the object to be watched, also while nobody uses it", () => {
    const { outputs } = planOf({ outputs: [host, password] });
    expect(outputs.named).toEqual([
      { group: "", version: "v1", kind: "Service", namespace: "web", name: "web" },
      { group: "", version: "v1", kind: "Secret", namespace: "web", name: "login" },
    ]);
  });

  it("of the layer itself, or of one after it, is no name", () => {
    const own = planOf({ web: { values: { a: "${{ layers.web.outputs.host }}" }, helm: chart } });
    const message = "values.a: no layer before this one is named web; there is none";
    expect(stateOf(own, "web")).toMatchObject({ kind: "missing", failure: { reason: "InvalidValues", message } });
  });

  it("may stand in overrides of a TargetCluster", () => {
    const profileRef = { kind: "AddOnProfile", name: "p" };
    const overrides = [{ profileRef, layer: "app", values: NEEDS("host").values }];
    expect(stateOf(planOf({ overrides }))).toMatchObject({
      kind: "waiting",
      on: "output host of layer web: Service web/web does not exist",
    });
    const plan = planOf({ overrides, live: { "Service web/web": address("10.0.0.1") } });
    expect(plan.layers[1]?.inputs?.overrides).toEqual([{ it: "10.0.0.1" }]);
  });

  it.each<[string, object, Given["live"]]>([
    ["from a Secret", password, { "Secret web/login": secret({ password: "p" }) }],
    [
      "leaf: Profile spec.layers[].outputs[].sensitive",
      { ...host, sensitive: true },
      { "Service web/web": address("a") },
    ],
  ])("%s must not be seen in a namespace, nor decide anything", (_, output, live) => {
    const { name } = output as { name: string };
    const of = `layers.web.outputs.${name}`;
    const namespace = planOf({ outputs: [output], app: { namespace: `\${{ ${of} }}` }, live: live ?? {} });
    expect(stateOf(namespace)).toMatchObject({
      failure: { message: "namespace: must not come from a Secret, as everybody sees it" },
    });
    const when = planOf({ outputs: [output], app: { when: `${of} == "p"` }, live: live ?? {} });
    expect(stateOf(when)).toMatchObject({
      failure: { message: "when: must not come from a Secret, as everybody sees it" },
    });
  });

  it.each([
    ["cannot be read", "1 +", /^outputs\[host\]\.value: /],
    ["reads other things than the object", "variables.a", /^outputs\[host\]\.value: variables .*there is only self$/],
    ["calls what is not there", "self.a.format()", /^outputs\[host\]\.value: format\(\) is not available here/],
  ])("whose expression %s fails its own layer", (_, value, message) => {
    const state = stateOf(planOf({ outputs: [{ ...host, value }] }), "web");
    expect(state).toMatchObject({ kind: "missing", failure: { reason: "InvalidSpec" } });
    expect((state as { failure: Failure }).failure.message).toMatch(message);
  });
});

describe("when", () => {
  it.each<[string, string, Given["live"], string]>([
    ["leaf: Profile spec.layers[].when", 'cluster.labels.gpu == "no"', {}, "skipped"],
    ["that is true brings the layer", 'cluster.labels.gpu == "yes"', {}, "unknown"],
    ["that gives no answer fails", "cluster.name", {}, "missing"],
    ["that reads a label that is not there fails, and removes nothing", 'cluster.labels.zone == "a"', {}, "missing"],
    ["that waits for an output waits", 'layers.web.outputs.host == "a"', {}, "waiting"],
    ["may ask whether an output is there", "has(layers.web.outputs.host)", {}, "skipped"],
    [
      "takes nothing for absent that is only not known yet",
      "has(layers.web.outputs.host)",
      { "Service web/web": "unknown" },
      "reading",
    ],
    [
      "takes nothing for absent that may not be read",
      "has(layers.web.outputs.host)",
      { "Service web/web": new Failure("Forbidden", "no") },
      "waiting",
    ],
  ])("%s", (_, when, live, want) => {
    expect(stateOf(planOf({ app: { when }, live: live ?? {} })).kind).toBe(want);
  });

  describe("that asks for an output that is gone", () => {
    const NOW = Date.parse("2026-11-23T07:00:00Z");
    const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();
    const web = (state: string, seconds = 300) => ({ name: "web", state, lastTransitionTime: ago(seconds) });
    const on = (more: object = {}) => ({
      name: "app",
      state: "Ready",
      readyDigest: "d",
      lastTransitionTime: ago(300),
      ...more,
    });
    const skipped = { name: "app", state: "Skipped", lastTransitionTime: ago(300) };
    const HAS = "has(layers.web.outputs.host)";
    const MINUTE = /does not exist; until that has lasted a minute, `when` keeps its answer$/;
    const READY = /does not exist; until layer web is Ready, `when` keeps its answer$/;
    const ABSENT = "web/host";

    it.each<[string, Given, RegExp | "skipped" | "unknown"]>([
      ["is kept for a minute if it is installed", { rows: [web("Ready"), on()] }, MINUTE],
      [
        "is kept as a pack too",
        {
          rows: [web("Ready"), { name: "app", state: "Ready", parts: [{ name: "app.x" }] }, { ...on(), name: "app.x" }],
        },
        MINUTE,
      ],
      [
        "is kept while that minute is not over",
        { rows: [web("Ready"), on()], absentSince: { [ABSENT]: NOW - 59_000 } },
        MINUTE,
      ],
      [
        "is kept however long it has waited for something else",
        {
          rows: [web("Ready"), on({ state: "Pending", reason: "WaitingForOutput", lastTransitionTime: ago(3000) })],
          answers: { app: "on" },
        },
        MINUTE,
      ],
      ["goes when it is over", { rows: [web("Ready"), on()], absentSince: { [ABSENT]: NOW - 61_000 } }, "skipped"],
      [
        "is kept as long as the other is at work",
        { rows: [web("Applying"), on()], absentSince: { [ABSENT]: NOW - 3_000_000 } },
        READY,
      ],
      [
        "is kept for a minute after that",
        { rows: [web("Ready", 10), on()], absentSince: { [ABSENT]: NOW - 3_000_000 } },
        MINUTE,
      ],
      ["is skipped at once if it never was installed", { rows: [web("Ready")] }, "skipped"],
      ["stays skipped", { rows: [web("Ready"), skipped] }, "skipped"],
      [
        "is kept by a fresh process that cannot tell",
        { rows: [web("Ready"), { name: "app", state: "Blocked" }] },
        MINUTE,
      ],
      ["is brought in its place at once on a new cluster", { app: { when: `!${HAS}` } }, "unknown"],
      [
        "is not brought in its place by a fresh process that cannot tell",
        { app: { when: `!${HAS}` }, rows: [web("Ready"), { name: "app", state: "Pending" }] },
        MINUTE,
      ],
      [
        "is brought in its place after a minute",
        { app: { when: `!${HAS}` }, rows: [web("Ready"), skipped], absentSince: { [ABSENT]: NOW - 61_000 } },
        "unknown",
      ],
      ["goes at once for another reason", { app: { when: "false" }, rows: [web("Ready"), on()] }, "skipped"],
    ])("%s", (_, given, want) => {
      const state = stateOf(planOf({ app: { when: HAS }, now: NOW, ...given }));
      if (want instanceof RegExp)
        expect(state).toEqual({
          kind: "waiting",
          on: expect.stringMatching(want),
          ...(want === MINUTE ? { until: expect.any(Number) } : {}),
        });
      else expect(state.kind).toBe(want);
    });

    it.each<[string, Given]>([
      ["Skipped", { rows: [web("Ready"), skipped] }],
      ["anything else, as the process remembers", { rows: [web("Ready"), on()], answers: { app: "off" } }],
    ])("stays skipped for a minute when its row says %s", (_, given) => {
      const plan = planOf({ app: { when: `!${HAS}` }, now: NOW, ...given });
      expect(stateOf(plan)).toEqual({ kind: "skipped", on: expect.stringMatching(MINUTE), until: NOW + 60_000 });
      expect(plan.conditions?.answers.get("app")).toBe("off");
    });

    it("is asked again when the minute is over", () => {
      const plan = planOf({
        app: { when: HAS },
        rows: [web("Ready"), on()],
        absentSince: { [ABSENT]: NOW - 20_000 },
        now: NOW,
      });
      expect(stateOf(plan)).toMatchObject({ until: NOW + 40_000 });
      expect(plan.conditions?.absentSince).toEqual(new Map([[ABSENT, NOW - 20_000]]));
    });

    it("begins its minute anew when the output was there in between", () => {
      const live = { "Service web/web": address("10.0.0.1") };
      const plan = planOf({ live, absentSince: { [ABSENT]: NOW - 20_000 }, now: NOW });
      expect(plan.conditions?.absentSince.size).toBe(0);
    });

    it("goes at once if the layer with the output is skipped", () => {
      const plan = planOf({ web: { when: "false" }, app: { when: HAS }, rows: [web("Skipped"), on()], now: NOW });
      expect(stateOf(plan)).toEqual({ kind: "skipped" });
    });
  });

  it("that is false leaves the outputs of the layer absent", () => {
    const plan = planOf({
      web: { when: "false" },
      app: NEEDS("host"),
      live: { "Service web/web": address("10.0.0.1") },
    });
    expect(stateOf(plan)).toEqual({ kind: "waiting", on: "output host of layer web: the layer is skipped" });
    expect(plan.outputs).toEqual({ named: [], secrets: [] });
  });

  it("values that ask first whether an output is there do not take it for absent either", () => {
    const app = { values: { a: '${{ has(layers.web.outputs.host) ? layers.web.outputs.host : "none" }}' } };
    expect(valuesOf(planOf({ app }))).toEqual({ a: "none" });
    expect(stateOf(planOf({ app, live: { "Service web/web": "unknown" } }))).toEqual({ kind: "reading" });
  });
});

describe("requires", () => {
  it.each<[string, string, string, string | undefined]>([
    [
      "leaf: Profile spec.layers[].requires.kubernetes",
      "v1.36.3",
      ">=1.37",
      "requires Kubernetes >=1.37; this cluster has v1.36.3",
    ],
    ["what is there will do", "v1.36.3", ">=1.33 <1.37", undefined],
    ["a distribution's own words do not count", "v1.33.1-gke.100", ">=1.33", undefined],
    ["nor do others", "v1.33.1+k3s1", "1.33.x", undefined],
  ])("of Kubernetes: %s", (_, kubernetesVersion, kubernetes, message) => {
    const state = stateOf(planOf({ app: { requires: { kubernetes } }, kubernetesVersion }));
    if (message === undefined) expect(state).toEqual({ kind: "unknown" });
    else expect(state).toMatchObject({ kind: "missing", failure: { reason: "RequirementNotMet", message } });
  });

  it.each<[string, object, object, string | undefined]>([
    [
      "leaf: Profile spec.layers[].requires.layers[].name",
      {},
      { name: "cni", version: "1.x" },
      "requires layer cni 1.x, and no layer before this one has that name",
    ],
    [
      "a layer of manifests has no version",
      {},
      { name: "web", version: "1.x" },
      "requires layer web 1.x, which is of manifests and has no version",
    ],
    [
      "a layer that is skipped is not there",
      { when: "false" },
      { name: "web", version: "1.x" },
      "requires layer web 1.x, which is skipped",
    ],
    ["a chart that is not known yet is waited for", { helm: chart }, { name: "web", version: "2.x" }, undefined],
  ])("of layers: %s", (_, web, required, message) => {
    const state = stateOf(planOf({ web, app: { requires: { layers: [required] } } }));
    if (message === undefined) expect(state).toEqual({ kind: "unknown" });
    else expect(state).toMatchObject({ kind: "missing", failure: { reason: "RequirementNotMet", message } });
  });
});

describe("a profile has one budget for all its layers", () => {
  const ten = "[1,2,3,4,5,6,7,8,9,10]";
  const loops = (depth: number): string => (depth === 0 ? "true" : `${ten}.all(v${depth}, ${loops(depth - 1)})`);

  it("however many conditions there are", () => {
    const more = Array.from({ length: 30 }, (_, index) => ({
      name: `l${index}`,
      manifests: [{ inline: "{}" }],
      when: loops(5),
    }));
    const plan = planOf({ outputs: [], more });
    expect(stateOf(plan, "l0")).toEqual({ kind: "unknown" });
    expect(stateOf(plan, "l29")).toMatchObject({
      kind: "missing",
      failure: { reason: "InvalidValues", message: "when: takes too long to evaluate" },
    });
  });

  it("and one for all outputs", () => {
    const outputs = Array.from({ length: 32 }, (_, index) => ({
      ...host,
      name: `o${index}`,
      value: `${loops(5)} ? ${index} : 0`,
    }));
    const live = { "Service web/web": address("10.0.0.1") };
    expect(stateOf(planOf({ outputs, live, app: NEEDS("o0") }))).toEqual({ kind: "unknown" });
    expect(stateOf(planOf({ outputs, live, app: NEEDS("o31") }))).toEqual({
      kind: "waiting",
      on: "output o31 of layer web: Service web/web: takes too long to evaluate",
    });
  });
});

describe("an expression that fails with what an output gives", () => {
  const profileRef = { kind: "AddOnProfile", name: "p" };
  const app = { values: { port: "${{ int(layers.web.outputs.host) }}" } };

  it("holds up its own layer alone: the one before it can mend it", () => {
    const state = stateOf(planOf({ app, live: { "Service web/web": address("north") } }));
    expect(state).toMatchObject({ kind: "missing", failure: { message: expect.stringContaining("values.port: ") } });
    expect(state).not.toHaveProperty("isWrong");
  });

  it.each<[string, Given]>([
    ["a name beside it is wrong", { app: { values: { ...app.values, other: "${{ variables.nothing }}" } } }],
    ["its own output is not declared", { app: NEEDS("nothing") }],
    ["the condition is no truth", { app: { when: "1 + 1" } }],
    ["an override is wrong", { overrides: [{ profileRef, layer: "app", values: { a: "${{ variables.nothing }}" } }] }],
    ["an output is wrong", { web: { outputs: [{ ...host, value: "other.field" }] } }],
  ])("but not if %s", (_, given) => {
    const states = planOf({ live: { "Service web/web": address("north") }, ...given }).layers.map(({ state }) => state);
    expect(states.filter((state) => state.kind === "missing" && state.isWrong)).toHaveLength(1);
  });
});

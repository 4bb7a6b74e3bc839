import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseProfile } from "../api/parse.ts";
import type { DeploymentLayerStatus } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { applySetOf, EMPTY_PARENT } from "../membership/applyset.ts";
import type { NodeResources } from "../pack/index.ts";
import { hideMacros } from "../pack/macro-text.ts";
import { buildPlan } from "./build-plan.ts";
import type { KnownNodes } from "./pack-resources.ts";
import { packKey } from "./packs.ts";
import { NO_CONDITIONS, type Seen } from "./seen.ts";
import { loadedPack } from "./testdata/packs.ts";
import type { Plan } from "./types.ts";
import type { LoadedPack } from "./valued-pack.ts";

const KEY = new Uint8Array(32).fill(9);

interface Given {
  layers: readonly object[];
  variables?: readonly object[];
  variablesFrom?: readonly object[];
  /** What is in each Secret. */
  secret?: Readonly<Record<string, string>>;
  /** By the name of the layer. */
  packs: Readonly<Record<string, LoadedPack>>;
  nodes?: KnownNodes;
  rows?: readonly object[];
  live?: Seen["site"]["named"];
}

function secretOf(texts: Readonly<Record<string, string>>): object {
  const data = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  return { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: Object.fromEntries(data) };
}

/** The plan of a profile whose packs are all fetched. */
function planOf({ layers, variables, variablesFrom, secret, packs, nodes, rows = [], live }: Given): Plan {
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "p", namespace: "a" },
    spec: {
      clusterRefs: [{ name: "local" }],
      namespace: "web",
      ...(variables ? { variables } : {}),
      ...(variablesFrom ? { variablesFrom } : {}),
      layers,
    },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  const memories = parsed.value.spec.layers.flatMap((layer) => {
    const loaded = packs[layer.name];
    const result = loaded && { kind: "loaded" as const, loaded };
    return result ? [[layer.name, { key: packKey(layer, KEY), attempts: 1, result }] as const] : [];
  });
  const seen = {
    now: 0,
    profile: parsed.value,
    cluster: { name: "local" },
    set: applySetOf({ kind: "AddOnProfile", namespace: "a", name: "p" }),
    referents: () => (secret ? { kind: "found", object: secretOf(secret) } : { kind: "absent" }),
    packs: new Map(memories),
    macros: new Map(),
    contents: new Map(),
    installed: new Map(),
    conditions: NO_CONDITIONS,
    rows: new Map((rows as DeploymentLayerStatus[]).map((row) => [row.name, row])),
    fixed: {},
    site: {
      kubernetesVersion: "v1.36.3",
      scopeOf: () => "Namespaced",
      servedIn: () => true,
      named: live ?? (() => "absent"),
      nodes: () => nodes,
    },
  } as unknown as Seen;
  return buildPlan(seen, { digestKey: KEY, parent: { ...EMPTY_PARENT, hub: "hub" } });
}

const layer = (name: string, fields: object = {}) => ({
  name,
  pack: { registryRef: { name: "ours" }, name, version: "1.0.0" },
  ...fields,
});

function partOf(plan: Plan, name: string) {
  const found = plan.layers.find(({ spec }) => spec.part?.of === name);
  if (!found)
    throw new Error(plan.layers.map(({ state }) => ("failure" in state ? state.failure.message : state.kind)).join());
  return found.spec;
}

const stateOf = (plan: Plan, name: string) => plan.layers.find(({ spec }) => spec.name === name)?.state;

describe("what an expression gives to a pack", () => {
  const VALUES = "charts: { app: { asked: '{{ .spectro.var.text }}', own: '{{ .spectro.var.zone }}' } }";
  const texts = (given: Record<string, string>, value: string) => {
    const plan = planOf({
      layers: [layer("web", { values: { charts: { app: given } } })],
      variables: [
        { name: "text", default: value },
        { name: "zone", default: "north" },
      ],
      packs: { web: loadedPack("web", { charts: ["app"], files: { "values.yaml": VALUES } }) },
    });
    return partOf(plan, "web").values;
  };
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression
  const TEXT = "${{ variables.text }}";
  /** What stands for the macro of `both` below, if one need not know the key. */
  const FORGED = [...hideMacros("{{ .spectro.var.zone }} $", "layer web, values, charts.app.both").macros.keys()];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a text that looks like an expression
  const looksLikeOne = "${{ 1 }}";
  const nasty = fc.oneof(
    fc.constantFrom("{{ .spectro.var.zone }}", "{{ .spectro.var.nowhere }}", "{{ .spectro", "$", looksLikeOne, "}}"),
    fc.constantFrom(...FORGED, "\uF8F0", "\uF8F1", "\uF8F2"),
    fc.string({ unit: "grapheme", maxLength: 12 }),
  );
  const anyText = fc.array(nasty, { maxLength: 5 }).map((pieces) => pieces.join(""));

  it("arrives unchanged, alone, beside other text and beside macros, whatever it is", () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const given = {
          alone: TEXT,
          beside: `<${TEXT}>`,
          both: `{{ .spectro.var.zone }} $$${TEXT}{{ .spectro.var.text }}`,
        };
        expect(texts(given, value)).toEqual({
          asked: value,
          own: "north",
          alone: value,
          beside: `<${value}>`,
          both: `north $${value}${value}`,
        });
      }),
      { numRuns: 300 },
    );
  });

  it("is no part of a macro: an expression inside of one is refused", () => {
    expect(() => texts({ a: `{{ .spectro.var.zone | default "${TEXT}" }}` }, '" | env "HOME')).toThrow(
      /layer web, values, charts\.app\.a: this macro has no proper end/,
    );
  });

  it("writes a macro for somebody else to read, and an escaped dollar stands before one", () => {
    const given = { literal: `\${{ '{{ .spectro.var.zone }}' }}`, price: "$${{ .spectro.var.zone }}" };
    expect(texts(given, "x")).toMatchObject({ literal: "{{ .spectro.var.zone }}", price: "$north" });
  });
});

describe("a pack that waits for an output", () => {
  const SERVICE = { apiVersion: "v1", kind: "Service", name: "gate" };
  const gate = {
    name: "gate",
    manifests: [{ inline: "{}" }],
    outputs: [{ name: "address", object: SERVICE, value: "self.spec.clusterIP" }],
  };
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression
  const late = layer("late", { values: { host: "${{ layers.gate.outputs.address }}" } });
  const asking = (name: string, other: string, more = "") =>
    loadedPack(name, { files: { "values.yaml": `host: '{{ .spectro.pack.${other}.host${more} }}'` } });
  const packs = {
    late: loadedPack("late"),
    app: asking("app", "late", ' | default "none"'),
    far: asking("far", "app"),
  };
  const layers = [gate, late, layer("app"), layer("far")];

  it("is waited for by the packs that ask for its values, which say what for", () => {
    const plan = planOf({ layers, packs });
    const why = "output address of layer gate: Service web/gate does not exist";
    expect(stateOf(plan, "late")).toEqual({ kind: "waiting", on: why });
    expect(stateOf(plan, "app")).toEqual({ kind: "waiting", on: `pack late of layer late, which waits for ${why}` });
    expect(stateOf(plan, "far")).toMatchObject({
      on: expect.stringMatching(/^pack app of layer app, which .*does not exist$/),
    });
  });

  it("gives its values as soon as the output is there", () => {
    const live = () => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "gate" },
      spec: { clusterIP: "10.0.0.1" },
    });
    const manifests = {
      "values.yaml": "manifests: { page: { host: '{{ .spectro.pack.late.host }}' } }",
      "manifests/page.yaml": "",
    };
    const plan = planOf({
      layers: layers.slice(0, 3),
      packs: { ...packs, app: loadedPack("app", { files: manifests }) },
      live,
    });
    expect(partOf(plan, "app").part).toMatchObject({ values: { page: { host: "10.0.0.1" } } });
  });

  it("is read for while it is not known whether the output is there", () => {
    const plan = planOf({ layers, packs, live: () => "unknown" });
    expect(stateOf(plan, "app")).toEqual({ kind: "macros", batch: [] });
  });

  it("is not missed by a pack that needs it, in whatever version it will be", () => {
    const json = { constraints: { dependencies: [{ packName: "late", type: "required", minVersion: "3.0" }] } };
    const needing = loadedPack("app", { charts: ["app"], json });
    expect(partOf(planOf({ layers: layers.slice(0, 3), packs: { ...packs, app: needing } }), "app").name).toBe(
      "app.app",
    );
  });

  it("holds nobody else up", () => {
    const plan = planOf({
      layers: layers.slice(0, 3),
      packs: { ...packs, app: loadedPack("app", { charts: ["app"] }) },
    });
    expect(partOf(plan, "app").name).toBe("app.app");
  });
});

describe("a pack whose manifests have macros", () => {
  const page = "{{ .spectro.var.zone }} {{ .spectro.pack.base.host }} {{ .spectro.system.cluster.name }}";
  const macrosOf = ({ zone = "north", size = "1", host = "a", other = "a" }: Record<string, string> = {}) => {
    const plan = planOf({
      layers: [layer("base"), layer("other"), layer("web")],
      variables: [
        { name: "zone", default: zone },
        { name: "size", default: size },
      ],
      packs: {
        base: loadedPack("base", { files: { "values.yaml": `host: ${host}` } }),
        other: loadedPack("other", { files: { "values.yaml": `host: ${other}` } }),
        web: loadedPack("web", { files: { "manifests/page.yaml": page } }),
      },
    });
    const part = partOf(plan, "web").part;
    if (part?.kind !== "manifests") throw new Error("no manifests");
    return part.macros;
  };

  it("is made from what they name, and from nothing else: what is random in it stays when others change", () => {
    const before = macrosOf();
    expect(before).toMatchObject({ scope: { system: { cluster: { name: "local" } }, var: { zone: "north" } } });
    expect(macrosOf({ size: "2", other: "b" })).toEqual(before);
    expect(macrosOf({ zone: "south" })).not.toEqual(before);
    expect(macrosOf({ host: "b" })).not.toEqual(before);
  });
});

describe("a Secret that reaches a pack", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression
  const TOKEN = "${{ variables.token }}";
  const about = {
    variables: [{ name: "token", sensitive: true, required: true }],
    variablesFrom: [{ secretRef: { name: "s" } }],
    secret: { token: "c4n4ry", values: "token: c4n4ry" },
  };
  const SEEN = "pack web 1.0.0: pack.namespace: must not come from a Secret, as everybody sees it";
  const naming = loadedPack("web", {
    files: { "values.yaml": "pack: { namespace: '{{ .spectro.pack.base.token }}' }" },
  });
  const packs = { base: loadedPack("base", { files: { "values.yaml": "token: web" } }), web: naming };

  it.each([
    ["an expression", { values: { token: TOKEN } }],
    ["valuesFrom", { valuesFrom: [{ secretKeyRef: { name: "s", key: "values" } }] }],
  ])("by %s gives no name to another by a macro", (_, fields) => {
    const plan = planOf({ ...about, layers: [layer("base", fields), layer("web")], packs });
    expect(stateOf(plan, "web")).toMatchObject({
      kind: "missing",
      failure: { reason: "InvalidValues", message: SEEN },
    });
    const plain = planOf({ ...about, layers: [layer("base"), layer("web")], packs });
    expect(stateOf(plain, "web")).toMatchObject({ kind: "known" });
  });

  it("is known as one to the macros of its manifests", () => {
    const page = "{{ .spectro.var.token }} {{ .spectro.pack.base.token }} {{ .spectro.pack.base.again }}";
    const values = "again: '{{ .spectro.var.token }}'";
    const plan = planOf({
      ...about,
      layers: [layer("base", { values: { token: TOKEN } }), layer("web")],
      packs: {
        base: loadedPack("base", { files: { "values.yaml": values } }),
        web: loadedPack("web", { files: { "manifests/page.yaml": page } }),
      },
    });
    expect(partOf(plan, "web").part).toMatchObject({
      macros: { scope: { sensitive: ["token"] }, packs: [{ pack: "base", sensitive: [".token", ".again"] }] },
    });
  });
});

describe("a pack with nothing but values", () => {
  it("is a layer without objects, to which others may refer", () => {
    const plan = planOf({
      layers: [layer("base"), layer("web", { requires: { layers: [{ name: "base", version: "1.x" }] } })],
      packs: { base: loadedPack("base"), web: loadedPack("web", { charts: ["app"] }) },
    });
    expect(stateOf(plan, "base")).toMatchObject({ kind: "known", desired: [], content: { version: "1.0.0" } });
    expect(stateOf(plan, "web.app")).toEqual({ kind: "unknown" });
  });
});

describe("what a pack needs of the nodes", () => {
  const node: NodeResources = { role: "worker", cpu: 2000, memory: 4096, diskSize: 100 };
  const json = { constraints: { resources: [{ type: "cpu", minLimit: 3000 }] } };
  const packs = { web: loadedPack("web", { charts: ["app"], json }) };
  const plan = (nodes: KnownNodes, rows: object[] = []) => planOf({ layers: [layer("web")], packs, nodes, rows });
  const TOO_LITTLE = "web 1.0.0 needs 3000m of CPU; the worker nodes together have 2000m of CPU";

  it("is read of the cluster only when a pack says it", () => {
    expect(plan([node]).readsNodes).toBe(true);
    expect(planOf({ layers: [layer("web")], packs: { web: loadedPack("web") } }).readsNodes).toBe(false);
  });

  it("blocks the layer while they have too little, with both amounts", () => {
    const state = stateOf(plan([node]), "web");
    expect(state).toMatchObject({ kind: "missing", failure: { reason: "RequirementNotMet", state: "Blocked" } });
    expect(state?.kind === "missing" ? state.failure.message : "").toBe(TOO_LITTLE);
    expect(partOf(plan([node, node]), "web").name).toBe("web.app");
  });

  it("waits until the nodes are known", () => {
    expect(stateOf(plan("unknown"), "web")).toEqual({ kind: "macros", batch: [] });
    expect(partOf(plan(undefined), "web").name).toBe("web.app");
  });

  it("is a warning where the layer's identity may not read nodes", () => {
    const { packs: told } = plan(new Failure("Forbidden", "nodes is forbidden"));
    expect(told.get("web")?.warnings).toEqual([
      "constraints.resources: nobody knows whether the nodes have enough: nodes is forbidden",
    ]);
  });

  it("disturbs nothing that runs, but holds up another version", () => {
    const row = (version: string) => ({ name: "web", version, parts: [{ name: "web.app", readyDigest: "d" }] });
    expect(plan([node], [row("1.0.0")]).packs.get("web")?.warnings).toEqual([TOO_LITTLE]);
    expect(stateOf(plan([node], [row("0.9.0")]), "web")).toMatchObject({ kind: "missing" });
    const begun = { ...row("1.0.0"), parts: [{ name: "web.app" }] };
    expect(stateOf(plan([node], [begun]), "web")).toMatchObject({ kind: "missing" });
  });
});

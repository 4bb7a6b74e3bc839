import { describe, expect, it } from "vitest";
import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { macroKey } from "../pack/macro-plan.ts";
import type { LayerInputs } from "./inputs.ts";
import { openPacksOnce, type PackMemory } from "./packs.ts";
import { loadedPack, NO_INPUTS, opened, packContext, packLayer, partsOf, type SampleLayer } from "./testdata/packs.ts";

const values = (text: string) => ({ "values.yaml": text });
const app = (text: string, files = {}) => loadedPack("web", { charts: ["app"], files: { ...values(text), ...files } });
const layer = (own: Record<string, unknown> = {}, presets?: string[]) =>
  packLayer("web", {
    values: own,
    pack: { registryRef: { name: "ours" }, name: "web", version: "1.0.0", ...(presets ? { presets } : {}) },
  });
const down = { kind: "failed" as const, failure: new Failure("SourceUnavailable", "no answer"), retryAt: 9 };

describe("the packs of a profile", () => {
  it("are fetched one by one, and nothing is asked of their macros before", () => {
    const states = opened([{ layer: packLayer("a"), loaded: loadedPack("a") }, { layer: packLayer("b") }]);
    expect(states).toMatchObject({ a: { kind: "macros", batch: [] }, b: { kind: "unknown" } });
  });

  it("are fetched again when another version is asked for, not when a value changes", () => {
    const context = packContext([{ layer: layer(), loaded: app("") }]);
    const newer = packLayer("web", { pack: { registryRef: { name: "ours" }, name: "web", version: "2.0.0" } });
    const { memories } = context;
    expect(opened([{ layer: newer }], { memories })).toMatchObject({ web: { kind: "unknown" } });
    expect(opened([{ layer: layer({ charts: { app: { a: 2 } } }) }], { memories })).toMatchObject({
      web: { kind: "parts" },
    });
  });

  it("that are stored from before their Registry asked for signatures run, and their layers say so", () => {
    const loaded = app("");
    const context = packContext([{ layer: layer(), loaded }]);
    const about = [{ layer: layer(), inputs: { layer: layer(), namespace: undefined, ...NO_INPUTS } }];
    expect(openPacksOnce(about, context).get("web")).toMatchObject({ kind: "parts", warnings: [] });
    const memory = { key: context.memories.get("web")?.key ?? "", attempts: 1 };
    (context.memories as Map<string, PackMemory>).set("web", {
      ...memory,
      result: { kind: "loaded", loaded: { ...loaded, unverified: new Failure("VerificationFailed", "no signature") } },
    });
    expect(openPacksOnce(about, context).get("web")).toMatchObject({
      kind: "parts",
      parts: partsOf(layer(), loaded).parts,
      warnings: [
        "pack web 1.0.0 was stored before its Registry asked for signatures as it does now, and is not verified: " +
          "what runs of it stays as it is, and nothing new is made of it (no signature)",
      ],
    });
  });

  const secret = {
    scope: {
      system: { token: "web", key: "namespace" },
      var: { token: "c4n4ry", zone: "north" },
      macro: { token: "c4n4ry", zone: "north" },
      sensitive: ["token"],
    },
  };
  const NAMES = ["namespace", "additionalNamespaces", "namespaceLabels", "namespaceAnnotations", "releaseNameOverride"];
  const seenByAll = "must not come from a Secret, as everybody sees it";

  it.each([
    ["alone", "namespace: '{{ .spectro.var.token }}'", ["namespace"]],
    ["beside other text", "namespace: 'web-{{ .spectro.macro.token }}'", ["namespace"]],
    [
      "in lists and maps",
      "{ additionalNamespaces: ['{{ .spectro.var.token }}'], releaseNameOverride: { app: '{{ .spectro.var.token }}' } }",
      ["additionalNamespaces", "releaseNameOverride"],
    ],
    [
      "as labels and annotations of namespaces",
      "{ namespaceLabels: { '{{ .spectro.var.token }}': a=b }, namespaceAnnotations: { web: 'a={{ .spectro.var.token }}' } }",
      ["namespaceLabels", "namespaceAnnotations"],
    ],
    ["under a key that is a macro", "'{{ .spectro.system.key }}': '{{ .spectro.var.token }}'", NAMES],
    [
      "by way of another value",
      "{ own: 'a-{{ .spectro.var.token }}', namespace: '{{ .spectro.pack.web.pack.own }}' }",
      ["namespace"],
    ],
    [
      "by way of a value that was read before",
      "{ a: '{{ .spectro.pack.web.pack.own }}', own: '{{ .spectro.var.token }}', namespace: '{{ .spectro.pack.web.pack.own }}' }",
      ["namespace"],
    ],
  ])("have no name that everybody sees from a Secret, %s", (_, pack, fields) => {
    const text = pack.startsWith("{") ? `pack: ${pack}` : `pack: { ${pack} }`;
    expect(opened([{ layer: layer(), loaded: app(text) }], secret)["web"]).toMatchObject({
      failure: { message: fields.map((field) => `pack web 1.0.0: pack.${field}: ${seenByAll}`).join("; ") },
    });
  });

  it.each([
    ["a name that is none", "pack: { namespaceLabels: { '{{ .spectro.var.token }}': a=b } }", "pack.namespaceLabels"],
    ["a release", "pack: { releaseNameOverride: { '{{ .spectro.var.token }}': x } }", "pack.releaseNameOverride"],
    [
      "a check that the status tells of",
      "readinessCheck: { v1beta1: [{ version: v1, kind: ConfigMap, name: '{{ .spectro.var.token }}', keysToCheck: [{ keyToCheck: data.a, expectedValue: b }] }] }",
      "readinessCheck",
    ],
  ])("say of %s that comes from a Secret nothing else, for that would tell the value", (_, text, field) => {
    const scope = { ...secret.scope, var: { ...secret.scope.var, token: "S3cr3t!pw" } };
    expect(opened([{ layer: layer(), loaded: app(text) }], { ...secret, scope })["web"]).toMatchObject({
      failure: { message: `pack web 1.0.0: ${field}: ${seenByAll}` },
    });
  });

  const SECRET = [{ what: "Secret acme/web key a", key: "a", text: "token: c4n4ry\npack: { content: c4n4ry }" }];
  const reading = (path: string) => ({ pack: { namespace: `{{ .spectro.pack.db.${path} | default "x" }}` } });
  const OWN = { token: "c4n4ry", all: { token: "c4n4ry" }, list: [{ a: "c4n4ry" }] };
  const db = (inputs: Partial<LayerInputs>, fields: Partial<Layer> = {}) => ({
    layer: packLayer("db", { values: OWN, ...fields }),
    loaded: loadedPack("db", { files: values("other: web") }),
    inputs,
  });
  const fromSecret = db(
    { texts: new Map([["valuesFrom[0]", SECRET]]) },
    { valuesFrom: [{ secretKeyRef: { name: "web", key: "a" } }] },
  );
  const given = (...keys: string[]) => ({ sensitive: { values: keys, overrides: [] } });

  it.each([
    ["an expression", db(given(".token")), "token"],
    ["an expression, in a list", db(given(".list[0].a")), "list.0.a"],
    ["an expression that gives a map", db(given(".all")), "all.token"],
    [
      "an expression, by way of a macro",
      db(given(".token"), { values: { token: "c", again: "{{ .spectro.pack.db.token }}" } }),
      "again",
    ],
    [
      "an expression of the cluster",
      db({ overrides: [{ a: "c4n4ry" }], sensitive: { values: [], overrides: [[".a"]] } }),
      "a",
    ],
    ["a Secret", fromSecret, "token"],
  ])("have no name from what came into another pack from %s", (_, other, path) => {
    const answers = { get: () => ({ ok: true, value: "c4n4ry" }), size: 1 } as never;
    const web = opened([other, { layer: layer(reading(path)), loaded: app("") }], { ...secret, answers })["web"];
    expect(web).toMatchObject({ failure: { message: `pack web 1.0.0: pack.namespace: ${seenByAll}` } });
  });

  it("may have a name from beside what is secret in another pack", () => {
    const answers = { get: () => ({ ok: true, value: "web" }), size: 1 } as never;
    const states = opened([fromSecret, { layer: layer(reading("other")), loaded: app("") }], { ...secret, answers });
    expect(states["web"]?.kind).toBe("parts");
  });

  it("have no name of their own from a Secret", () => {
    const text = "pack: { namespace: c4n4ry }";
    const valuesFrom = [{ secretKeyRef: { name: "web", key: "a" } }];
    const texts = new Map([["valuesFrom[0]", [{ what: "Secret acme/web key a", key: "a", text }]]]);
    const own = { layer: { ...layer(), valuesFrom }, loaded: app(""), inputs: { texts } } as SampleLayer;
    expect(opened([own])["web"]).toMatchObject({
      failure: { message: `pack web 1.0.0: pack.namespace: ${seenByAll}` },
    });
  });

  it.each([
    ["a variable that is no secret", "namespace: '{{ .spectro.var.zone }}'"],
    ["what only has the name of one", "namespace: '{{ .spectro.system.token }}'"],
    ["a secret where nobody sees it", "content: '{{ .spectro.var.token }}', namespace: web"],
  ])("may have %s", (_, pack) => {
    expect(opened([{ layer: layer(), loaded: app(`pack: { ${pack} }`) }], secret)["web"]?.kind).toBe("parts");
  });

  it("that cannot be had do not hold up others", () => {
    const states = opened([
      { layer: packLayer("a"), loaded: down },
      { layer: packLayer("b"), loaded: loadedPack("b") },
    ]);
    expect(states).toMatchObject({ a: down, b: { kind: "parts" } });
  });

  it("that cannot be had do not make others miss what they need", () => {
    const json = { constraints: { dependencies: [{ packName: "a", type: "required", minVersion: "3.0" }] } };
    const needing = { layer: packLayer("b"), loaded: loadedPack("b", { json }) };
    expect(opened([{ layer: packLayer("a"), loaded: down }, needing])["b"]?.kind).toBe("parts");
    expect(opened([needing])["b"]?.kind).toBe("failing");
  });

  it("that cannot be had hold up those that ask for their values, and those that ask for these", () => {
    const asking = (name: string, other: string) => ({
      layer: packLayer(name),
      loaded: loadedPack(name, { files: values(`x: '{{ .spectro.pack.${other}.x | default "1" }}'`) }),
    });
    const states = opened([
      { layer: packLayer("a"), loaded: down },
      asking("b", "a"),
      asking("c", "b"),
      asking("d", "d2"),
    ]);
    expect([states["b"], states["c"]]).toEqual([
      { kind: "waiting", on: "pack a of layer a" },
      { kind: "waiting", on: "pack b of layer b, which waits for pack a of layer a" },
    ]);
    expect(states["d"]?.kind).toBe("macros");
  });

  it("are opened once while nothing changes, and again when anything does", () => {
    const one = { layer: layer(), loaded: app("charts: { app: { a: 1 } }") };
    const context = packContext([one]);
    const inputs = { ...NO_INPUTS, layer: one.layer, namespace: undefined, digest: "1" };
    const first = openPacksOnce([{ layer: one.layer, inputs }], context);
    expect(openPacksOnce([{ layer: one.layer, inputs }], { ...context, scope: { ...context.scope } })).toBe(first);
    const changed = [
      openPacksOnce([{ layer: one.layer, inputs: { ...inputs, sensitive: given(".a").sensitive } }], context),
      openPacksOnce([{ layer: one.layer, inputs: { ...inputs, digest: "2" } }], context),
      openPacksOnce([{ layer: { ...one.layer, timeout: "1m" }, inputs }], context),
      openPacksOnce([{ layer: one.layer, inputs }], {
        ...context,
        scope: { ...context.scope, var: { zone: "south" } },
      }),
      openPacksOnce([{ layer: one.layer, inputs }], { ...context, today: "2026-11-23" }),
    ];
    expect(new Set([first, ...changed]).size).toBe(6);
  });

  it("that ask for resources are judged again when the nodes change, and when the pack has come to run", () => {
    const json = { constraints: { resources: [{ type: "cpu", minLimit: 3000 }] } };
    const about = { layer: layer(), loaded: loadedPack("web", { json }) };
    const context = packContext([about]);
    const opening = [{ layer: about.layer, inputs: { ...NO_INPUTS, layer: about.layer, namespace: undefined } }];
    const judged = (cpu: number, installed: [string, string][] = []) => {
      const nodes = [{ role: "worker" as const, cpu, memory: 0, diskSize: 0 }];
      return openPacksOnce(opening, { ...context, nodes, installed: new Map(installed) }).get("web")?.kind;
    };
    expect([judged(2000), judged(3000), judged(2000)]).toEqual(["failing", "parts", "failing"]);
    expect(judged(2000, [["web", "1.0.0"]])).toBe("parts");
  });
});

describe("the values of a pack", () => {
  const PRESETS = `
presets:
  - { name: small, displayName: Small, group: Size, add: "charts: { app: { replicas: 1 } }" }
  - { name: large, displayName: Large, group: Size, add: "charts: { app: { replicas: 9 } }" }`;
  const files = { "presets.yaml": PRESETS };
  const valuesOf = (
    own: Record<string, unknown>,
    presets?: string[],
    text = "charts: { app: { replicas: 2, kept: 1 } }",
  ) => partsOf(layer(own, presets), app(text, files)).parts[0]?.values;

  it("are its own, with presets, with the layer's over them", () => {
    expect(valuesOf({})).toEqual({ replicas: 2, kept: 1 });
    expect(valuesOf({}, ["large"])).toEqual({ replicas: 9, kept: 1 });
    expect(valuesOf({ charts: { app: { replicas: 4 } } }, ["Size:large"])).toEqual({ replicas: 4, kept: 1 });
  });

  it("take variables, facts of the cluster and values of other packs, and keep their types", () => {
    const base = loadedPack("base", {
      files: values(
        "port: 80\nhost: '{{ .spectro.system.cluster.name }}.example'\nself: '{{ .spectro.pack.base.host }}'",
      ),
    });
    const text =
      "charts: { app: { zone: '{{ .spectro.var.zone }}', size: {{ .spectro.var.size }}, host: '{{ .spectro.pack.base.self }}' } }";
    const states = opened([
      { layer: layer({ charts: { app: { port: "{{ .spectro.pack.base.port }}" } } }), loaded: app(text) },
      { layer: packLayer("base"), loaded: base },
    ]);
    expect(states["web"]).toMatchObject({
      parts: [{ values: { zone: "north", size: 3, host: "edge-1.example" } }],
    });
  });

  it("wait for Go where a macro has a function, and use its answer", () => {
    const one = { layer: layer(), loaded: app("charts: { app: { zone: '{{ .spectro.var.zone | upper }}' } }") };
    const state = opened([one])["web"];
    if (state?.kind !== "macros") throw new Error(JSON.stringify(state));
    expect(state.batch.map(({ data }) => data)).toEqual([{ r0: "north" }]);
    const answers = new Map(
      state.batch.map((expression) => [macroKey(expression), { ok: true as const, value: "NORTH" }]),
    );
    expect(opened([one], { answers })["web"]).toMatchObject({ parts: [{ values: { zone: "NORTH" } }] });
  });

  it.each([
    [
      "an unknown variable, with layer, file and line",
      layer(),
      "charts:\n  app:\n    a: '{{ .spectro.var.zon }}'",
      /^layer web, pack web 1\.0\.0, values\.yaml, line 3.*\.spectro\.var\.zon\b/,
    ],
    [
      "a macro in the layer's own values",
      layer({ charts: { app: { a: "{{ .spectro.var.zon }}" } } }),
      "",
      /^layer web, values.*zon/,
    ],
    [
      "macros in a circle",
      layer(),
      "a: '{{ .spectro.pack.web.b }}'\nb: '{{ .spectro.pack.web.a }}'",
      /^layer web, pack web 1\.0\.0, values\.yaml, line 1/,
    ],
    ["a preset that it has not", layer({}, ["larg"]), "", /^pack web 1\.0\.0: .*larg/],
    ["text that is no YAML", layer(), "a: [", /^pack web 1\.0\.0, values\.yaml/],
  ])("are refused with %s", (_, one, text, message) => {
    const state = opened([{ layer: one, loaded: app(text, files) }])["web"];
    expect(state).toMatchObject({ kind: "failing", failure: { reason: "InvalidValues" } });
    expect(state?.kind === "failing" ? state.failure.message : "").toMatch(message);
  });

  it("name only the layer whose macro it is, where one is known", () => {
    const bad = {
      layer: packLayer("bad"),
      loaded: loadedPack("bad", { files: values("a: '{{ .spectro.var.nope }}'") }),
    };
    const worse = {
      layer: packLayer("worse"),
      loaded: loadedPack("worse", { files: values("a: '{{ .spectro.var.nor }}'") }),
    };
    const states = opened([bad, worse, { layer: layer(), loaded: app("") }]);
    expect(JSON.stringify(states["bad"])).not.toContain("worse");
    expect(states["worse"]).toMatchObject({ kind: "failing" });
    expect(states["web"]?.kind).toBe("parts");
  });

  it("are checked against the pack's schema, and what the pack needs", () => {
    const schema = `charts.app.replicas:\n  schema: '{{ required | format "\${number:[1-5]}" }}'`;
    const json = { constraints: { dependencies: [{ packName: "store", type: "required" }] } };
    const one = loadedPack("web", {
      charts: ["app"],
      files: { ...values("charts: { app: { replicas: 1 } }"), "schema.yaml": schema },
      json,
    });
    const state = opened([{ layer: layer({ charts: { app: { replicas: 7 } } }), loaded: one }])["web"];
    expect(state).toMatchObject({ kind: "failing", failure: { reason: "InvalidValues" } });
    const message = state?.kind === "failing" ? state.failure.message : "";
    expect(message).toMatch(/charts\.app\.replicas/);
    expect(message).toMatch(/store/);
    const good = opened([
      { layer: layer(), loaded: one },
      { layer: packLayer("store"), loaded: loadedPack("store") },
    ]);
    expect(good["web"]).toMatchObject({ kind: "parts", warnings: [] });
  });

  it("name a release where the names of pack and chart together are too long for one", () => {
    const long = { layer: layer(), loaded: loadedPack("w".repeat(50), { charts: ["app"] }) };
    const state = opened([long])["web"];
    expect(state).toMatchObject({ kind: "failing", failure: { reason: "InvalidValues" } });
    expect(state?.kind === "failing" ? state.failure.message : "").toContain("set pack.releaseNameOverride.app");
    const own = layer({ pack: { releaseNameOverride: { app: "web" } } });
    expect(partsOf(own, long.loaded).parts[0]?.helm?.releaseName).toBe("web");
  });

  it("warn of what has no effect, and of a pack that is out of support", () => {
    const chart = { name: "app", values: { replicas: 1, image: { tag: "1" } } };
    const one = loadedPack("web", { charts: [chart], json: { eol: "2026-01-01" } });
    const { warnings } = partsOf(layer({ chart: {}, charts: { app: { replica: 2, image: { tags: "2" } } } }), one);
    expect(warnings).toEqual([
      "values: the pack has no key chart; did you mean charts?",
      "values: charts.app.replica is no value of the chart; did you mean replicas?",
      "values: charts.app.image.tags is no value of the chart; did you mean tag?",
      expect.stringContaining("2026-01-01"),
    ]);
  });
});

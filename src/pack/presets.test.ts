import { describe, expect, it } from "vitest";
import { choosePresets } from "./presets.ts";
import { parsePresets } from "./presets-file.ts";
import { samplePack } from "./testdata/sample.ts";
import { packValues } from "./values.ts";

const PRESETS = `
presets:
  - name: enable
    displayName: Enable
    group: API
    remove: [manifests.app.token]
    add: |
      manifests:
        app: {api: true, args: [new]}
  - name: disable
    displayName: Disable
    group: API
    remove: [manifests.app.api, manifests.app.nothing]
    add: |
      # only removes
  - name: enable
    displayName: Enable
    group: Ingress Mode
    remove: []
    add: "manifests: {app: {ingress: {tls: true}}}"
  - name: large
    displayName: Large
    remove: ["options.system.uri"]
    add:
      manifests: {app: {replicas: 5}}
  - name: broken
    remove: []
    add: "a: ["
`;

const VALUES = `
options: {system.uri: x, other: z}
manifests:
  app: {token: t, args: [old, older], ingress: {host: h}}
`;

const pack = samplePack({ "presets.yaml": PRESETS, "values.yaml": VALUES });

describe("choosePresets", () => {
  it.each([
    ["by name", ["disable"], ["API:disable"]],
    ["by group and name", ["API:enable"], ["API:enable"]],
    ["with blanks around the colon", ["Ingress Mode : enable"], ["Ingress Mode:enable"]],
    ["without a group", ["large"], [":large"]],
    [
      "several, in the layer's order",
      ["large", "Ingress Mode:enable", "API:enable"],
      [":large", "Ingress Mode:enable", "API:enable"],
    ],
    ["one that is named twice, once", ["large", "large"], [":large"]],
    ["none", [], []],
  ])("chooses %s", (_, names, want) => {
    const chosen = choosePresets(pack, names);
    expect(chosen.ok && chosen.value.map(({ group = "", name }) => `${group}:${name}`)).toEqual(want);
  });

  it.each([
    [
      "a name of two groups",
      ["enable"],
      ['preset "enable" stands for several: write one of API:enable, Ingress Mode:enable'],
    ],
    [
      "a name that is not there, and lists what is",
      ["Enable"],
      ['there is no preset "Enable"; the pack has API:enable, API:disable, Ingress Mode:enable, large, broken'],
    ],
    [
      "two of one group, and says which",
      ["API:enable", "disable"],
      ['presets "enable" and "disable" are both of the group "API": choose one of them'],
    ],
  ])("refuses %s", (_, names, problems) => {
    expect(choosePresets(pack, names)).toEqual({ ok: false, problems });
  });

  it("says so where the pack has no presets", () => {
    const problems = ['there is no preset "a": the pack has none'];
    expect(choosePresets(samplePack(), ["a"])).toEqual({ ok: false, problems });
  });
});

it.each([
  ["presets", { presets: Array.from({ length: 200_000 }, (_, n) => ({ name: `p${n}` })) }, "presets"],
  [
    "paths to remove",
    { presets: [{ name: "a", remove: Array.from({ length: 301 }, (_, n) => `p${n}`) }] },
    "presets[0].remove",
  ],
])("more %s than any pack has are refused at once", { timeout: 30_000 }, (_, file, where) => {
  expect(parsePresets(JSON.stringify(file), "presets.yaml")).toEqual({
    ok: false,
    problems: [`presets.yaml: ${where}: at most 300 can be listed`],
  });
});

function applied(...names: string[]) {
  const chosen = choosePresets(pack, names);
  if (!chosen.ok) throw new Error(chosen.problems.join());
  return packValues({ pack, text: pack.valuesText, presets: chosen.value, values: {}, where: "pack sample" });
}

describe("presets in values", () => {
  it("remove paths, then merge maps deep and replace lists", () => {
    expect(applied("API:enable", "Ingress Mode:enable")).toMatchObject({
      ok: true,
      value: {
        final: {
          options: { "system.uri": "x", other: "z" },
          manifests: { app: { api: true, args: ["new"], ingress: { host: "h", tls: true } } },
        },
        warnings: [],
      },
    });
    const result = applied("API:enable");
    expect(result.ok && JSON.stringify(result.value.final).includes("token")).toBe(false);
  });

  it("remove a key that has dots in it", () => {
    expect(applied("large")).toMatchObject({ ok: true, value: { final: { options: { other: "z" } }, warnings: [] } });
  });

  it("warn about a stale path, but not about one that another preset brings", () => {
    expect(applied("disable")).toMatchObject({
      ok: true,
      value: { warnings: ['preset "API:disable" removes "manifests.app.nothing", which is not in the pack\'s values'] },
    });
  });

  it("leave the defaults as they are", () => {
    const result = applied("API:enable");
    expect(result.ok && result.value.defaults).toMatchObject({
      manifests: { app: { token: "t", args: ["old", "older"] } },
    });
  });

  it("that are no YAML are named", () => {
    expect(applied("broken")).toEqual({
      ok: false,
      problems: ['pack sample, preset "broken", line 1: unexpected end of the stream within a flow collection'],
    });
  });
});

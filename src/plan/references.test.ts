import { describe, expect, it } from "vitest";
import { parseProfile } from "../api/parse.ts";
import type { Profile } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { type InputsState, layerValues, readInputs } from "./inputs.ts";
import { manifestsContent, plainObjects } from "./manifests.ts";
import { type Reference, type Referent, readReferences, referencesOf } from "./references.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;

/** What there is on the hub. */
const HUB: Readonly<Record<string, Record<string, string>>> = {
  "ConfigMap/acme/one": { "a.yaml": configMap("one-a"), "b.yaml": configMap("one-b") },
  "ConfigMap/acme/two": { "a.yaml": configMap("two-a") },
  "Secret/acme/one": { "a.yaml": base64(configMap("secret-one-a")), "b.yaml": base64(configMap("secret-one-b")) },
  "Secret/acme/two": { "a.yaml": base64(configMap("secret-two-a")) },
  "ConfigMap/other/one": { "a.yaml": configMap("other-a"), "b.yaml": configMap("other-b") },
  "Secret/other/one": { "a.yaml": base64(configMap("secret-other-a")), "b.yaml": base64(configMap("secret-other-b")) },
};

function referent({ kind, namespace, name }: Reference): Referent {
  const data = HUB[`${kind}/${namespace}/${name}`];
  return data
    ? { kind: "found", object: { apiVersion: "v1", kind, metadata: { name, namespace }, data } }
    : { kind: "absent" };
}

function profileOf(layer: object, kind = "AddOnProfile"): Profile {
  const tenant = kind === "SystemProfile" ? {} : { namespace: "acme" };
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind,
    metadata: { name: "p", ...tenant },
    spec: { clusterRefs: [{ name: "local" }], namespace: "acme", layers: [{ name: "l", ...layer }] },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join());
  return parsed.value;
}

/** The names of the objects that a `manifests` layer brings. */
function brings(manifests: object[], kind?: string): string[] {
  const profile = profileOf({ manifests }, kind);
  const [layer] = profile.spec.layers;
  const read = layer && readReferences(layer, profile.metadata.namespace, referent);
  if (!layer || read?.kind !== "read") throw new Error(JSON.stringify(read));
  const content = manifestsContent(layer, read.texts);
  if (content instanceof Failure) throw content;
  return content.objects.map(({ metadata }: KubeObject) => metadata.name ?? "");
}

const refusal = (manifests: object[]): string => {
  const profile = profileOf({ manifests });
  const [layer] = profile.spec.layers;
  const read = layer && readReferences(layer, profile.metadata.namespace, referent);
  return read?.kind === "missing" ? read.failure.message : "";
};

describe("what a manifests layer brings", () => {
  const rows: [leaf: string, manifests: object[], want: string[]][] = [
    [
      "leaf: Profile spec.layers[].manifests[].object",
      [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } } }],
      ["x"],
    ],
    [
      "leaf: Profile spec.layers[].manifests[].inline",
      [{ inline: `${configMap("x")}---\n${configMap("z")}` }],
      ["x", "z"],
    ],
    [
      "leaf: Profile spec.layers[].manifests[].configMapRef.name",
      [{ configMapRef: { name: "one" } }],
      ["one-a", "one-b"],
    ],
    ["another name", [{ configMapRef: { name: "two" } }], ["two-a"]],
    [
      "leaf: Profile spec.layers[].manifests[].configMapKeyRef.name",
      [{ configMapKeyRef: { name: "two", key: "a.yaml" } }],
      ["two-a"],
    ],
    [
      "leaf: Profile spec.layers[].manifests[].configMapKeyRef.key",
      [{ configMapKeyRef: { name: "one", key: "b.yaml" } }],
      ["one-b"],
    ],
    [
      "leaf: Profile spec.layers[].manifests[].secretRef.name",
      [{ secretRef: { name: "one" } }],
      ["secret-one-a", "secret-one-b"],
    ],
    ["another Secret", [{ secretRef: { name: "two" } }], ["secret-two-a"]],
    [
      "leaf: Profile spec.layers[].manifests[].secretKeyRef.name",
      [{ secretKeyRef: { name: "two", key: "a.yaml" } }],
      ["secret-two-a"],
    ],
    [
      "leaf: Profile spec.layers[].manifests[].secretKeyRef.key",
      [{ secretKeyRef: { name: "one", key: "b.yaml" } }],
      ["secret-one-b"],
    ],
    [
      "leaf: Profile spec.layers[].manifests[].optional",
      [{ configMapRef: { name: "none" }, optional: true }, { inline: configMap("x") }],
      ["x"],
    ],
    [
      "an optional key",
      [{ secretKeyRef: { name: "one", key: "none" }, optional: true }, { inline: configMap("x") }],
      ["x"],
    ],
    [
      "several sources, in the order of the list",
      [{ configMapRef: { name: "two" } }, { inline: configMap("x") }, { secretRef: { name: "two" } }],
      ["two-a", "x", "secret-two-a"],
    ],
  ];
  it.each(rows)("%s", (_leaf, manifests, want) => {
    expect(brings(manifests)).toEqual(want);
  });

  const systemRows: [leaf: string, manifests: object[], want: string[]][] = [
    [
      "leaf: SystemProfile spec.layers[].manifests[].configMapRef.namespace",
      [{ configMapRef: { name: "one", namespace: "other" } }],
      ["other-a", "other-b"],
    ],
    [
      "leaf: SystemProfile spec.layers[].manifests[].configMapKeyRef.namespace",
      [{ configMapKeyRef: { name: "one", namespace: "other", key: "b.yaml" } }],
      ["other-b"],
    ],
    [
      "leaf: SystemProfile spec.layers[].manifests[].secretRef.namespace",
      [{ secretRef: { name: "one", namespace: "other" } }],
      ["secret-other-a", "secret-other-b"],
    ],
    [
      "leaf: SystemProfile spec.layers[].manifests[].secretKeyRef.namespace",
      [{ secretKeyRef: { name: "one", namespace: "other", key: "b.yaml" } }],
      ["secret-other-b"],
    ],
  ];
  it.each(systemRows)("of a SystemProfile: %s", (_leaf, manifests, want) => {
    expect(brings(manifests, "SystemProfile")).toEqual(want);
  });

  it("says all that is missing at once", () => {
    const manifests = [{ configMapRef: { name: "none" } }, { secretKeyRef: { name: "one", key: "c.yaml" } }];
    expect(refusal(manifests)).toBe(
      "manifests[0]: ConfigMap acme/none does not exist; manifests[1]: Secret acme/one has no key c.yaml; it has a.yaml, b.yaml",
    );
  });

  it("watches each object that it refers to, once, in the profile's own namespace", () => {
    const manifests = [
      { configMapRef: { name: "one" } },
      { configMapKeyRef: { name: "one", key: "a.yaml" } },
      { secretRef: { name: "one" } },
    ];
    expect(referencesOf(profileOf({ manifests }), [])).toEqual([
      { kind: "ConfigMap", namespace: "acme", name: "one" },
      { kind: "Secret", namespace: "acme", name: "one" },
    ]);
  });
});

/** The names of the objects that are attached to a chart. */
function attaches(attachments: object[], kind?: string): string[] {
  const helm = { repo: "https://charts.example", chart: "web", version: "1.0.0" };
  const profile = profileOf({ helm, attachments }, kind);
  const [layer] = profile.spec.layers;
  const read = layer && readReferences(layer, profile.metadata.namespace, referent);
  if (read?.kind === "missing") throw read.failure;
  if (!layer || read?.kind !== "read") throw new Error("still reading");
  const objects = plainObjects(layer, "attachments", read.texts);
  if (objects instanceof Failure) throw objects;
  return objects.map(({ metadata }) => metadata.name ?? "");
}

describe("what is attached to a chart", () => {
  const rows: [leaf: string, attachments: object[], want: string[]][] = [
    [
      "leaf: Profile spec.layers[].attachments[].object",
      [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } } }],
      ["x"],
    ],
    [
      "leaf: Profile spec.layers[].attachments[].inline",
      [{ inline: `${configMap("x")}---\n${configMap("z")}` }],
      ["x", "z"],
    ],
    [
      "leaf: Profile spec.layers[].attachments[].configMapRef.name",
      [{ configMapRef: { name: "one" } }],
      ["one-a", "one-b"],
    ],
    [
      "leaf: Profile spec.layers[].attachments[].configMapKeyRef.name",
      [{ configMapKeyRef: { name: "two", key: "a.yaml" } }],
      ["two-a"],
    ],
    [
      "leaf: Profile spec.layers[].attachments[].configMapKeyRef.key",
      [{ configMapKeyRef: { name: "one", key: "b.yaml" } }],
      ["one-b"],
    ],
    [
      "leaf: Profile spec.layers[].attachments[].secretRef.name",
      [{ secretRef: { name: "one" } }],
      ["secret-one-a", "secret-one-b"],
    ],
    [
      "leaf: Profile spec.layers[].attachments[].secretKeyRef.name",
      [{ secretKeyRef: { name: "two", key: "a.yaml" } }],
      ["secret-two-a"],
    ],
    [
      "leaf: Profile spec.layers[].attachments[].secretKeyRef.key",
      [{ secretKeyRef: { name: "one", key: "b.yaml" } }],
      ["secret-one-b"],
    ],
    [
      "leaf: Profile spec.layers[].attachments[].optional",
      [{ configMapRef: { name: "none" }, optional: true }, { inline: configMap("x") }],
      ["x"],
    ],
  ];
  it.each(rows)("%s", (_leaf, attachments, want) => {
    expect(attaches(attachments)).toEqual(want);
  });

  const systemRows: [leaf: string, attachments: object[], want: string[]][] = [
    [
      "leaf: SystemProfile spec.layers[].attachments[].configMapRef.namespace",
      [{ configMapRef: { name: "one", namespace: "other" } }],
      ["other-a", "other-b"],
    ],
    [
      "leaf: SystemProfile spec.layers[].attachments[].configMapKeyRef.namespace",
      [{ configMapKeyRef: { name: "one", namespace: "other", key: "b.yaml" } }],
      ["other-b"],
    ],
    [
      "leaf: SystemProfile spec.layers[].attachments[].secretRef.namespace",
      [{ secretRef: { name: "one", namespace: "other" } }],
      ["secret-other-a", "secret-other-b"],
    ],
    [
      "leaf: SystemProfile spec.layers[].attachments[].secretKeyRef.namespace",
      [{ secretKeyRef: { name: "one", namespace: "other", key: "b.yaml" } }],
      ["secret-other-b"],
    ],
  ];
  it.each(systemRows)("of a SystemProfile: %s", (_leaf, attachments, want) => {
    expect(attaches(attachments, "SystemProfile")).toEqual(want);
  });

  it("is said to be missing by its path", () => {
    expect(() => attaches([{ configMapRef: { name: "none" } }])).toThrow(
      "attachments[0]: ConfigMap acme/none does not exist",
    );
  });

  it("is none of the manifests", () => {
    const profile = profileOf({ manifests: [{ inline: configMap("x") }] });
    const [layer] = profile.spec.layers;
    expect(layer && plainObjects(layer, "attachments", new Map())).toEqual([]);
  });
});

describe("a chart layer's inputs", () => {
  const helm = { repo: "https://charts.example", chart: "web", version: "1.0.0" };
  const hub: Readonly<Record<string, Record<string, string>>> = {
    "ConfigMap/other/values": { "values.yaml": "color: blue\nsize: 1\n" },
    "Secret/other/license": { key: base64("abc") },
  };
  const referents = ({ kind, namespace, name }: Reference): Referent => {
    const data = hub[`${kind}/${namespace}/${name}`];
    return data
      ? { kind: "found", object: { apiVersion: "v1", kind, metadata: { name, namespace }, data } }
      : { kind: "absent" };
  };
  const inputsOf = (layer: object, change: { kubernetesVersion?: string } = {}): InputsState => {
    const profile = profileOf({ helm, ...layer }, "SystemProfile");
    const [first] = profile.spec.layers;
    if (!first) throw new Error("no layer");
    return readInputs(first, {
      profile,
      referents,
      digestKey: new Uint8Array(32),
      kubernetesVersion: "v1.36.3",
      ...change,
    });
  };
  const digestOf = (...args: Parameters<typeof inputsOf>) => {
    const state = inputsOf(...args);
    return state.kind === "read" ? state.inputs.digest : state.kind;
  };

  it("merges valuesFrom over values, in order; a text may stand at one path", () => {
    const state = inputsOf({
      values: { color: "red", deep: { kept: true } },
      valuesFrom: [
        { configMapKeyRef: { name: "values", namespace: "other", key: "values.yaml" } }, // leaf: SystemProfile spec.layers[].valuesFrom[].configMapKeyRef.namespace
        { secretKeyRef: { name: "license", namespace: "other", key: "key" }, targetPath: "deep.license" }, // leaf: SystemProfile spec.layers[].valuesFrom[].secretKeyRef.namespace
      ],
    });
    expect(state.kind === "read" && layerValues(state.inputs)).toEqual({
      color: "blue",
      size: 1,
      deep: { kept: true, license: "abc" },
    });
  });

  it("move its digest when what is rendered moves, and only then", () => {
    const digest = digestOf({});
    expect(digestOf({ timeout: "1m", gate: "Applied", prune: "Never" })).toBe(digest);
    expect(digestOf({ values: { a: 1 } })).not.toBe(digest);
    expect(digestOf({ helm: { ...helm, version: "2.0.0" } })).not.toBe(digest);
    expect(digestOf({ namespace: "elsewhere" })).not.toBe(digest);
    expect(digestOf({}, { kubernetesVersion: "v1.37.0" })).not.toBe(digest);
  });
});

import { expect, it } from "vitest";
import { Failure } from "../errors.ts";
import type { MacroDocument } from "../pack/macro-types.ts";
import type { Renderer } from "../render/renderer.ts";
import type { ManifestsRequest } from "../render/types.ts";
import { packManifests } from "./pack-manifests.ts";

const signal = new AbortController().signal;

/** What becomes of one manifest; its templates render to what they are. */
async function applied(content: string, packs: readonly MacroDocument[] = []): Promise<unknown> {
  const renderer = { renderManifests: async ({ files }: ManifestsRequest) => files } as unknown as Renderer;
  const pin = { layer: "web", registry: "ours", name: "web", version: "1.0.0", digest: "sha256:web" };
  const values = { zone: "north", token: "c4n4ry", object: { name: "c4n4ry" }, key: "name" };
  const scope = { system: {}, var: values, macro: values, sensitive: ["token", "object"] };
  const part = { kind: "manifests" as const, of: "web", name: "manifests", pin, values: {} };
  const made = await packManifests(
    { ...part, files: [{ path: "manifests/a.yaml", content }], macros: { scope, packs, seal: "s" } },
    { renderer, namespace: "web", capabilities: { kubeVersion: "v1.36.3", apiVersions: [] } },
    signal,
  );
  return made instanceof Failure ? `${made.reason}: ${made.message}` : made;
}

const PLACE = "pack web 1.0.0, manifests/a.yaml, document 1, line 1";
const SEEN = "must not come from a Secret, as everybody sees it";
const base = (sensitive: string[]) => [
  { layer: "base", pack: "base", tree: { a: "x", b: "c4n4ry" }, macros: new Map(), sensitive },
];

it.each<[string, string, string[], MacroDocument[]?]>([
  ["its name", "{ kind: A, apiVersion: v1, metadata: { name: 'a-{{ .spectro.var.token }}' } }", ["metadata.name"]],
  [
    "all that everybody sees of it",
    "{ kind: '{{ .spectro.var.token }}', apiVersion: '{{ .spectro.macro.token }}', metadata: { name: a, namespace: '{{ .spectro.var.token }}' } }",
    ["apiVersion", "kind", "metadata.namespace"],
  ],
  [
    "all its metadata",
    "{ kind: A, apiVersion: v1, metadata: {{ .spectro.var.object }} }",
    ["metadata.name", "metadata.namespace"],
  ],
  [
    "a field that a macro names",
    "{ kind: A, apiVersion: v1, metadata: { '{{ .spectro.var.key }}': '{{ .spectro.var.token }}' } }",
    ["metadata.name", "metadata.namespace"],
  ],
  [
    "the name of an item of a list",
    "{ kind: List, apiVersion: v1, items: [{}, { kind: A, apiVersion: v1, metadata: { name: '{{ .spectro.var.token }}' } }] }",
    ["items[1].metadata.name"],
  ],
  [
    "its name, by way of another pack",
    "{ kind: A, apiVersion: v1, metadata: { name: '{{ .spectro.pack.base.b }}' } }",
    ["metadata.name"],
    base([".b"]),
  ],
])("a macro gives an object of a pack's manifests no Secret as %s", async (_, text, fields, packs) => {
  const problems = fields.map((field) => `${PLACE}, ${field}: ${SEEN}`).join("; ");
  expect(await applied(text, packs)).toBe(`InvalidValues: ${problems}`);
});

it("a Secret may stand in its other fields, and what is none in its name", async () => {
  const text =
    "{ kind: A, apiVersion: v1, metadata: { name: '{{ .spectro.var.zone }}-{{ .spectro.pack.base.a }}', labels: { '{{ .spectro.var.key }}': '{{ .spectro.var.token }}' } }, data: { a: '{{ .spectro.var.token }}' } }";
  expect(await applied(text, base([".b"]))).toEqual([
    { kind: "A", apiVersion: "v1", metadata: { name: "north-x", labels: { name: "c4n4ry" } }, data: { a: "c4n4ry" } },
  ]);
});

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Failure } from "../../src/errors.ts";
import { Renderer } from "../../src/render/renderer.ts";
import { packManifests } from "../../src/wiring/pack-manifests.ts";
import { toolPath } from "../support/tools.ts";

const PAGE = `
apiVersion: v1
kind: ConfigMap
metadata: { name: page }
data:
  value: {{ .Values.text | toJson }}
  macro: {{ .spectro.var.text }}
  zone: "{{ .spectro.var.zone | upper }}"
`;

let renderer: Renderer;

beforeAll(() => {
  renderer = new Renderer({ binary: toolPath("strata-render"), processes: 1, deadlineMs: 120_000 });
});

afterAll(async () => {
  await renderer[Symbol.asyncDispose]();
});

/** The data of the pack's only object, with a text as a value and as a variable. */
async function rendered(text: string): Promise<unknown> {
  const pin = { layer: "page", registry: "ours", name: "page", version: "1.0.0", digest: "sha256:page" };
  const objects = await packManifests(
    {
      kind: "manifests",
      of: "page",
      name: "manifests",
      pin,
      files: [{ path: "manifests/page.yaml", content: PAGE }],
      values: { page: { text } },
      macros: { scope: { system: {}, var: { text, zone: "north" }, macro: {} }, packs: [], seal: "secret" },
    },
    { renderer, namespace: "web", capabilities: { kubeVersion: "v1.36.3", apiVersions: ["v1"] } },
    AbortSignal.timeout(60_000),
  );
  if (objects instanceof Failure) throw objects;
  return objects[0]?.["data"];
}

const piece = fc.oneof(
  fc.constantFrom("{{ .spectro.var.zone }}", '{{ "x" }}', "{{", "}}", "---\n", ": ", "#", "'", '"', "\\n", "\t"),
  // What Strata marks macros with.
  fc.constantFrom("\uF8F0", "\uF8F1", "\uF8F2", "\uF8EF"),
  fc.string({ unit: "grapheme", maxLength: 8 }),
);
/** A word alone in a scalar without quotes is read as YAML reads it, a number say; the letter keeps it a text. */
const text = fc.array(piece, { maxLength: 5 }).map((pieces) => `x${pieces.join("")}`);

test("a value and a variable arrive unchanged in the object that is rendered, whatever they are", async () => {
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      expect(await rendered(value)).toEqual({ value, macro: value, zone: "NORTH" });
    }),
    { numRuns: 60 },
  );
});

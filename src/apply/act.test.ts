import { expect, it } from "vitest";
import type { EngineLayer } from "../plan/types.ts";
import { isConfidential } from "./act.ts";

it.each<[what: string, layer: object, want: boolean]>([
  ["manifests as they are written", { manifests: [{ inline: "{}" }] }, false],
  ["a chart", { helm: {} }, true],
  ["a part of a pack", { part: {} }, true],
  ["manifests from a Secret", { manifests: [{ secretRef: { name: "a" } }] }, true],
  [
    "manifests in which expressions may give what a Secret holds",
    { expressions: true, manifests: [{ inline: "{}" }] },
    true,
  ],
  ["a source that asks for expressions itself", { manifests: [{ inline: "{}", expressions: true }] }, true],
])("what the API server echoes of the objects of %s is hidden where it may be secret", (_what, layer, want) => {
  expect(isConfidential(layer as EngineLayer)).toBe(want);
});

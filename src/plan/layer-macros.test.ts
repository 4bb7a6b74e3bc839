import { expect, it } from "vitest";
import { withMacrosHidden } from "./layer-macros.ts";
import { packLayer } from "./testdata/packs.ts";

const keyOf = (byte: number) => new Uint8Array(32).fill(byte);

it("macros are hidden once for a layer and a key, and anew for another of either", () => {
  const layer = packLayer("web", { values: { zone: "{{ .spectro.var.zone }}" } });
  const key = keyOf(1);
  const first = withMacrosHidden(layer, key);
  expect(first.macros?.size).toBe(1);
  expect(withMacrosHidden(layer, key)).toBe(first);
  expect(withMacrosHidden(layer, keyOf(2)).layer.values).not.toEqual(first.layer.values);
  expect(withMacrosHidden(layer, key)).toBe(first);
  const other = { ...layer, values: { zone: "{{ .spectro.var.zone }}, {{ .spectro.var.region }}" } };
  expect(withMacrosHidden(other, key).macros?.size).toBe(2);
});

it("a layer without macros stays the very same value", () => {
  const layer = packLayer("web", { values: { zone: "{{ .Values.zone }}" } });
  expect(withMacrosHidden(layer, keyOf(1)).layer).toBe(layer);
});

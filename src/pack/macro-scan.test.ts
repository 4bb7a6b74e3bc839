import { describe, expect, test } from "vitest";
import { scanMacros } from "./macro-scan.ts";

/** What each macro of a text is: its pipeline with its references, or what is wrong with it. */
function scanned(text: string): unknown[] {
  return scanMacros(text).map(({ macro }) =>
    macro.kind === "pipeline" ? [macro.expression, ...macro.references] : macro.sentence,
  );
}

/** The text with each macro cut out. */
function around(text: string): string {
  return scanMacros(text).reduceRight((rest, { start, end }) => `${rest.slice(0, start)}◦${rest.slice(end)}`, text);
}

describe("a macro is an action that mentions .spectro", () => {
  test.each<[string, ...unknown[]]>([
    ["a: {{ .spectro.system.cluster.name }}", [".r0", "system.cluster.name"]],
    ["{{.spectro.var.NGC_API_KEY}}", [".r0", "var.NGC_API_KEY"]],
    ["{{ $.spectro.macro.zone }}", [".r0", "macro.zone"]],
    ["v{{ .spectro.system.kubernetes.version | substr 0 4 }}", [".r0 | substr 0 4", "system.kubernetes.version"]],
    ["{{.spectro.pack.edge-native-byoi.options.system.uri}}", [".r0", "pack.edge-native-byoi.options.system.uri"]],
    ['{{ .spectro.pack.k8s.version | default "1.19.0"}}', ['.r0 | default "1.19.0"', "pack.k8s.version"]],
    ['x: "{{ .spectro.pack.k8s.version | default \\"1.19.0\\"}}"', ['.r0 | default "1.19.0"', "pack.k8s.version"]],
    ['{{ default `a"b` .spectro.var.a }}', ['default `a"b` .r0', "var.a"]],
    [
      '{{ printf "%s-%s" .spectro.var.a .spectro.var.b .spectro.var.a }}',
      ['printf "%s-%s" .r0 .r1 .r0', "var.a", "var.b"],
    ],
    ["{{ .spectro.var.a }}{{ .spectro.var.b }}", [".r0", "var.a"], [".r0", "var.b"]],
    ["{a: {{ .spectro.var.a }}}", [".r0", "var.a"]],
    ["{{ .spectro.var.a |\n  upper }}", [".r0 |\n  upper", "var.a"]],
    ['{{ "}}" | cat .spectro.var.a }}', ['"}}" | cat .r0', "var.a"]],
    ["{{ not (eq .spectro.var.a 'x') }}", ["not (eq .r0 'x')", "var.a"]],
  ])("%s", (text, ...want) => {
    expect(scanned(text)).toEqual(want);
  });
});

test.each([
  ["{{ .Values.x }}"],
  ['{{ include "x" . | indent 4 }}'],
  ["{{ $labels.instance }} is down"],
  ['{{ "{{ .spectro.var.a }}" }}'],
  ["{{ `{{ .spectro.var.a }}` }}"],
  ["{{/* .spectro.var.a */}}"],
  ["{{- /* .spectro.var.a }} */ -}}"],
  ["{{ .Values.spectro.var.a }}"],
  ["{{ $x.spectro.var.a }}"],
  ["{{ .spectrograph.var.a }}"],
  ["{{ variables.spectro }} {{ unclosed"],
  ["spectro: { a: { b: 1 }}"],
  ["a {{ b\n .spectro.var.a"],
])("%s is somebody else's", (text) => {
  expect(scanMacros(text)).toEqual([]);
});

test.each([
  ["a: {{ .spectro.var.a }} # b", "a: ◦ # b"],
  ["a\n  {{- .spectro.var.a -}}  \n b", "a◦b"],
  ["a\n  {{-.spectro.var.a}} b", "a\n  ◦ b"],
  ["a {{ .Values.x -}} {{- .spectro.var.a -}} {{- .Values.y }}", "a {{ .Values.x -}}◦{{- .Values.y }}"],
  ["{{ if .Values.x }}{{ .spectro.var.a }}{{ end }}", "{{ if .Values.x }}◦{{ end }}"],
  ["{{ unclosed\na: {{ .spectro.var.a }}", "{{ unclosed\na: ◦"],
  ['{{ "unclosed }}\na: {{ .spectro.var.a }}', '{{ "unclosed }}\na: ◦'],
  ["{{ {{ .spectro.var.a }}", "{{ ◦"],
  ["{{ .spectro.var.a\nb: {{ .spectro.var.b }}", "◦\nb: ◦"],
])("%j has its macro at %j", (text, want) => {
  expect(around(text)).toBe(want);
});

test.each([
  ["{{ if .spectro.var.a }}x{{ end }}", '"if" cannot ask for .spectro'],
  ["{{ range .spectro.var.a }}x{{ end }}", '"range" cannot ask for .spectro'],
  ['{{ printf "%s" .spectro.var.a .Values.b.c }}', "cannot mix .spectro with .Values"],
  ["{{ .spectro }}", '".spectro" names nothing'],
  ["{{ .spectro.app.x.y }}", '".spectro.app.x.y" names nothing'],
  ["{{ .spectro.system }}", '".spectro.system" names nothing'],
  ["{{ .spectro.pack.base }}", '".spectro.pack.base" names nothing'],
  ['{{ .spectro.var.a | default "x }}', "a quote in it is not closed"],
  ["{{ .spectro.var.a", "has no proper end"],
  [`{{ .spectro.var.${"a.".repeat(600)}a }}`, "too long"],
])("%s is told to be wrong", (text, want) => {
  expect(scanned(text)[0]).toContain(want);
});

test("what is far from any .spectro is not looked at", () => {
  const helm = '{{ include "x" . }}\n'.repeat(100_000);
  expect(around(`${helm}a: {{ .spectro.var.a }}\n{{ broken${helm}`)).toBe(`${helm}a: ◦\n{{ broken${helm}`);
});

test("an attack with very many macros is refused", () => {
  const spans = scanned("{{ .spectro.var.a }}".repeat(300_000));
  expect(spans).toHaveLength(20_001);
  expect(spans.at(-1)).toContain("more than 20000 macros");
});

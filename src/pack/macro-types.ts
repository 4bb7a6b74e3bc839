import type { TreePath } from "./macro-lookup.ts";
import type { MacroPipeline, MalformedMacro } from "./macro-scan.ts";

/** One macro at its place. `where` names layer, file and line for people. */
export type MacroUse = (MacroPipeline | MalformedMacro) & { where: string };

/** The macros that are hidden in a text or in a tree, by what stands there in their place. */
export type MacroTable = ReadonlyMap<string, MacroUse>;

/** JSON data in which macros are hidden: each is an opaque piece of a string, or of a key. Merge it like any values. */
export interface MacroTree {
  tree: unknown;
  macros: MacroTable;
}

/** Values of a layer, or an object of its manifests. */
export interface MacroDocument extends MacroTree {
  /** The name of the layer. */
  layer: string;
  /** Of which pack these are the values, so that `.spectro.pack.<name>` reads them. */
  pack?: string;
  /** Where it has something sensitive that no macro gave; keys of `pathKey`, each with all below it. */
  sensitive?: readonly string[];
}

/** What macros may ask for, beside the values of packs. A name that is absent, or null, is not defined. */
export interface MacroScope {
  /** Nested: `{ cluster: { name, uid }, kubernetes: { version } }`. */
  system: Record<string, unknown>;
  var: Record<string, unknown>;
  macro: Record<string, unknown>;
  /** The names in `var` and `macro` whose values must be seen nowhere. */
  sensitive?: readonly string[];
}

/** A pipeline for Go's templates with sprig. `data` is `{ r0, r1… }`; what is not defined is null in it. */
export interface MacroExpression {
  expression: string;
  data: Record<string, unknown>;
}

export type MacroAnswer = { ok: true; value: unknown } | { ok: false; message: string };

/** The answers so far, by `macroKey`. */
export type MacroAnswers = ReadonlyMap<string, MacroAnswer>;

export type MacroPlan =
  | { kind: "evaluate"; batch: MacroExpression[] }
  /** `sensitive` are the places that were made from something sensitive, where there are any. */
  | { kind: "done"; trees: unknown[]; sensitive?: ReadonlyMap<MacroDocument, readonly TreePath[]> }
  | { kind: "failed"; problems: string[] };

import { canonicalJson, isExactNumber, isMap } from "../objects/json.ts";
import { MAX_DEPTH, TOO_DEEP } from "../objects/yaml-limits.ts";
import { DATA_READER, readings, type Spot, type SpotReader, type TreePath, tellPath } from "./macro-lookup.ts";
import {
  below,
  depthOf,
  FAILED,
  idOf,
  isUnsettled,
  PENDING,
  type Place,
  type Site,
  type Unsettled,
  unsettledOf,
  whereOf,
} from "./macro-site.ts";
import { type MacroScalar, macroScalarOf, plainValue, tellHidden } from "./macro-text.ts";
import type { MacroAnswers, MacroDocument, MacroExpression, MacroPlan, MacroScope, MacroUse } from "./macro-types.ts";
import { PlaceSet, pathKey } from "./path-key.ts";

/** Values that are made of values that are made of values… */
const MAX_CHAIN = 32;
/** Characters that macros may bring in, and what a key, an item or a number counts as. */
const MAX_WEIGHT = 10 * 1024 * 1024;
const NODE_WEIGHT = 32;

class TooLarge extends Error {}

/** One thing that a reference may mean. */
interface Found {
  /** For people. */
  told: string;
  value(): unknown;
}

type Pipeline = Extract<MacroUse, { kind: "pipeline" }>;

/** The key of an expression's answer in `MacroAnswers`. */
export function macroKey({ expression, data }: MacroExpression): string {
  return canonicalJson([expression, data]);
}

/**
 * Replaces the macros of documents by values. Pipelines (`{{ .spectro.system.cluster.name | upper }}`) are Go's: the
 * plan asks for a batch, and is made again with the answers until it asks for no more.
 *
 * A macro alone in a scalar without quotes keeps the type of its value, as far as YAML gives it one; in quotes, in a
 * block or beside other text it becomes text. No value adds a key, an item or a line to the YAML that it stands in, save
 * that one which is a list or a map replaces the scalar that it is alone in.
 *
 * Problems come all at once: what is not defined, ambiguous or part of a cycle, with layer, file and line. None holds a
 * value.
 *
 * @returns the documents' trees in their order; they share nothing with each other, nor with what came in
 */
export function planMacros(documents: readonly MacroDocument[], scope: MacroScope, answers: MacroAnswers): MacroPlan {
  const pass = new MacroPass(documents, scope, answers);
  try {
    const trees = documents.map((document) => pass.tree(document));
    if (pass.batch.size > 0) return { kind: "evaluate", batch: [...pass.batch.values()] };
    if (pass.problems.size > 0) return { kind: "failed", problems: [...pass.problems] };
    return { kind: "done", trees, ...(pass.sensitive.size > 0 ? { sensitive: pass.sensitivePlaces() } : {}) };
  } catch (error) {
    if (error instanceof TooLarge) return { kind: "failed", problems: [error.message] };
    throw error;
  }
}

function pathOf({ path }: Site): TreePath {
  return path;
}

function namesOf(use: Pipeline): string {
  return use.references.map((path) => `.spectro.${path}`).join(" and ");
}

/** One walk through all documents with the answers that are there. */
class MacroPass {
  readonly batch = new Map<string, MacroExpression>();
  readonly problems = new Set<string>();
  /** Sites that were made from something sensitive, by their document. */
  readonly sensitive = new Map<MacroDocument, Map<string, Site>>();
  readonly #documents: readonly MacroDocument[];
  readonly #scope: MacroScope;
  readonly #answers: MacroAnswers;
  /** What was made of strings and keys in this pass. */
  readonly #settled = new Map<MacroDocument, Map<string, unknown>>();
  /** The sites that are being made, each for the one before it. */
  readonly #chain: Site[] = [];
  readonly #secrets = new Map<MacroDocument, PlaceSet>();
  readonly #hiddenKeys = new WeakMap<object, readonly { key: string; scalar: MacroScalar }[]>();
  #weight = 0;

  constructor(documents: readonly MacroDocument[], scope: MacroScope, answers: MacroAnswers) {
    this.#documents = documents;
    this.#scope = scope;
    this.#answers = answers;
  }

  tree(document: MacroDocument): unknown {
    return this.#copy({ document, path: [] }, document.tree);
  }

  sensitivePlaces(): ReadonlyMap<MacroDocument, readonly TreePath[]> {
    return new Map([...this.sensitive].map(([document, sites]) => [document, [...sites.values()].map(pathOf)]));
  }

  /** Whatever is being made now is made from something sensitive. */
  #taint(): void {
    for (const site of this.#chain) {
      const sites = this.sensitive.get(site.document) ?? new Map<string, Site>();
      this.sensitive.set(site.document, sites.set(idOf(site), site));
    }
  }

  #copy(place: Place, node: unknown): unknown {
    this.#weigh(node);
    if (typeof node === "string") return this.#settleText(place, node, "value");
    if (Array.isArray(node)) {
      const items = node.map((item, index) => this.#copy(below(place, index), item));
      return unsettledOf(items) ?? items;
    }
    if (!isMap(node)) return node;
    const entries = Object.entries(node).map(([key, item]) => {
      const there = below(place, key);
      return [this.#settleText(there, key, "key"), this.#copy(there, item)] satisfies [unknown, unknown];
    });
    this.#refuseEqualKeys(place.document, node, entries);
    // `fromEntries` defines own properties: a key named __proto__ is data.
    return unsettledOf(entries.flat()) ?? Object.fromEntries(entries);
  }

  #refuseEqualKeys(document: MacroDocument, node: object, entries: [key: unknown, value: unknown][]): void {
    const keys = new Set<unknown>();
    for (const entry of entries) {
      const [hidden] = keys.has(entry[0]) && !isUnsettled(entry[0]) ? this.#hiddenKeysOf(document, node) : [];
      if (hidden) {
        entry[1] = this.#refuse(`${whereOf(hidden)}: a macro gives this key the name of another key of the map`);
      }
      keys.add(entry[0]);
    }
  }

  /** A copy of a macro's value, in which nothing is a macro. */
  #copyData(value: unknown, depth = 0): unknown {
    if (depth > MAX_DEPTH) throw new TooLarge(`a macro's value is too deep: ${TOO_DEEP}`);
    this.#weigh(value);
    if (Array.isArray(value)) return value.map((item) => this.#copyData(item, depth + 1));
    if (!isMap(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#copyData(item, depth + 1)]));
  }

  /** Counts what macros make, not what stands in the documents anyhow. */
  #weigh(node: unknown): void {
    if (this.#chain.length === 0) return;
    this.#weight += NODE_WEIGHT + (typeof node === "string" ? node.length : 0);
    if (this.#weight > MAX_WEIGHT) throw new TooLarge("the macros of these layers make more than 10 MiB of values");
  }

  #settleText({ document, path }: Place, text: string, role: Site["role"]): unknown {
    const scalar = macroScalarOf(text, document.macros);
    return scalar === undefined ? text : this.#settle({ document, path, role, scalar });
  }

  /** What a string or key becomes, made once. */
  #settle(site: Site): unknown {
    const settled = this.#settled.get(site.document) ?? new Map<string, unknown>();
    this.#settled.set(site.document, settled);
    const id = idOf(site);
    if (settled.has(id)) {
      if (this.sensitive.get(site.document)?.has(id)) this.#taint();
      return this.#copyData(settled.get(id));
    }
    const start = this.#startOf(site);
    if (start !== -1) return this.#refuseCycle([...this.#chain.slice(start), site]);
    if (this.#chain.length >= MAX_CHAIN) {
      return this.#refuse(`${whereOf(site)}: more than ${MAX_CHAIN} macros stand for one another`);
    }
    this.#chain.push(site);
    const made = site.role === "key" ? this.#joined(site.scalar) : this.#scalar(site.scalar);
    this.#weigh(made);
    const isDeep = depthOf(made) + site.path.length > MAX_DEPTH;
    const result = isDeep ? this.#refuse(`${whereOf(site)}: ${TOO_DEEP}`) : made;
    this.#chain.pop();
    settled.set(id, result);
    return result;
  }

  /** Where in the chain the site is being made; -1 if it is not. */
  #startOf(site: Site): number {
    const id = idOf(site);
    return this.#chain.findIndex((other) => other.document === site.document && idOf(other) === id);
  }

  #scalar(scalar: MacroScalar): unknown {
    const [part, ...others] = scalar.parts;
    if (!scalar.isPlain) return this.#joined(scalar);
    const isAlone = typeof part === "object" && others.length === 0;
    const value = isAlone ? this.#use(part) : this.#joined(scalar);
    return typeof value === "string" ? plainValue(value) : value;
  }

  #joined({ parts }: MacroScalar): unknown {
    const texts = parts.map((part) => (typeof part === "string" ? part : this.#useAsText(part)));
    for (const text of texts) this.#weigh(text);
    return unsettledOf(texts) ?? texts.join("");
  }

  #useAsText(use: MacroUse): unknown {
    const value = this.#use(use);
    if (isUnsettled(value)) return value;
    if (isExactNumber(value)) return value.rawJSON;
    if (value === null) return "";
    if (typeof value !== "object") return String(value);
    const what = Array.isArray(value) ? "a list" : "a map";
    return this.#refuse(`${use.where}: a macro is ${what}, which cannot stand in a text; write it with toJson`);
  }

  #use(use: MacroUse): unknown {
    if (use.kind === "malformed") return this.#refuse(`${use.where}: ${use.sentence}`);
    const values = use.references.map((path) => this.#reference(use, path));
    const unsettled = unsettledOf(values);
    if (unsettled !== undefined) return unsettled;
    return use.expression === ".r0" ? values[0] : this.#answer(use, values);
  }

  #answer(use: Pipeline, values: readonly unknown[]): unknown {
    const data = Object.fromEntries(values.map((value, index) => [`r${index}`, value]));
    const expression = { expression: use.expression, data };
    const key = macroKey(expression);
    const answer = this.#answers.get(key);
    if (answer === undefined) {
      this.batch.set(key, expression);
      return PENDING;
    }
    if (!answer.ok) return this.#refuse(`${use.where}: ${namesOf(use)}: ${answer.message}`);
    if (answer.value !== null || !values.includes(null)) return this.#copyData(answer.value);
    return this.#refuse(`${use.where}: ${namesOf(use)} is not defined, and neither is what should stand for it`);
  }

  /** What a reference names; null if that is not defined and need not be. */
  #reference(use: Pipeline, path: string): unknown {
    const [root = "", ...rest] = path.split(".");
    const found = root === "pack" ? this.#inPacks(rest) : this.#inScope(root, rest);
    if (isUnsettled(found)) return found;
    const [first, second] = found;
    if (first !== undefined && second !== undefined) {
      const both = `${first.told} and ${second.told}`;
      return this.#refuse(`${use.where}: .spectro.${path} is ambiguous: it means ${both}`);
    }
    const value = first?.value() ?? null;
    if (value !== null || use.hasDefault) return value;
    return this.#refuse(`${use.where}: .spectro.${path} is not defined: ${this.#whyUndefined(root, rest)}`);
  }

  #whyUndefined(root: string, rest: readonly string[]): string {
    const remedy = "or say what stands for it with | default";
    if (root === "system") return `it is not known of this cluster; set another value in the layer, ${remedy}`;
    if (root !== "pack") return `give the ${root === "var" ? "variable" : "macro"} a value, ${remedy}`;
    const [named] = this.#packsNamed(rest);
    if (named === undefined) return "no pack of the profile has this name";
    return `pack ${named.document.pack} has no such value, or an empty one; set it, ${remedy}`;
  }

  #inScope(root: string, rest: readonly string[]): Found[] {
    const scope = root === "system" ? this.#scope.system : root === "var" ? this.#scope.var : this.#scope.macro;
    return readings({ path: [root], value: scope, isData: true }, rest, DATA_READER).map(({ path, value }) => ({
      told: tellPath(path),
      value: () => {
        if (root !== "system" && this.#scope.sensitive?.includes(String(path[1]))) this.#taint();
        return this.#copyData(value);
      },
    }));
  }

  #inPacks(rest: readonly string[]): Found[] | Unsettled {
    const unsettled = new Set<Unsettled>();
    const found = this.#packsNamed(rest).flatMap(({ document, segments }) => {
      const root = { path: [], value: document.tree, isData: false };
      return readings(root, segments, this.#reader(document, unsettled)).map((spot) => this.#found(document, spot));
    });
    return found.length === 0 ? (unsettledOf([...unsettled]) ?? found) : found;
  }

  #found(document: MacroDocument, { path, value, isData }: Spot): Found {
    const place = { document, path };
    return {
      told: `${this.#tell(place)} in layer ${document.layer}`,
      value: () => {
        if (this.#secretsOf(document).touches(pathKey(path))) this.#taint();
        return isData ? this.#copyData(value) : this.#copy(place, value);
      },
    };
  }

  #secretsOf(document: MacroDocument): PlaceSet {
    const known = this.#secrets.get(document) ?? new PlaceSet(document.sensitive ?? []);
    this.#secrets.set(document, known);
    return known;
  }

  /** The documents that the beginning of a path names; of packs of one name, that of the layer that asks. */
  #packsNamed(rest: readonly string[]): { document: MacroDocument; segments: readonly string[] }[] {
    const named = this.#documents.flatMap((document) => {
      const name = document.pack?.split(".") ?? [];
      const fits = name.length > 0 && name.length < rest.length && name.every((part, index) => part === rest[index]);
      return fits ? [{ document, segments: rest.slice(name.length) }] : [];
    });
    const own = named.filter(({ document }) => document.layer === this.#chain.at(-1)?.document.layer);
    return own.length > 0 ? own : named;
  }

  #reader(document: MacroDocument, unsettled: Set<Unsettled>): SpotReader {
    const noting = (made: unknown) => {
      if (isUnsettled(made)) unsettled.add(made);
      return made;
    };
    return {
      open: ({ path, value, isData }) => {
        if (isData || typeof value !== "string") return [];
        const made = noting(this.#settleText({ document, path }, value, "value"));
        return isMap(made) || Array.isArray(made) ? [{ path, value: made, isData: true }] : [];
      },
      hiddenKeys: ({ path, value, isData }) => {
        if (isData || !isMap(value)) return [];
        return this.#hiddenKeysOf(document, value).flatMap(({ key, scalar }) => {
          const site: Site = { document, path: [...path, key], role: "key", scalar };
          // A key that is being made is none yet: it may ask for what stands beside it.
          const name = this.#startOf(site) === -1 ? noting(this.#settle(site)) : undefined;
          return typeof name === "string" ? [{ key, name }] : [];
        });
      },
    };
  }

  #hiddenKeysOf({ macros }: MacroDocument, map: object): readonly { key: string; scalar: MacroScalar }[] {
    const known = this.#hiddenKeys.get(map);
    if (known !== undefined) return known;
    const found = Object.keys(map).flatMap((key) => {
      const scalar = macroScalarOf(key, macros);
      return scalar === undefined ? [] : [{ key, scalar }];
    });
    this.#hiddenKeys.set(map, found);
    return found;
  }

  #refuse(problem: string): typeof FAILED {
    this.problems.add(problem);
    return FAILED;
  }

  #refuseCycle(cycle: readonly Site[]): typeof FAILED {
    const [first] = cycle;
    const names = cycle.map((site) => this.#tell(site)).join(" → ");
    return this.#refuse(`${first === undefined ? "" : whereOf(first)}: macros stand for each other: ${names}`);
  }

  #tell({ document, path }: Place): string {
    const steps = path.map((step) => (typeof step === "string" ? tellHidden(step) : step));
    return tellPath([document.pack ?? `layer ${document.layer}`, ...steps]);
  }
}

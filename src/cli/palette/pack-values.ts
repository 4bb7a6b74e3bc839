import type { Result } from "../../objects/types.ts";
import { choosePresets, type Preset, packValues } from "../../pack/index.ts";
import { hideMacrosInYaml } from "../../pack/macro-text.ts";
import type { MacroUse } from "../../pack/macro-types.ts";
import { parseValues, type Values } from "../../plan/values.ts";
import type { Findings } from "./findings.ts";
import type { KnownPack } from "./known-packs.ts";
import { userMacros, type VariableNames, withExpressions } from "./macros.ts";
import { sparse } from "./sparse.ts";

export interface ReadValues {
  values: Values;
  /** Names of macros of projects and tenants. */
  userMacros: readonly string[];
}

export interface ReadOptions {
  where: string;
  source: "pack" | "chart";
  variables: VariableNames;
}

/** The values of a layer as they stand in a profile. Problems name the place and hold no value. */
export function readValues(text: string, { where, source, variables }: ReadOptions): Result<ReadValues> {
  const hidden = hideMacrosInYaml(text, where);
  const parsed = parseValues(hidden.text, where);
  if (!parsed.ok) return parsed;
  const values = withExpressions(parsed.value, { macros: hidden.macros, variables, source }) as Values;
  return { ok: true, value: { values, userMacros: userMacros(hidden.macros) } };
}

const ENABLED = /^#\s*spectrocloud\.com\/enabled-presets:(.*)$/m;

/** The presets that a comment says to be in values already. */
function enabledPresets(text: string): string[] {
  const [, names = ""] = ENABLED.exec(text) ?? [];
  return names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

export interface Overrides {
  values: Values;
  presets: readonly string[];
}

/** The values of a pack's layer, without what the pack (and its presets) say themselves. */
export function overridesOf(
  full: Values,
  {
    text,
    known,
    where,
    variables,
  }: { text: string; known: KnownPack | undefined; where: string; variables: VariableNames },
  findings: Findings,
): Result<Overrides> {
  const names = enabledPresets(text);
  if (known === undefined) {
    const sentence =
      "the values are all of the pack's, because its own are not known: import with --packs to keep only what differs";
    findings.toKnow(where, sentence);
    if (names.length > 0) findings.toKnow(where, `the presets ${names.join(", ")} are in the values already`);
    return { ok: true, value: { values: full, presets: [] } };
  }
  const { pack, charts } = known;
  const chosen = choosePresets(pack, names);
  if (!chosen.ok) findings.toKnow(where, `its comment names presets that cannot be: ${chosen.problems.join("; ")}`);
  const presets = chosen.ok ? chosen.value : [];
  const base = baseOf(known, { presets, variables });
  if (!base.ok) return base;
  const below = { charts: Object.fromEntries(charts.map(({ name, values = {} }) => [name, values])) };
  return { ok: true, value: { values: sparse(full, base.value, below), presets: chosen.ok ? names : [] } };
}

function baseOf(
  { pack }: KnownPack,
  { presets, variables }: { presets: readonly Preset[]; variables: VariableNames },
): Result<Values> {
  const where = `pack ${pack.name} ${pack.version}`;
  const own = hideMacrosInYaml(pack.valuesText, `${where}, values.yaml`);
  const macros = new Map(own.macros);
  const hidden = presets.map((preset) => ({
    ...preset,
    add: hiddenIn(preset.add, `${where}, ${preset.name}`, macros),
  }));
  const values = packValues({ pack, text: own.text, presets: hidden, values: {}, where });
  if (!values.ok) return values;
  return { ok: true, value: withExpressions(values.value.preset, { macros, variables, source: "pack" }) as Values };
}

function hiddenIn(text: string, what: string, table: Map<string, MacroUse>): string {
  const hidden = hideMacrosInYaml(text, what);
  for (const [token, use] of hidden.macros) table.set(token, use);
  return hidden.text;
}

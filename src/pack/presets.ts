import type { Result } from "../objects/types.ts";
import { overlayValues, parseValues, type Values } from "../plan/values.ts";
import { findPath, without } from "./maps.ts";
import { fullName, isSame } from "./presets-file.ts";
import { told } from "./tell.ts";
import type { Pack, Preset } from "./types.ts";

/**
 * The presets that a layer names, in its order. A name is `preset`, or `Group:preset` where two groups have one of that
 * name. The display name does not count: packs call several presets `Enable`.
 *
 * Only what the layer names is applied. The comment `# spectrocloud.com/enabled-presets: …` at the top of a values.yaml
 * says which presets its values already have in them (some copies name presets of another pack), so it is not read.
 *
 * Problems: a name that fits no preset (they are listed) or several, and two presets of one group.
 */
export function choosePresets(pack: Pick<Pack, "presets">, names: readonly string[]): Result<Preset[]> {
  const problems: string[] = [];
  const chosen: Preset[] = [];
  for (const name of names) {
    const found = fitting(pack.presets, name);
    const [preset] = found;
    if (preset === undefined || found.length > 1) problems.push(notOne(pack.presets, { name, found }));
    else if (!chosen.includes(preset)) chosen.push(preset);
  }
  problems.push(...rivals(chosen));
  return problems.length > 0 ? { ok: false, problems: told(problems) } : { ok: true, value: chosen };
}

function fitting(presets: readonly Preset[], name: string): Preset[] {
  const wanted = name.trim().replace(/\s*:\s*/, ":");
  const full = presets.filter((preset) => fullName(preset) === wanted);
  return full.length > 0 ? full : presets.filter((preset) => preset.name === wanted);
}

function notOne(presets: readonly Preset[], { name, found }: { name: string; found: Preset[] }): string {
  const list = (some: readonly Preset[]) => some.map(fullName).join(", ");
  if (found.length > 1) return `preset "${name}" stands for several: write one of ${list(found)}`;
  if (presets.length === 0) return `there is no preset "${name}": the pack has none`;
  return `there is no preset "${name}"; the pack has ${list(presets)}`;
}

function rivals(chosen: readonly Preset[]): string[] {
  return chosen.flatMap((preset, index) => {
    const first = chosen.find(({ group }) => group !== undefined && group === preset.group);
    if (first === undefined || chosen.indexOf(first) === index) return [];
    return [`presets "${first.name}" and "${preset.name}" are both of the group "${preset.group}": choose one of them`];
  });
}

/** Values with presets applied, and what of the presets had no effect. */
export interface Applied {
  values: Values;
  warnings: string[];
}

/**
 * Applies presets in order: what `remove` names goes, then `add` is merged in, maps deep, lists replaced.
 *
 * A path to remove that leads nowhere is a warning, unless another preset of the pack brings what it names: then it is
 * there for switching over.
 */
export function applyPresets(pack: Pick<Pack, "presets">, chosen: readonly Preset[], values: Values): Result<Applied> {
  const problems: string[] = [];
  const warnings: string[] = [];
  let result = values;
  for (const preset of chosen) {
    const added = parseValues(preset.add, `preset "${fullName(preset)}"`);
    if (!added.ok) {
      problems.push(...added.problems);
      continue;
    }
    for (const path of preset.remove) {
      const spot = findPath(result, path)[0];
      if (spot !== undefined) result = without(result, spot.steps);
      else if (!isBroughtByAnother(pack, preset, path)) warnings.push(stale(preset, path));
    }
    result = overlayValues(result, added.value);
  }
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, value: { values: result, warnings: told(warnings) } };
}

function stale(preset: Preset, path: string): string {
  return `preset "${fullName(preset)}" removes "${path}", which is not in the pack's values`;
}

function isBroughtByAnother({ presets }: Pick<Pack, "presets">, preset: Preset, path: string): boolean {
  return presets
    .filter((other) => !isSame(other, preset))
    .some((other) => {
      const added = addsOf(other);
      return added.ok && findPath(added.value, path).length > 0;
    });
}

const known = new WeakMap<Preset, Result<Values>>();

/** Parsed once, however many paths are looked for in it. */
function addsOf(preset: Preset): Result<Values> {
  const added = known.get(preset) ?? parseValues(preset.add, "preset");
  known.set(preset, added);
  return added;
}

import { z } from "zod";
import { issueSentence, problemsOf } from "../api/problems.ts";
import type { Result } from "../objects/types.ts";
import { parseYaml, toYaml } from "../objects/yaml.ts";
import type { Preset } from "./types.ts";

/** Of presets, and of paths that one removes. Public packs have up to 12. */
const MAX_ITEMS = 300;
const text = z.string().trim().min(1);
const few = `at most ${MAX_ITEMS} can be listed`;

const presetsFile = z
  .object({
    presets: z
      .array(
        z.object({
          name: text,
          displayName: z.string().nullish(),
          group: z.string().nullish(),
          remove: z.array(text).max(MAX_ITEMS, few).nullish(),
          // A text in every public pack; a map means the same.
          add: z.union([z.string(), z.record(z.string(), z.unknown())], "must be a text of YAML or a map").nullish(),
        }),
      )
      .max(MAX_ITEMS, few)
      .nullish(),
  })
  .nullable();

/** Reads presets.yaml; an empty file has none. Problems are led by `what` and the field. */
export function parsePresets(text: string, what: string): Result<Preset[]> {
  const yaml = parseYaml(text, what);
  if (!yaml.ok) return yaml;
  const parsed = presetsFile.safeParse(yaml.value, { error: issueSentence });
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error).map((problem) => `${what}: ${problem}`) };
  const presets = (parsed.data?.presets ?? []).map(
    ({ name, displayName, group, remove, add }): Preset => ({
      name,
      displayName: displayName?.trim() || name,
      group: group?.trim() || undefined,
      remove: remove ?? [],
      add: typeof add === "string" ? add : toYaml(add ?? {}),
    }),
  );
  const twice = presets.filter((preset, index) => presets.findIndex((other) => isSame(preset, other)) < index);
  if (twice.length > 0) {
    return { ok: false, problems: twice.map((preset) => `${what}: there are two presets "${fullName(preset)}"`) };
  }
  return { ok: true, value: presets };
}

/** A preset is known by its name and group. */
export function isSame(a: Preset, b: Preset): boolean {
  return a.name === b.name && a.group === b.group;
}

/** `Group:preset`, as values.yaml's comments and profiles write it. */
export function fullName({ name, group }: Preset): string {
  return group === undefined ? name : `${group}:${name}`;
}

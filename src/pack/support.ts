import type { PackMetadata } from "./types.ts";

/** What Palette calls the states of a pack that should not be used any more. */
const STATES: ReadonlyMap<string, string> = new Map([
  ["deprecated", "is deprecated"],
  ["disabled", "is disabled by its publisher"],
  ["deleted", "is deleted by its publisher"],
]);

/**
 * Warnings about a pack that its publisher no longer supports: past its end of life, or deprecated, disabled, deleted.
 *
 * @param today as `2026-07-01`, in UTC
 */
export function supportWarnings(
  pack: Pick<PackMetadata, "name" | "version" | "eol" | "annotations">,
  today: string,
): string[] {
  const who = `${pack.name} ${pack.version}`;
  const state = STATES.get(pack.annotations["system_state"]?.trim().toLowerCase() ?? "");
  const isOver = pack.eol !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(pack.eol) && pack.eol <= today;
  return [
    ...(state === undefined ? [] : [`${who} ${state}; choose another version or pack`]),
    ...(isOver ? [`${who} is no longer supported since ${pack.eol}`] : []),
  ];
}

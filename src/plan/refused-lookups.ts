import type { ChartRelease, EngineLayer } from "./types.ts";

/** The field in which a layer says what its charts may look up. */
export type LookupField = "helm.lookup" | "pack.lookup";

const MAX_LISTED = 3;
const MAX_LENGTH = 200;

/** The one that a person writes: a part of a pack has none of its own. */
export function lookupFieldOf({ part }: Pick<EngineLayer, "part">): LookupField {
  return part ? "pack.lookup" : "helm.lookup";
}

/**
 * A chart that looked for something in vain may have come out as nobody expects: what it looked for, in words.
 *
 * @returns undefined when it found all that it looked for, or looked for nothing
 */
export function refusedLookups(layer: Pick<EngineLayer, "part">, release: ChartRelease): string | undefined {
  const words = asIfAbsent(release.refusedLookups ?? []);
  return words && `${words}: ${lookupFieldOf(layer)} does not allow it`;
}

/**
 * The same for a chart that did not render at all, with what to do about it.
 *
 * @param field undefined where no cluster was looked at
 */
export function failedLookups(refused: readonly string[], field: LookupField | undefined): string | undefined {
  const words = asIfAbsent(refused);
  if (!words || !field) return words && `${words}: no cluster was looked at`;
  return `${words}: if it does, allow it in ${field}`;
}

/** A chart can make a name of any length. */
function asIfAbsent(refused: readonly string[]): string | undefined {
  if (refused.length === 0) return undefined;
  const listed = refused
    .slice(0, MAX_LISTED)
    .map((one) => (one.length > MAX_LENGTH ? `${one.slice(0, MAX_LENGTH)}…` : one));
  const more = refused.length > MAX_LISTED ? ` and ${refused.length - MAX_LISTED} more` : "";
  return `rendered as if ${listed.join(", ")}${more} did not exist`;
}

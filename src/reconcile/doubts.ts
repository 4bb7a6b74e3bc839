import type { LoadedPack } from "../plan/valued-pack.ts";
import type { DeploymentMemory } from "./memory.ts";

/** A look may wait for a registry that is silent, and the other layers of the profile with it: nothing that runs needs it. */
const SELDOM_MS = 10 * 60_000;

type Doubting = Pick<DeploymentMemory, "doubts" | "packs">;

/** A pack was read: what keeps it from being verified is tried again, though not as soon as what nothing runs without. */
export function rememberDoubt(
  { doubts }: Doubting,
  { layer, unverified }: { layer: string } & Pick<LoadedPack, "unverified">,
  now: number,
): void {
  if (unverified) doubts.set(layer, now + SELDOM_MS);
  else doubts.delete(layer);
}

/** Packs whose signatures are to be looked for again are read again. As after a restart, nobody hears of that alone. */
export function lookAgain({ doubts, packs }: Doubting, now: number): void {
  for (const [layer, retryAt] of doubts) {
    if (retryAt <= now && isDoubted({ packs }, layer)) packs.delete(layer);
  }
}

/** Whether a pack that runs is not verified. */
export function isDoubted({ packs }: Pick<Doubting, "packs">, layer: string): boolean {
  const result = packs.get(layer)?.result;
  return result?.kind === "loaded" && result.loaded.unverified !== undefined;
}

/** When the next of them is due, if not something else is before. */
export function earlierDoubt({ doubts, packs }: Doubting, wakeAt: number | undefined): number | undefined {
  const times = [...doubts].flatMap(([layer, retryAt]) => (isDoubted({ packs }, layer) ? [retryAt] : []));
  const all = [...times, ...(wakeAt === undefined ? [] : [wakeAt])];
  return all.length > 0 ? Math.min(...all) : undefined;
}

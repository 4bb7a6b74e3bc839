import { wantedRelease } from "../plan/chart-layer.ts";
import { wantedKeys, withoutSkipped } from "../plan/listed-layers.ts";
import { releaseKey } from "../plan/release.ts";
import { LOOK_MS } from "../plan/removal.ts";
import type { Heirs, Seen, SiteView } from "../plan/seen.ts";
import type { Plan } from "../plan/types.ts";
import type { DeploymentMemory } from "./memory.ts";

/** How other profiles on the cluster are: each has done all that it can, or one has something to do. */
export type Neighbours = "still" | "moving";

type Clocks = Pick<DeploymentMemory, "looks" | "turns" | "holds">;

/** Who edits two profiles in one breath has done so within this time. */
const BREATH_MS = 1_000;
/** A neighbour that moves on for longer is not waited for. */
const PATIENCE_MS = 30_000;
/** Nobody keeps alive for longer what goes by saying that he is about to take it: layers may be in the way of his. */
const INTENT_MS = 10 * 60_000;

/**
 * How long what goes is waited with, whether it was dropped or goes with its profile. What moves from one profile to another is
 * handed over, and for that the other one, which may come to the cluster in the same breath, must have said that it wants it,
 * and have had its turn to try. So each object has its own time, which begins when its turn to go has come: the other profile
 * may wait for all that comes before. What a brake holds is waited with, too, before a person is called for it.
 */
export function patienceOf(
  clocks: Clocks,
  { neighbours, heirs }: { neighbours: () => Neighbours; heirs: Heirs },
  now: number,
): Required<Pick<Seen, "pruneAt" | "heirs">> {
  let known: Neighbours | undefined;
  const moving = () => {
    known ??= neighbours();
    return known === "moving";
  };
  return {
    pruneAt: (key) => {
      const ms = waited(clocks, "turns", { key, now });
      if (ms < BREATH_MS) return now + BREATH_MS - ms;
      return ms < PATIENCE_MS && moving() ? now + LOOK_MS : undefined;
    },
    heirs: {
      claim: heirs.claim,
      intend: (key, at) =>
        heirs.intend(key, at) && waited(clocks, at === "turn" ? "turns" : "holds", { key, now }) < INTENT_MS,
    },
  };
}

/** A pass begins, which may not come to look at the cluster: nobody has his turn then. */
export function noticeLook(clocks: Pick<Clocks, "looks">): void {
  clocks.looks += 1;
}

/** With another spec, or on its way out, all is as new. */
export function forgetWaits({ turns, holds }: Pick<Clocks, "turns" | "holds">): void {
  turns.clear();
  holds.clear();
}

/** What is gone, or wanted again, waits no more: should it go once more, it has all its time. */
export function endWaits(
  { turns, holds, prepared }: Pick<DeploymentMemory, "turns" | "holds" | "prepared">,
  plan: Plan,
  { member }: Pick<SiteView, "member">,
): void {
  if (turns.size + holds.size === 0) return;
  const listed = withoutSkipped(plan);
  const wanted = [
    ...wantedKeys(listed).values(),
    new Set(listed.layers.flatMap((layer) => wantedRelease(layer) ?? []).map(releaseKey)),
  ];
  const releases = new Set(prepared?.parent.releases.map(releaseKey));
  const isGoing = (key: string) =>
    (releases.has(key) || member(key) !== undefined) && !wanted.some((keys) => keys.has(key));
  for (const waits of [turns, holds]) for (const key of waits.keys()) if (!isGoing(key)) waits.delete(key);
}

/**
 * For how many milliseconds something has been waited with. Between two looks at which it was, it was so all the time. After an
 * interruption it goes on from there, and a second at most is made up for: so it ends, however often it is interrupted.
 */
function waited(clocks: Clocks, which: "turns" | "holds", { key, now }: { key: string; now: number }): number {
  const waits = clocks[which];
  const { ms, at, look } = waits.get(key) ?? { ms: 0, at: now, look: clocks.looks };
  const gap = Math.max(0, now - at);
  const sum = ms + (clocks.looks - look > 1 ? Math.min(gap, BREATH_MS) : gap);
  waits.set(key, { ms: sum, at: now, look: clocks.looks });
  return sum;
}

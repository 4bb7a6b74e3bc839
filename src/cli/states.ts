import { styleText } from "node:util";
import type { LayerState } from "../api/types.ts";

const COLOURS = {
  Ready: "green",
  Pending: "gray",
  Resolving: "cyan",
  Applying: "cyan",
  Waiting: "yellow",
  Drifted: "yellow",
  Skipped: "gray",
  Suspended: "gray",
  Removing: "magenta",
  Failed: "red",
  Blocked: "red",
} as const satisfies Record<LayerState, string>;

/** The text in the colour of a layer's state; whoever calls decides whether there are colours. */
export function paintState(text: string, state: string): string {
  return Object.hasOwn(COLOURS, state)
    ? styleText(COLOURS[state as LayerState], text, { validateStream: false })
    : text;
}

/** How long ago a time was, as kubectl writes it: `12s`, `5m`, `3h`, `9d`. */
export function ageOf(time: string | undefined, now: number): string {
  if (time === undefined) return "";
  const seconds = Math.max(0, Math.floor((now - Date.parse(time)) / 1000));
  const [unit, size] =
    seconds < 120 ? ["s", 1] : seconds < 7_200 ? ["m", 60] : seconds < 172_800 ? ["h", 3_600] : ["d", 86_400];
  return `${Math.floor(seconds / Number(size))}${unit}`;
}

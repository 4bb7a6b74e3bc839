import { setInterval } from "node:timers/promises";
import type { Screen } from "./screen.ts";

/** Aborted by the first Ctrl-C or SIGTERM, after which things are stopped in order; the second ends the process at once. */
export function onInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // What still runs has its own watchman, which ends it with this process.
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error("interrupted"));
    });
  }
  return controller.signal;
}

/** Resolves when somebody has had enough; keeps the process alive until then, which what it has started does not. */
export async function untilInterrupted(signal: AbortSignal): Promise<void> {
  const day = 86_400_000;
  try {
    for await (const _ of setInterval(day, undefined, { signal }));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Says that it was not the story's end. */
export function interrupted(screen: Screen): void {
  screen.say("Interrupted: everything is stopped, nothing is left.");
  process.exitCode = 130;
}

import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Program } from "./processes.ts";

/** Asks every 25 ms until it is so; throws with the end of the log when a program that it depends on has ended, or after a minute. */
export async function until(
  condition: () => Promise<boolean>,
  { what, programs }: { what: string; programs: readonly Pick<Program, "running" | "log">[] },
): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition().catch(() => false))) {
    const dead = programs.find((program) => !program.running());
    if (dead !== undefined) throw new Error(`${what} did not start:\n${dead.log().slice(-3000)}`);
    if (Date.now() > deadline)
      throw new Error(`${what} was not ready after a minute:\n${programs.at(-1)?.log().slice(-3000)}`);
    await sleep(25);
  }
}

/** A port of 127.0.0.1 that is free now, outside the range from which the kernel takes ports for outgoing connections. */
export async function anyPort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

// Outlives its parent by a moment: when the pipe on standard input ends, however the parent ended, it kills the processes
// and removes the folders that the parent has named and not taken back. Lines: `+pid N`, `-pid N`, `+dir PATH`, `-dir PATH`.
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";

const left = { pid: new Set(), dir: new Set() };
for await (const line of createInterface({ input: process.stdin })) {
  const [, sign, kind, value] = /^([+-])(pid|dir) (.+)$/.exec(line) ?? [];
  if (kind === undefined) continue;
  if (sign === "+") left[kind].add(value);
  else left[kind].delete(value);
}
for (const pid of left.pid) {
  try {
    process.kill(Number(pid), "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
for (const dir of left.dir) rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });

// Everything that must hold: the checks, then all tests. The last line sums up both: `N passed, N failed`.
import { spawn } from "node:child_process";

const closing = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;
const totals = { passed: 0, failed: 0, skipped: 0 };

await add(["node", "scripts/check.mjs"]);
await add(["vitest", "run"]);
console.log(
  `\n${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ""}`,
);
process.exitCode = totals.failed === 0 ? 0 : 1;

// A part that ends badly without saying what failed counts as one failure, so that it cannot pass unseen.
async function add([program, ...args]) {
  const { code, lastLine } = await run(program, args);
  const [, passed = 0, failed = 0, skipped = 0] = (closing.exec(lastLine) ?? []).map(Number);
  totals.passed += passed;
  totals.failed += code === 0 ? failed : Math.max(failed, 1);
  totals.skipped += skipped;
}

function run(program, args) {
  return new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    let tail = "";
    child.stdout.on("data", (chunk) => {
      process.stdout.write(chunk);
      tail = (tail + chunk).slice(-2000);
    });
    child.on("error", fail);
    child.on("close", (code) => done({ code, lastLine: tail.trimEnd().split("\n").at(-1) ?? "" }));
  });
}

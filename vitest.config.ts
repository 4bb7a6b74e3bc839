import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/support/closing-line.ts";
import { LongestFirst } from "./test/support/longest-first.ts";

// A kind cluster takes a minute or two to start; see scripts/e2e-kind.mjs.
const hookTimeout = process.env["STRATA_E2E_KIND"] ? 600_000 : 120_000;

export default defineConfig({
  test: {
    reporters: ["default", new ClosingLine()],
    // Each integration file runs control planes of its own and waits for a third of its time: three keep two cores busy, more
    // would only make all of them late.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    teardownTimeout: 30_000,
    // On a busy machine what is waited for may take its while, too.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      // A budget is counted in steps, not in time: on a busy machine such a test may take its while.
      { extends: true, test: { name: "unit", include: ["src/**/*.test.ts"], testTimeout: 30_000 } },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/**/*.test.ts"],
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout,
        },
      },
    ],
  },
});

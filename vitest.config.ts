import { defineConfig } from "vitest/config";
import { ClosingLine } from "./test/support/closing-line.ts";

// A kind cluster takes a minute or two to start; see scripts/e2e-kind.mjs.
const hookTimeout = process.env["STRATA_E2E_KIND"] ? 600_000 : 120_000;

export default defineConfig({
  test: {
    reporters: ["default", new ClosingLine()],
    // Each integration file runs control planes of its own; more of them than cores only makes all of them late.
    maxWorkers: 2,
    teardownTimeout: 30_000,
    projects: [
      { extends: true, test: { name: "unit", include: ["src/**/*.test.ts"] } },
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

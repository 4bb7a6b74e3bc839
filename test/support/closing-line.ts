import type { Reporter, TestModule } from "vitest/node";

/** Ends the output with one line that people and scripts read: `12 passed, 1 failed`, and `, 2 skipped` if any were. */
export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    // A file that cannot be loaded, a hook that fails and an error outside all tests have no test to be counted by.
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    const broken = suites.reduce((sum, suite) => sum + suite.errors().length, 0) + errors.length;
    const skipped = count("skipped");
    const line = `${count("passed")} passed, ${count("failed") + broken} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
    // After the summary of the default reporter, which comes in the same event.
    process.on("exit", () => console.log(`\n${line}`));
  }
}

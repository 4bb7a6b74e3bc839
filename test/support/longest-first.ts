import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes minutes although its file is small. One of these that starts last would run on alone. */
const LONGEST = [
  "release-sweep",
  "helm-diff",
  "bad-input",
  "demo",
  "fleet",
  "replicas",
  "cli",
  "teardown",
  "unmatch",
  "adoption",
];

/** Starts the files that take longest first; the others in vitest's own order. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/e2e/${name}.test.ts`));
  return at < 0 ? LONGEST.length : at;
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const PAGE = readFileSync(join(ROOT, "docs/security.md"), "utf8");

interface Threat {
  title: string;
  area: string;
  tests: { file: string; names: string[] }[];
  isLater: boolean;
}

/** The sections of the page: `### Threat`, with lines of the form ``- `file`: "a test", "another"``. */
const threats: Threat[] = PAGE.split(/^## /m)
  .slice(1)
  .flatMap((part) => {
    const [head = "", ...sections] = part.split(/^### /m);
    return sections.map((text) => ({
      title: text.split("\n", 1)[0] ?? "",
      area: head.split("\n", 1)[0] ?? "",
      tests: [...text.matchAll(/^- `([^`]+)`: (".+")$/gm)].map(([, file = "", names = ""]) => ({
        file,
        names: names.slice(1, -1).split('", "'),
      })),
      isLater: text.includes("**Not yet**: "),
    }));
  });

/** Why a line of the page proves nothing; undefined when there is such a test. */
function fault(file: string, name: string): string | undefined {
  const path = join(ROOT, file);
  if (!/(?:\.test\.ts|_test\.go)$/.test(file) || !existsSync(path)) return `${file} is no file of tests`;
  const text = readFileSync(path, "utf8");
  const forms = [`"${name}"`, `\`${name}\``, `func ${name}(`];
  return forms.some((form) => text.includes(form)) ? undefined : `${file} has no test "${name}"`;
}

describe("docs/security.md", () => {
  it("has a section for each threat", () => {
    expect(threats).toHaveLength(25);
  });

  it.each(threats)("$title: has tests, all of which exist, or says what is not yet kept", ({ tests, isLater }) => {
    expect(tests.length > 0 || isLater).toBe(true);
    const faults = tests.flatMap(({ file, names }) => names.map((name) => fault(file, name)));
    expect(faults.filter((text) => text !== undefined)).toEqual([]);
  });

  it("names tests in lines of one form only", () => {
    const written = PAGE.split("\n").filter((line) => line.startsWith("- "));
    expect(written).toHaveLength(threats.flatMap(({ tests }) => tests).length);
  });

  it("counts in its overview what is kept, in part, and not yet", () => {
    const rows = [...PAGE.matchAll(/^\| \[([^\]]+)\]\(#[^)]+\) \| (\d*) ?\| (\d*) ?\| (\d*) ?\|$/gm)];
    const counted = rows.map(([, area, ...counts]) => [area, ...counts.map(Number)]);
    const areas = [...new Set(threats.map(({ area }) => area))];
    const count = (area: string, is: (threat: Threat) => boolean) =>
      threats.filter((threat) => threat.area === area && is(threat)).length;
    expect(counted).toEqual(
      areas.map((area) => [
        area,
        count(area, ({ isLater }) => !isLater),
        count(area, ({ tests, isLater }) => isLater && tests.length > 0),
        count(area, ({ tests }) => tests.length === 0),
      ]),
    );
  });
});

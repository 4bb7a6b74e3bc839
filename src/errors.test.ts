import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FAILURE_REASONS, Failure } from "./errors.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../docs/errors.md"), "utf8");

/** The rows of the page's tables of failures: `| `Code` | retry | state | meaning | what to do |`. */
const rows = PAGE.split("\n")
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  .filter((cells) => cells.length === 7 && /^`[A-Z]\w+`$/.test(cells[1] ?? ""))
  .map(([, code = "", retry, state, meaning = "", remedy = ""]) => ({
    code: code.slice(1, -1),
    retry,
    state,
    meaning,
    remedy,
  }));

describe("docs/errors.md", () => {
  it("has a row for each failure, in the order of the table of failures, and no other", () => {
    expect(rows.map(({ code }) => code)).toEqual(FAILURE_REASONS);
  });

  it.each(FAILURE_REASONS)("says when %s is tried again and which state it leads to", (reason) => {
    const failure = new Failure(reason, "");
    const row = rows.find(({ code }) => code === reason);
    expect(row).toMatchObject({ retry: failure.retry, state: failure.state });
  });

  it.each(rows)("tells what $code means and what to do", ({ meaning, remedy }) => {
    expect(meaning).toMatch(/\.$/);
    expect(remedy).toMatch(/\.$/);
  });
});

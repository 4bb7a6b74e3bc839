import { basename, resolve } from "node:path";
import { Failure } from "../../errors.ts";
import { plural } from "../../health/text.ts";
import { EXIT, type Outcome } from "../outcome.ts";
import { type Lint, lintPack } from "./lint.ts";
import { readPackFolder } from "./pack-folder.ts";

export interface LintOptions {
  folders: readonly string[];
  format: "text" | "json";
  /** As `2026-07-01`. */
  today: string;
}

/** `strata pack lint`: problems are what does not work, warnings what has no effect. */
export async function lintCommand({ folders, format, today }: LintOptions): Promise<Outcome> {
  const results: { folder: string; lint: Lint }[] = [];
  const unread: string[] = [];
  for (const folder of folders) {
    try {
      const files = await readPackFolder(folder);
      results.push({ folder, lint: await lintPack(files, `pack ${basename(resolve(folder))}`, today) });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      unread.push(error.message);
    }
  }
  const hasProblems = results.some(({ lint }) => lint.problems.length > 0);
  return {
    text: format === "json" ? jsonOf(results) : results.map(({ lint }) => textOf(lint)).join(""),
    problems: unread,
    code: unread.length > 0 ? EXIT.failed : hasProblems ? EXIT.problems : EXIT.ok,
  };
}

function jsonOf(results: readonly { folder: string; lint: Lint }[]): string {
  const rows = results.map(({ folder, lint: { pack, problems, warnings } }) => {
    return { folder, ...pack, ok: problems.length === 0, problems, warnings };
  });
  return `${JSON.stringify(rows, null, 2)}\n`;
}

function textOf({ pack, problems, warnings }: Lint): string {
  const lines = [
    ...problems.map((problem) => `problem: ${problem}`),
    ...warnings.map((warning) => `warning: ${warning}`),
    `${pack === undefined ? "no pack" : `${pack.name} ${pack.version}`}: ${plural(problems.length, "problem")}, ${plural(warnings.length, "warning")}`,
  ];
  return lines.map((line) => `${line}\n`).join("");
}

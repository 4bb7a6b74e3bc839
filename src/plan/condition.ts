import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { type OutputName, outputKey } from "./expression-names.ts";
import type { Scope } from "./expression-scope.ts";
import { evaluateCondition } from "./expressions.ts";
import { installedRows } from "./installed.ts";
import { awaiting, passing, undecided } from "./outputs.ts";
import type { Answer, Seen } from "./seen.ts";
import { SEEN_BY_ALL } from "./seen-names.ts";
import type { ContentState } from "./types.ts";

type Known = Pick<Seen, "rows" | "now" | "conditions">;

interface Judged {
  /** Why the layer is not brought. */
  not?: ContentState;
  answer: Answer;
}

/**
 * Whether a layer is brought, as its `when` has it. The absence of an output may pass: its object is made anew, or its layer
 * is at work. An answer that comes of it is no reason to remove what is installed, nor to bring what was skipped, until
 * the output's layer is Ready and the output has been absent for a while.
 */
export function judgeCondition(
  { name, when = "true" }: Pick<Layer, "name" | "when">,
  scope: Scope,
  seen: Known,
): Judged {
  const before = answerBefore(name, seen);
  const kept = (not: ContentState): Judged => ({ not, answer: before });
  const evaluated = evaluateCondition(when, scope, "when");
  if (evaluated.kind === "failed") return kept({ kind: "missing", failure: invalidValues(evaluated.problems) });
  if (evaluated.kind === "waiting") return kept(awaiting(evaluated.on, scope.layers) ?? { kind: "reading" });
  if (evaluated.sensitivePaths.length > 0)
    return kept({ kind: "missing", failure: invalidValues([`when: ${SEEN_BY_ALL}`]) });
  const { outputs } = evaluated.uses;
  const late = awaiting(undecided(outputs, scope.layers), scope.layers);
  if (late) return kept(late);
  const doubt = contradicts(before, evaluated.value) ? doubtful(passing(outputs, scope.layers), seen) : undefined;
  const waits = doubt && awaiting([doubt.output], scope.layers);
  if (doubt && waits?.kind === "waiting") {
    const about = { on: `${waits.on}; ${doubt.words}`, ...doubt.time };
    return kept(before === "off" ? { kind: "skipped", ...about } : { kind: "waiting", ...about });
  }
  return evaluated.value ? { answer: "on" } : { not: { kind: "skipped" }, answer: "off" };
}

/** How a condition stands before it is asked. What the rows tell is of use only to a fresh process: later they say other things. */
export function answerBefore(layer: string, { rows, conditions }: Known): Answer {
  const known = conditions.answers.get(layer);
  if (known) return known;
  if (installedRows(layer, rows).length > 0) return "on";
  const row = rows.get(layer);
  if (!row) return "new";
  return row.state === "Skipped" ? "off" : "unsure";
}

/** Whether an answer would change what is there, or may. */
function contradicts(before: Answer, answer: boolean): boolean {
  return before === "unsure" || before === (answer ? "off" : "on");
}

/** In milliseconds: what makes an object anew takes less. */
const PASSES_MS = 60_000;

interface Doubt {
  output: OutputName;
  words: string;
  time: { until?: number };
}

/** The first absence that may still pass. */
function doubtful(absent: readonly OutputName[], { rows, now, conditions }: Known): Doubt | undefined {
  for (const output of absent) {
    const from = rows.get(output.layer);
    if (from?.state !== "Ready") {
      return { output, words: `until layer ${output.layer} is Ready, \`when\` keeps its answer`, time: {} };
    }
    const since = conditions.absentSince.get(outputKey(output)) ?? now;
    const until = Math.max(since, Date.parse(from.lastTransitionTime ?? "") || 0) + PASSES_MS;
    if (now < until) {
      return { output, words: "until that has lasted a minute, `when` keeps its answer", time: { until } };
    }
  }
  return undefined;
}

function invalidValues(problems: readonly string[]): Failure {
  return new Failure("InvalidValues", problems.join("; "));
}

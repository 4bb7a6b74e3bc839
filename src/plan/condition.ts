import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { OutputName } from "./expression-names.ts";
import type { Scope } from "./expression-scope.ts";
import { evaluateCondition } from "./expressions.ts";
import { installedRows } from "./installed.ts";
import { awaiting, passing, undecided } from "./outputs.ts";
import type { Seen } from "./seen.ts";
import { SEEN_BY_ALL } from "./seen-names.ts";
import type { ContentState } from "./types.ts";

type Rows = Pick<Seen, "rows" | "now">;

/**
 * Why a layer is not brought, as its `when` has it. The absence of an output may pass: its object is made anew, or its layer
 * is at work. An answer that comes of it is no reason to remove what is installed, nor to bring what was skipped, until
 * the output's layer is Ready and has been without the output for a while.
 */
export function undone(
  { name, when }: Pick<Layer, "name" | "when">,
  scope: Scope,
  seen: Rows,
): ContentState | undefined {
  if (when === undefined) return undefined;
  const evaluated = evaluateCondition(when, scope, "when");
  if (evaluated.kind === "failed") return { kind: "missing", failure: invalidValues(evaluated.problems) };
  if (evaluated.kind === "waiting") return awaiting(evaluated.on, scope.layers);
  if (evaluated.sensitivePaths.length > 0) return { kind: "missing", failure: invalidValues([`when: ${SEEN_BY_ALL}`]) };
  const { outputs } = evaluated.uses;
  const late = awaiting(undecided(outputs, scope.layers), scope.layers);
  if (late) return late;
  const doubt = contradicts(name, evaluated.value, seen)
    ? doubtful(name, passing(outputs, scope.layers), seen)
    : undefined;
  if (doubt) {
    const waits = awaiting([doubt.output], scope.layers);
    if (waits?.kind === "waiting") return { ...waits, on: `${waits.on}; ${doubt.words}`, ...doubt.time };
  }
  return evaluated.value ? undefined : { kind: "skipped" };
}

/** Whether an answer is another one than that by which the layer stands, or is being thought about. */
function contradicts(layer: string, answer: boolean, { rows }: Rows): boolean {
  const row = rows.get(layer);
  if (installedRows(layer, rows).length > 0) return !answer;
  return row?.state === "Skipped" ? answer : row?.reason === WAITING;
}

/** The reason of a row that waits for an output. */
export const WAITING = "WaitingForOutput";

/** In milliseconds: what makes an object anew takes less. */
const PASSES_MS = 60_000;

interface Doubt {
  output: OutputName;
  words: string;
  time: { until?: number };
}

/** The first absence that may still pass. */
function doubtful(layer: string, absent: readonly OutputName[], { rows, now }: Rows): Doubt | undefined {
  for (const output of absent) {
    const from = rows.get(output.layer);
    if (from?.state !== "Ready") {
      return { output, words: `until layer ${output.layer} is Ready, \`when\` keeps its answer`, time: {} };
    }
    const row = rows.get(layer);
    const told = row?.reason === WAITING ? Date.parse(row.lastTransitionTime ?? "") || now : now;
    const until = Math.max(told, Date.parse(from.lastTransitionTime ?? "") || 0) + PASSES_MS;
    if (now < until) {
      return { output, words: "until that has lasted a minute, `when` keeps its answer", time: { until } };
    }
  }
  return undefined;
}

function invalidValues(problems: readonly string[]): Failure {
  return new Failure("InvalidValues", problems.join("; "));
}

import { Failure } from "../errors.ts";
import { macroKey, planMacros } from "../pack/macro-plan.ts";
import type { MacroAnswer, MacroDocument, MacroPlan, MacroScope } from "../pack/macro-types.ts";
import type { Renderer } from "../render/renderer.ts";

/**
 * Takes the plan of macros and the renderer turn by turn, until all is replaced.
 *
 * @returns the documents' trees, in their order, and what in them is sensitive
 * @throws Failure InvalidValues with all problems, RenderFailed or RenderTimeout; or the reason of `signal`
 */
export async function resolveMacros(
  renderer: Renderer,
  { documents, scope }: { documents: readonly MacroDocument[]; scope: MacroScope },
  signal: AbortSignal,
): Promise<Omit<Extract<MacroPlan, { kind: "done" }>, "kind">> {
  const answers = new Map<string, MacroAnswer>();
  for (;;) {
    const plan = planMacros(documents, scope, answers);
    if (plan.kind === "done") {
      const { kind: _, ...done } = plan;
      return done;
    }
    if (plan.kind === "failed") throw new Failure("InvalidValues", plan.problems.join("; "));
    const found = await renderer.evaluateMacros(plan.batch, signal);
    for (const [index, expression] of plan.batch.entries()) {
      const answer = found[index];
      if (answer === undefined) throw new Error("the renderer left out a macro");
      answers.set(macroKey(expression), answer);
    }
  }
}

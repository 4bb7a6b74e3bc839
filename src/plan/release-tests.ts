import { Failure } from "../errors.ts";
import { type ChartLayer, eventOf, type OpenRecord } from "./chart-layer.ts";
import { evaluateHooks, type HookView, watchedHooks } from "./hooks.ts";
import { failing, type LayerView, type Surroundings, withoutLook, working } from "./layer-view.ts";
import { refusalOf } from "./release-attempt.ts";
import type { NamedRef } from "./seen.ts";

/** So often a test that `Warn` wants is tried again when the API server refuses its object. */
const WARN_ATTEMPTS = 5;

/** The chart's tests, once the layer is Ready; undefined when it has none or wants none. */
export function tested(
  layer: ChartLayer,
  view: LayerView,
  { record, around }: { record: OpenRecord; around: Surroundings },
): LayerView | undefined {
  const { test = "None" } = layer.spec;
  const hooks = eventOf(layer, "test", record);
  if (test === "None" || hooks.hooks.length === 0) return undefined;
  const tests = evaluateHooks(hooks, around.seen);
  const named = watchedHooks(layer.state.hooks, ["test"]);
  // They stay watched: what was done of them is judged again at each pass.
  if (tests.done) return { ...view, hooks: { named, late: [] } };
  return underTest(layer, withoutLook(view), { tests, named, around });
}

function underTest(
  layer: ChartLayer,
  view: LayerView,
  { tests, named, around }: { tests: HookView; named: readonly NamedRef[]; around: Surroundings },
): LayerView {
  const { test } = layer.spec;
  const { message, failure, step, wakeAt, late } = tests;
  if (test === "Warn") return { ...view, ...warning(view, tests, around), hooks: { named, late } };
  const words = `${view.message}; ${failure ? "" : "testing: "}${message}`;
  const next = { hooks: { named, late }, ...(step ? { step } : {}), ...(wakeAt === undefined ? {} : { wakeAt }) };
  const shown = failure ? failing(layer, new Failure("TestFailed", words)) : working(layer, "Waiting", words);
  return { ...view, ...shown, ...next, reason: failure ? "TestFailed" : "Testing", applied: true, health: view.health };
}

/** What `Warn` adds to a layer that is Ready and stays so: each test runs once in a revision. */
function warning(
  view: LayerView,
  { failure, message, step, wakeAt }: HookView,
  { seen }: Surroundings,
): Partial<LayerView> {
  if (failure) {
    const cleansUp = step?.kind === "RunHook" ? undefined : step;
    return { message: `${view.message}; ${failure.message}`, ...(cleansUp ? { step: cleansUp, aside: true } : {}) };
  }
  const refused = refusalOf(step, seen);
  if (!refused) {
    const next = { ...(step ? { step, aside: true } : {}), ...(wakeAt === undefined ? {} : { wakeAt }) };
    return { message: `${view.message}; testing: ${message}`, ...next };
  }
  const words = { message: `${view.message}; not tested: ${refused.failure.message}` };
  if (refused.attempts >= WARN_ATTEMPTS) return words;
  return seen.now < refused.retryAt
    ? { ...words, wakeAt: refused.retryAt }
    : { ...words, ...(step ? { step } : {}), aside: true };
}

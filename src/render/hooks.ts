import { Failure } from "../errors.ts";
import type { RenderHook } from "./protocol.ts";

/** Tests run only when somebody asks for them, so that a chart is complete without them. */
function isTest(hook: RenderHook): boolean {
  return hook.events.every((event) => event === "test");
}

/**
 * Test hooks are left out; a chart with others would be incomplete, or out of order, without them.
 *
 * @throws Failure HooksNotSupported, naming each hook with its events
 */
export function refuseHooks(chart: string, hooks: RenderHook[]): void {
  const others = hooks.filter((hook) => !isTest(hook));
  if (others.length === 0) return;
  const named = others.map(({ events, kind, name }) => `${events.join(",")} ${kind} ${name}`).join("; ");
  throw new Failure("HooksNotSupported", `${chart} has hooks (${named}): not supported yet by this version of Strata`);
}

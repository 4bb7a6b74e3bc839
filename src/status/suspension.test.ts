import { describe, expect, test } from "vitest";
import type { DeploymentLayerStatus, Layer, ProfileDeploymentStatus } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { blockedStatus, suspendedStatus } from "./deployment-status.ts";

const NOW = "2026-11-22T12:00:00Z";
const BEFORE = "2026-11-22T11:00:00Z";

const layer = (name: string, rest: object = {}): Layer =>
  ({ name, type: "AddOn", manifests: [], ...rest }) as unknown as Layer;
const row = (name: string, fields: Partial<DeploymentLayerStatus> = {}): DeploymentLayerStatus => ({
  name,
  type: "AddOn",
  source: "manifests",
  state: "Ready",
  reason: "Ready",
  message: "fine",
  gate: "Open",
  digest: "d",
  readyDigest: "d",
  ready: "1/1",
  lastTransitionTime: BEFORE,
  ...fields,
});

const context = (layers?: DeploymentLayerStatus[], previous?: ProfileDeploymentStatus) => ({
  now: NOW,
  generation: 1,
  profileGeneration: 2,
  previous: previous ?? (layers && { layers }),
});
const conditionsOf = ({ conditions = [] }: ProfileDeploymentStatus) =>
  Object.fromEntries(conditions.map(({ type, status }) => [type, status]));

describe("the status of a suspended profile", () => {
  test("keeps its rows, says in which state they were left, and is as Ready as it was", () => {
    const status = suspendedStatus([layer("one")], context([row("one")]));
    expect(status.layers).toEqual([
      {
        ...row("one"),
        state: "Suspended",
        reason: "Suspended",
        stateBefore: "Ready",
        message: "suspended; it was Ready",
        lastTransitionTime: NOW,
      },
    ]);
    expect(conditionsOf(status)).toEqual({ Ready: "True", Reconciling: "False", Stalled: "False", Suspended: "True" });
    expect(status).toMatchObject({ profileGeneration: 2, observedGeneration: 1 });
  });

  test("stays the very same", () => {
    const once = suspendedStatus([layer("one")], context([row("one", { state: "Failed", message: "broken" })]));
    expect(once.layers?.[0]?.message).toBe("suspended; it was Failed: broken");
    const twice = suspendedStatus([layer("one")], { ...context(undefined, once), now: "2026-11-22T13:00:00Z" });
    expect(twice).toEqual(once);
  });

  test("is not Ready if a layer was not, and nobody works on it", () => {
    const status = suspendedStatus(
      [layer("one"), layer("two")],
      context([row("one"), row("two", { state: "Waiting" })]),
    );
    expect(conditionsOf(status)).toEqual({ Ready: "False", Reconciling: "False", Stalled: "False", Suspended: "True" });
    expect(status.summary?.layer).toBe("two");
    const stalled = status.conditions?.find(({ type }) => type === "Stalled");
    expect([stalled?.reason, stalled?.message]).toEqual(["Suspended", "two: suspended; it was Waiting: fine"]);
  });

  test("tells of layers that were never brought, and of those that left the list", () => {
    const status = suspendedStatus([layer("new")], context([row("gone")]));
    expect(status.layers?.map(({ name, state, message, gate }) => [name, state, message, gate])).toEqual([
      ["new", "Suspended", "suspended before anything of it was brought", "Closed"],
      ["gone", "Suspended", "suspended; it was Ready", "Open"],
    ]);
  });

  test("keeps the parts of a pack, each with its own state", () => {
    const parts = [row("one.a"), row("one.b", { state: "Waiting", gate: "Closed" })];
    const status = suspendedStatus([layer("one")], context([row("one", { state: "Waiting", parts })]));
    expect(status.layers?.[0]?.parts?.map(({ state, stateBefore, gate }) => [state, stateBefore, gate])).toEqual([
      ["Suspended", "Ready", "Open"],
      ["Suspended", "Waiting", "Closed"],
    ]);
  });
});

test("a cluster that cannot be worked on blocks no suspended layer", () => {
  const failure = new Failure("Unreachable", "no answer");
  const layers = [layer("one", { suspend: true }), layer("two")];
  const status = blockedStatus(layers, failure, context([row("one"), row("two")]));
  expect(status.layers?.map(({ state }) => state)).toEqual(["Suspended", "Blocked"]);
});

test("what is resumed is no more said to be suspended", () => {
  const suspended = suspendedStatus([layer("one")], context([row("one")]));
  const status = blockedStatus([layer("one")], new Failure("Unreachable", "no answer"), context(undefined, suspended));
  expect(conditionsOf(status)).toEqual({ Ready: "False", Reconciling: "True", Stalled: "False" });
  expect(status.layers?.[0]).not.toHaveProperty("stateBefore");
});

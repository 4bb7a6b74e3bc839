import { expect, test } from "vitest";
import { KINDS } from "../../src/api/kinds.ts";
import { argoHealth, readRecorded } from "../support/argocd.ts";

const recorded = await readRecorded();

test.each(recorded)("Argo CD shows $want.status of $name", async ({ object, want }) => {
  expect(await argoHealth([object])).toEqual([want]);
});

test("each kind and each answer is among the recorded ones", () => {
  const kinds = new Set(recorded.map(({ object }) => (object as { kind: string }).kind));
  expect([...kinds].sort()).toEqual(KINDS.map(({ kind }) => kind).sort());
  const answers = new Set(recorded.map(({ want }) => want.status));
  expect([...answers].sort()).toEqual(["Degraded", "Healthy", "Progressing", "Suspended"]);
});

test.each([
  ["no status", {}],
  ["no conditions", { status: {} }],
  ["a message only", { status: { conditions: [{ type: "Ready", status: "True", observedGeneration: 1 }] } }],
])("an object with %s is no reason to fail", async (_, fields) => {
  const kinds = KINDS.map(({ kind }) => ({ kind, metadata: { name: "x", generation: 1 }, ...fields }));
  for (const { status } of await argoHealth(kinds)) expect(status).toBeOneOf(["Progressing", "Healthy"]);
});

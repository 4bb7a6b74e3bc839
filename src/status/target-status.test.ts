import { expect, test } from "vitest";
import { FINALIZER } from "../api/names.ts";
import type { ProfileDeployment, TargetCluster } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { type TargetState, targetStatus } from "./target-status.ts";

const NOW = "2026-11-22T12:00:00Z";
const held = { name: "edge", namespace: "acme", generation: 3, finalizers: [FINALIZER] };
const going = { ...held, deletionTimestamp: NOW };
const live: TargetState = { kind: "live", uid: "u", version: "v1.36.3" };
const refused = "10.1.7.1:6443: connection refused";
const away: TargetState = { kind: "failing", failure: new Failure("Unreachable", refused) };

/** What a profile still has there; without a message all of it is Ready. */
function user(name: string, { isLeaving = true, kind = "AddOnProfile", message = "" } = {}): ProfileDeployment {
  const metadata = { name, namespace: "acme", ...(isLeaving ? { deletionTimestamp: NOW } : {}) };
  const condition = { type: "Ready", status: message ? "False" : "True", message: message || "all layers are Ready" };
  const profileRef = { kind, name, ...(kind === "SystemProfile" ? {} : { namespace: "acme" }) };
  return { metadata, spec: { profileRef }, status: { conditions: [condition] } } as unknown as ProfileDeployment;
}

const until = "cni: unreachable since x; what is there is left there from 2026-11-22T13:00:00Z on";

test.each([
  ["not deleted", held, live, [user("web", { isLeaving: false })], "Kubernetes v1.36.3 answers"],
  ["deleted, and nobody is there any more", going, live, [], "Kubernetes v1.36.3 answers"],
  [
    "deleted, and held by somebody else",
    { ...going, finalizers: ["x"] },
    live,
    [user("web")],
    "Kubernetes v1.36.3 answers",
  ],
  [
    "deleted, while a profile is about to leave",
    going,
    live,
    [user("web", { isLeaving: false })],
    "being deleted, waits for AddOnProfile acme/web (has not begun to leave: its own status says why, or Strata's log if it cannot be read); Kubernetes v1.36.3 answers",
  ],
  [
    "deleted, while profiles leave",
    going,
    live,
    [user("web", { message: "cni: 1 object left" }), user("edge", { kind: "SystemProfile" })],
    "being deleted, waits for AddOnProfile acme/web (cni: 1 object left), SystemProfile edge; Kubernetes v1.36.3 answers",
  ],
  [
    "deleted and away: until when it is waited for",
    going,
    away,
    [user("web", { message: until })],
    `being deleted, waits for AddOnProfile acme/web (${until}); ${refused}`,
  ],
  [
    "deleted, while a profile leaves on both sides: it is named once",
    going,
    live,
    [user("web"), user("web", { message: "cni: 2 objects left" })],
    "being deleted, waits for AddOnProfile acme/web (cni: 2 objects left); Kubernetes v1.36.3 answers",
  ],
  [
    "deleted, while many leave",
    going,
    live,
    ["a", "b", "c", "d", "e"].map((name) => user(name)),
    "being deleted, waits for AddOnProfile acme/a, AddOnProfile acme/b, AddOnProfile acme/c and 2 more; Kubernetes v1.36.3 answers",
  ],
])("a TargetCluster %s", (_what, metadata, state, users, message) => {
  const { conditions } = targetStatus({ metadata } as unknown as TargetCluster, state, { users, now: NOW });
  expect(conditions).toMatchObject([{ type: "Ready", message }]);
});

test("being deleted does not make a cluster lost: from that on deletionGrace would be counted", () => {
  const users = [user("web", { message: "cni: 1 object left" })];
  const { conditions } = targetStatus({ metadata: going } as unknown as TargetCluster, live, { users, now: NOW });
  expect(conditions).toMatchObject([{ type: "Ready", status: "True", reason: "Connected" }]);
});

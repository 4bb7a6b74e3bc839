import { describe, expect, it } from "vitest";
import type { Profile, ProfileDeployment, ProfileKind } from "../api/types.ts";
import { type Neighbour, turnOf } from "./turn.ts";

interface About {
  needs?: [kind: ProfileKind, name: string][];
  /** Gates of its layers on the cluster, by name; "old" stands for a status of an older generation. */
  gates?: Record<string, "Open" | "Closed"> | "old" | "none";
  age?: number;
  suspend?: boolean;
  going?: boolean;
  namespace?: string;
  /** By which name it comes to the cluster. */
  cluster?: string;
  idle?: boolean;
  /** Names of layers that are applied on the hub for the cluster. */
  onHub?: string[];
  /** What its status says of each layer. */
  told?: object;
}

function neighbour(kind: ProfileKind, name: string, about: About = {}): Neighbour {
  const { needs, gates = { a: "Open" }, age = 0, suspend, going, namespace = "acme", onHub = [] } = about;
  const { cluster = "edge", idle = false, told = {} } = about;
  const rows = typeof gates === "string" ? { a: "Open" } : gates;
  const place = kind === "SystemProfile" ? {} : { namespace };
  const layers: object[] = Object.keys(rows).map((layer) => ({ name: layer, type: "AddOn" }));
  layers.push(...onHub.map((layer) => ({ name: layer, type: "AddOn", applyTo: "Management" })));
  const profile = {
    kind,
    metadata: { name, ...place, generation: 2, ...(going ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
    spec: {
      layers,
      ...(suspend ? { suspend } : {}),
      ...(needs ? { dependsOn: needs.map(([of, one]) => ({ kind: of, name: one })) } : {}),
    },
  };
  const status = {
    profileGeneration: gates === "old" ? 1 : 2,
    layers: Object.entries(rows).map(([layer, gate]) => ({
      name: layer,
      gate,
      state: gate === "Open" ? "Ready" : "Waiting",
      ...told,
    })),
  };
  const deployment = {
    metadata: { namespace, name: `${name}-${cluster}`, creationTimestamp: `2026-01-01T00:00:0${age}Z` },
    spec: { clusterRef: cluster === "local" ? { name: cluster } : { namespace, name: cluster } },
    ...(gates === "none" ? {} : { status }),
  };
  return {
    profile: profile as unknown as Profile,
    deployment: deployment as unknown as ProfileDeployment,
    isIdle: () => idle,
  };
}

const told = (own: Neighbour, others: Neighbour[], isInstalled = false, absent: Neighbour[] = []): string => {
  const turn = turnOf(own, others, { isInstalled, absent: () => absent.map(({ profile }) => profile) });
  if (turn.kind === "free") return "free";
  return turn.kind === "waits" ? `waits for ${turn.on}` : `${turn.failure.reason}: ${turn.failure.message}`;
};

const closed: About = { gates: { cni: "Closed", csi: "Closed" } };
const base = neighbour("ClusterProfile", "base");
const late = neighbour("ClusterProfile", "base", closed);
const addOn = (about: About = {}) => neighbour("AddOnProfile", "web", about);

const ROWS: [what: string, own: Neighbour, others: Neighbour[], isInstalled: boolean, told: string][] = [
  ["alone", addOn(), [], false, "free"],
  ["beside a cluster profile that is complete", addOn(), [base], false, "free"],
  ["beside one that is not", addOn(), [late], false, "waits for ClusterProfile acme/base: layer cni is Waiting"],
  [
    "beside one that nobody has judged",
    addOn(),
    [neighbour("ClusterProfile", "base", { gates: "none" })],
    false,
    "waits for ClusterProfile acme/base: is not judged yet",
  ],
  [
    "beside one that was changed just now",
    addOn(),
    [neighbour("ClusterProfile", "base", { gates: "old" })],
    false,
    "waits for ClusterProfile acme/base: is not judged yet",
  ],
  ["what is installed waits for no tier", addOn(), [late], true, "free"],
  [
    "a suspended one is not waited for",
    addOn(),
    [neighbour("ClusterProfile", "base", { ...closed, suspend: true })],
    false,
    "free",
  ],
  [
    "nor a second cluster profile, which is refused",
    addOn(),
    [neighbour("ClusterProfile", "second", { ...closed, age: 2 }), neighbour("ClusterProfile", "first", { age: 1 })],
    false,
    "free",
  ],
  [
    "nor what another tenant brings to the hub",
    addOn(),
    [neighbour("ClusterProfile", "base", { ...closed, namespace: "elsewhere" })],
    false,
    "free",
  ],
  [
    "what a profile applies on the hub is not looked for on the cluster",
    addOn(),
    [neighbour("ClusterProfile", "base", { onHub: ["dns"] })],
    false,
    "free",
  ],
  ["nor one on its way out", addOn(), [neighbour("ClusterProfile", "base", { ...closed, going: true })], false, "free"],
  ["a higher tier waits for no lower one", base, [addOn(closed)], false, "free"],
  [
    "a cluster profile waits for the platform's",
    base,
    [neighbour("SystemProfile", "edge", closed)],
    false,
    "waits for SystemProfile edge: layer cni is Waiting",
  ],
  ["equals do not wait for each other", addOn(), [neighbour("AddOnProfile", "other", closed)], false, "free"],
  [
    "but for those that they name",
    addOn({ needs: [["AddOnProfile", "other"]] }),
    [neighbour("AddOnProfile", "other", closed)],
    true,
    "waits for AddOnProfile acme/other: layer cni is Waiting",
  ],
  [
    "which must come to the cluster",
    addOn({ needs: [["AddOnProfile", "other"]] }),
    [neighbour("AddOnProfile", "other", { namespace: "elsewhere" })],
    false,
    "waits for AddOnProfile acme/other, which does not come to this cluster: bring it here, or take it out of dependsOn",
  ],
  [
    "a circle of two",
    addOn({ needs: [["AddOnProfile", "b"]] }),
    [neighbour("AddOnProfile", "b", { needs: [["AddOnProfile", "web"]] })],
    false,
    "InvalidSpec: dependsOn goes in a circle: AddOnProfile acme/web needs AddOnProfile acme/b needs AddOnProfile acme/web: take the dependsOn of one of them out",
  ],
  [
    "a circle that it is not in",
    addOn({ needs: [["AddOnProfile", "b"]] }),
    [
      neighbour("AddOnProfile", "b", { needs: [["AddOnProfile", "c"]], ...closed }),
      neighbour("AddOnProfile", "c", { needs: [["AddOnProfile", "b"]] }),
    ],
    false,
    "waits for AddOnProfile acme/b: layer cni is Waiting",
  ],
  [
    "itself",
    addOn({ needs: [["AddOnProfile", "web"]] }),
    [],
    false,
    "InvalidSpec: dependsOn goes in a circle: AddOnProfile acme/web needs AddOnProfile acme/web: take the dependsOn of one of them out",
  ],
  [
    "the second cluster profile",
    neighbour("ClusterProfile", "second", { age: 2 }),
    [neighbour("ClusterProfile", "first", { age: 1 })],
    true,
    "Conflict: the cluster has ClusterProfile acme/first already, and a cluster has one ClusterProfile: make an AddOnProfile of this one, or take the cluster out of one of the two",
  ],
  [
    "the second cluster profile, while the first is on its way out",
    neighbour("ClusterProfile", "second", { age: 2 }),
    [neighbour("ClusterProfile", "first", { age: 1, going: true })],
    false,
    "free",
  ],
  [
    "the first cluster profile of a tenant on the hub, which has one of another tenant",
    neighbour("ClusterProfile", "second", { age: 2 }),
    [neighbour("ClusterProfile", "first", { age: 1, namespace: "elsewhere" })],
    false,
    "free",
  ],
  [
    "the first cluster profile",
    neighbour("ClusterProfile", "first", { age: 1 }),
    [neighbour("ClusterProfile", "second", { age: 2 })],
    false,
    "free",
  ],
];

/** The profile of `alsoOn` is there too, by another name of the cluster. */
const alsoOn = (cluster: string, { profile }: Neighbour, about: About = {}): Neighbour => ({
  ...neighbour(profile.kind, profile.metadata.name, { ...about, cluster }),
  profile,
});
const onLeave = (one: Neighbour): Neighbour => {
  const metadata = { ...one.deployment.metadata, deletionTimestamp: "2026-01-01T00:00:09Z" };
  return { ...one, deployment: { ...one.deployment, metadata } };
};
const first = neighbour("ClusterProfile", "first", { age: 1 });
const second = neighbour("ClusterProfile", "second", { age: 2 });
const theOther = "on acme/other, which is the same cluster";
const inWords = (by: string) =>
  `the cluster has ${by} already, and a cluster has one ClusterProfile: make an AddOnProfile of this one, or take the cluster out of one of the two`;
const taken = (by: string) => `Conflict: ${inWords(by)}`;

/** Somebody deletes the deployment by hand: Strata makes another one, as the profile goes there as before. */
const deletedByHand = (one: Neighbour): Neighbour => ({ ...onLeave(one), isMadeAgain: () => true });
const none: About = { gates: "none" };
const refusedFor = (by: string): About => ({ told: { state: "Blocked", reason: "Conflict", message: inWords(by) } });
const brought: About = { told: { appliedAt: "2026-01-01T00:00:05Z" } };
const resident = neighbour("ClusterProfile", "first", { age: 1, ...brought });
const madeAgain = neighbour("ClusterProfile", "first", { age: 5, ...none });
const refused = neighbour("ClusterProfile", "second", { age: 2, ...refusedFor("ClusterProfile acme/first") });
const third = neighbour("ClusterProfile", "third", { age: 3, ...refusedFor("ClusterProfile acme/first") });
const thirdForSecond = neighbour("ClusterProfile", "third", { age: 3, ...refusedFor("ClusterProfile acme/second") });
const suspended = neighbour("ClusterProfile", "second", {
  age: 2,
  suspend: true,
  told: {
    state: "Suspended",
    reason: "Suspended",
    message: `suspended; it was Blocked: ${inWords("ClusterProfile acme/first")}`,
  },
});
const began = neighbour("ClusterProfile", "second", { age: 2, ...brought });

const BY_HAND: [...(typeof ROWS)[number], absent?: Neighbour[]][] = [
  [
    "the second is refused as before while the old deployment is going",
    refused,
    [deletedByHand(resident)],
    false,
    taken("ClusterProfile acme/first"),
  ],
  [
    "also one that was not told so yet",
    neighbour("ClusterProfile", "second", { age: 2, ...none }),
    [deletedByHand(resident)],
    false,
    taken("ClusterProfile acme/first"),
  ],
  ["and while there is none", refused, [], false, taken("ClusterProfile acme/first"), [madeAgain]],
  ["and when there is another one, which is younger", refused, [madeAgain], false, taken("ClusterProfile acme/first")],
  ["by which the first has the cluster as before", madeAgain, [refused], false, "free"],
  ["beside others too, who are all refused for it", madeAgain, [third, refused], false, "free"],
  ["and they for it, not for one another", third, [refused, madeAgain], false, taken("ClusterProfile acme/first")],
  ["also where one of them was refused for another", madeAgain, [refused, thirdForSecond], false, "free"],
  ["nor does one that is suspended have the cluster for that", madeAgain, [suspended], false, "free"],
  [
    "a profile that comes to the cluster then does not have it",
    neighbour("ClusterProfile", "new", { age: 9, ...none }),
    [madeAgain, refused],
    false,
    taken("ClusterProfile acme/first"),
  ],
  [
    "the next one has its turn when the first does not come again",
    refused,
    [],
    false,
    "free",
    [neighbour("ClusterProfile", "new")],
  ],
  [
    "and keeps it when that comes back while its old deployment is going",
    began,
    [deletedByHand(resident)],
    false,
    "free",
  ],
  ["or by another deployment", began, [madeAgain], false, "free"],
  [
    "of two that were refused for each other the older one has the cluster",
    neighbour("ClusterProfile", "first", { age: 1, ...refusedFor("ClusterProfile acme/second") }),
    [refused],
    false,
    "free",
  ],
  [
    "an add-on waits for what is made again",
    addOn(),
    [deletedByHand(late)],
    false,
    "waits for ClusterProfile acme/base: layer cni is Waiting",
  ],
];

const NAMES: typeof ROWS = [
  [
    "a cluster profile that comes by the other name comes first",
    addOn(),
    [alsoOn("other", late, closed)],
    false,
    `waits for ClusterProfile acme/base (${theOther}): layer cni is Waiting`,
  ],
  [
    "and the cluster has but one of them",
    second,
    [alsoOn("other", first, { age: 1 })],
    true,
    taken(`ClusterProfile acme/first (${theOther})`),
  ],
  [
    "one that comes by both is where it is done: the other name is refused",
    addOn(),
    [alsoOn("a", late, { gates: { cni: "Open", csi: "Open" } }), { ...late, isIdle: () => true }],
    false,
    "free",
  ],
  [
    "it is waited for where it is at work",
    addOn(),
    [{ ...late, isIdle: () => true }, alsoOn("other", late, { gates: { cni: "Open", csi: "Closed" } })],
    false,
    `waits for ClusterProfile acme/base (${theOther}): layer csi is Waiting`,
  ],
  [
    "one that cannot get there is not waited for",
    addOn(),
    [alsoOn("other", late, { ...closed, idle: true })],
    false,
    "free",
  ],
  [
    "but has the cluster",
    second,
    [alsoOn("other", first, { age: 1, idle: true })],
    true,
    taken(`ClusterProfile acme/first (${theOther})`),
  ],
  [
    "what it has by the one name it has by the other, which is newer",
    alsoOn("other", first, { age: 3 }),
    [first, second],
    true,
    "free",
  ],
  [
    "also when the cluster loses the older name",
    second,
    [onLeave(first), alsoOn("other", first, { age: 3 })],
    false,
    taken("ClusterProfile acme/first"),
  ],
  [
    "it is free when it is left by both",
    second,
    [onLeave(first), onLeave(alsoOn("other", first, { age: 3 }))],
    false,
    "free",
  ],
  [
    "what the platform brings to another tenant's cluster that says it is this one is not waited for",
    addOn(),
    [neighbour("SystemProfile", "edge", { ...closed, namespace: "elsewhere" })],
    false,
    "free",
  ],
  [
    "nor does it stand for what is brought here",
    addOn({ needs: [["SystemProfile", "edge"]] }),
    [neighbour("SystemProfile", "edge", { namespace: "elsewhere" })],
    false,
    "waits for SystemProfile edge, which does not come to this cluster: bring it here, or take it out of dependsOn",
  ],
  [
    "what it brings to the hub is, by a name that a tenant has for the hub",
    addOn(),
    [neighbour("SystemProfile", "edge", { ...closed, cluster: "local" })],
    false,
    "waits for SystemProfile edge (on local, which is the same cluster): layer cni is Waiting",
  ],
  [
    "and what it brings to that name is not, on the hub, by others",
    neighbour("AddOnProfile", "web", { cluster: "local", namespace: "elsewhere" }),
    [neighbour("SystemProfile", "edge", closed)],
    false,
    "free",
  ],
];

describe("whose turn it is on a cluster", () => {
  it.each(ROWS)("%s", (_what, own, others, isInstalled, sentence) => {
    expect(told(own, others, isInstalled)).toBe(sentence);
  });

  describe("of whose first ClusterProfile somebody deletes the deployment", () => {
    it.each(BY_HAND)("%s", (_what, own, others, isInstalled, sentence, absent) => {
      expect(told(own, others, isInstalled, absent)).toBe(sentence);
    });
  });

  describe("that has two names", () => {
    it.each(NAMES)("%s", (_what, own, others, isInstalled, sentence) => {
      expect(told(own, others, isInstalled)).toBe(sentence);
    });
  });
});

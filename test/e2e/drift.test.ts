import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { strataRequests } from "../support/ledger.ts";
import {
  apply,
  auditMark,
  follow,
  type Live,
  layerOf,
  pathOf,
  read,
  strataWrites,
  trustedTenant,
  untilReady,
  waitUntil,
} from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";
import { until } from "../support/waiting.ts";

const NAMESPACE = "steady";
const PROFILE = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/steady");
const PART_OF = "applyset.kubernetes.io/part-of";

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
/** The field manager of the profile's ApplySet. */
let manager: string;

const configMap = (name: string, data: Live = { key: "ours" }): Live => ({
  object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { colour: "blue" } }, data },
});
const deployment = (name: string): Live => ({
  object: {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        // The API server writes this quantity otherwise: no drift.
        spec: { containers: [{ name: "main", image: "web:1", resources: { requests: { cpu: "0.1" } } }] },
      },
    },
  },
});
const secret: Live = {
  object: { apiVersion: "v1", kind: "Secret", metadata: { name: "plain" }, stringData: { key: "ours" } },
};

const KINDS: Record<string, [apiVersion: string, resource: string]> = {
  ConfigMap: ["v1", "configmaps"],
  Secret: ["v1", "secrets"],
  Deployment: ["apps/v1", "deployments"],
};

interface Story {
  /** The object of the story's own; a ConfigMap where none is said. */
  manifest?: Live;
  /** Arguments of kubectl besides the namespace, and what it reads. */
  act: (name: string) => Promise<{ kubectl: string[]; input?: object }> | { kubectl: string[]; input?: object };
}

const target = (kind: string, name: string): string => `${kind}/${name}`;
const merge = (kind: string, name: string, patch: object): string[] => [
  "patch",
  target(kind, name),
  "--type=merge",
  "-p",
  JSON.stringify(patch),
];
const json = (kind: string, name: string, patch: object): string[] => [
  "patch",
  target(kind, name),
  "--type=json",
  "-p",
  JSON.stringify(patch),
];
const forced = (as: string): string[] => [
  "apply",
  "--server-side",
  "--force-conflicts",
  `--field-manager=${as}`,
  "-f",
  "-",
];
const foreign = (name: string, metadata: object = {}): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: NAMESPACE, ...metadata },
  data: { key: "theirs" },
});

const STORIES: Record<string, Story> = {
  scale: {
    manifest: deployment("scale"),
    act: (name) => ({ kubectl: ["scale", `deployment/${name}`, "--replicas=3"] }),
  },
  image: {
    manifest: deployment("image"),
    act: (name) => ({ kubectl: ["set", "image", `deployment/${name}`, "main=web:2"] }),
  },
  edit: { act: (name) => ({ kubectl: merge("configmap", name, { data: { key: "theirs" } }) }) },
  removal: { act: (name) => ({ kubectl: json("configmap", name, [{ op: "remove", path: "/data/key" }]) }) },
  deletion: { manifest: deployment("deletion"), act: (name) => ({ kubectl: ["delete", `deployment/${name}`] }) },
  label: { act: (name) => ({ kubectl: ["label", `configmap/${name}`, "colour-"] }) },
  membership: { act: (name) => ({ kubectl: ["label", `configmap/${name}`, `${PART_OF}-`] }) },
  "forced-apply": { act: (name) => ({ kubectl: forced("other"), input: foreign(name) }) },
  "own-name": { act: (name) => ({ kubectl: forced(manager), input: foreign(name) }) },
  "own-name-and-marks": {
    act: async (name) => {
      const { labels, annotations } = (await live(name)).metadata;
      return { kubectl: forced(manager), input: foreign(name, { labels, annotations }) };
    },
  },
  rewritten: {
    act: (name) => ({ kubectl: ["annotate", `configmap/${name}`, "example.com/note=mine", "--overwrite"] }),
  },
  "string-data": {
    manifest: secret,
    act: (name) => ({ kubectl: merge("secret", name, { stringData: { key: "theirs" } }) }),
  },
};

const nameOf = (story: string): string => STORIES[story]?.manifest?.object.metadata.name ?? story;
const manifestOf = (story: string): Live => STORIES[story]?.manifest ?? configMap(story);

function pathOfStory(story: string): string {
  const [apiVersion, resource] = KINDS[manifestOf(story).object.kind] ?? ["v1", "configmaps"];
  return pathOf(apiVersion, resource, `${NAMESPACE}/${nameOf(story)}`);
}

const live = (story: string): Promise<Live> => read(hub, pathOfStory(story));
const writeOf = (story: string): string => {
  const [, resource] = KINDS[manifestOf(story).object.kind] ?? [];
  return `patch ${resource} ${NAMESPACE}/${nameOf(story)}`;
};

/** What Strata wants of an object, as it is. */
function ours(object: Live): string {
  if (!object || object.metadata.deletionTimestamp) return "gone";
  const { labels = {}, annotations = {} } = object.metadata;
  const { replicas, template } = object.spec ?? {};
  const image = template?.spec.containers[0].image;
  return JSON.stringify([
    object.data?.key,
    labels.colour,
    labels[PART_OF],
    annotations["strata.dev/layer"],
    replicas,
    image,
  ]);
}

/** A policy that turns our value into another one whenever somebody else writes the object: no field changes hands. */
const policy = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingAdmissionPolicy",
  metadata: { name: "rewrites" },
  spec: {
    matchConstraints: {
      resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["UPDATE"], resources: ["configmaps"] }],
    },
    matchConditions: [
      { name: "one", expression: "request.name == 'rewritten'" },
      { name: "others", expression: "request.userInfo.username != 'system:serviceaccount:acme:default'" },
    ],
    failurePolicy: "Fail",
    reinvocationPolicy: "Never",
    mutations: [
      {
        patchType: "JSONPatch",
        jsonPatch: { expression: '[JSONPatch{op: "replace", path: "/data/key", value: "rewritten"}]' },
      },
    ],
  },
};
const binding = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingAdmissionPolicyBinding",
  metadata: { name: "rewrites" },
  spec: { policyName: "rewrites" },
};

async function drift(story: string): Promise<void> {
  const { kubectl, input } = (await STORIES[story]?.act(nameOf(story))) ?? { kubectl: [] };
  await hub.kubectlOk(["-n", NAMESPACE, ...kubectl], input ? { input: JSON.stringify(input) } : {});
}

beforeAll(async () => {
  hub = await startControlPlane({ name: "drift", nodes: 1 });
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
  await apply(hub, {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "steady", namespace: "acme" },
    spec: {
      namespace: NAMESPACE,
      clusterRefs: [{ name: "local" }],
      layers: [
        {
          name: "one",
          manifests: [
            ...Object.keys(STORIES).map(manifestOf),
            ...["untouched", "reverted"].map((name) => configMap(name)),
          ],
        },
      ],
    },
  });
  await untilReady(hub, PROFILE);
  const { managedFields } = (await live("edit")).metadata;
  manager = managedFields.find((entry: Live) => entry.operation === "Apply").manager;
  await apply(hub, policy, binding);
  const rewrites = async (): Promise<boolean> => {
    const args = [
      "-n",
      NAMESPACE,
      "annotate",
      "configmap/rewritten",
      "a=b",
      "--dry-run=server",
      "-o",
      "jsonpath={.data.key}",
    ];
    return (await hub.kubectlOk(args)) === "rewritten";
  };
  await until(rewrites, { what: "the policy to be in force", programs: [] });
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
});

/** The news of a repair of a ConfigMap. */
async function told(name: string): Promise<string[]> {
  const { body } = await hub.request("GET", "/api/v1/namespaces/acme/events");
  const messages = (body as Live).items.filter(({ reason }: Live) => reason === "Repaired");
  return messages.flatMap(({ message }: Live) => (message.includes(` ${NAMESPACE}/${name} `) ? [message] : []));
}

describe.each(["while Strata runs", "while Strata is down"])("drift %s", (when) => {
  const before = new Map<string, string>();

  beforeEach(async () => {
    for (const story of Object.keys(STORIES)) before.set(story, ours(await live(story)));
  });

  async function repaired(story: string): Promise<void> {
    await waitUntil(hub, pathOfStory(story), { what: "as it was", is: (object) => ours(object) === before.get(story) });
  }

  const oneByOne = when === "while Strata runs" ? Object.keys(STORIES) : [];
  test.each(oneByOne)("%s is undone by one apply", async (story) => {
    const mark = await auditMark(hub);
    using told = await follow(hub, pathOfStory(story));
    await drift(story);
    const changed = await told.until("changed", (object) => ours(object) !== before.get(story));
    const from = told.versions.indexOf(changed);
    await told.until(
      "as it was",
      (object) => told.versions.indexOf(object) > from && ours(object) === before.get(story),
    );
    await untilReady(hub, PROFILE);
    expect(await strataWrites(hub, mark, { accepted: true })).toEqual([writeOf(story)]);
  });

  const atOnce = when === "while Strata is down" ? [when] : [];
  test.each(atOnce)("is undone by one apply of each object, and of no other", async () => {
    await strata.kill();
    const mark = await auditMark(hub);
    for (const story of Object.keys(STORIES)) await drift(story);
    for (const story of Object.keys(STORIES)) expect(ours(await live(story)), story).not.toBe(before.get(story));
    await hub.kubectlOk(["-n", NAMESPACE, "annotate", "configmap/untouched", "example.com/note=mine"]);
    for (const key of ["theirs", "ours"]) {
      await hub.kubectlOk(["-n", NAMESPACE, ...merge("configmap", "reverted", { data: { key } })]);
    }
    strata = await home.start();
    for (const story of Object.keys(STORIES)) await repaired(story);
    const isOurs = ({ manager: name, fieldsV1 }: Live) => name === manager && fieldsV1["f:data"]["f:key"];
    await waitUntil(hub, pathOf("v1", "configmaps", `${NAMESPACE}/reverted`), {
      what: "ours again",
      is: ({ metadata }) => metadata.managedFields.some(isOurs),
    });
    await untilReady(hub, PROFILE);
    const writes = await strataWrites(hub, mark, { accepted: true });
    const retaken = `patch configmaps ${NAMESPACE}/reverted`;
    expect(writes.toSorted()).toEqual([...Object.keys(STORIES).map(writeOf), retaken].toSorted());
    // Whoever took a field, and gave its value back, changed nothing: that is no news.
    await until(async () => (await told("edit")).length > 0, { what: "the news of a repair", programs: [strata] });
    expect(await told("reverted")).toEqual([]);
    expect((await read(hub, pathOf("v1", "configmaps", `${NAMESPACE}/untouched`))).metadata.annotations).toHaveProperty(
      ["example.com/note"],
      "mine",
    );
  });

  test("leaves what others added to our objects", async () => {
    await hub.kubectlOk(["-n", NAMESPACE, ...merge("configmap", "untouched", { data: { more: when } })]);
    const mark = await auditMark(hub);
    await drift("edit");
    await repaired("edit");
    expect(await strataWrites(hub, mark, { accepted: true })).toEqual([writeOf("edit")]);
    const { data } = await read(hub, pathOf("v1", "configmaps", `${NAMESPACE}/untouched`));
    expect(data).toEqual({ key: "ours", more: when });
  });
});

describe("an object that others write", () => {
  test("is read far more seldom than they write", async () => {
    await drift("edit");
    await untilReady(hub, PROFILE);
    const mark = await auditMark(hub);
    const reads = async (): Promise<number> =>
      (await strataRequests(hub, mark)).filter(
        ({ verb, objectRef }) => verb === "get" && objectRef?.name === "label" && objectRef.resource === "configmaps",
      ).length;
    for (const value of ["1", "2", "3", "4", "5", "6", "7", "8"]) {
      await hub.kubectlOk(["-n", NAMESPACE, "annotate", "configmap/label", `example.com/beat=${value}`, "--overwrite"]);
    }
    await until(async () => (await reads()) > 0, { what: "a look", programs: [strata] });
    await drift("scale");
    await waitUntil(hub, pathOfStory("scale"), { what: "repaired", is: (object) => object.spec.replicas === 2 });
    expect(await reads()).toBeLessThanOrEqual(3);
  });

  test("whose managedFields were cleared is ours again, and nobody's besides", async () => {
    await hub.kubectlOk([
      "-n",
      NAMESPACE,
      ...json("configmap", "label", [{ op: "replace", path: "/metadata/managedFields", value: [{}] }]),
    ]);
    const owns = (object: Live, name: string): boolean =>
      (object.metadata.managedFields ?? []).some(
        (entry: Live) => entry.manager === name && entry.fieldsV1?.["f:data"]?.["f:key"] !== undefined,
      );
    await waitUntil(hub, pathOfStory("label"), {
      what: "ours again",
      is: (object) => owns(object, manager) && !owns(object, "before-first-apply"),
    });
    await hub.kubectlOk(["-n", NAMESPACE, ...merge("configmap", "label", { data: { key: "theirs" } })]);
    await waitUntil(hub, pathOfStory("label"), { what: "repaired", is: (object) => object.data.key === "ours" });
  });

  test("of which a policy rewrites a value whenever somebody writes it: he is named, and met ever more slowly", async () => {
    const mark = await auditMark(hub);
    await using rival = fight("rewritten", (beat) => [
      ...["annotate", "configmap/rewritten", `example.com/beat=${beat}`, "--overwrite"],
    ]);
    const sentence =
      "ConfigMap steady/rewritten gets other values again and again when field manager rival writes it, " +
      "or from an admission policy or webhook: repaired more slowly";
    await untilFought(sentence);
    await rival.endAfter(2);
    expectPatience(await pauses("rewritten", mark));
    await untilReady(hub, PROFILE);
  });

  test("that somebody will not leave alone: he is named, and met ever more slowly", async () => {
    const mark = await auditMark(hub);
    await using rival = fight("edit", () => merge("configmap", "edit", { data: { key: "theirs" } }));
    const sentence =
      "ConfigMap steady/edit is changed or deleted again and again by field manager rival: repaired more slowly";
    await untilFought(sentence);
    await rival.endAfter(2);
    expectPatience(await pauses("edit", mark));
    await untilReady(hub, PROFILE);
  });
});

interface Fight extends AsyncDisposable {
  /** Ends it after so many more repairs. */
  endAfter(repairs: number): Promise<void>;
}

/** Somebody who writes a ConfigMap again as soon as it is repaired. */
function fight(story: string, blow: (beat: number) => string[]): Fight {
  let left = Number.POSITIVE_INFINITY;
  const blows = (async () => {
    using told = await follow(hub, pathOfStory(story));
    for (let beat = 0; left > 0; beat++, left--) {
      const from = told.versions.length;
      await hub.kubectlOk(["-n", NAMESPACE, ...blow(beat), "--field-manager=rival"]);
      await told.until("repaired", (object) => told.versions.indexOf(object) > from && object.data.key === "ours");
    }
  })();
  // Whoever waits for the end is told; until then it is nobody's.
  blows.catch(() => {});
  const endAfter = (repairs: number): Promise<void> => {
    left = Math.min(left, repairs);
    return blows;
  };
  return { endAfter, [Symbol.asyncDispose]: () => endAfter(0) };
}

async function untilFought(sentence: string): Promise<void> {
  const fought = await waitUntil(hub, PROFILE, {
    what: "a named fight",
    is: (object) => object.status?.layers?.[0]?.message === sentence,
  });
  expect(fought.status.layers[0]).toMatchObject({ state: "Drifted", reason: "DriftFight" });
}

/** Between the writes of a ConfigMap that were taken from Strata since a mark, in milliseconds. */
async function pauses(story: string, mark: number): Promise<number[]> {
  const times = (await strataRequests(hub, mark))
    .filter(({ verb, objectRef: ref }) => `${verb} ${ref?.resource} ${ref?.namespace}/${ref?.name}` === writeOf(story))
    .filter(({ responseStatus }) => (responseStatus?.code ?? 0) < 300)
    .map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp));
  return times.slice(1).map((time, index) => time - times[index]!);
}

/** A fight is named while the first of these is waited for at the earliest. Clocks are read in whole milliseconds. */
function expectPatience(all: readonly number[]): void {
  const [before = 0, last = 0] = all.slice(-2);
  expect(before, `the pauses ${all.join(", ")}`).toBeGreaterThan(990);
  expect(last, `the pauses ${all.join(", ")}`).toBeGreaterThan(1_990);
}

describe("the namespace of two layers", () => {
  const evicted = pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/evicted");
  const at = (name: string): string => pathOf("v1", "configmaps", `evicted/${name}`);
  const uids = async (): Promise<string[]> =>
    await Promise.all(["held", "free"].map(async (name) => (await read(hub, at(name)))?.metadata.uid));
  const finalizers = (value: string[] | null): string[] => [
    ...["-n", "evicted", ...merge("configmap", "held", { metadata: { finalizers: value } })],
  ];

  test("that somebody deletes: whoever holds it is named, nothing is forced, and all comes back when it is gone", async () => {
    await apply(hub, {
      apiVersion: "strata.dev/v1alpha1",
      kind: "AddOnProfile",
      metadata: { name: "evicted", namespace: "acme" },
      spec: {
        namespace: "evicted",
        clusterRefs: [{ name: "local" }],
        layers: ["held", "free"].map((name) => ({ name, manifests: [configMap(name)] })),
      },
    });
    await untilReady(hub, evicted);
    await hub.kubectlOk(finalizers(["example.com/keep"]));
    const first = await uids();
    const mark = await auditMark(hub);
    const writes = async (accepted: boolean): Promise<string[]> =>
      (await strataWrites(hub, mark, { accepted })).filter((write) => / evicted\//.test(write));

    await hub.kubectlOk(["delete", "namespace", "evicted", "--wait=false"]);
    const stuck = await waitUntil(hub, evicted, {
      what: "waiting for the end of the namespace",
      is: (object) =>
        layerOf(object, "free")?.reason === "NamespaceTerminating" && layerOf(object, "held")?.state === "Drifted",
    });
    expect(layerOf(stuck, "held").message).toBe(
      "ConfigMap evicted/held is being deleted, held by finalizer example.com/keep, which its controller takes off; " +
        "if that runs no more, in that cluster: kubectl patch configmap held -n evicted --type=merge " +
        `-p '{"metadata":{"finalizers":null}}'; it is created again when it is gone`,
    );
    expect(layerOf(stuck, "free")).toMatchObject({
      state: "Failed",
      message:
        'ConfigMap evicted/free: configmaps "free" is forbidden: unable to create new content in namespace evicted because it is being terminated',
    });
    // What is not there is tried again, ever more seldom; what is on its way out is not touched.
    expect(new Set(await writes(false))).toEqual(new Set(["patch configmaps evicted/free"]));
    expect(await writes(true)).toEqual([]);
    expect((await uids())[0]).toBe(first[0]);

    await hub.kubectlOk(finalizers(null));
    await untilReady(hub, evicted);
    for (const [index, uid] of (await uids()).entries()) expect([undefined, first[index]]).not.toContain(uid);
    const [namespace, ...objects] = await writes(true);
    expect(namespace).toBe("patch namespaces evicted/evicted");
    expect(objects.toSorted()).toEqual(["patch configmaps evicted/free", "patch configmaps evicted/held"]);
  });
});

import { describe, expect, it } from "vitest";
import { parseProfile } from "../api/parse.ts";
import type { Layer } from "../api/types.ts";
import { applySetOf } from "../membership/applyset.ts";
import type { KubeObject } from "../objects/types.ts";
import {
  belongsTo,
  isPending,
  latestOf,
  packProgress,
  type ReleaseProgress,
  type ReleaseRecord,
  readRecord,
  recordLabels,
  recordName,
  surplus,
} from "./release.ts";

const SET = applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" });
const PROGRESS: ReleaseProgress = {
  inputs: "1f2e",
  operation: "upgrade",
  firstDeployed: "2026-01-05T10:00:00.000Z",
  runs: {
    "pre-upgrade/0": {
      phase: "Succeeded",
      attempt: 1,
      startedAt: "2026-01-05T10:00:01.000Z",
      completedAt: "2026-01-05T10:00:09.000Z",
    },
  },
};

const CREATED = 1_767_607_200;

/** The labels that Helm writes (`pkg/storage/driver/secrets.go`). */
const helmLabels = (version: number, status: string) => ({
  owner: "helm",
  name: "shop",
  status,
  version: String(version),
  createdAt: String(CREATED),
});

const ourLabels = (version: number) => recordLabels(SET.parent, "front", { version, inputs: "1f2e" });
const annotated = (text: string) => ({ "strata.dev/release": text });

function secret(labels: Record<string, string>, annotations?: Record<string, string>): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: `sh.helm.release.v1.shop.v${labels["version"]}`,
      namespace: "web",
      uid: "u",
      resourceVersion: "7",
      creationTimestamp: "2026-01-05T09:59:59Z",
      labels,
      ...(annotations ? { annotations } : {}),
    },
    type: "helm.sh/release.v1",
  };
}

describe("readRecord", () => {
  it("reads a record that helm wrote: nobody's, with Helm's own time", () => {
    expect(readRecord(secret(helmLabels(3, "deployed")))).toEqual({
      release: { namespace: "web", name: "shop" },
      secret: "sh.helm.release.v1.shop.v3",
      uid: "u",
      resourceVersion: "7",
      version: 3,
      status: "deployed",
      touchedAt: CREATED * 1000,
      parent: undefined,
      layer: undefined,
      progress: undefined,
    });
  });

  it("reads back what Strata wrote", () => {
    const labels = { ...helmLabels(3, "pending-upgrade"), ...ourLabels(3) };
    const record = readRecord(secret(labels, annotated(packProgress(PROGRESS))));
    expect(record).toMatchObject({ parent: SET.parent, layer: "front", progress: PROGRESS });
    expect(record?.secret).toBe(recordName({ namespace: "web", name: "shop" }, 3));
    expect(record && belongsTo(record, SET, "front")).toBe(true);
    expect(record && belongsTo(record, SET, "back")).toBe(false);
  });

  const rewritten = { inputs: "1f2e", operation: "upgrade", runs: {} };
  const rows: [name: string, labels: Record<string, string>, annotation: string | undefined, want: unknown][] = [
    ["ours, rewritten by helm test", { ...helmLabels(3, "deployed"), ...ourLabels(3) }, undefined, rewritten],
    [
      "made by helm upgrade with our labels copied",
      { ...helmLabels(4, "deployed"), ...ourLabels(3) },
      undefined,
      undefined,
    ],
    [
      "ours, left by a person's helm uninstall",
      { ...helmLabels(3, "uninstalling"), ...ourLabels(3) },
      undefined,
      undefined,
    ],
    ["with an annotation that is no JSON", helmLabels(3, "deployed"), "{", undefined],
    ["with null as its annotation", helmLabels(3, "deployed"), "null", undefined],
    ["with an annotation without inputs", helmLabels(3, "deployed"), '{"operation":"install","runs":{}}', undefined],
    [
      "with an annotation of a strange operation",
      helmLabels(3, "deployed"),
      '{"inputs":"a","operation":"x","runs":{}}',
      undefined,
    ],
    ["with an annotation without runs", helmLabels(3, "deployed"), '{"inputs":"a","operation":"install"}', undefined],
    ["with null as its runs", helmLabels(3, "deployed"), '{"inputs":"a","operation":"install","runs":null}', undefined],
    ["ours, with a broken annotation", { ...helmLabels(3, "deployed"), ...ourLabels(3) }, "{", rewritten],
  ];
  it.each(rows)("knows the progress of one %s", (_name, labels, annotation, want) => {
    const annotations = annotation === undefined ? undefined : annotated(annotation);
    expect(readRecord(secret(labels, annotations))?.progress).toEqual(want);
  });

  it.each([
    ["whose revision was Ready, whoever wrote it last", ourLabels(3), { inputs: "1f2e", seal: "5eal" }],
    ["that helm made with labels of another revision", ourLabels(2), { inputs: undefined, seal: undefined }],
  ])("knows inputs and seal of one %s", (_name, labels, want) => {
    const own = { ...helmLabels(3, "superseded"), ...labels, "strata.dev/seal": "5eal" };
    expect(readRecord(secret(own))).toMatchObject({ ...want, progress: undefined });
  });

  it.each([
    ["2", ["test/0", "test/1"]],
    ["9999", []],
    ["many", []],
    [undefined, []],
  ])("takes %s tests of one that helm test rewrote as passed", (passed, want) => {
    const tests = passed === undefined ? {} : { "strata.dev/tests-passed": passed };
    const runs = readRecord(secret({ ...helmLabels(3, "deployed"), ...ourLabels(3), ...tests }))?.progress?.runs ?? {};
    expect(Object.keys(runs)).toEqual(want);
    expect(Object.values(runs).every(({ phase }) => phase === "Succeeded")).toBe(true);
  });

  it.each([
    ["another Secret", {}],
    ["one of another owner", { ...helmLabels(1, "deployed"), owner: "tiller" }],
    ...["latest", "", "0", "-1", "1e3", "0x10", "01", "9007199254740991"].map(
      (version): [string, Record<string, string>] => [
        `one of version "${version}"`,
        { ...helmLabels(1, "deployed"), version },
      ],
    ),
  ])("leaves %s out", (_name, labels) => {
    expect(readRecord(secret(labels))).toBeUndefined();
  });

  it.each([
    ["was modified", { createdAt: "1", modifiedAt: "2" }, 2_000],
    ["was created", { createdAt: "1" }, 1_000],
    ["was created as an object, when its labels say nothing", {}, Date.parse("2026-01-05T09:59:59Z")],
    [
      "was created as an object, when its labels say no time",
      { modifiedAt: "1e300" },
      Date.parse("2026-01-05T09:59:59Z"),
    ],
  ])("takes the time when it %s", (_name, times, want) => {
    const { createdAt: _, ...labels } = helmLabels(1, "pending-install");
    expect(readRecord(secret({ ...labels, ...times }))?.touchedAt).toBe(want);
  });
});

function layerOf(more: object): Layer {
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "p", namespace: "acme" },
    spec: {
      clusterRefs: [{ name: "local" }],
      namespace: "web",
      layers: [{ name: "front", helm: { repo: "https://charts.example", chart: "shop", version: "1.0.0" }, ...more }],
    },
  });
  const [layer] = parsed.ok ? parsed.value.spec.layers : [];
  if (!layer) throw new Error("no layer");
  return layer;
}

const history = (...statuses: string[]) =>
  statuses.flatMap((status, index): ReleaseRecord[] => {
    const record = readRecord(secret(helmLabels(index + 1, status)));
    return record ? [record] : [];
  });

describe("surplus", () => {
  const versions = (records: readonly ReleaseRecord[]) => records.map(({ version }) => version);
  const old = (count: number) => Array.from({ length: count }, () => "superseded");

  // leaf: Profile spec.layers[].maxHistory
  const rows: [name: string, maxHistory: number | undefined, records: ReleaseRecord[], want: number[]][] = [
    ["keeps ten with the one to come, if the layer says nothing", undefined, history(...old(9), "deployed"), [1]],
    ["leaves room where there is some", undefined, history(...old(8), "deployed"), []],
    ["keeps as many as the layer says", 3, history(...old(4), "deployed"), [1, 2, 3]],
    ["never takes the deployed one", 1, history("superseded", "deployed", "failed", "failed"), [1, 3, 4]],
    ["counts the deployed one among those that must go", 2, history("deployed", "failed", "failed"), [2]],
    ["takes an older deployed one, when two are", 2, history("deployed", "deployed"), [1]],
    ["has nothing to take from nothing", 1, [], []],
  ];
  it.each(rows)("%s", (_name, maxHistory, records, want) => {
    const layer = layerOf(maxHistory === undefined ? {} : { maxHistory });
    expect(versions(surplus(records.toReversed(), layer))).toEqual(want);
  });
});

describe("the newest record", () => {
  it("is the one with the highest number, not the last word", () => {
    const records = history(...Array.from({ length: 10 }, () => "superseded"));
    expect(latestOf([...records].sort((a, b) => (a.secret < b.secret ? -1 : 1)))?.version).toBe(10);
    expect(latestOf([])).toBeUndefined();
  });

  it.each([
    ["pending-install", true],
    ["pending-rollback", true],
    ["uninstalling", false],
    ["failed", false],
  ] as const)("is pending as %s: %s", (status, want) => {
    expect(isPending(status)).toBe(want);
  });
});

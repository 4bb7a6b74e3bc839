import { expect, test } from "vitest";
import { PART_OF_LABEL } from "../../api/names.ts";
import type { KubeObject } from "../../objects/types.ts";
import { MemberStore } from "./member-store.ts";

const KEY = "/ConfigMap/acme/a";
const at = (resourceVersion: string, { uid = "1", partOf = "set" } = {}): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", namespace: "acme", uid, resourceVersion, labels: { [PART_OF_LABEL]: partOf } },
});
const versionIn = (store: MemberStore) => store.get(KEY)?.observed.resourceVersion;

function harness() {
  const changed: string[][] = [];
  const store = new MemberStore((sets) => changed.push([...sets]));
  return { store, changed };
}

test("an event that is older than the answer to a write is ignored", () => {
  const { store } = harness();
  store.record(at("10"), "watch", false);
  store.upsert(at("9"), "watch", false);
  expect(versionIn(store)).toBe("10");
});

test("the deletion of an object does not hide the one that was created after it", () => {
  const { store } = harness();
  store.upsert(at("12", { uid: "2" }), "watch", false);
  store.drop(at("11", { uid: "1" }), "watch");
  expect(versionIn(store)).toBe("12");
});

test("a deletion that came last counts, and so does one that a relist found", () => {
  const { store } = harness();
  store.upsert(at("12"), "watch", false);
  store.drop(at("13"), "watch");
  expect(versionIn(store)).toBeUndefined();
  store.upsert(at("14"), "watch", false);
  store.drop({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "acme" } }, "watch");
  expect(versionIn(store)).toBeUndefined();
});

test("an answer that is read after the watch has told of the object's end does not bring it back", () => {
  const { store } = harness();
  store.upsert(at("12"), "watch", false);
  store.drop(at("13"), "watch");
  store.record(at("12"), "watch", false);
  expect(versionIn(store)).toBeUndefined();
  store.record(at("14"), "watch", false);
  expect(versionIn(store)).toBe("14");
});

test("an answer does not hide the object that somebody made after it", () => {
  const { store } = harness();
  store.upsert(at("14", { uid: "2" }), "watch", false);
  store.record(at("12", { uid: "1" }), "watch", false);
  expect(versionIn(store)).toBe("14");
});

test("a list is believed even when it is older: the cluster was restored from a backup", () => {
  const { store } = harness();
  store.upsert(at("1000"), "watch", false);
  store.replace([at("500")], "watch", false);
  expect(versionIn(store)).toBe("500");
  store.record(at("501"), "watch", false);
  expect(versionIn(store)).toBe("501");
});

test("its profile hears of a CRD in which nothing is stored in an old version any more", () => {
  const { store, changed } = harness();
  const crd = (resourceVersion: string, ...storedVersions: string[]): KubeObject => ({
    ...at(resourceVersion),
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    status: { storedVersions },
  });
  store.upsert(crd("1", "v1beta1", "v1"), "watch", false);
  changed.length = 0;
  store.upsert(crd("2", "v1"), "watch", false);
  expect(changed).toEqual([["set"]]);
});

test("a Job with a TTL is remembered as it was when it was done, also when it was deleted in the same breath", () => {
  const { store } = harness();
  const key = "batch/Job/acme/a";
  const job = (status: object, spec: object = { ttlSecondsAfterFinished: 0 }, metadata: object = {}): KubeObject => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { ...at("1").metadata, ...metadata },
    spec,
    status,
  });
  const complete = { conditions: [{ type: "Complete", status: "True" }] };
  store.drop(job({ active: 1 }), "watch");
  expect(store.expired(key)).toBeUndefined();
  store.drop(job(complete, {}), "watch");
  expect(store.expired(key)).toBeUndefined();
  store.upsert(job(complete, undefined, { deletionTimestamp: "2030-01-01T00:00:00Z" }), "watch", false);
  expect(store.expired(key)).toMatchObject({ observed: { uid: "1" }, verdict: { state: "Current" } });
  store.drop(job({ conditions: [{ type: "Failed", status: "True" }] }), "watch");
  expect(store.expired(key)?.verdict.state).toBe("Failed");
});

test("both owners hear of an object that changes hands", () => {
  const { store, changed } = harness();
  store.upsert(at("1", { partOf: "one" }), "watch", false);
  store.upsert(at("2", { partOf: "two" }), "watch", false);
  expect(changed.at(-1)?.sort()).toEqual(["one", "two"]);
  expect([...store.members("one")]).toEqual([]);
  expect([...store.members("two")]).toHaveLength(1);
});

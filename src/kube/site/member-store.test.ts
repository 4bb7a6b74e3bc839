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
  store.upsert(at("10"), "watch", false);
  store.upsert(at("9"), "watch", false);
  expect(versionIn(store)).toBe("10");
});

test("the deletion of an object does not hide the one that was created after it", () => {
  const { store } = harness();
  store.upsert(at("12", { uid: "2" }), "watch", false);
  store.drop(at("11", { uid: "1" }));
  expect(versionIn(store)).toBe("12");
});

test("a deletion that came last counts, and so does one that a relist found", () => {
  const { store } = harness();
  store.upsert(at("12"), "watch", false);
  store.drop(at("13"));
  expect(versionIn(store)).toBeUndefined();
  store.upsert(at("14"), "watch", false);
  store.drop({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "acme" } });
  expect(versionIn(store)).toBeUndefined();
});

test("a list is believed even when it is older: the cluster was restored from a backup", () => {
  const { store } = harness();
  store.upsert(at("1000"), "watch", false);
  store.replace([at("500")], "watch", false);
  expect(versionIn(store)).toBe("500");
  store.upsert(at("501"), "watch", false);
  expect(versionIn(store)).toBe("501");
});

test("both owners hear of an object that changes hands", () => {
  const { store, changed } = harness();
  store.upsert(at("1", { partOf: "one" }), "watch", false);
  store.upsert(at("2", { partOf: "two" }), "watch", false);
  expect(changed.at(-1)?.sort()).toEqual(["one", "two"]);
  expect([...store.members("one")]).toEqual([]);
  expect([...store.members("two")]).toHaveLength(1);
});

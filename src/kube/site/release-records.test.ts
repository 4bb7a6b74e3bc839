import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../objects/types.ts";
import { readRecord } from "../../plan/release.ts";
import { ReleaseRecords } from "./release-records.ts";

function secret(version: number, resourceVersion: number, uid = `uid-${version}`): KubeObject {
  const labels = { owner: "helm", name: "shop", version: String(version), status: "deployed" };
  const name = `sh.helm.release.v1.shop.v${version}`;
  const metadata = { name, namespace: "web", labels, uid, resourceVersion: String(resourceVersion) };
  return { apiVersion: "v1", kind: "Secret", metadata };
}

/** The records after what happened, as `v1@5` or `v1@5 of uid`. */
function after(happens: (records: ReleaseRecords) => void): string[] | undefined {
  const records = new ReleaseRecords();
  records.listing();
  records.sync([secret(1, 5)], "9");
  happens(records);
  return records.all?.map(
    ({ version, resourceVersion, uid }) =>
      `v${version}@${resourceVersion}${uid === `uid-${version}` ? "" : ` of ${uid}`}`,
  );
}

const forget = (records: ReleaseRecords, object: KubeObject) => {
  const record = readRecord(object);
  if (!record) throw new Error("no record");
  records.forget(record);
};
const gone = (version: number): KubeObject => {
  const { name, namespace } = secret(version, 1).metadata;
  return { apiVersion: "v1", kind: "Secret", metadata: { name: name ?? "", namespace: namespace ?? "" } };
};

describe("the records of releases", () => {
  const cases: [name: string, happens: (records: ReleaseRecords) => void, want: string[]][] = [
    ["are those of the list", () => undefined, ["v1@5"]],
    ["are changed by events", (records) => records.upsert(secret(1, 10)), ["v1@10"]],
    ["are not changed by an older event", (records) => records.upsert(secret(1, 4)), ["v1@5"]],
    [
      "are not changed back by the echo of a write before the last",
      (records) => {
        records.answer(secret(1, 12));
        records.upsert(secret(1, 11));
      },
      ["v1@12"],
    ],
    ["go with their event", (records) => records.drop(secret(1, 10)), []],
    ["go when a list lacks them", (records) => records.sync([], "20"), []],
    ["are replaced by a list", (records) => records.sync([secret(1, 20), secret(2, 15)], "20"), ["v1@20", "v2@15"]],
    [
      "outlast a list that was taken before they were written",
      (records) => {
        records.listing();
        records.answer(secret(1, 21));
        records.answer(secret(2, 22));
        records.sync([secret(1, 5)], "20");
      },
      ["v1@21", "v2@22"],
    ],
    [
      "outlast such a list also when the name was somebody else's before",
      (records) => {
        records.listing();
        records.answer(secret(1, 21, "next"));
        records.drop(gone(1));
        records.sync([], "20");
      },
      ["v1@21 of next"],
    ],
    [
      "that are older than a list are as the list has them",
      (records) => {
        records.listing();
        records.answer(secret(2, 19));
        records.sync([secret(1, 5)], "20");
      },
      ["v1@5"],
    ],
    [
      "of a cluster that was restored from a backup are as its list has them",
      (records) => {
        records.answer(secret(1, 21));
        records.listing();
        records.sync([secret(1, 5)], "15");
      },
      ["v1@5"],
    ],
    [
      "that were deleted do not come back by an event from before",
      (records) => {
        forget(records, secret(1, 5));
        records.upsert(secret(1, 10));
      },
      [],
    ],
    [
      "that were deleted do not come back by a list from before",
      (records) => {
        forget(records, secret(1, 5));
        records.sync([secret(1, 5)], "20");
      },
      [],
    ],
    [
      "that were deleted are made again",
      (records) => {
        forget(records, secret(1, 5));
        records.answer(secret(1, 21, "next"));
        records.drop(secret(1, 20));
      },
      ["v1@21 of next"],
    ],
    [
      "that came back from a backup are there again",
      (records) => {
        forget(records, secret(1, 5));
        records.drop(secret(1, 10));
        records.sync([secret(1, 5)], "6");
      },
      ["v1@5"],
    ],
  ];
  it.each(cases)("%s", (_name, happens, want) => {
    expect(after(happens)?.sort()).toEqual(want);
  });

  it("are not known before the first list, whatever is written", () => {
    const records = new ReleaseRecords();
    records.answer(secret(1, 5));
    records.upsert(secret(1, 6));
    expect(records.all).toBeUndefined();
  });
});

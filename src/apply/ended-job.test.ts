import { describe, expect, it } from "vitest";
import type { ListOptions } from "../kube/client-options.ts";
import { coreResource } from "../kube/resource.ts";
import { endOfRun } from "./ended-job.ts";

const EVENTS = coreResource("Event", "events", true);
const ref = { group: "batch", version: "v1", kind: "Job", namespace: "shop", name: "migrate" };
const { signal } = new AbortController();
const completed = { apiVersion: "v1", kind: "Event", reason: "Completed", source: { component: "job-controller" } };

/** What is found out about the run, and what was asked for it. */
async function found(answer: () => unknown[], lastRun?: string, resource: typeof EVENTS | undefined = EVENTS) {
  const asked: unknown[] = [];
  const listAll = async (what: unknown, { signal: _, ...options }: ListOptions) => {
    asked.push([what, options]);
    return { items: answer() };
  };
  const item = { desired: { ref }, ...(lastRun === undefined ? {} : { lastRun }) };
  const end = await endOfRun(item as never, { client: { listAll } as never, resourceFor: () => resource }, signal);
  return { end, asked };
}
const refused = (status: number) => (): unknown[] => {
  throw Object.assign(new Error("no"), { status });
};

describe("a Job that is to be created again", () => {
  it("and may have run is asked for once, by its uid", async () => {
    const { end, asked } = await found(() => [completed], "u");
    expect(end).toBe("Complete");
    expect(asked).toEqual([[EVENTS, { namespace: "shop", fieldSelector: "involvedObject.uid=u" }]]);
  });

  it("and has not run, as far as is known, costs nothing", async () => {
    expect(await found(() => [completed])).toEqual({ end: undefined, asked: [] });
  });

  it("is not known to have ended where nobody tells, or where events may not be listed", async () => {
    expect((await found(() => [], "u")).end).toBeUndefined();
    expect((await found(refused(403), "u")).end).toBeUndefined();
  });

  it("waits while nobody can tell", async () => {
    await expect(found(refused(503), "u")).rejects.toThrow("no");
  });
});

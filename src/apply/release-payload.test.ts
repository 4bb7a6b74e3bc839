import { randomBytes } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Failure } from "../errors.ts";
import { stringifyJson } from "../objects/json.ts";
import type { HookRun } from "../plan/release.ts";
import type { Hook } from "../plan/types.ts";
import {
  type HelmRelease,
  newRelease,
  packRelease,
  parsedHooks,
  recordedHooks,
  unpackRelease,
  withRuns,
} from "./release-payload.ts";

const HOOK: Hook = {
  name: "migrate",
  kind: "Job",
  path: "shop/templates/migrate.yaml",
  events: ["pre-install"],
  weight: -5,
  deletePolicies: ["hook-succeeded"],
  outputLogPolicies: [],
  manifest: "kind: Job",
  object: { apiVersion: "batch/v1", kind: "Job", metadata: { name: "migrate" } },
};

function releaseOf(more: Partial<Parameters<typeof newRelease>[0]> = {}): HelmRelease {
  return newRelease({
    name: "shop",
    namespace: "web",
    version: 3,
    status: "pending-upgrade",
    description: "Preparing upgrade",
    firstDeployed: "2026-01-05T10:00:00.000Z",
    lastDeployed: "2026-01-06T10:00:00.000Z",
    manifest: "---\nkind: ConfigMap\n",
    notes: "",
    hooks: [HOOK],
    source: {
      chart: '{"metadata":{"name":"shop","version":"1.0.0"},"templates":[],"files":[]}',
      config: '{"size":12345678901234567890}',
    },
    ...more,
  });
}

/** What nothing makes smaller. */
const noise = (bytes: number) => randomBytes(bytes).toString("base64");
const chartWith = (bytes: number) =>
  stringifyJson({
    metadata: { name: "shop" },
    templates: [{ name: "t", data: noise(bytes) }],
    files: [{ name: "f", data: "" }],
  });
const base64 = (data: string | Buffer) => Buffer.from(data).toString("base64");

describe("a release", () => {
  it("is the one that Helm writes", () => {
    expect(releaseOf({ notes: "Hello" })).toEqual({
      name: "shop",
      namespace: "web",
      version: 3,
      info: {
        first_deployed: "2026-01-05T10:00:00.000Z",
        last_deployed: "2026-01-06T10:00:00.000Z",
        description: "Preparing upgrade",
        status: "pending-upgrade",
        notes: "Hello",
      },
      chart: { metadata: { name: "shop", version: "1.0.0" }, templates: [], files: [] },
      config: expect.anything(),
      manifest: "---\nkind: ConfigMap\n",
      hooks: [
        {
          name: "migrate",
          kind: "Job",
          path: "shop/templates/migrate.yaml",
          manifest: "kind: Job",
          events: ["pre-install"],
          weight: -5,
          delete_policies: ["hook-succeeded"],
          last_run: { phase: "" },
        },
      ],
      apply_method: "csa",
    });
  });

  it("holds a hook that is a List once, and gives it back object by object", () => {
    const object = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
    const manifest = stringifyJson({ apiVersion: "v1", kind: "List", items: [object("a"), object("b")] });
    const list: Hook = { ...HOOK, kind: "List", name: "", manifest, object: object("a") };
    const hooks = [list, { ...list, object: object("b"), part: 1 }];
    const release = releaseOf({ hooks });
    expect(release.hooks).toHaveLength(1);
    expect(parsedHooks(recordedHooks(release))).toEqual(hooks);
  });

  it("names the revision that it goes back to", () => {
    expect(releaseOf({ rollbackRevision: 1 }).info).toMatchObject({ rollback_revision: 1 });
  });

  it("comes back as it was packed, numbers to the letter", async () => {
    const release = releaseOf();
    const read = await unpackRelease(await packRelease(release), "web/s");
    expect(read).toEqual(release);
    expect(stringifyJson(read)).toContain('"config":{"size":12345678901234567890}');
  });

  it("is packed as Helm reads it: base64 of base64 of gzip", async () => {
    const packed = await packRelease(releaseOf());
    const outer = Buffer.from(packed, "base64").toString("latin1");
    const json = gunzipSync(Buffer.from(outer, "base64")).toString("utf8");
    expect(JSON.parse(json)).toMatchObject({ name: "shop", version: 3 });
  });

  it("shows the last run of the hook that ran, by its kind and name", () => {
    const run: HookRun = { phase: "Succeeded", attempt: 2, startedAt: "a", completedAt: "b" };
    const release = releaseOf({ hooks: [HOOK, { ...HOOK, kind: "Pod" }] });
    const [job, pod] = withRuns(release, new Map([["Job/migrate", run]])).hooks ?? [];
    expect(job?.["last_run"]).toEqual({ started_at: "a", completed_at: "b", phase: "Succeeded" });
    expect(pod?.["last_run"]).toEqual({ phase: "" });
  });

  it("says the delete policy of a hook without one when it ran, and no values that the user did not give", () => {
    const run: HookRun = { phase: "Succeeded", attempt: 1, startedAt: "a", completedAt: "b" };
    const source = { chart: "{}", config: "{}" };
    const release = releaseOf({ hooks: [{ ...HOOK, deletePolicies: [] }], source });
    expect(release).not.toHaveProperty("config");
    expect(release.hooks?.[0]).not.toHaveProperty("delete_policies");
    const [ran] = withRuns(release, new Map([["Job/migrate", run]])).hooks ?? [];
    expect(ran).toMatchObject({ delete_policies: ["before-hook-creation"] });
  });
});

describe("a release that is too large for a Secret", () => {
  it("goes without the chart's templates and files", async () => {
    const source = { chart: chartWith(1_500_000), config: "{}" };
    const packed = await packRelease(releaseOf({ source }));
    expect(Buffer.from(packed, "base64").length).toBeLessThan(1024 * 1024);
    const { chart, manifest } = await unpackRelease(packed, "web/s");
    expect(chart).toEqual({ metadata: { name: "shop" }, templates: [], files: [] });
    expect(manifest).toBe("---\nkind: ConfigMap\n");
  });

  it("keeps them as long as there is room", async () => {
    const source = { chart: chartWith(500_000), config: "{}" };
    const { chart } = await unpackRelease(await packRelease(releaseOf({ source })), "web/s");
    expect(chart?.templates).toHaveLength(1);
  });

  it("also without them is refused with its size, and none of its content", async () => {
    const manifest = noise(1_600_000);
    const failure = await packRelease(releaseOf({ manifest })).catch((error: Failure) => error);
    expect(failure).toMatchObject({ reason: "TooLarge" });
    expect((failure as Failure).message).toMatch(
      /^the record of Helm release web\/shop has 2\.\d MiB, and 2\.\d MiB unpacked, also without/,
    );
    expect((failure as Failure).message.length).toBeLessThan(400);
  });
});

const BARE = { info: {}, version: 1 };
const packed = (release: unknown) => base64(base64(gzipSync(JSON.stringify(release))));
const bombOf = (items: string) => base64(base64(gzipSync(`{"info":{},"version":1,"x":[${items}0]}`)));

describe("a Secret's release", () => {
  it("may hold any text: what stands in strings makes no values", async () => {
    const release = { ...BARE, manifest: '"\\[{,'.repeat(400_000) };
    expect(await unpackRelease(packed(release), "web/s")).toEqual(release);
  });

  it("is read also as Helm 2 wrote it, not compressed", async () => {
    const release = { name: "shop", namespace: "web", version: 1, info: { status: "deployed" } };
    expect(await unpackRelease(base64(base64(JSON.stringify(release))), "web/s")).toEqual(release);
  });

  it.each([
    ["nothing", undefined],
    ["no base64", "%%%"],
    ["no JSON", base64(base64("{"))],
    ["null", base64(base64("null"))],
    ["without info", packed({ info: null, version: 1 })],
    ["with hooks that are no list", packed({ ...BARE, hooks: {} })],
    ["with a hook that is null", packed({ ...BARE, hooks: [null] })],
    ["with a manifest that is no text", packed({ ...BARE, manifest: {} })],
    ["with a chart that is no chart", packed({ ...BARE, chart: { metadata: { version: 7 } } })],
    ["another object", base64(base64('{"kind":"Pod"}'))],
    ["half a gzip", base64(base64(gzipSync("{}").subarray(0, 12)))],
    ["a bomb", base64(base64(gzipSync(Buffer.alloc(17 * 1024 * 1024, 32), { level: 1 })))],
    ["a bomb of objects", bombOf("{},".repeat(400_000))],
    ["a bomb of numbers", bombOf("7,".repeat(400_000))],
    ["a bomb that is not compressed", base64(base64(`{"info":{},"version":1,"x":[${"{},".repeat(400_000)}0]}`))],
  ])("that is %s is said to be unreadable", async (_name, data) => {
    await expect(unpackRelease(data, "web/s")).rejects.toMatchObject({
      reason: "InvalidObject",
      message: "Secret web/s holds no Helm release that can be read: restore it, or delete it to begin a new history",
    });
  });
});

import { expect, test } from "vitest";
import { createMetrics } from "./metrics.ts";

/** The lines of one metric, without HELP and TYPE. */
async function linesOf(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  return (await metrics.text()).split("\n").filter((line) => line.startsWith(name));
}

const started = createMetrics({ version: "1.2.3" });

test("the version and the process are among the metrics", async () => {
  const text = await started.text();
  expect(text).toContain('strata_build_info{version="1.2.3"} 1');
  expect(text).toContain("process_resident_memory_bytes");
});

test("every name follows the conventions: our prefix, base units, counters that end in _total", async () => {
  const types = (await started.text()).matchAll(/^# TYPE (strata_\S+) (\S+)$/gm);
  const names = [...types].map(([, name = "", type]) => ({ name, type }));
  expect(names.length).toBeGreaterThan(8);
  for (const { name, type } of names) {
    expect(name).not.toMatch(/_ms$|_milliseconds$/);
    expect(name.endsWith("_total"), name).toBe(type === "counter");
    if (type === "histogram") expect(name).toMatch(/_seconds$/);
  }
});

test("whether this process leads is known from the start, and follows", async () => {
  const metrics = createMetrics({ version: "1" });
  expect(await linesOf(metrics, "strata_leader")).toEqual(["strata_leader 0"]);
  metrics.leads(true);
  expect(await linesOf(metrics, "strata_leader")).toEqual(["strata_leader 1"]);
});

test("two registries do not know each other", async () => {
  const other = createMetrics({ version: "1" });
  other.render("hit");
  expect(await linesOf(other, "strata_renders_total")).toContain('strata_renders_total{result="hit"} 1');
  expect(await linesOf(started, "strata_renders_total")).toContain('strata_renders_total{result="hit"} 0');
});

test.each([
  { status: 200, want: "2xx" },
  { status: 304, want: "3xx" },
  { status: 429, want: "4xx" },
  { status: 503, want: "5xx" },
  { status: 0, want: "none" },
])("a request with status $status is counted as $want, in seconds", async ({ status, want }) => {
  const metrics = createMetrics({ version: "1" });
  metrics.requestsTo("acme/edge")({ verb: "apply", resource: "pods", status, ms: 40 });
  const labels = `{cluster="acme/edge",verb="apply",status="${want}"}`;
  const lines = await linesOf(metrics, "strata_api_request_duration_seconds");
  expect(lines).toContain(`strata_api_request_duration_seconds_sum${labels} 0.04`);
  expect(lines).toContain(`strata_api_request_duration_seconds_count${labels} 1`);
});

test("a queue tells its depth, how long keys waited and how passes ended", async () => {
  const metrics = createMetrics({ version: "1" });
  const tell = metrics.queue("deployment");
  tell({ type: "queued", key: "a/b", depth: 3 });
  tell({ type: "started", key: "a/b", depth: 2, waitedMs: 500 });
  tell({ type: "finished", key: "a/b", depth: 2, ranMs: 20, failed: true });
  const text = await metrics.text();
  expect(text).toContain('strata_queue_depth{queue="deployment"} 2');
  expect(text).toContain('strata_queue_wait_seconds_sum{queue="deployment"} 0.5');
  expect(text).toContain('strata_pass_duration_seconds_count{queue="deployment",outcome="error"} 1');
  expect(text).not.toContain("a/b");
});

test("layers are counted as they are now, by kind of profile and state", async () => {
  const metrics = createMetrics({ version: "1" });
  const line = (kind: string, state: string, count: number) =>
    `strata_layers{kind="${kind}",state="${state}"} ${count}`;
  metrics.layers("acme/base-1", "ClusterProfile", ["Ready", "Waiting"]);
  metrics.layers("acme/base-2", "ClusterProfile", ["Ready"]);
  metrics.layers("acme/apps-1", "AddOnProfile", ["Failed"]);
  expect(await linesOf(metrics, "strata_layers")).toEqual(
    expect.arrayContaining([
      line("ClusterProfile", "Ready", 2),
      line("ClusterProfile", "Waiting", 1),
      line("AddOnProfile", "Failed", 1),
      line("SystemProfile", "Ready", 0),
    ]),
  );
  metrics.layers("acme/base-1", "ClusterProfile", ["Ready", "Ready"]);
  metrics.forgetLayers("acme/base-2");
  expect(await linesOf(metrics, "strata_layers")).toEqual(
    expect.arrayContaining([line("ClusterProfile", "Ready", 2), line("ClusterProfile", "Waiting", 0)]),
  );
});

test("a repair is an operation, and counted as a repair too", async () => {
  const metrics = createMetrics({ version: "1" });
  metrics.operation("local", "created");
  metrics.operation("local", "repaired");
  const text = await metrics.text();
  expect(text).toContain('strata_apply_operations_total{cluster="local",outcome="repaired"} 1');
  expect(text).toContain('strata_repairs_total{cluster="local"} 1');
});

test("a cluster that is gone leaves no series, and others stay", async () => {
  const metrics = createMetrics({ version: "1" });
  for (const cluster of ["acme/gone", "acme/stays"]) {
    metrics.requestsTo(cluster)({ verb: "watch", resource: "pods", status: 0, ms: 1 });
    metrics.requestsTo(cluster)({ verb: "delete", resource: "pods", status: 404, ms: 1 });
    metrics.operation(cluster, "repaired");
    metrics.operation(cluster, "failed");
    metrics.watchRestarted(cluster, "Unreachable");
  }
  metrics.forgetCluster("acme/gone");
  const text = await metrics.text();
  expect(text).not.toContain("acme/gone");
  expect(text).toContain('strata_watch_restarts_total{cluster="acme/stays",reason="Unreachable"} 1');
});

import { describe, expect, it } from "vitest";
import { checkResources, type NodeResources } from "./resources.ts";
import { supportWarnings } from "./support.ts";
import { packJson, samplePack } from "./testdata/sample.ts";

const worker: NodeResources = { role: "worker", cpu: 1000, memory: 1024, diskSize: 20 };
const control: NodeResources = { role: "control-plane", cpu: 4000, memory: 4096, diskSize: 50 };

const VALUES = {
  web: { requests: { cpu: "600m", memory: "1Gi" }, replicas: 2 },
  agent: { requests: { cpu: 0.5, memory: "128M" } },
  odd: { requests: { cpu: "much" } },
};

function component(scheduleType: string, name: string, withReplicas = false) {
  return {
    scheduleType,
    resourceRequestParamRef: `${name}.requests.cpu`,
    ...(withReplicas ? { replicaCountParamRef: `${name}.replicas` } : {}),
  };
}

function check(resource: object, nodes: NodeResources[]) {
  const pack = samplePack({ "pack.json": packJson({ constraints: { resources: [resource] } }) });
  return checkResources(pack, VALUES, nodes);
}

describe("checkResources", () => {
  it.each<[string, object, NodeResources[], string | undefined]>([
    ["enough", { type: "cpu", minLimit: 2000 }, [worker, worker], undefined],
    [
      "too little CPU",
      { type: "cpu", minLimit: 2001 },
      [worker, worker, control],
      "sample 1.0.0 needs 2001m of CPU; the worker nodes together have 2000m of CPU",
    ],
    [
      "too little memory",
      { type: "memory", minLimit: 2048 },
      [worker],
      "sample 1.0.0 needs 2048Mi of memory; the worker nodes together have 1024Mi of memory",
    ],
    [
      "too little disk",
      { type: "diskSize", minLimit: 30 },
      [worker],
      "sample 1.0.0 needs 30 GB of disk; the worker nodes together have 20 GB of disk",
    ],
    ["no workers, but a control plane", { type: "cpu", minLimit: 4000 }, [control], undefined],
    ["no limit", { type: "cpu" }, [], undefined],
    [
      "components: request × replicas, whatever minLimit says",
      { type: "cpu", minLimit: 1, components: [component("worker", "web", true)] },
      [worker],
      "sample 1.0.0 needs 1200m of CPU; the worker nodes together have 1000m of CPU",
    ],
    [
      "components that fit, whatever minLimit says",
      { type: "cpu", minLimit: 99_999, components: [component("worker", "web", true)] },
      [worker, worker],
      undefined,
    ],
    [
      "the sum of components",
      { type: "cpu", components: [component("worker", "web"), component("worker", "agent")] },
      [worker],
      "sample 1.0.0 needs 1100m of CPU; the worker nodes together have 1000m of CPU",
    ],
    [
      "pods of the control plane",
      { type: "cpu", components: [component("master", "web"), component("control-plane", "agent")] },
      [worker, { ...control, cpu: 1000 }],
      "sample 1.0.0 needs 1100m of CPU; the control plane nodes together have 1000m of CPU",
    ],
    [
      "one pod on each node",
      { type: "cpu", components: [component("all", "agent")] },
      [
        { ...worker, cpu: 300 },
        { ...worker, cpu: 600 },
      ],
      "sample 1.0.0 needs 1000m of CPU; the nodes together have 900m of CPU",
    ],
    [
      "memory of components",
      {
        type: "memory",
        components: [
          {
            scheduleType: "worker",
            resourceRequestParamRef: "web.requests.memory",
            replicaCountParamRef: "web.replicas",
          },
        ],
      },
      [worker],
      "sample 1.0.0 needs 2048Mi of memory; the worker nodes together have 1024Mi of memory",
    ],
  ])("%s", (_, resource, nodes, problem) => {
    expect(check(resource, nodes)).toEqual({ problems: problem === undefined ? [] : [problem], warnings: [] });
  });

  it("warns where the values give no request", () => {
    const components = [component("worker", "odd"), component("worker", "nowhere"), { scheduleType: "worker" }];
    expect(check({ type: "cpu", components }, [worker])).toEqual({
      problems: [],
      warnings: [
        "constraints.resources: odd.requests.cpu gives no request and does not count",
        "constraints.resources: nowhere.requests.cpu gives no request and does not count",
        "constraints.resources: a component of cpu gives no request and does not count",
      ],
    });
  });
});

describe("supportWarnings", () => {
  it.each<[string, object, string[]]>([
    ["nothing to say", { annotations: { system_state: "active" } }, []],
    [
      "deprecated",
      { annotations: { system_state: "Deprecated" } },
      ["sample 1.0.0 is deprecated; choose another version or pack"],
    ],
    [
      "deleted",
      { annotations: { system_state: "deleted" } },
      ["sample 1.0.0 is deleted by its publisher; choose another version or pack"],
    ],
    ["a state of Object's prototype", { annotations: { system_state: "constructor" } }, []],
    ["before its end", { eol: "2026-07-02" }, []],
    ["from its end on", { eol: "2026-07-01" }, ["sample 1.0.0 is no longer supported since 2026-07-01"]],
    ["an end that is no day", { eol: "1" }, []],
  ])("%s", (_, fields, warnings) => {
    expect(supportWarnings(samplePack({ "pack.json": packJson(fields) }), "2026-07-01")).toEqual(warnings);
  });
});

import { describe, expect, test } from "vitest";
import type { KubeObject } from "../objects/types.ts";
import { comparable, foretold } from "./diff-shape.ts";

test("what only the server writes, the status and Strata's marks are no difference", () => {
  const live: KubeObject = {
    kind: "ConfigMap",
    apiVersion: "v1",
    data: { colour: "blue" },
    metadata: {
      name: "settings",
      namespace: "web",
      uid: "1",
      resourceVersion: "2",
      generation: 3,
      creationTimestamp: "2026-01-01T00:00:00Z",
      managedFields: [{ manager: "strata-1" }],
      labels: { app: "web", "applyset.kubernetes.io/part-of": "applyset-x-v1", "user.strata.dev/strata-1": "" },
      annotations: { "strata.dev/layer": "front/1", "strata.dev/adopted": "true" },
    },
    status: { phase: "on" },
  };
  const shown = comparable(live);
  expect(shown).toEqual({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", namespace: "web", labels: { app: "web" } },
    data: { colour: "blue" },
  });
  expect(Object.keys(shown)).toEqual(["apiVersion", "kind", "metadata", "data"]);
});

describe("a dry-run create", () => {
  const service = (spec: object): KubeObject => ({ apiVersion: "v1", kind: "Service", metadata: { name: "a" }, spec });

  test("does not foretell addresses and ports that the server will choose", () => {
    const wanted = service({ type: "NodePort", ports: [{ port: 80 }, { port: 81, nodePort: 30081 }] });
    const answer = service({
      type: "NodePort",
      clusterIP: "10.96.0.17",
      clusterIPs: ["10.96.0.17"],
      ports: [
        { port: 80, nodePort: 31234 },
        { port: 81, nodePort: 30081 },
      ],
    });
    expect(foretold(answer, wanted)["spec"]).toEqual({
      type: "NodePort",
      ports: [{ port: 80 }, { port: 81, nodePort: 30081 }],
    });
  });

  test("keeps an address that the manifest asks for", () => {
    const wanted = service({ clusterIP: "None", ports: [] });
    const answer = service({ clusterIP: "None", clusterIPs: ["None"], ports: [] });
    expect(foretold(answer, wanted)["spec"]).toEqual({ clusterIP: "None", ports: [] });
  });

  test("does not foretell the uid of a Job, which its pods carry", () => {
    const answer: KubeObject = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "move", uid: "uid-1" },
      spec: { selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "uid-1" } }, parallelism: 1 },
    };
    expect(foretold(answer, answer)["spec"]).toEqual({ selector: { matchLabels: {} }, parallelism: 1 });
  });
});

import { expect, test } from "vitest";
import { createLog, type LogOptions } from "./log.ts";

function capture(level: LogOptions["level"] = "info") {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ level, stream: { write: (line) => void lines.push(JSON.parse(line)) } });
  return { log, lines };
}

test("a line is one JSON object: level, time, pairs and a constant message", () => {
  const { log, lines } = capture();
  log.info("layer changed", { cluster: "acme/edge-17", profile: "ClusterProfile/acme/base", layer: "cni" });
  expect(lines).toEqual([
    {
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      cluster: "acme/edge-17",
      profile: "ClusterProfile/acme/base",
      layer: "cni",
      msg: "layer changed",
    },
  ]);
});

test("pairs given once stand on every line of that logger, and only there", () => {
  const { log, lines } = capture();
  const ofLayer = log.with({ cluster: "local" }).with({ layer: "csi" });
  ofLayer.warn("late", { layer: "cni" });
  log.info("other");
  expect(lines[0]).toMatchObject({ level: "warn", cluster: "local", layer: "cni" });
  expect(lines[1]).not.toHaveProperty("cluster");
});

test("what is below the level is not written, and not even looked at", () => {
  const { log, lines } = capture("warn");
  const pairs = {
    get costly(): never {
      throw new Error("looked at");
    },
  };
  log.debug("quiet", pairs);
  log.info("quiet", pairs);
  log.fatal("loud");
  expect(lines.map(({ msg }) => msg)).toEqual(["loud"]);
});

test("secrets are hidden in pairs of a line and in pairs given once", () => {
  const { log, lines } = capture();
  log.with({ token: "c4n4ry-V4lue" }).error("failed", { error: new Error("Bearer c4n4ry-V4lue was refused") });
  expect(JSON.stringify(lines)).not.toContain("c4n4ry-V4lue");
  expect(lines[0]).toMatchObject({ error: { type: "Error", message: "Bearer (hidden) was refused" } });
});

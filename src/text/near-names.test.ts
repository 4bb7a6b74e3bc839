import { expect, test } from "vitest";
import { nearNames } from "./near-names.ts";

const names = [
  "metrics-server",
  "prometheus",
  "prometheus-adapter",
  "redis",
  "redis-cluster",
  "nginx",
  "ingress-nginx",
];

test.each([
  { wanted: "metric-server", near: ["metrics-server"], why: "a letter forgotten" },
  { wanted: "promehteus", near: ["prometheus"], why: "two letters swapped" },
  { wanted: "redis-cluster-ha", near: ["redis-cluster", "redis"], why: "more than there is" },
  { wanted: "nginx-ingress", near: ["nginx"], why: "a part of it" },
  { wanted: "cilium", near: [], why: "nothing like it" },
])("$wanted → $near: $why", ({ wanted, near }) => {
  expect(nearNames(wanted, names)).toEqual(near);
});

test("at most three names, and never the whole repository", () => {
  const many = Array.from({ length: 500 }, (_, n) => `chart-${n}`);
  expect(nearNames("chart", many)).toHaveLength(3);
});

test("a stranger's list of many long names costs little, and the first ones are compared", { timeout: 30_000 }, () => {
  const wanted = "z".repeat(203);
  const many = Array.from({ length: 100_000 }, (_, n) => `${"q".repeat(200)}${n}`.slice(0, 203));
  expect(nearNames(wanted, [`${"z".repeat(200)}abc`, ...many])).toEqual([`${"z".repeat(200)}abc`]);
});

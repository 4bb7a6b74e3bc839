import { describe, expect, test } from "vitest";
import { RepositoryIndex } from "./repository-index.ts";

const asHelmWritesIt = `apiVersion: v1
entries:
  shop:
  - apiVersion: v2
    appVersion: "7.0"
    dependencies:
    - name: cache
      repository: ""
      version: 0.3.0
    description: |-
      Multi-line text that looks like entries:
      shop:
      - version: 9.9.9
    digest: "1111111111111111111111111111111111111111111111111111111111111111"
    name: shop
    urls:
    - shop-1.2.3.tgz
    version: 1.2.3
  - version: 1.10
    urls: [https://elsewhere.example/shop-1.10.tgz]
  "two words":
    - { version: v0.1.0, urls: [a.tgz, 5], digest: "" }
    - { version: 0.2.0 }
    - nonsense
generated: "2026-11-01T00:00:00Z"
`;

const shop = [
  { version: "1.2.3", urls: ["shop-1.2.3.tgz"], digest: "1".repeat(64) },
  { version: "1.1", urls: ["https://elsewhere.example/shop-1.10.tgz"] },
];

describe.each([
  { layout: "as Helm writes it", text: asHelmWritesIt },
  { layout: "with Windows line ends", text: asHelmWritesIt.replaceAll("\n", "\r\n") },
  {
    layout: "with comments between",
    text: asHelmWritesIt.replace("entries:\n", "entries:\n# all charts\n\n  # the shop\n"),
  },
  {
    layout: "as JSON",
    text: JSON.stringify({ entries: { shop, "two words": [{ version: "v0.1.0", urls: ["a.tgz"] }] } }),
  },
  {
    layout: "entries in one line",
    text: `entries: { shop: ${JSON.stringify(shop)}, "two words": [{ version: v0.1.0, urls: [a.tgz] }] }`,
  },
])("an index $layout", ({ text }) => {
  const index = RepositoryIndex.parse(text);

  test("names its charts", () => expect(index?.names()).toEqual(["shop", "two words"]));

  test("lists their versions, addresses and digests", () => {
    expect(index?.versions("shop")).toEqual(shop);
    // Entries that Helm could not use are left out.
    expect(index?.versions("two words")).toEqual([{ version: "v0.1.0", urls: ["a.tgz"] }]);
  });

  test("has no other charts", () => {
    expect(index?.versions("cache")).toBeUndefined();
    expect(index?.versions("__proto__")).toBeUndefined();
  });
});

test.each([
  ["a page of HTML", "<html><body>Not found</body></html>"],
  ["nothing", ""],
  ["entries that are a text", "entries: none"],
])("%s is no index", (_what, text) => {
  expect(RepositoryIndex.parse(text)).toBeUndefined();
});

test("an index of 20 MB is read in a fraction of a second, and holds one chart's versions at a time", () => {
  const versions = Array.from({ length: 100 }, (_, n) => `  - version: 1.0.${n}\n    urls: [x-${n}.tgz]\n${filler}`);
  const chart = versions.join("");
  const text = `entries:\n${Array.from({ length: 100 }, (_, n) => `  chart-${n}:\n${chart}`).join("")}`;
  expect(text.length).toBeGreaterThan(20_000_000);
  const before = process.cpuUsage();
  const index = RepositoryIndex.parse(text);
  expect(index?.names()).toHaveLength(100);
  expect(index?.versions("chart-50")).toHaveLength(100);
  // Of the processor: others may be at work on it too.
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(2_000);
});

const filler = `    description: ${"words and ".repeat(20)}\n    keywords:\n${"    - some keyword\n".repeat(100)}`;

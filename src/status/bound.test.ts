import { describe, expect, it } from "vitest";
import { bounded } from "./bound.ts";

const size = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const row = (index: number, rest: object = {}) => ({ name: `layer-${index}`, state: "Waiting", ...rest });
const rows = (count: number, rest: object = {}) => Array.from({ length: count }, (_, index) => row(index, rest));

describe("bounded", () => {
  it("leaves a status of a usual size as it is", () => {
    const status = { layers: rows(5, { message: "late", unhealthy: [{ object: "a", message: "b" }] }) };
    expect(bounded(status)).toBe(status);
  });

  it("keeps as many rows as the API takes, and says that some are missing", () => {
    const status = bounded({ layers: rows(130) });
    expect(status).toMatchObject({ truncated: true, layers: { length: 64 } });
    expect(status.layers[0]?.name).toBe("layer-0");
  });

  it.each([
    [
      "lists of late objects",
      { unhealthy: Array.from({ length: 10 }, () => ({ object: "o", message: "m".repeat(900) })) },
    ],
    ["sentences", { message: "é".repeat(1_024) }],
    [
      "everything",
      {
        source: "s".repeat(512),
        message: "😀".repeat(512),
        counts: Array.from({ length: 32 }, (_, kind) => ({ kind: `${"K".repeat(250)}${kind}`, ready: 0, total: 9 })),
        unhealthy: Array.from({ length: 10 }, () => ({ object: "o".repeat(500), message: "m".repeat(1_024) })),
      },
    ],
  ])("cuts %s until it fits, and keeps every row and its state", (_what, rest) => {
    const status = bounded({ layers: rows(64, rest) });
    expect(size(status)).toBeLessThan(64 * 1024);
    expect(status).toMatchObject({ truncated: true, layers: { length: 64 } });
    expect(status.layers.every(({ state }) => state === "Waiting")).toBe(true);
  });

  it("cuts sentences only when the lists are gone and it is still too long", () => {
    const unhealthy = Array.from({ length: 10 }, () => ({ object: "o", message: "m".repeat(900) }));
    const status = bounded({ layers: rows(20, { message: "m".repeat(900), unhealthy }) });
    expect(status.layers[0]).toMatchObject({ message: "m".repeat(900) });
  });
});

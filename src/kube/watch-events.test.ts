import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coreResource } from "./resource.ts";
import { readEvents } from "./watch-events.ts";

const CONFIG_MAP = coreResource("ConfigMap", "configmaps", true);

async function* inPieces(text: string, cuts: readonly number[] = []): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < at.length; i += 1) {
    yield bytes.subarray(at[i - 1], at[i]);
  }
}

const read = (text: string, options: { metadataOnly?: boolean; cuts?: readonly number[] } = {}) =>
  Array.fromAsync(readEvents(inPieces(text, options.cuts), CONFIG_MAP, options.metadataOnly ?? false));

const LINES = [
  '{"type":"ADDED","object":{"metadata":{"name":"ä€😀"},"data":{"n":9007199254740993}}}',
  '{"type":"MODIFIED","object":{"kind":"PartialObjectMetadata","metadata":{"name":"b"},"data":{}}}',
  '{"type":"DELETED","object":{"metadata":{"name":"c"}}}',
  '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7","annotations":{"k8s.io/initial-events-end":"true"}}}}',
  '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"8"}}}',
  '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}',
];
const TEXT = `${LINES.join("\n")}\n`;

test("each line is an event", async () => {
  const events = await read(TEXT, { metadataOnly: true });
  expect(events).toMatchObject([
    { type: "upsert", object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "ä€😀" } } },
    { type: "upsert", object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b" } } },
    { type: "delete", object: { metadata: { name: "c" } } },
    { type: "bookmark", resourceVersion: "7", initialEventsEnd: true },
    { type: "bookmark", resourceVersion: "8", initialEventsEnd: false },
    { type: "error", error: { status: 410, reason: "Expired", message: "too old" } },
  ]);
  expect(events[1]).not.toHaveProperty("object.data");
});

test("however the network cuts the bytes, the events are the same", async () => {
  const whole = JSON.stringify(await read(TEXT));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(Buffer.byteLength(TEXT)), { maxLength: 20 }), async (cuts) => {
      expect(JSON.stringify(await read(TEXT, { cuts }))).toBe(whole);
    }),
    { numRuns: 50 },
  );
});

describe("a line that is not an event ends the watch, without a word of it", () => {
  test.each([
    ["cut in the middle", '{"type":"ADDED","object":{"metadata":{"name":"canary"'],
    ["cut before its end of line", '{"type":"ADDED","object":{"metadata":{"name":"canary"}}}'],
    ["no JSON", "canary\n"],
    ["an empty line", "\n"],
    ["another type", '{"type":"CANARY","object":{}}\n'],
    ["no object", '{"type":"ADDED"}\n'],
    ["an object without metadata", '{"type":"ADDED","object":{"canary":1}}\n'],
  ])("%s", async (_name, text) => {
    const got: unknown = await read(text).catch((error: unknown) => error);
    expect(got).toMatchObject({ name: "ConnectionError" });
    expect(JSON.stringify([String(got), (got as Error).cause])).not.toMatch(/canary/i);
  });
});

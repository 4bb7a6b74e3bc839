import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ageOf, paintState } from "./states.ts";
import { table, wrap } from "./table.ts";

interface Row {
  name: string;
  message: string;
}

const columns = [
  { heading: "NAME", cell: ({ name }: Row) => name, paint: (text: string) => paintState(text, "Ready") },
  { heading: "MESSAGE", cell: ({ message }: Row) => message },
];
const rows = [
  { name: "network", message: "" },
  { name: "db", message: "Pod db-1 ImagePullBackOff: not found" },
];

describe("table", () => {
  test("aligns its columns, and has a line for each row in a pipe", () => {
    expect(table(columns, rows, { colours: false })).toBe(
      "NAME      MESSAGE\nnetwork   -\ndb        Pod db-1 ImagePullBackOff: not found\n",
    );
  });

  test("wraps the last column to a terminal", () => {
    expect(table(columns, rows, { colours: false, width: 36 })).toBe(
      "NAME      MESSAGE\nnetwork   -\ndb        Pod db-1 ImagePullBackOff:\n          not found\n",
    );
  });

  test("stands in colours where it stands without", () => {
    const coloured = table(columns, rows, { colours: true });
    expect(coloured).toContain("\x1b[32mnetwork");
    expect(stripVTControlCharacters(coloured)).toBe(table(columns, rows, { colours: false }));
  });
});

test("wrap keeps every word, and the width", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z:/]{1,40}$/)), fc.integer({ min: 10, max: 50 }), (words, width) => {
      const lines = wrap(words.join(" "), width);
      expect(lines.join("").replaceAll(" ", "")).toBe(words.join(""));
      expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
    }),
  );
});

test.each([
  [undefined, ""],
  [-5, "0s"],
  [119, "119s"],
  [120, "2m"],
  [7_199, "119m"],
  [7_200, "2h"],
  [172_800, "2d"],
])("an age of %s seconds is %j", (seconds, want) => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const time = seconds === undefined ? undefined : new Date(now - seconds * 1000).toISOString();
  expect(ageOf(time, now)).toBe(want);
});

import { describe, expect, test } from "vitest";
import { z } from "zod";
import { INT_OR_STRING, structuralSchema } from "./structural.ts";

const text = z.string().max(9).describe("A text.");
const inObject = (field: z.ZodType) => z.strictObject({ field });

describe("what Kubernetes cannot take is refused with its path", () => {
  test.each([
    ["a union", z.union([text, z.boolean()]).describe("x"), "root.field: not structural"],
    [
      "a list of unions",
      z
        .array(z.union([text, z.boolean()]))
        .max(1)
        .describe("x"),
      "root.field[]: not structural",
    ],
    [
      "a union of other things that says it were one of these",
      z
        .union([text, z.boolean()])
        .meta({ [INT_OR_STRING]: true })
        .describe("x"),
      "root.field: a union can only be of integer and string",
    ],
    ["anything", z.unknown().describe("x"), "root.field: not structural: type is undefined"],
    ["a field without a description", z.string().max(9), "root.field: has no description"],
    ["a text without a bound", z.string().describe("x"), "root.field: a text needs a maximum length"],
    ["a list without a bound", z.array(text).describe("x"), "root.field: a list needs a maximum"],
    ["a map without a bound", z.record(z.string(), text).describe("x"), "root.field: a map needs a maximum"],
    [
      "a free object that would be pruned",
      z.record(z.string(), z.unknown()).describe("x"),
      "root.field: a free object",
    ],
    [
      "a look-ahead",
      z
        .string()
        .max(9)
        .regex(/^(?=a)/)
        .describe("x"),
      "root.field: the pattern is not one for RE2",
    ],
    [
      "a default in what is compared as a whole",
      z
        .strictObject({ key: text.default("a") })
        .meta({ "x-kubernetes-map-type": "atomic" })
        .describe("x"),
      "root.field: a default in what is compared as a whole",
    ],
    ["a title", text.meta({ title: "x" }), "root.field: keyword title"],
  ])("%s", (_, field, want) => {
    expect(() => structuralSchema(inObject(field), "root")).toThrow(want);
  });

  test.each([
    ["a date", z.date()],
    ["a transformation", text.transform(Number).describe("x")],
  ])("%s", (_, field) => {
    expect(() => structuralSchema(inObject(field), "root")).toThrow("cannot be represented");
  });
});

test("what Kubernetes takes comes out as it wants it", () => {
  const schema = z.strictObject({
    size: z.int32().min(0).describe("Size."),
    ratio: z.number().exactOptional().describe("Ratio."),
    any: z.unknown().meta({ "x-kubernetes-preserve-unknown-fields": true }).describe("Any.").exactOptional(),
    most: z
      .union([z.int(), z.string()])
      .meta({ [INT_OR_STRING]: true })
      .describe("Most.")
      .exactOptional(),
    generation: z.int().describe("Generation."),
    time: z.iso.datetime({ offset: true }).describe("Time."),
    mode: z.enum(["A", "B"]).default("A").describe("Mode."),
    values: z
      .record(z.string(), z.unknown())
      .meta({ "x-kubernetes-preserve-unknown-fields": true })
      .describe("Values."),
    labels: z.record(z.string(), text).meta({ maxProperties: 4 }).describe("Labels."),
    name: text.exactOptional(),
  });
  expect(structuralSchema(schema, "root")).toEqual({
    type: "object",
    required: ["size", "generation", "time", "values", "labels"],
    properties: {
      size: { description: "Size.", type: "integer", format: "int32", minimum: 0 },
      ratio: { description: "Ratio.", type: "number" },
      any: { description: "Any.", "x-kubernetes-preserve-unknown-fields": true },
      most: { description: "Most.", "x-kubernetes-int-or-string": true },
      generation: { description: "Generation.", type: "integer", format: "int64" },
      time: { description: "Time.", type: "string", format: "date-time" },
      mode: { description: "Mode.", type: "string", enum: ["A", "B"], default: "A" },
      values: { description: "Values.", type: "object", "x-kubernetes-preserve-unknown-fields": true },
      labels: {
        description: "Labels.",
        type: "object",
        maxProperties: 4,
        additionalProperties: { description: "A text.", type: "string", maxLength: 9 },
      },
      name: { description: "A text.", type: "string", maxLength: 9 },
    },
  });
});

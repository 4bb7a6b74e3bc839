import { describe, expect, it } from "vitest";
import { withoutRefusedNulls } from "./refused-nulls.ts";

const object = (spec: object) => ({ apiVersion: "lamps.example/v1", kind: "Lamp", metadata: { name: "a" }, spec });

const refusal = (...fields: string[]) => ({
  status: 422,
  causes: fields.map((field) => ({
    field,
    message: `Invalid value: (hidden): ${field} in body must be of type object: "null"`,
  })),
});

describe("nulls that a custom resource may not have", () => {
  it("go, and those that it may have stay", () => {
    const lamp = object({ bulb: null, values: { kept: null }, rooms: [{ door: null, no: 1 }], by: { "a.b": null } });
    const error = refusal("spec.bulb", "spec.rooms[0].door", "spec.by[a.b]");
    expect(withoutRefusedNulls(error, lamp)).toEqual(object({ values: { kept: null }, rooms: [{ no: 1 }], by: {} }));
    expect(lamp.spec).toHaveProperty("bulb", null);
  });

  it.each([
    ["another error", { ...refusal("spec.bulb"), status: 500 }],
    ["an error without causes", refusal()],
    ["no answer at all", new Error("gone")],
    [
      "something else that is wrong as well",
      { status: 422, causes: [...refusal("spec.bulb").causes, { field: "spec.watts", message: "must be positive" }] },
    ],
    ["a null that is in a list", refusal("spec.rooms[0]")],
    ["a field that is no null here", refusal("spec.watts")],
    ["a field that is not here", refusal("spec.shade.color")],
  ])("stay with %s", (_, error) => {
    expect(withoutRefusedNulls(error, object({ bulb: null, watts: 3, rooms: [null] }))).toBeUndefined();
  });
});

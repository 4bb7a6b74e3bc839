import { expect, test } from "vitest";
import { manifestInputs } from "./manifests.ts";

test("a file is a template when the values have its name, whatever its folder and extension", () => {
  const paths = ["manifests/a.yaml", "manifests/in/b.yml", "c.yaml", "manifests/a-b.c.yaml", "toString.yaml", "d.YAML"];
  const inputs = manifestInputs({
    files: paths.map((path) => ({ path, content: "" })),
    values: { a: { x: 1 }, b: null, "a-b.c": {}, d: "text", e: {} },
  });
  expect(inputs.map(({ values }) => values)).toEqual([{ x: 1 }, {}, undefined, {}, undefined, "text"]);
});

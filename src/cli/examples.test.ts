import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readDocuments } from "./documents.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
const folders = readdirSync(EXAMPLES).filter((name) => name !== "charts");

describe("the examples", () => {
  test.each(folders)("of %s are as the API wants them", async (folder) => {
    expect(await readDocuments([`${EXAMPLES}/${folder}`])).toMatchObject({ ok: true });
  });
});

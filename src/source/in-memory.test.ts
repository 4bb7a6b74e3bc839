import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Everything by which a Node program reaches a disk or another program. */
const REACHES = /^(?:node:)?(?:fs|child_process|worker_threads|cluster|module|vm|wasi)(?:\/|$)/;

const files = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
);

test("no file of this room can write to a disk or start a program: what it reads stays in memory", () => {
  expect(files.length).toBeGreaterThan(25);
  const reaching = files.flatMap((file) => {
    const text = readFileSync(join(import.meta.dirname, file), "utf8");
    const imports = [...text.matchAll(/(?:from|import|require)\s*\(?\s*["']([^"']+)["']/g)].map(
      ([, name = ""]) => name,
    );
    const isDynamic = /process\.(?:binding|getBuiltinModule)/.test(text);
    return imports.some((name) => REACHES.test(name)) || isDynamic ? [file] : [];
  });
  expect(reaching).toEqual([]);
});

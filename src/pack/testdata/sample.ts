import { parsePack } from "../parse-pack.ts";
import type { Pack } from "../types.ts";

export type SampleFiles = Record<string, string | Uint8Array | undefined>;

/** The files of a small pack, by path; `undefined` takes a file away. */
export function sampleFiles(files: SampleFiles = {}): Map<string, Uint8Array> {
  const all: SampleFiles = {
    "pack.json": JSON.stringify({ name: "sample", displayName: "Sample", version: "1.0.0", layer: "addon" }),
    "values.yaml": "",
    ...files,
  };
  return new Map(
    Object.entries(all).flatMap(([path, content]) =>
      content === undefined ? [] : [[path, typeof content === "string" ? new TextEncoder().encode(content) : content]],
    ),
  );
}

/** A pack made of these files, beside what a pack must have. */
export function samplePack(files: SampleFiles = {}): Pack {
  const parsed = parsePack(sampleFiles(files), "pack sample");
  if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
  return parsed.value;
}

/** pack.json of the sample with more fields. */
export function packJson(fields: object): string {
  return JSON.stringify({ name: "sample", displayName: "Sample", version: "1.0.0", layer: "addon", ...fields });
}

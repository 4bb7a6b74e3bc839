import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RenderRequest } from "../../src/render/types.ts";
import { writeChart } from "./files.ts";
import { helm } from "./helm.ts";

/** What a chart's package is known by. */
export interface PackedChart {
  bytes: Uint8Array;
  digest: string;
}

/** A request for a chart, with nothing set. */
export function requestOf({ bytes, digest }: PackedChart, more: Partial<RenderRequest> = {}): RenderRequest {
  return {
    chartBytes: bytes,
    chartDigest: digest,
    values: {},
    releaseName: "front",
    namespace: "web",
    kubeVersion: "v1.36.3",
    apiVersions: ["v1", "apps/v1"],
    isUpgrade: false,
    revision: 1,
    ...more,
  };
}

/** A chart of one template, packed by the real helm in the folder `home`. */
export async function packChart(
  home: string,
  { name, template, values = "" }: { name: string; template: string; values?: string },
): Promise<PackedChart> {
  const place = join(home, name);
  await writeChart(place, { name, version: "1.0.0", files: { "values.yaml": values, "templates/a.yaml": template } });
  await helm(["package", place, "--destination", home], { home });
  const bytes = await readFile(join(home, `${name}-1.0.0.tgz`));
  return { bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` };
}

/** Process ids of the renderers that this process has started. */
export async function rendererPids(): Promise<string[]> {
  const threads = await readdir("/proc/self/task");
  // A thread, as a process, may end while it is looked at.
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/self/task/${thread}/children`, "utf8").catch(() => "")),
  );
  const pids = lists
    .join(" ")
    .split(" ")
    .filter((pid) => pid !== "");
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")));
  return pids.filter((_pid, index) => names[index]?.startsWith("strata-render"));
}

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ControlPlane } from "./controlplane.ts";

const KEY = "/registry/";

/**
 * Where a text stands in what a control plane has ever written to its etcd: keys such as `/registry/secrets/acme/a`, with
 * what was found there. Read from etcd's write-ahead log, in which an object follows its key and nothing is overwritten.
 */
export async function etcdKeysHolding(
  { dataDir }: ControlPlane,
  patterns: readonly RegExp[],
): Promise<{ key: string; found: string }[]> {
  const folder = join(dataDir, "etcd-data/member/wal");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".wal")).sort();
  const logs = await Promise.all(files.map((name) => readFile(join(folder, name))));
  const log = logs.map(written).join("");
  const hits = patterns.flatMap((pattern) =>
    [...log.matchAll(pattern)].map(({ index, 0: found }) => ({ key: keyBefore(log, index), found })),
  );
  return [...new Map(hits.map((hit) => [JSON.stringify(hit), hit])).values()];
}

/** Without the zeros with which etcd fills a file in advance. */
function written(file: Buffer): string {
  return file.toString("latin1", 0, file.findLastIndex((byte) => byte !== 0) + 1);
}

function keyBefore(log: string, index: number): string {
  const start = log.lastIndexOf(KEY, index);
  return start < 0 ? "no key" : (/^[\w./:-]+/.exec(log.slice(start, start + 300))?.[0] ?? "");
}

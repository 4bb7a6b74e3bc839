import { sha256Digest } from "../objects/digest.ts";
import { toYaml } from "../objects/yaml.ts";
import { writeArchive } from "./archive/write-archive.ts";

const ARCHIVES = "archives";

/** A pack's folder, as its author keeps it. */
export interface PackFolder {
  name: string;
  version: string;
  /** By path below the folder. */
  files: ReadonlyMap<string, Uint8Array>;
}

/**
 * What a web server needs to be a registry of packs: an `index.yaml` of the form that Helm's repositories have, and the
 * packed folders that it lists with their digests. Equal folders give equal bytes.
 *
 * @returns the files to serve, by path below the registry's address
 */
export function packRegistry(folders: readonly PackFolder[]): Map<string, Uint8Array> {
  const served = new Map<string, Uint8Array>();
  const entries: Record<string, object[]> = {};
  const sorted = [...folders].sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
  for (const { name, version, files } of sorted) {
    const root = `${name}-${version}`;
    const path = `${ARCHIVES}/${root}.tgz`;
    const bytes = writeArchive(files, root);
    served.set(path, bytes);
    entries[name] = [
      ...(entries[name] ?? []),
      { version, urls: [path], digest: sha256Digest(bytes).slice("sha256:".length) },
    ];
  }
  served.set("index.yaml", Buffer.from(toYaml({ apiVersion: "v1", entries })));
  return served;
}

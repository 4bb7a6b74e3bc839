import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Failure } from "../../errors.ts";
import { Sources } from "../../source/sources.ts";
import { type Door, EXIT, type Outcome } from "../outcome.ts";
import { sourceOptions } from "../source-options.ts";
import { ownAccess, sentencesOf } from "./credentials.ts";

export interface PullOptions {
  /** `shop`, `shop:1.2.0`, `shop:1.x`. */
  pack: string;
  /** `oci://host/folder`, or `https://host/folder` with an index.yaml. */
  url: string;
  registryConfig: string | undefined;
  /** The folder to put the pack's folder into. */
  into: string;
}

/** `strata pack pull`: a pack as the operator would fetch it, as a folder `<name>-<version>`. */
export async function pullCommand(
  options: PullOptions,
  { config, signal }: Pick<Door, "config" | "signal">,
): Promise<Outcome> {
  const { pack, url, registryConfig, into } = options;
  const [, name = "", version = ""] = /^([^:]*):?(.*)$/s.exec(pack) ?? [];
  const own = await ownAccess(url, registryConfig);
  await using sources = new Sources(sourceOptions(config()));
  try {
    const fetched = await sources.packs.fetch({ registry: own.access, name, version }, signal);
    const folder = join(into, `${name.split("/").at(-1)}-${fetched.version}`);
    await writeFolder(folder, fetched.files);
    return { text: `${folder}\ndigest: ${fetched.digest}\n`, problems: [], code: EXIT.ok };
  } catch (error) {
    return { text: "", problems: sentencesOf(error, own), code: EXIT.problems };
  }
}

/** The paths were checked when the archive was read: none leads out of the folder. */
async function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  try {
    await mkdir(folder);
  } catch (error) {
    throw new Failure("InvalidSpec", `${folder}: something is there already`, { cause: error });
  }
  for (const [path, bytes] of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes, { flag: "wx" });
  }
}

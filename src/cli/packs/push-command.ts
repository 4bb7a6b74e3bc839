import { PackPush } from "../../source/pack-push.ts";
import { type Door, EXIT, type Outcome } from "../outcome.ts";
import { sourceOptions } from "../source-options.ts";
import { ownAccess, sentencesOf } from "./credentials.ts";
import { lintPack } from "./lint.ts";
import { readPackFolder } from "./pack-folder.ts";

export interface PushOptions {
  folder: string;
  /** `oci://host/folder` */
  url: string;
  registryConfig: string | undefined;
  /** Whether a version that is there with other content goes. */
  force: boolean;
  /** As `2026-07-01`. */
  today: string;
}

/** Twenty MiB over a slow line. */
const DEADLINE_MS = 600_000;

/** `strata pack push`: a pack that has problems is not pushed. */
export async function pushCommand(
  options: PushOptions,
  { config, signal }: Pick<Door, "config" | "signal">,
): Promise<Outcome> {
  const { folder, url, registryConfig, force, today } = options;
  const files = await readPackFolder(folder);
  const { pack, problems, warnings } = await lintPack(files, `pack ${folder}`, today);
  if (pack === undefined || problems.length > 0) return { text: "", problems, code: EXIT.problems };
  const own = await ownAccess(url, registryConfig);
  await using pusher = new PackPush({ ...sourceOptions(config()), deadlineMs: DEADLINE_MS });
  try {
    const { place, digest, wasThere } = await pusher.push(
      { ...pack, registry: own.access, files, replace: force },
      signal,
    );
    const text = `${wasThere ? "is there already" : "pushed"}: ${place}\ndigest: ${digest}\n`;
    return { text, problems: warnings, code: EXIT.ok };
  } catch (error) {
    return { text: "", problems: sentencesOf(error, own), code: EXIT.problems };
  }
}

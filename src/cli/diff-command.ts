import type { Config } from "../config.ts";
import { Failure } from "../errors.ts";
import { toFailure } from "../kube/failures.ts";
import { Renderer } from "../render/renderer.ts";
import { Sources } from "../source/sources.ts";
import { LayerRenderer } from "../wiring/layer-renderer.ts";
import { contextNamespace } from "./context.ts";
import type { Choice } from "./diff-part.ts";
import { diffProfile } from "./diff-profile.ts";
import { openTarget } from "./diff-target.ts";
import { hasFailed, hasSomethingToSay, printDiff } from "./diff-text.ts";
import type { ProfileDiff } from "./diff-types.ts";
import { type Documents, readDocuments } from "./documents.ts";
import { nameOfFile } from "./files.ts";
import { sourceOptions } from "./source-options.ts";

export interface DiffOptions {
  /** Files, folders or `-`, with profiles and what they refer to. */
  files: readonly string[];
  kubeconfig: string | undefined;
  /** A context of the kubeconfig; its current one if absent. */
  context: string | undefined;
  choice: Choice;
  /** For documents that name none; the context's own if absent. */
  namespace: string | undefined;
  colours: boolean;
}

/** As `kubectl diff` ends: nothing would change, something would, or something could not be compared. */
export const DIFF_EXIT = { same: 0, different: 1, failed: 2 } as const;

export interface DiffOutput {
  text: string;
  problems: readonly string[];
  code: (typeof DIFF_EXIT)[keyof typeof DIFF_EXIT];
}

/**
 * `strata diff`: what Strata would change on the cluster of a kubeconfig's context, if it were given these profiles for it.
 * Nothing is written.
 *
 * @throws Failure when the cluster does not answer, or is not the hub where that is needed
 */
export async function diff(options: DiffOptions, config: Config, signal: AbortSignal): Promise<DiffOutput> {
  const read = await readDocuments(options.files, options.namespace ?? (await contextNamespace(options)));
  if (!read.ok) return failure(read.problems);
  if (read.value.profiles.length === 0)
    return failure([`there is no profile in ${options.files.map(nameOfFile).join(", ")}: diff needs one`]);
  if (options.choice.management && options.choice.cluster === undefined) return failure([NEEDS_TARGET]);
  const diffs = await diffAll(read.value, { options, config }, signal);
  const isFailed = diffs.some(hasFailed);
  return {
    text: printDiff(diffs, options),
    problems: isFailed ? ["something could not be compared: see the lines that begin with !"] : [],
    code: isFailed ? DIFF_EXIT.failed : diffs.some(hasSomethingToSay) ? DIFF_EXIT.different : DIFF_EXIT.same,
  };
}

const NEEDS_TARGET =
  "--management needs --target <cluster>: what is applied on the hub is another thing for each TargetCluster";
const NEEDS_HUB =
  "--management compares what is applied on the hub, and the cluster of this context is none, as it has no ClusterProfiles: name the hub's context with --context";

async function diffAll(
  { profiles, targets: clusters, referents: files, registries }: Documents,
  { options, config }: { options: DiffOptions; config: Config },
  signal: AbortSignal,
): Promise<ProfileDiff[]> {
  await using sources = new Sources(sourceOptions(config));
  await using charts = new Renderer({ binary: config.renderBinary, processes: 1 });
  const renderer = new LayerRenderer(sources, charts, () => undefined);
  const target = await openTarget({ ...options, userAgent: `strata-cli/${config.version}` }, signal);
  await using _ = target.client;
  if (options.choice.management && !target.isHub) throw new Failure("InvalidSpec", NEEDS_HUB);
  const given = { target, clusters, choice: options.choice, files, registries, renderer };
  const diffs: ProfileDiff[] = [];
  for (const profile of profiles) {
    try {
      diffs.push(await diffProfile(profile, given, signal));
    } catch (error) {
      signal.throwIfAborted();
      const { message } = toFailure(error, "it cannot be compared");
      diffs.push({ profile, notes: [], layers: [], failures: [message] });
    }
  }
  return diffs;
}

function failure(problems: readonly string[]): DiffOutput {
  return { text: "", problems, code: DIFF_EXIT.failed };
}

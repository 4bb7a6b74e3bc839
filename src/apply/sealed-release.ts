import { Failure } from "../errors.ts";
import type { Outcome } from "../plan/outcome.ts";
import type { ReleaseRecord } from "../plan/release.ts";
import { sealOf } from "../plan/seal.ts";
import type { Step } from "../plan/step.ts";
import { type HelmRelease, parsedHooks, recordedHooks } from "./release-payload.ts";
import { type ReleaseContext, read } from "./release-records.ts";

/** A record that is as Strata wrote it, with its hooks. */
export interface SealedRelease {
  release: HelmRelease;
  manifest: string;
  hooks: ReturnType<typeof recordedHooks>;
}

/** What the record of a revision that was Ready holds; undefined when somebody has changed it since. */
export async function readSealed(
  record: ReleaseRecord,
  { layer, key }: { layer: string; key: Uint8Array },
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<SealedRelease | undefined> {
  const release = await read(record, context, signal);
  const { manifest = "" } = release;
  const hooks = recordedHooks(release);
  const about = { parent: context.set.parent, layer, release: record.release, revision: record.version };
  return sealOf(key, { ...about, manifest, hooks }) === record.seal ? { release, manifest, hooks } : undefined;
}

/**
 * The hooks of a release as a content that has nothing else.
 *
 * @throws Failure InvalidObject when the record is not as Strata wrote it
 */
export async function recallHooks(
  { record, layer, key }: Step & { kind: "RecallHooks" },
  context: ReleaseContext,
  signal: AbortSignal,
): Promise<Outcome> {
  const sealed = await readSealed(record, { layer, key }, context, signal);
  if (sealed) {
    const release = { chart: "", hooks: parsedHooks(sealed.hooks), manifest: "", notes: "" };
    return { kind: "Recalled", content: { objects: [], crds: [], release } };
  }
  const { namespace, name } = record.release;
  throw new Failure(
    "InvalidObject",
    `revision ${record.version} of Helm release ${namespace}/${name} is not as Strata wrote it, so that its hooks are not run; ` +
      `to go without them: helm uninstall ${name} -n ${namespace} --no-hooks`,
  );
}

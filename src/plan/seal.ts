import { hmacDigest } from "../objects/digest.ts";
import type { ReleaseName } from "./release.ts";
import type { Hook } from "./types.ts";

/** What Helm writes down for a hook without a policy, when it runs it. */
export const DEFAULT_DELETE_POLICIES: readonly string[] = ["before-hook-creation"];

/** What a rollback to a revision would apply, and where: a record of another release or revision has another seal. */
export interface Sealed {
  parent: string;
  layer: string;
  release: ReleaseName;
  revision: number;
  manifest: string;
  hooks: readonly Omit<Hook, "object">[];
}

/** The seal of a revision that was Ready: whoever may write Secrets there must not choose what a rollback applies. */
export function sealOf(key: Uint8Array, { parent, layer, release, revision, manifest, hooks }: Sealed): string {
  const { namespace, name } = release;
  // The parts of a List have one text.
  const texts = hooks.filter(({ part }) => part === undefined).map(sealedHook);
  return hmacDigest(key, [parent, layer, namespace, name, revision, manifest, texts]);
}

function sealedHook({ name, kind, path, manifest, events, weight, deletePolicies }: Omit<Hook, "object">): unknown {
  const policies = deletePolicies.length > 0 ? deletePolicies : DEFAULT_DELETE_POLICIES;
  return [name, kind, path, manifest, events, weight, policies];
}

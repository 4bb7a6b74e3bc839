import { Failure } from "../errors.ts";
import { hmacDigest } from "../objects/digest.ts";
import { describeRef, groupKindKey } from "../objects/identity.ts";
import type { GroupKind, ObjectRef } from "../objects/types.ts";
import { readInputs } from "./inputs.ts";
import { type Placed, type Placement, place, type Scopes, scopesDeclaredBy } from "./place.ts";
import type { Seen } from "./seen.ts";
import type { ContentState, LayerContent, Plan, PlannedLayer } from "./types.ts";

type Prepared = NonNullable<Seen["site"]["prepared"]>;

/** The ordered plan of a profile on a cluster, from what is known now. Pure: the same Seen gives the same plan. */
export function buildPlan(seen: Seen, prepared: Prepared): Plan {
  const scopes = profileScopes(seen);
  return { layers: refuseTwins(seen.profile.spec.layers.map((layer) => planLayer(layer, scopes, { seen, prepared }))) };
}

/** One object in two layers would change hands for ever: the first layer has it, and the other says so. */
function refuseTwins(layers: readonly PlannedLayer[]): PlannedLayer[] {
  const owners = new Map<string, string>();
  return layers.map((layer) => {
    if (layer.state.kind !== "known") return layer;
    const twins = layer.state.desired.filter(({ key }) => owners.has(key));
    for (const { key } of layer.state.desired) if (!owners.has(key)) owners.set(key, layer.spec.name);
    if (twins.length === 0) return layer;
    const desired = layer.state.desired.filter((one) => !twins.includes(one));
    const problems = [...layer.state.problems, ...twins.map(({ ref, key }) => twinFailure(ref, owners.get(key) ?? ""))];
    return { ...layer, state: { ...layer.state, desired, problems } };
  });
}

function twinFailure(ref: ObjectRef, owner: string): Failure {
  return new Failure("InvalidManifest", `${describeRef(ref)} is in layer ${owner} already: keep it in one of the two`);
}

function planLayer(
  layer: PlannedLayer["spec"],
  scopes: Scopes,
  { seen, prepared }: { seen: Seen; prepared: Prepared },
): PlannedLayer {
  const { profile, referents, site } = seen;
  const { digestKey } = prepared;
  const namespace = layer.namespace ?? profile.spec.namespace;
  const about = { spec: layer, namespace };
  const read = readInputs(layer, { profile, referents, digestKey, kubernetesMinor: site.kubernetesMinor });
  if (read.kind === "reading") return { ...about, inputs: undefined, state: { kind: "reading" } };
  if (read.kind === "missing")
    return { ...about, inputs: undefined, state: { kind: "missing", failure: read.failure } };
  const { inputs } = read;
  const memory = seen.contents.get(layer.name);
  if (memory?.inputs !== inputs.digest) return { ...about, inputs, state: { kind: "unknown" } };
  if (memory.result.kind === "failed") return { ...about, inputs, state: memory.result };
  return {
    ...about,
    inputs,
    state: known(memory.result.content, { layer, namespace, set: seen.set, digestKey, scopes }),
  };
}

/** A kind's scope as the cluster serves it, else as a CRD of any layer declares it. */
export function profileScopes(seen: Seen): Scopes {
  const declared = new Map<string, "Namespaced" | "Cluster">();
  for (const { result } of seen.contents.values()) {
    if (result.kind !== "known") continue;
    for (const [kind, scope] of scopesDeclaredBy([...result.content.crds, ...result.content.objects]))
      declared.set(kind, scope);
  }
  return (kind: GroupKind) => seen.site.scopeOf(kind) ?? declared.get(groupKindKey(kind));
}

/** Hooks are a part of what a layer brings: a layer after it waits for another migration as well. */
function hooksInDigest({ release }: LayerContent): unknown[] {
  return (release?.hooks ?? [])
    .filter(({ events }) => events.some((event) => event !== "test"))
    .map(({ path, name, events, weight, manifest }) => [path, name, [...events], weight, manifest]);
}

interface Memo {
  signature: string;
  digestKey: Uint8Array;
  placed: Placed;
  digest: string;
}

/** Placing digests every object, so the result is kept as long as the content and its surroundings are the same. */
const memos = new WeakMap<LayerContent, Memo>();

function known(content: LayerContent, placement: Placement): ContentState {
  const { layer, namespace, set, digestKey, scopes } = placement;
  const hooks = content.release?.hooks.map(({ object }) => object) ?? [];
  const kinds = new Set(
    [...content.crds, ...(content.attachments ?? []), ...content.objects, ...hooks].map(
      ({ apiVersion, kind }) => `${apiVersion.split("/").slice(0, -1).join("")} ${kind}`,
    ),
  );
  const scopeList = [...kinds].map((text) => {
    const [group = "", kind = ""] = text.split(" ");
    return `${text}=${scopes({ group, kind }) ?? "?"}`;
  });
  const signature = [layer.name, layer.crds, namespace, set.id, ...scopeList].join("|");
  let memo = memos.get(content);
  if (memo?.signature !== signature || memo.digestKey !== digestKey) {
    const placed = place(content, placement);
    const digest = hmacDigest(digestKey, [
      ...placed.desired.map(({ key, digest: one }) => [key, one]),
      ...hooksInDigest(content),
    ]);
    memo = { signature, digestKey, placed, digest };
    memos.set(content, memo);
  }
  return { kind: "known", content, ...memo.placed, digest: memo.digest };
}

import { hmacDigest } from "../objects/digest.ts";
import { type Placed, type Placement, place } from "./place.ts";
import type { ContentKnown, LayerContent } from "./types.ts";

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

/** A layer's content with its objects placed and digested; the same as before while nothing of it has changed. */
export function placedContent(content: LayerContent, placement: Placement): ContentKnown {
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
  const ignored = layer.drift?.ignore ? [JSON.stringify(layer.drift.ignore)] : [];
  const signature = [layer.name, layer.crds, namespace, set.id, ...scopeList, ...ignored].join("|");
  let memo = memos.get(content);
  if (memo?.signature !== signature || memo.digestKey !== digestKey) {
    memo = { signature, digestKey, ...placedAnew(content, placement) };
    memos.set(content, memo);
  }
  return { kind: "known", content, ...memo.placed, digest: memo.digest };
}

/** As `placedContent`, without a look at what was there before. */
export function placedAnew(content: LayerContent, placement: Placement): { placed: Placed; digest: string } {
  const placed = place(content, placement);
  const objects = placed.desired.map(({ key, digest }) => [key, digest]);
  return { placed, digest: hmacDigest(placement.digestKey, [...objects, ...hooksInDigest(content)]) };
}

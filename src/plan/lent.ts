import type { Parent } from "../membership/applyset.ts";
import { isMember, type Observed } from "../membership/observed.ts";
import { isPartOf } from "./pack-parts.ts";
import type { Seen } from "./seen.ts";
import type { Step } from "./step.ts";

/**
 * Whether an object was there before us, and goes back when its layer goes: it says so itself or, should somebody have taken
 * its mark off, the parent does.
 */
export function isLent(observed: Observed, seen: Seen): boolean {
  const { adopted, key, uid } = observed;
  return (adopted || adoptedUid(key, seen) === uid) && !isTaken(observed, seen);
}

/** What a write must know of the object of this name: the uid of the one that was adopted, if one was. */
export function lentAs(key: string, seen: Seen): { lent?: string } {
  const lent = adoptedUid(key, seen);
  return lent === undefined ? {} : { lent };
}

function adoptedUid(key: string, { site }: Seen): string | undefined {
  return site.prepared?.parent.adopted.get(key);
}

/** The layer may have got its `Always` after it adopted the object. Of two that may be meant, both must have it. */
function isTaken({ layer: name }: Observed, { profile }: Seen): boolean {
  if (name === undefined) return false;
  const layers = profile.spec.layers.filter((layer) => layer.name === name || isPartOf(name, layer.name));
  return layers.length > 0 && layers.every(({ adoption }) => adoption === "Always");
}

/** Writes down in the parent which objects were adopted: their own mark is anybody's to take off. */
export function noteAdopted(seen: Seen, parent: Parent): Step | undefined {
  const fresh = [...seen.site.members()].flatMap(({ observed }): [string, string][] => {
    const { adopted, key, uid } = observed;
    const isNews = adopted && parent.adopted.get(key) !== uid;
    return isNews && isMember(observed, seen.set) && isLent(observed, seen) ? [[key, uid]] : [];
  });
  if (fresh.length === 0) return undefined;
  const adopted = new Map([...parent.adopted, ...fresh]);
  return { kind: "Reach", parent: { ...parent, adopted }, widens: true, watches: [] };
}

/**
 * What of the adopted objects is still to be known. What a layer wants and is no member now may have lost its label; what
 * cannot be seen may be there.
 */
export function stillAdopted({ adopted }: Parent, wanted: ReadonlySet<string>, seen: Seen): Parent["adopted"] {
  const isKept = ([key, uid]: [string, string]): boolean => {
    const observed = seen.site.member(key)?.observed;
    if (observed && isMember(observed, seen.set)) return observed.uid === uid && !isTaken(observed, seen);
    const [group = "", kind = ""] = key.split("/");
    return wanted.has(key) || !seen.site.served({ group, kind });
  };
  return new Map([...adopted].filter(isKept));
}

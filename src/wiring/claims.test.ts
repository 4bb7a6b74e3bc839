import { describe, expect, it } from "vitest";
import { applySetOf, type ProfileIdentity } from "../membership/applyset.ts";
import { ClaimBook } from "./claims.ts";

const owner = { cluster: "uid", set: applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "owner" }) };

function book(...waiting: (ProfileIdentity & { cluster?: string; key?: string })[]): ClaimBook {
  const claims = new ClaimBook();
  for (const { cluster = "uid", key = "object", ...profile } of waiting) {
    const layers = new Map([[key, `of-${profile.name}`]]);
    claims.set(`${profile.kind}/${profile.name}`, {
      cluster,
      set: applySetOf(profile),
      profile,
      layers,
    });
  }
  return claims;
}
const addOn = (name: string) => ({ kind: "AddOnProfile", namespace: "acme", name });

describe("who gets an object that is given up", () => {
  const rows: [name: string, waiting: Parameters<typeof book>, want: string | undefined][] = [
    ["nobody, when none waits", [], undefined],
    ["who waits", [addOn("a")], "AddOnProfile acme/a"],
    ["nobody who waits for another object", [{ ...addOn("a"), key: "other" }], undefined],
    ["nobody who waits on another cluster", [{ ...addOn("a"), cluster: "elsewhere" }], undefined],
    ["not its owner", [addOn("owner")], undefined],
    ["the highest tier", [addOn("a"), { kind: "SystemProfile", name: "z" }], "SystemProfile z"],
    ["of one tier, the first by name", [addOn("b"), addOn("a")], "AddOnProfile acme/a"],
  ];
  it.each(rows)("%s", (_name, waiting, want) => {
    expect(book(...waiting).heirOf("object", owner)?.profile).toBe(want);
  });

  it("is nobody who has yet to try to write it: whether he may is not known", () => {
    const claims = new ClaimBook();
    const about = { cluster: "uid", layers: new Map<string, string>(), intents: () => new Set(["object"]) };
    claims.set("AddOnProfile/a", { ...about, set: applySetOf(addOn("a")), profile: addOn("a") });
    expect(claims.heirOf("object", owner)).toBeUndefined();
    expect(claims.isIntended("object", owner)).toBe(true);
    expect(claims.isIntended("other", owner)).toBe(false);
    expect(claims.isIntended("object", { ...owner, cluster: "elsewhere" })).toBe(false);
    expect(claims.isIntended("object", { ...owner, set: applySetOf(addOn("a")) })).toBe(false);
  });

  it("is told for which of its layers", () => {
    const profile = addOn("a");
    expect(book(profile).heirOf("object", owner)).toMatchObject({ layer: "of-a", set: applySetOf(profile) });
  });

  it("is nobody who has it, or has gone", () => {
    const profile = addOn("a");
    const claims = book(profile);
    claims.set("AddOnProfile/a", { cluster: "uid", set: applySetOf(profile), profile, layers: new Map() });
    expect(claims.heirOf("object", owner)).toBeUndefined();
    const gone = book(profile);
    gone.delete("AddOnProfile/a");
    expect(gone.heirOf("object", owner)).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import { applySetOf, type ProfileIdentity } from "../membership/applyset.ts";
import { ClaimBook } from "./claims.ts";

const at = (uid: string, name = "acme/west") => ({ name, uid, server: undefined });
const owner = { cluster: at("uid"), set: applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "owner" }) };

function book(...waiting: (ProfileIdentity & { cluster?: string; at?: string; key?: string })[]): ClaimBook {
  const claims = new ClaimBook();
  for (const { cluster = "uid", at: place, key = "object", ...profile } of waiting) {
    const layers = new Map([[key, `of-${profile.name}`]]);
    claims.set(`${profile.kind}/${profile.name}`, {
      cluster: at(cluster, place),
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
    [
      "nobody who waits on what a tenant's server says is this cluster",
      [{ ...addOn("a"), at: "beta/liar" }],
      undefined,
    ],
    ["not its owner", [addOn("owner")], undefined],
    ["the highest tier", [addOn("a"), { kind: "SystemProfile", name: "z" }], "SystemProfile z"],
    ["of one tier, the first by name", [addOn("b"), addOn("a")], "AddOnProfile acme/a"],
  ];
  it.each(rows)("%s", (_name, waiting, want) => {
    expect(book(...waiting).heirOf("object", owner)?.profile).toBe(want);
  });

  it("is nobody who has yet to try to write it: whether he may is not known", () => {
    const claims = new ClaimBook();
    const about = { cluster: at("uid"), layers: new Map<string, string>(), intents: () => new Set(["object"]) };
    claims.set("AddOnProfile/a", { ...about, set: applySetOf(addOn("a")), profile: addOn("a") });
    expect(claims.heirOf("object", owner)).toBeUndefined();
    expect(claims.isIntended("object", owner)).toBe(true);
    expect(claims.isIntended("other", owner)).toBe(false);
    expect(claims.isIntended("object", { ...owner, cluster: at("elsewhere") })).toBe(false);
    expect(claims.isIntended("object", { ...owner, set: applySetOf(addOn("a")) })).toBe(false);
  });

  it("is told for which of its layers", () => {
    const profile = addOn("a");
    expect(book(profile).heirOf("object", owner)).toMatchObject({ layer: "of-a", set: applySetOf(profile) });
  });

  it("is nobody who has it, or has gone", () => {
    const profile = addOn("a");
    const claims = book(profile);
    claims.set("AddOnProfile/a", { cluster: at("uid"), set: applySetOf(profile), profile, layers: new Map() });
    expect(claims.heirOf("object", owner)).toBeUndefined();
    const gone = book(profile);
    gone.delete("AddOnProfile/a");
    expect(gone.heirOf("object", owner)).toBeUndefined();
  });
});

import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { Profile } from "../api/types.ts";
import type { KubeObject } from "../objects/types.ts";
import { hasFailed, hasSomethingToSay, printDiff } from "./diff-text.ts";
import type { LayerDiff, ObjectDiff, ProfileDiff } from "./diff-types.ts";

const PROFILE = {
  apiVersion: "strata.dev/v1alpha1",
  kind: "ClusterProfile",
  metadata: { name: "base", namespace: "acme" },
  spec: { clusterRefs: [], layers: [] },
} as unknown as Profile;

function map(data: Record<string, string>): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: "web" }, data };
}

function object(change: ObjectDiff["change"], more: Partial<ObjectDiff> = {}): ObjectDiff {
  const ref = { group: "", version: "v1", kind: "ConfigMap", namespace: "web", name: "settings" };
  return { ref, change, notes: [], ...more };
}

function layer(objects: readonly ObjectDiff[], more: Partial<LayerDiff> = {}): LayerDiff {
  return { name: "front", standing: "listed", notes: [], objects, failures: [], ...more };
}

function profile(layers: readonly LayerDiff[], more: Partial<ProfileDiff> = {}): ProfileDiff {
  return { profile: PROFILE, notes: [], layers, failures: [], ...more };
}

const print = (...diffs: ProfileDiff[]) => printDiff(diffs, { colours: false });

describe("a diff", () => {
  test("says nothing when nothing would change", () => {
    const same = profile([layer([object("unchanged")], { notes: ["a note"] })], { notes: ["another"] });
    expect(print(same)).toBe("");
    expect([hasSomethingToSay(same), hasFailed(same)]).toEqual([false, false]);
  });

  test("names what was not compared, also when nothing would change", () => {
    const elsewhere = "layer vpc is for the hub, and not compared";
    const same = profile([layer([object("unchanged")])], { notes: ["a note"], elsewhere });
    const line = "# ClusterProfile acme/base: layer vpc is for the hub, and not compared\n";
    expect(print(same)).toBe(line);
    expect([hasSomethingToSay(same), hasFailed(same)]).toEqual([false, false]);
    const changed = profile([layer([object("released")])], { elsewhere });
    expect(print(changed).startsWith(`${line}\nlayer front (`)).toBe(true);
  });

  test("shows the changed lines with three around them, and where they stand", () => {
    const before = map({ a: "1", b: "2", c: "3", colour: "red", d: "4" });
    const after = map({ a: "1", b: "2", c: "3", colour: "blue", d: "4" });
    const text = print(profile([layer([object("changed", { before, after }), object("unchanged")])]));
    expect(text).toBe(`layer front (ClusterProfile acme/base)

~ ConfigMap web/settings (changed)
@@ -7,5 +7,5 @@ data
   a: '1'
   b: '2'
   c: '3'
-  colour: red
+  colour: blue
   d: '4'

0 added, 1 changed, 0 deleted, 1 unchanged
`);
  });

  test("shows an added and a deleted object as a whole", () => {
    const added = object("added", { after: map({ a: "1" }), notes: ["not checked: its kind comes with this profile"] });
    const deleted = object("deleted", { before: map({ a: "1" }) });
    const text = print(profile([layer([added, deleted])]));
    expect(text).toContain(`+ ConfigMap web/settings (added; not checked: its kind comes with this profile)
@@ -0,0 +1,7 @@
+apiVersion: v1
`);
    expect(text).toContain(`- ConfigMap web/settings (deleted)
@@ -1,7 +0,0 @@
-apiVersion: v1
`);
    expect(text).toMatch(/\n1 added, 0 changed, 1 deleted, 0 unchanged\n$/);
  });

  test("names a layer that left the list, and what stays of it without its content", () => {
    const released = object("released", { before: map({ a: "1" }), notes: ["it stays in the cluster"] });
    const text = print(profile([layer([released], { name: "old", standing: "removed" })]));
    expect(text).toBe(`layer old (no longer in ClusterProfile acme/base)

= ConfigMap web/settings (released; it stays in the cluster)

0 added, 0 changed, 0 deleted, 1 released, 0 unchanged
`);
  });

  test("says at the object, the layer or the profile what went wrong", () => {
    const failed = profile(
      [
        layer([object("refused", { notes: ["data: Too long"] })]),
        layer([], { name: "back", failures: ["there is no chart web"] }),
      ],
      { failures: ["no route to the cluster"] },
    );
    expect(print(failed)).toBe(`! ClusterProfile acme/base
  no route to the cluster

layer front (ClusterProfile acme/base)

! ConfigMap web/settings (refused)
  data: Too long

layer back (ClusterProfile acme/base)

! layer back
  there is no chart web

0 added, 0 changed, 0 deleted, 0 unchanged, 3 failed
`);
    expect([hasSomethingToSay(failed), hasFailed(failed)]).toEqual([true, true]);
  });

  test("has notes on the profile and on layers that differ", () => {
    const text = print(
      profile([layer([object("changed")], { notes: ["rendered anew"] })], { notes: ["never brought to this cluster"] }),
    );
    expect(text).toMatch(
      /^# ClusterProfile acme\/base: never brought to this cluster\n\nlayer front .*\n# rendered anew\n\n~ /,
    );
  });

  test("counts over all profiles, and shows those that differ", () => {
    const text = print(
      profile([layer([object("unchanged")])]),
      profile([layer([object("changed"), object("unchanged")])]),
    );
    expect(text.match(/layer front/g)).toHaveLength(1);
    expect(text).toContain("0 added, 1 changed, 0 deleted, 2 unchanged");
  });

  test("has colours only when they are asked for", () => {
    const before = map({ colour: "red" });
    const diff = profile([layer([object("changed", { before, after: map({ colour: "blue" }) })])]);
    const coloured = printDiff([diff], { colours: true });
    expect(coloured).toContain("\u001b[31m-  colour: red\u001b[39m");
    expect(coloured).toContain("\u001b[32m+  colour: blue\u001b[39m");
    expect(stripVTControlCharacters(coloured)).toBe(print(diff));
  });
});

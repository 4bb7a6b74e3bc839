import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LEAF_COVERAGE } from "./leaf-coverage.ts";
import { specLeaves } from "./leaves.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Why a row of the table proves nothing; undefined when it does. */
function fault([leaf, file]: [string, string]): string | undefined {
  const path = join(ROOT, file);
  if (!existsSync(path)) return `${leaf}: ${file} does not exist`;
  const markers = [...readFileSync(path, "utf8").matchAll(/leaf: (\w+ [\w.[\]]+)/g)].map(([, name]) => name);
  return markers.includes(leaf) ? undefined : `${leaf}: ${file} has no marker "leaf: ${leaf}"`;
}

describe("every leaf of every spec", () => {
  test("stands in the table of tests", () => {
    expect(specLeaves().filter((leaf) => LEAF_COVERAGE[leaf] === undefined)).toEqual([]);
  });

  test("is in the API, if it stands in the table", () => {
    const leaves = new Set(specLeaves());
    expect(Object.keys(LEAF_COVERAGE).filter((leaf) => !leaves.has(leaf))).toEqual([]);
  });

  test("is changed by the test that the table names", () => {
    expect(
      Object.entries(LEAF_COVERAGE)
        .map(fault)
        .filter((text) => text !== undefined),
    ).toEqual([]);
  });

  test("is named by its path, once for all profiles that share it", () => {
    const leaves = specLeaves();
    expect(leaves).toContain("Profile spec.layers[].helm.version");
    expect(leaves).toContain("Profile spec.layers[].manifests[].object");
    expect(leaves).toContain("AddOnProfile spec.serviceAccountName");
    expect(leaves).toContain("SystemProfile spec.layers[].manifests[].secretRef.namespace");
    expect(leaves).toContain("TargetCluster spec.connection.kubeconfigSecretRef.key");
    expect(new Set(leaves).size).toBe(leaves.length);
  });
});

import { describe, expect, test } from "vitest";
import { parseProfile, parseRegistry } from "../api/parse.ts";
import type { Profile, Registry } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { Referent } from "../plan/references.ts";
import { type RegistryFinder, registryPort } from "./registries.ts";

const signal = new AbortController().signal;
const API = "strata.dev/v1alpha1";

function profile(namespace: string): Profile {
  const layers = [{ name: "a", manifests: [{ inline: "a: b" }] }];
  const spec = { clusterRefs: [{ name: "local" }], layers };
  const parsed = parseProfile({ apiVersion: API, kind: "AddOnProfile", metadata: { name: "p", namespace }, spec });
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value;
}

function registry(namespace: string, name: string, secret?: string): Registry {
  const spec = {
    type: "Helm",
    url: `https://${namespace}.example.com`,
    ...(secret ? { secretRef: { name: secret } } : {}),
  };
  const parsed = parseRegistry({ apiVersion: API, kind: "Registry", metadata: { name, namespace }, spec });
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value;
}

const login: Referent = {
  kind: "found",
  object: { apiVersion: "v1", kind: "Secret", metadata: {}, data: { bearerToken: btoa("token") } },
};

/** Everything that is there, and what may not be read. */
function finder(all: readonly Registry[], hidden?: string): RegistryFinder {
  return {
    registry: async (namespace, name) => {
      if (namespace === hidden) throw new Failure("Forbidden", `Registry ${namespace}/${name} may not be read`);
      return all.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
    },
    referent: async ({ namespace, name }) => (namespace === "acme" && name === "login" ? login : { kind: "absent" }),
  };
}

const ask = (name: string, found: RegistryFinder) => registryPort(profile("acme"), found)({ name }, signal);

describe("the command line speaks to a Registry as the operator does", () => {
  test("with the Secrets that are found", async () => {
    const access = await ask("own", finder([registry("acme", "own", "login")]));
    expect(access).toMatchObject({ url: "https://acme.example.com", credentials: { kind: "bearer", token: "token" } });
  });

  test("to a shared one by the same rules", async () => {
    const shared = registry("strata-system", "public");
    expect(await ask("public", finder([shared]))).toMatchObject({ url: "https://strata-system.example.com" });
    expect(await ask("public", finder([shared, registry("acme", "public")]))).toMatchObject({ reason: "Conflict" });
  });

  test("and says what is missing", async () => {
    expect(await ask("none", finder([]))).toMatchObject({ reason: "ReferenceNotFound" });
    const message = "Registry acme/own: Secret acme/other does not exist";
    expect(await ask("own", finder([registry("acme", "own", "other")]))).toMatchObject({ message });
  });

  test("for who may not see the shared ones too, if he has one of his own", async () => {
    const own = registry("acme", "own");
    expect(await ask("own", finder([own], "strata-system"))).toMatchObject({ url: "https://acme.example.com" });
    await expect(ask("public", finder([own], "strata-system"))).rejects.toThrow("may not be read");
  });
});

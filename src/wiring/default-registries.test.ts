import { beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_REGISTRY_LABEL } from "../api/names.ts";
import { parseRegistry } from "../api/parse.ts";
import type { Registry } from "../api/types.ts";
import type { KubeObject } from "../objects/types.ts";
import type { Reference, Referent } from "../plan/references.ts";
import { DEFAULTS, DefaultRegistries } from "./default-registries.ts";

const signal = new AbortController().signal;
const HELM = { type: "Helm", url: "https://charts.example.com" };

function registry(name: string, { spec = HELM, labels = {}, namespace = "strata-system" } = {}): Registry {
  const metadata = { name, namespace, uid: `uid-of-${name}`, labels };
  const parsed = parseRegistry({ apiVersion: "strata.dev/v1alpha1", kind: "Registry", metadata, spec });
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value;
}

const OURS = { labels: { [DEFAULT_REGISTRY_LABEL]: "true" } };

let registries: Map<string, Registry>;
let list: Referent;
let written: string[];
let warned: unknown[];
let defaults: DefaultRegistries;
let wanted: unknown[];

beforeEach(() => {
  registries = new Map();
  written = [];
  warned = [];
  wanted = [];
  const client = {
    apply: async (_: unknown, { metadata, spec }: KubeObject) =>
      void written.push(`apply ${metadata.namespace}/${metadata.name} ${JSON.stringify(spec)}`),
    delete: async (_: unknown, key: { namespace: string; name: string }, { uid }: { uid?: string }) =>
      void written.push(`delete ${key.namespace}/${key.name} ${uid}`),
  };
  const references = {
    want: (...args: unknown[]) => void wanted.push(args),
    get: (_: unknown, reference: Reference) =>
      reference.kind === "ConfigMap" && reference.name === "strata-registries" ? list : { kind: "absent" },
  };
  const log = { warn: (_: string, about: unknown) => void warned.push(about) };
  defaults = new DefaultRegistries({ cache: { registries }, client, references, log } as never);
});

function listed(specs: Record<string, unknown>): void {
  const data = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, JSON.stringify(spec)]));
  list = { kind: "found", object: { apiVersion: "v1", kind: "ConfigMap", metadata: {}, data } };
}

function present(...all: Registry[]): void {
  for (const one of all) registries.set(`${one.metadata.namespace}/${one.metadata.name}`, one);
}

describe("the Registries that the chart lists", () => {
  test("are watched as Strata itself", () => {
    defaults.watch();
    const reference = { kind: "ConfigMap", namespace: "strata-system", name: "strata-registries" };
    expect(wanted).toEqual([[DEFAULTS, undefined, [reference]]]);
  });

  test("come, change and go with the list, and cost nothing at rest", async () => {
    listed({ public: HELM });
    await defaults.reconcile(signal);
    expect(written).toEqual([`apply strata-system/public ${JSON.stringify(HELM)}`]);
    present(registry("public", OURS));
    await defaults.reconcile(signal);
    expect(written, "at rest").toHaveLength(1);
    const other = { ...HELM, url: "https://other.example.com" };
    listed({ public: other });
    await defaults.reconcile(signal);
    expect(written.slice(1)).toEqual([`apply strata-system/public ${JSON.stringify(other)}`]);
    listed({});
    await defaults.reconcile(signal);
    expect(written.slice(2)).toEqual(["delete strata-system/public uid-of-public"]);
  });

  // "helm uninstall" deletes the list while Strata still runs.
  test.each(["absent", "reading", "failed"] as const)("stay while there is no list (%s)", async (kind) => {
    present(registry("public", OURS));
    list = { kind } as Referent;
    await defaults.reconcile(signal);
    expect(written).toEqual([]);
  });

  test("give way to what somebody made, and are nobody's in a tenant's namespace", async () => {
    present(registry("public"), registry("mine"), registry("public", { ...OURS, namespace: "acme" }));
    listed({ public: { ...HELM, url: "https://other.example.com" } });
    await defaults.reconcile(signal);
    expect(written).toEqual([]);
    expect(warned).toEqual([{ registry: "public" }]);
  });

  test("that cannot be used are told and keep nobody else", async () => {
    listed({ bad: { type: "Git" }, public: HELM });
    await defaults.reconcile(signal);
    expect(warned).toMatchObject([
      { registry: "bad", problems: expect.arrayContaining([expect.stringMatching(/^spec\.type/)]) },
    ]);
    expect(written).toHaveLength(1);
  });
});

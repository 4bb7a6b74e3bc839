import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/objects/json.ts";
import { findPath } from "../../src/pack/index.ts";
import { setAtPath, type Values } from "../../src/plan/values.ts";
import { Renderer } from "../../src/render/renderer.ts";
import { documentedValues, imagesOf, type OwnPack, ownPacks, variablesOf } from "../support/own-packs.ts";
import { type Choice, type RenderedPack, renderOwnPack } from "../support/render-own-pack.ts";
import { toolPath } from "../support/tools.ts";

/** The packs that come with Strata, in the real renderer: all that one can choose changes what is applied. */

const packs = await ownPacks();

let renderer: Renderer;

beforeAll(() => {
  renderer = new Renderer({ binary: toolPath("strata-render"), processes: 2, deadlineMs: 120_000 });
});

afterAll(async () => {
  await renderer[Symbol.asyncDispose]();
});

/** Other values than the defaults, where not any text, number or list would do. */
const OTHERS: Readonly<Record<string, unknown>> = {
  "charts.certificates.certificates": [{ secret: "api", dnsNames: ["api.example.com"], days: 30 }],
  "manifests.acme.email": "ops@example.com",
  "manifests.acme.server": "https://acme.example.com/directory",
  "manifests.authority.duration": "720h",
  "manifests.baseline.namespaces": [{ name: "other", labels: { tier: "gold" } }],
  "manifests.machine.memory": "4Gi",
  "manifests.machine.ports": [80],
  "manifests.metrics-server.resolution": "30s",
  "manifests.mirror.keepFor": "24h",
  "manifests.mirror.storage.size": "5Gi",
  "manifests.mirror.upstream": "https://ghcr.io",
  "manifests.postgres.storage.size": "5Gi",
};

/** Values that have an effect only beside others. */
const BESIDE: Readonly<Record<string, Values>> = {
  "manifests.acme.email": { manifests: { acme: { server: "https://acme.example.com/directory" } } },
  "manifests.mirror.password": { manifests: { mirror: { username: "reader" } } },
};

/** Values that only have an effect together; a test below has them. */
const TOGETHER = ["charts.certificates.ca.certificate", "charts.certificates.ca.key"];

/** Of the variables that are required. */
const VARIABLES: Readonly<Record<string, unknown>> = {
  postgresPassword: "of many letters",
  sshKey: "ssh-ed25519 AAAA somebody",
};

const OTHER_VARIABLES: Readonly<Record<string, unknown>> = {
  acmeEmail: "ops@example.com",
  diskImage: "https://images.example.com/disk.img",
  postgresPassword: "of other letters",
};

/** Images that no manifest of the pack names: its operator asks for them. */
const OF_OPERATORS = /^quay\.io\/kubevirt\/virt-(?:api|controller|handler|launcher):/;

function render(own: OwnPack, choice: Choice): Promise<RenderedPack> {
  const names = variablesOf(own.pack).flatMap(({ name, isRequired }) => (isRequired ? [name] : []));
  const variables = Object.fromEntries(names.map((name) => [name, VARIABLES[name]]));
  return renderOwnPack(renderer, own, { ...choice, variables: { ...variables, ...choice.variables } });
}

/** A certificate is another one each time, so only what it says counts. */
function textOf({ objects }: RenderedPack): string {
  return canonicalJson(objects.map((object) => ({ ...object, data: withoutChance(object["data"] ?? null) })));
}

function withoutChance(data: unknown): unknown {
  if (typeof data !== "object" || data === null || !Object.hasOwn(data, "ca.crt")) return data;
  return Object.entries(data).map(([key, text]: [string, string]) => {
    if (!key.endsWith(".crt")) return key;
    const pem = text.startsWith("-----") ? text : Buffer.from(text, "base64");
    const { subject, issuer, subjectAltName, validFrom, validTo } = new X509Certificate(pem);
    const days = Math.round((Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000);
    return [key, subject, issuer, subjectAltName ?? "", days];
  });
}

function imagesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    return key === "image" && typeof item === "string" ? [item] : imagesIn(item);
  });
}

function keysOf({ objects, namespace }: RenderedPack): string[] {
  return objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? namespace}/${metadata.name}`);
}

interface Case {
  what: string;
  choice: Choice;
}

function casesOf({ pack }: OwnPack): { presets: Case[]; all: Case[] } {
  const names = pack.presets.map(({ group, name }) => (group === undefined ? name : `${group}:${name}`));
  const presets = names.map((name) => ({ what: `preset ${name}`, choice: { presets: [name] } }));
  const groups = new Map(pack.presets.map(({ group, name }, index) => [group ?? name, names[index] ?? ""]));
  const together = { what: "a preset of each group", choice: { presets: [...groups.values()] } };
  return { presets, all: [{ what: "its defaults", choice: {} }, ...presets, together] };
}

function otherThan(value: unknown): unknown {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return value + 1;
  if (Array.isArray(value)) return ["other"];
  if (typeof value === "object" && value !== null) return { ...value, other: "1" };
  if (typeof value !== "string" || value === "") return "other";
  return /^\w[^ ]*\/[^ ]+:[^ ]+$/.test(value) ? "registry.example.com/other:1.0" : `${value}9`;
}

describe.each(packs)("the pack $folder", (own) => {
  const { presets, all } = casesOf(own);
  /** Some values and variables have something to change only with a preset. */
  const isSoFor = async (check: (choice: Choice) => Promise<boolean>): Promise<boolean> => {
    for (const { choice } of all) if (await check(choice)) return true;
    return false;
  };

  test.each(all)("renders objects with $what, and only with images that it lists", async ({ choice }) => {
    const rendered = await render(own, choice);
    const keys = keysOf(rendered);
    expect(keys.length).toBeGreaterThan(0);
    expect(new Set(keys).size).toBe(keys.length);
    const listed = imagesOf(own.defaults);
    expect(imagesIn(rendered.objects).filter((image) => !listed.includes(image))).toEqual([]);
  });

  test("lists no image that nothing uses", async () => {
    const texts = await Promise.all(all.map(async ({ choice }) => textOf(await render(own, choice))));
    const listed = imagesOf(own.defaults).filter((image) => !OF_OPERATORS.test(image));
    expect(listed.filter((image) => !texts.some((text) => text.includes(image)))).toEqual([]);
  });

  test.skipIf(presets.length === 0).each(presets)("changes with $what", async ({ choice }) => {
    const [before, after] = [await render(own, {}), await render(own, choice)];
    expect(canonicalJson(after.values)).not.toEqual(canonicalJson(before.values));
    const isOfObjects = textOf(after) !== textOf(before);
    expect(isOfObjects || canonicalJson(after.values["pack"]) !== canonicalJson(before.values["pack"])).toBe(true);
  });

  const paths = documentedValues(own.pack).map(({ path }) => path);
  test.each(paths.filter((path) => !TOGETHER.includes(path)))("changes with %s", async (path) => {
    const rule = own.pack.schema.find((one) => one.path === path);
    const [placeholder] = rule?.format?.pieces ?? [];
    const options = placeholder?.kind === "list" ? placeholder.options : undefined;
    const value = findPath(own.defaults, path)[0]?.value;
    const other = OTHERS[path] ?? options?.find((option) => option !== value) ?? otherThan(value);
    const beside = BESIDE[path] ?? {};
    const values = setAtPath(beside, path, other);
    if (!values.ok) throw new Error(values.problems.join());
    if (rule?.readonly) {
      await expect(render(own, { values: values.value })).rejects.toThrow(`${path} may not be changed`);
      return;
    }
    const changes = async (choice: Choice) => {
      const before = await render(own, { ...choice, values: beside });
      return textOf(before) !== textOf(await render(own, { ...choice, values: values.value }));
    };
    expect(await isSoFor(changes)).toBe(true);
  });

  const names = variablesOf(own.pack).map(({ name }) => name);
  test.skipIf(names.length === 0).each(names)("changes with the variable %s", async (name) => {
    const other = { [name]: OTHER_VARIABLES[name] ?? "other" };
    const changes = async (choice: Choice) => {
      const [before, after] = [await render(own, choice), await render(own, { ...choice, variables: other })];
      return canonicalJson(before.values) !== canonicalJson(after.values);
    };
    expect(await isSoFor(changes)).toBe(true);
  });

  const required = variablesOf(own.pack).flatMap(({ name, isRequired }) => (isRequired ? [name] : []));
  test.skipIf(required.length === 0).each(required)("does not render without the variable %s", async (name) => {
    await expect(render(own, { variables: { [name]: null } })).rejects.toThrow(`.spectro.var.${name} is not defined`);
  });
});

describe("the pack certificates", () => {
  const data = ({ objects }: RenderedPack, kind: string): Record<string, string> => {
    return (objects.find((object) => object.kind === kind)?.["data"] ?? {}) as Record<string, string>;
  };

  test("signs with the authority that it is given", async () => {
    const own = packs.find(({ pack }) => pack.name === "certificates");
    if (own === undefined) throw new Error("there is no such pack");
    const made = await render(own, {});
    const ca = data(made, "ConfigMap")["ca.crt"] ?? "";
    const wildcard = data(made, "Secret");
    expect(Buffer.from(wildcard["ca.crt"] ?? "", "base64").toString()).toBe(ca);
    // A certificate of its own making is an authority as good as any for this.
    const key = Buffer.from(wildcard["tls.key"] ?? "", "base64").toString();
    const certificate = Buffer.from(wildcard["tls.crt"] ?? "", "base64").toString();
    const values: Values = { charts: { certificates: { ca: { certificate, key } } } };
    const signed = await render(own, { values });
    expect(data(signed, "ConfigMap")["ca.crt"]).toBe(certificate);
    const leaf = new X509Certificate(Buffer.from(data(signed, "Secret")["tls.crt"] ?? "", "base64"));
    expect(leaf.verify(new X509Certificate(certificate).publicKey)).toBe(true);
    const half: Values = { charts: { certificates: { ca: { certificate } } } };
    await expect(render(own, { values: half })).rejects.toThrow("give both, or neither");
  });
});

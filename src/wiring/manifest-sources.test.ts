import { describe, expect, it, test } from "vitest";
import { parseProfile } from "../api/parse.ts";
import type { StoredSet } from "../apply/stored-set.ts";
import { Failure } from "../errors.ts";
import type { KubeObject } from "../objects/types.ts";
import { type LayerInputs, readInputs } from "../plan/inputs.ts";
import { plainObjects } from "../plan/manifests.ts";
import type { Reference, Referent } from "../plan/references.ts";
import type { RegistryAccess } from "../source/access.ts";
import type { Sources } from "../source/sources.ts";
import type { ArtifactQuestion, UrlQuestion } from "../source/types.ts";
import { ManifestSources } from "./manifest-sources.ts";

const signal = new AbortController().signal;
const sha256 = "0f".repeat(32);
const text = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;
const bytes = (content: string) => new TextEncoder().encode(content);
const helm = { repo: "https://charts.example", chart: "web", version: "1.0.0" };

type Field = "manifests" | "attachments";
type Files = Readonly<Record<string, string>>;

/** What each place has: the name of its objects tells which place that is. */
const FILES: Files = {
  "a.yaml": text("a"),
  "deploy/b.yml": text("b"),
  "deploy/deep/c.json": JSON.stringify(JSON.parse('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}')),
  "README.md": "# nothing",
};

function fluxSource({ kind, namespace, name }: Reference): Referent {
  if (name === "none") return { kind: "absent" };
  const artifact = {
    url: `http://source.flux/${kind}/${namespace}/${name}.tar.gz`,
    digest: `sha256:${sha256}`,
    revision: "main@sha1:4f",
  };
  const object = {
    apiVersion: "source.toolkit.fluxcd.io/v1",
    kind,
    metadata: { name, namespace },
    status: { artifact },
  };
  return { kind: "found", object: object as KubeObject };
}

function inputsOf(sources: object[], field: Field): LayerInputs {
  const layer = field === "manifests" ? { manifests: sources } : { helm, attachments: sources };
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "p", namespace: "acme" },
    spec: { clusterRefs: [{ name: "local" }], namespace: "web", layers: [{ name: "app", ...layer }] },
  });
  const [first] = parsed.ok ? parsed.value.spec.layers : [];
  if (!parsed.ok || !first) throw new Error(JSON.stringify(parsed));
  const about = { profile: parsed.value, referents: fluxSource, digestKey: new Uint8Array(32) };
  const read = readInputs(first, { ...about, kubernetesVersion: "v1.36.3" });
  if (read.kind !== "read") throw new Error(JSON.stringify(read));
  return read.inputs;
}

/** A world that knows what it was asked. */
function world({ files = FILES, fail }: { files?: Files; fail?: Failure } = {}) {
  const asked: unknown[] = [];
  const packed = new Map(Object.entries(files).map(([path, content]) => [path, bytes(content)]));
  const nameOf = (registry: string | RegistryAccess) => (typeof registry === "string" ? registry : registry.url);
  const tell = (question: unknown) => {
    asked.push(question);
    if (fail) throw fail;
  };
  const sources = {
    urls: {
      text: async ({ url, sha256: hex, registry }: UrlQuestion) => {
        tell(["text", url, hex, ...(registry ? [registry.url] : [])]);
        return text("file");
      },
      files: async ({ url, sha256: hex, registry }: UrlQuestion) => {
        tell(["files", url, hex, registry]);
        return packed;
      },
    },
    artifacts: {
      resolve: async ({ registry, repository, version }: ArtifactQuestion) => {
        tell(["resolve", nameOf(registry), repository, version]);
        return { version: `${version} today`, digest: "sha256:bytes", manifest: "sha256:manifest" };
      },
      fetch: async ({ registry, repository, version, digest }: ArtifactQuestion & { digest?: string }) => {
        tell(["fetch", nameOf(registry), repository, version, digest]);
        return { version, digest, files: packed };
      },
    },
  } as unknown as Pick<Sources, "artifacts" | "urls">;
  const registry = async ({ name }: { name: string }): Promise<RegistryAccess | Failure> =>
    name === "none"
      ? new Failure("ReferenceNotFound", "there is no Registry none")
      : { kind: "OCI", url: `oci://${name}.example` };
  return { asked, context: { stored: undefined, registry }, manifests: new ManifestSources(sources) };
}

/** The names of the objects that the sources bring, and what was asked for them. */
async function brings(source: object, field: Field, files?: Files) {
  const inputs = inputsOf([source], field);
  const { manifests, context, asked } = world(files ? { files } : {});
  const fetched = await manifests.texts(inputs, context, signal);
  if (fetched instanceof Failure) throw fetched;
  const objects = plainObjects(inputs.layer, field, fetched.texts);
  if (objects instanceof Failure) throw objects;
  return { names: objects.map(({ metadata }) => metadata.name), asked };
}

const url = "https://example.com/a.yaml?raw=true";
const oci = { repo: "oci://ghcr.io/example", artifact: "app", version: "1.x" };
const sourceRef = { kind: "GitRepository", name: "apps" };
const flux = (kind: string, name: string) => [
  "files",
  `http://source.flux/${kind}/acme/${name}.tar.gz`,
  sha256,
  { kind: "Helm", url: "http://source.flux", name: `${kind} acme/${name}`, unencrypted: true },
];
const found = (place: string, artifact: string, version: string) => [
  ["resolve", place, artifact, version],
  ["fetch", place, artifact, "sha256:manifest", "sha256:bytes"],
];

describe.each(["manifests", "attachments"] as const)("%s", (field) => {
  // leaf: Profile spec.layers[].attachments[].url leaf: Profile spec.layers[].attachments[].sha256
  // leaf: Profile spec.layers[].attachments[].registryRef.name leaf: Profile spec.layers[].attachments[].oci.repo
  // leaf: Profile spec.layers[].attachments[].oci.registryRef.name leaf: Profile spec.layers[].attachments[].oci.artifact
  // leaf: Profile spec.layers[].attachments[].oci.version leaf: Profile spec.layers[].attachments[].sourceRef.kind
  // leaf: Profile spec.layers[].attachments[].sourceRef.name leaf: Profile spec.layers[].attachments[].path
  const rows: [leaf: string, source: object, names: string[], asked: unknown[]][] = [
    ["leaf: Profile spec.layers[].manifests[].url", { url, sha256 }, ["file"], [["text", url, sha256]]],
    [
      "leaf: Profile spec.layers[].manifests[].sha256",
      { url, sha256: "a0".repeat(32) },
      ["file"],
      [["text", url, "a0".repeat(32)]],
    ],
    [
      "leaf: Profile spec.layers[].manifests[].registryRef.name",
      { url, sha256, registryRef: { name: "own" } },
      ["file"],
      [["text", url, sha256, "oci://own.example"]],
    ],
    [
      "leaf: Profile spec.layers[].manifests[].oci.repo",
      { oci },
      ["a", "b", "c"],
      found("oci://ghcr.io/example", "app", "1.x"),
    ],
    [
      "leaf: Profile spec.layers[].manifests[].oci.registryRef.name",
      { oci: { registryRef: { name: "own" }, artifact: "app", version: "1.x" } },
      ["a", "b", "c"],
      found("oci://own.example", "app", "1.x"),
    ],
    [
      "leaf: Profile spec.layers[].manifests[].oci.artifact",
      { oci: { ...oci, artifact: "team/shop" } },
      ["a", "b", "c"],
      found("oci://ghcr.io/example", "team/shop", "1.x"),
    ],
    [
      "leaf: Profile spec.layers[].manifests[].oci.version",
      { oci: { ...oci, version: "main" } },
      ["a", "b", "c"],
      found("oci://ghcr.io/example", "app", "main"),
    ],
    [
      "leaf: Profile spec.layers[].manifests[].sourceRef.kind",
      { sourceRef: { ...sourceRef, kind: "Bucket" } },
      ["a", "b", "c"],
      [flux("Bucket", "apps")],
    ],
    [
      "leaf: Profile spec.layers[].manifests[].sourceRef.name",
      { sourceRef: { ...sourceRef, name: "more" } },
      ["a", "b", "c"],
      [flux("GitRepository", "more")],
    ],
    [
      "leaf: Profile spec.layers[].manifests[].path",
      { sourceRef, path: "./deploy/" },
      ["b", "c"],
      [flux("GitRepository", "apps")],
    ],
    [
      "one file of an artifact, whatever its name",
      { oci, path: "README" },
      ["readme"],
      found("oci://ghcr.io/example", "app", "1.x"),
    ],
  ];
  it.each(rows)("%s", async (name, source, names, asked) => {
    const files = name.startsWith("one file") ? { ...FILES, README: text("readme") } : FILES;
    expect(await brings(source, field, files)).toEqual({ names, asked });
  });
});

describe("an artifact", () => {
  const pin = { version: "main before", digest: "sha256:before", manifest: "sha256:then" };
  const sources = [{ url, sha256 }, { oci: { ...oci, version: "main" } }];
  const stored = (specDigest: string): StoredSet => ({
    inputs: "before",
    specDigest,
    content: { objects: [], crds: [], pins: { "manifests[1]": pin } },
  });

  it("is resolved once to a digest, which is kept while only what surrounds the layer changes", async () => {
    const inputs = inputsOf(sources, "manifests");
    const { manifests, context, asked } = world();
    const content = await manifests.content(inputs, { ...context, stored: stored(inputs.specDigest) }, signal);
    expect(content).toMatchObject({ pins: { "manifests[1]": pin }, version: "main before" });
    expect(asked.slice(1)).toEqual([["fetch", oci.repo, "app", "sha256:then", "sha256:before"]]);
  });

  it("is kept also while the content is that of an older revision", async () => {
    const inputs = inputsOf(sources, "manifests");
    const { manifests, context } = world();
    const { pins } = stored("").content;
    const rolledBack = { from: 2, to: 1, why: "a hook failed", pinned: pins ? { pins } : {} };
    const release = { chart: "shop", hooks: [], manifest: "", notes: "", rolledBack };
    const back = { ...stored(inputs.specDigest), content: { objects: [], crds: [], release } };
    expect(await manifests.content(inputs, { ...context, stored: back }, signal)).toMatchObject({ pins });
  });

  it("is resolved anew when the layer changes", async () => {
    const { manifests, context, asked } = world();
    const content = await manifests.content(
      inputsOf(sources, "manifests"),
      { ...context, stored: stored("other") },
      signal,
    );
    expect(content).toMatchObject({ pins: { "manifests[1]": { version: "main today", manifest: "sha256:manifest" } } });
    expect(asked).toContainEqual(["resolve", oci.repo, "app", "main"]);
  });

  it("tells a version where it is the only one", async () => {
    const inputs = inputsOf([{ oci }, { sourceRef }], "manifests");
    const { manifests, context } = world();
    expect(await manifests.content(inputs, context, signal)).not.toHaveProperty("version");
    const alone = await manifests.content(inputsOf([{ sourceRef }], "manifests"), context, signal);
    expect(alone).toMatchObject({ version: "main@sha1:4f" });
  });
});

describe("what cannot be had", () => {
  const down = new Failure("SourceUnavailable", "example.com is not available", { retryAfterMs: 5_000 });
  const rows: [name: string, source: object, options: Parameters<typeof world>[0], want: string][] = [
    [
      "a server that does not answer",
      { url, sha256 },
      { fail: down },
      "SourceUnavailable: manifests[0]: example.com is not available",
    ],
    [
      "a Registry that is not there",
      { oci: { registryRef: { name: "none" }, artifact: "a", version: "1" } },
      {},
      "ReferenceNotFound: manifests[0]: there is no Registry none",
    ],
    [
      "a Registry for a file that is not there",
      { url, sha256, registryRef: { name: "none" } },
      {},
      "ReferenceNotFound: manifests[0]: there is no Registry none",
    ],
    [
      "a path that is not there",
      { sourceRef, path: "charts" },
      {},
      "SourceNotFound: manifests[0]: GitRepository acme/apps has no .yaml, .yml or .json file at charts; it has README.md, a.yaml, deploy/b.yml, deploy/deep/c.json",
    ],
    [
      "an artifact without anything",
      { oci },
      { files: {} },
      "SourceNotFound: manifests[0]: artifact app 1.x today has no .yaml, .yml or .json file; it is empty",
    ],
    [
      "a kustomization",
      { sourceRef },
      { files: { "base/a.yaml": text("a"), "base/kustomization.yaml": "resources: [a.yaml]" } },
      "InvalidSource: manifests[0]: GitRepository acme/apps holds base/kustomization.yaml: Strata builds none: push what `kustomize build` prints, or name a path without one",
    ],
    [
      "a kustomization elsewhere is left alone",
      { sourceRef, path: "plain" },
      { files: { "plain/a.yaml": text("a"), "kustomization.yaml": "resources: [plain]" } },
      "",
    ],
    [
      "a folder whose name only begins like the path",
      { sourceRef, path: "dep" },
      {},
      "SourceNotFound: manifests[0]: GitRepository acme/apps has no .yaml, .yml or .json file at dep; it has README.md, a.yaml, deploy/b.yml, deploy/deep/c.json",
    ],
    [
      "what is no manifest, by file and line",
      { sourceRef },
      { files: { "x.yaml": "a: [" } },
      "InvalidManifest: manifests[0], GitRepository acme/apps, x.yaml, document 1, line 1",
    ],
  ];
  test.each(rows)("%s", async (_name, source, options, want) => {
    const { manifests, context } = world(options);
    const content = await manifests.content(inputsOf([source], "manifests"), context, signal);
    const said = content instanceof Failure ? `${content.reason}: ${content.message}` : "";
    expect(said.slice(0, Math.max(want.length, 1))).toBe(want);
  });

  test("keeps the pause that the server asks for", async () => {
    const { manifests, context } = world({ fail: down });
    const content = await manifests.content(inputsOf([{ url, sha256 }], "manifests"), context, signal);
    expect(content).toMatchObject({ retryAfterMs: 5_000 });
  });

  test("a digest that Strata cannot compare is refused, with the remedy", async () => {
    const inputs = inputsOf([{ sourceRef }], "manifests");
    const artifact = {
      source: "GitRepository acme/apps",
      url: "http://source.flux/a",
      revision: "",
      digest: "blake3:00",
    };
    const { manifests, context, asked } = world();
    const content = await manifests.content(
      { ...inputs, artifacts: new Map([["manifests[0]", artifact]]) },
      context,
      signal,
    );
    expect(content).toMatchObject({
      message:
        "manifests[0]: GitRepository acme/apps has an artifact with a digest by blake3: let Flux's source-controller use sha256 (--artifact-digest-algo)",
    });
    expect(asked).toEqual([]);
  });
});

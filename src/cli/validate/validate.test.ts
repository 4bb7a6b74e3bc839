/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of this file */
import { describe, expect, test } from "vitest";
import { toYaml } from "../../objects/yaml.ts";
import { loadedPack } from "../../plan/testdata/packs.ts";
import { checkDocuments } from "./documents.ts";
import { Findings } from "./findings.ts";
import { checkUnused, planOffline } from "./plan-checks.ts";
import { checkProfile } from "./profile-checks.ts";
import { checkReferences } from "./reference-checks.ts";

const VERSION = "strata.dev/v1alpha1";

function profile(spec: object, kind = "AddOnProfile"): object {
  const layers = [{ name: "web", manifests: [{ object: configMap("a") }] }];
  const base = { clusterRefs: [{ name: "local" }], namespace: "web", layers };
  const { clusterSelector } = spec as { clusterSelector?: object };
  const { clusterRefs: _, ...selected } = base;
  return {
    apiVersion: VERSION,
    kind,
    metadata: { name: "shop", namespace: "acme" },
    spec: { ...(clusterSelector ? selected : base), ...spec },
  };
}

function target(name: string, spec: object = {}): object {
  return {
    apiVersion: VERSION,
    kind: "TargetCluster",
    metadata: { name, namespace: "acme", labels: { env: "prod" } },
    spec: { connection: { kubeconfigSecretRef: { name: `${name}-kubeconfig` } }, ...spec },
  };
}

function registry(type: string, url: string, namespace = "acme", spec: object = {}): object {
  return { apiVersion: VERSION, kind: "Registry", metadata: { name: "own", namespace }, spec: { type, url, ...spec } };
}

function configMap(name: string, data: object = {}): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "acme" }, data };
}

function secret(name: string, stringData: object): object {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "acme" }, stringData };
}

/** `severity: message`, of all documents. */
async function said(...documents: object[]): Promise<string[]> {
  return saidOf(documents.map(toYaml).join("---\n"));
}

async function saidOf(text: string): Promise<string[]> {
  const findings = new Findings();
  const checked = checkDocuments([{ what: "f.yaml", text }], "default", findings);
  checkReferences(checked, findings);
  checkUnused(checked, findings);
  for (const one of checked.profiles) {
    const known = checkProfile(one.value);
    findings.add("problem", one.subject, known.ofVariables);
    for (const [layer, problems] of known.ofLayers)
      findings.add(
        "problem",
        one.subject,
        problems.map((problem) => `layer ${layer}: ${problem}`),
      );
    await planOffline(one, { checked, known, options: { kubeVersion: "v1.36.0", fetched: undefined } }, findings);
  }
  return findings.all().map(({ severity, message }) => `${severity}: ${message}`);
}

const chart = { registryRef: { name: "own" }, chart: "web", version: "1.0.0" };
const pack = { registryRef: { name: "own" }, name: "web", version: "1.0.0" };
const count = { name: "count", type: "integer", minimum: 1 };
const selector = { clusterSelector: { matchLabels: { env: "prod" } } };

describe("a document by itself", () => {
  test("that is right has nothing to be said about", async () => {
    expect(await said(profile({}))).toEqual([]);
  });

  test.each<[string, object[], string[]]>([
    [
      "with unknown and wrong fields",
      [profile({ layer: 1, deletionPolicy: "keep" })],
      [
        'problem: spec.deletionPolicy: Unsupported value: "keep": supported values: "Delete", "Orphan"',
        'problem: unknown field "spec.layer"',
      ],
    ],
    [
      "against a rule of admission",
      [profile({ clusterSelector: {}, clusterRefs: [{ name: "local" }] })],
      ["problem: spec: exactly one of clusterRefs and clusterSelector must be set"],
    ],
    [
      "of a kind that is misspelt",
      [{ ...profile({}), kind: "AddonProfil" }],
      ["problem: kind: Strata has no kind AddonProfil; did you mean AddOnProfile?"],
    ],
    [
      "that only Strata writes",
      [{ ...profile({}), kind: "ProfileDeployment" }],
      ["warning: is written by Strata only: leave it out"],
    ],
    ["that stands twice", [profile({}), profile({})], ["problem: stands twice: also in f.yaml, document 1, line 1"]],
    [
      "with a variable's wrong default",
      [profile({ variables: [{ ...count, default: 0 }] })],
      ["problem: variable count, default: must be at least 1"],
    ],
    [
      "with expressions of names that are not there",
      [
        profile({
          variables: [count],
          layers: [
            {
              name: "web",
              helm: { ...chart, registryRef: undefined, repo: "https://c.example.test" },
              values: { a: "${{ variables.cuont }}", b: "${{ 1 + }}" },
            },
          ],
        }),
      ],
      [
        "problem: layer web: values.a: variables.cuont is not declared in spec.variables; did you mean count?",
        expect.stringMatching(/^problem: layer web: values\.b: /),
        "unchecked: 1 chart not rendered: say --fetch to fetch and render",
      ],
    ],
    [
      "with a health check that is no CEL",
      [
        profile({
          layers: [
            {
              name: "web",
              manifests: [{ object: configMap("a") }],
              healthChecks: [{ apiVersion: "v1", kind: "A", current: "1 +" }],
            },
          ],
        }),
      ],
      [expect.stringMatching(/^problem: layer web: healthChecks\[0\]\.current/)],
    ],
    [
      "with outputs, conditions and requirements that cannot be",
      [
        profile({
          layers: [
            {
              name: "web",
              manifests: [{ object: configMap("a") }],
              outputs: [{ name: "host", object: { apiVersion: "v1", kind: "Service", name: "a" }, value: "status.ip" }],
            },
            {
              name: "app",
              manifests: [{ object: configMap("b") }],
              when: "layers.web.outputs.hots == 1",
              requires: { layers: [{ name: "wbe", version: "1.x" }] },
            },
          ],
        }),
      ],
      [
        "problem: layer web: outputs[host].value: status at character 1 is no name here: there is only self",
        "problem: layer app: when: layer web has no output named hots; did you mean host?",
        "problem: layer app: requires.layers: no layer before this one is named wbe",
      ],
    ],
    [
      "with a requirement that the Kubernetes of the check does not meet",
      [
        profile({
          layers: [{ name: "web", manifests: [{ object: configMap("a") }], requires: { kubernetes: "<1.30" } }],
        }),
      ],
      ["warning: layer web: requires Kubernetes <1.30; this cluster has v1.36.0"],
    ],
    [
      "whose when cannot be known without its clusters",
      [
        profile({
          ...selector,
          layers: [{ name: "web", manifests: [{ object: configMap("a") }], when: 'cluster.labels["env"] == "prod"' }],
        }),
      ],
      [],
    ],
    [
      "with manifests that are none",
      [profile({ layers: [{ name: "web", manifests: [{ inline: "a: 1" }] }] })],
      [expect.stringMatching(/^problem: layer web: manifests\[0\]\.inline, document 1, line 1: apiVersion is missing/)],
    ],
    [
      "with an object in two layers",
      [
        profile({
          layers: [
            { name: "a", manifests: [{ object: configMap("a") }] },
            { name: "b", manifests: [{ object: configMap("a") }] },
          ],
        }),
      ],
      ["problem: layer b: ConfigMap acme/a is in layer a already: keep it in one of the two"],
    ],
    [
      "with a kind that only a cluster may know",
      [
        profile({
          layers: [
            { name: "web", manifests: [{ object: { apiVersion: "e.io/v1", kind: "Lamp", metadata: { name: "a" } } }] },
          ],
        }),
      ],
      [expect.stringMatching(/^warning: layer web: Lamp a: the cluster has no kind Lamp/)],
    ],
  ])("%s", async (_, documents, sentences) => {
    expect((await said(...documents)).sort()).toEqual(expect.arrayContaining(sentences));
    expect(await said(...documents)).toHaveLength(sentences.length);
  });

  test("is told with its place in the file", () => {
    const findings = new Findings();
    const text = `# first\n---\nkind: x\n---\n${toYaml(profile({ version: "x" }))}`;
    checkDocuments([{ what: "f.yaml", text }], "default", findings);
    expect(findings.all().map(({ place, object }) => `${place}: ${object}`)).toEqual([
      "f.yaml, document 1, line 3: ",
      "f.yaml, document 1, line 3: ",
      "f.yaml, document 2, line 5: AddOnProfile acme/shop",
    ]);
  });

  test("that is no YAML is told with its line, and so are all that are none", async () => {
    expect(await saidOf("a: [\n---\nb: {\n")).toEqual([
      expect.stringContaining("problem: document 1, line 1: "),
      expect.stringContaining("problem: document 2, line 4: "),
    ]);
  });
});

describe("packs that are fetched", () => {
  const opened = async (values: object, json: object = {}) => {
    const findings = new Findings();
    const text = toYaml(profile({ layers: [{ name: "web", pack, values }] }));
    const [one] = checkDocuments([{ what: "f.yaml", text }], "default", findings).profiles;
    if (!one) throw new Error(JSON.stringify(findings.all()));
    const fetched = () => ({
      chart: async () => ({ objects: [], crds: [] }),
      packs: { fetch: async () => loadedPack("web", { charts: ["app"], json }), evaluateMacros: async () => [] },
    });
    const checked = checkDocuments([], "default", findings);
    const known = checkProfile(one.value);
    await planOffline(one, { checked, known, options: { kubeVersion: "v1.36.0", fetched } }, findings);
    return findings.all().map(({ severity, message }) => `${severity}: ${message}`);
  };

  test("have their warnings told, as the status has them", async () => {
    expect(await opened({ charts: { app: {} } })).toEqual([]);
    expect(await opened({ charts: { ap: { replicas: 2 } } })).toEqual([
      expect.stringMatching(/^warning: layer web: .*charts\.ap/),
    ]);
  });

  test("and are out of support when that day has come", async () => {
    const message = await opened({}, { eol: "2001-01-01" });
    expect(message).toEqual([expect.stringMatching(/^warning: layer web: .*2001-01-01/)]);
  });
});

describe("what documents say about each other", () => {
  const withPack = profile({ layers: [{ name: "web", pack }] });
  const withChart = profile({ layers: [{ name: "web", helm: chart }] });
  const unrendered = "unchecked: 1 chart not rendered: say --fetch to fetch and render";
  const unopened = "unchecked: 1 pack not opened: say --fetch to fetch and open";
  test.each<[string, object[], string[]]>([
    [
      "a registry that is not there",
      [withPack],
      ["unchecked: layer web: pack: Registry own is not in the files", unopened],
    ],
    ["a registry that is shared", [withPack, registry("Pack", "https://p.example.test", "strata-system")], [unopened]],
    [
      "a registry that hides a shared one",
      [
        withPack,
        registry("Pack", "https://p.example.test"),
        registry("Pack", "https://p.example.test", "strata-system"),
      ],
      [
        expect.stringMatching(/^problem: layer web: pack: Registry acme\/own has the name of the shared Registry/),
        expect.stringMatching(/^problem: Registry acme\/own has the name of the shared Registry/),
        unopened,
      ],
    ],
    [
      "a pack from a registry of charts",
      [withPack, registry("Helm", "https://p.example.test")],
      ["problem: layer web: pack: Registry own is of type Helm, which holds no packs", unopened],
    ],
    [
      "a chart from a registry of packs",
      [withChart, registry("Pack", "https://p.example.test")],
      ["problem: layer web: helm: Registry own is of type Pack, which holds no charts", unrendered],
    ],
    [
      "an artifact from a registry of charts, and a file with the credentials of one",
      [
        profile({
          layers: [
            {
              name: "web",
              manifests: [
                { oci: { registryRef: { name: "own" }, artifact: "app", version: "1.x" } },
                { url: "https://h.example.test/a.yaml", sha256: "0f".repeat(32), registryRef: { name: "own" } },
              ],
            },
          ],
        }),
        registry("Helm", "https://h.example.test"),
      ],
      [
        "problem: layer web: manifests[0]: Registry own is of type Helm, which holds no artifacts",
        "unchecked: 2 sources of manifests not fetched: say --fetch to fetch",
      ],
    ],
    [
      "a source of Flux, which has its artifact in a cluster only",
      [
        profile({ layers: [{ name: "web", manifests: [{ sourceRef: { kind: "GitRepository", name: "apps" } }] }] }),
        {
          apiVersion: "source.toolkit.fluxcd.io/v1",
          kind: "GitRepository",
          metadata: { name: "apps", namespace: "acme" },
          spec: { url: "https://git.example.test/apps" },
        },
      ],
      [
        "unchecked: GitRepository acme/apps is not in the files",
        "unchecked: 1 source of manifests not fetched: say --fetch to fetch",
      ],
    ],
    [
      "expressions in manifests, where they are evaluated",
      [
        profile({
          variables: [count],
          layers: [
            {
              name: "web",
              expressions: true,
              manifests: [
                { object: configMap("a", { b: "${{ variables.cuont }}" }) },
                { object: configMap("c", { d: "${{ variables.cuont }}" }), expressions: false },
              ],
            },
          ],
        }),
      ],
      [
        "problem: layer web: manifests[0], ConfigMap acme/a, data.b: variables.cuont is not declared in spec.variables; did you mean count?",
      ],
    ],
    [
      "a registry's Secret without what it needs",
      [
        registry("OCI", "oci://o.example.test", "acme", { secretRef: { name: "login" } }),
        secret("login", { user: "x" }),
      ],
      [expect.stringMatching(/^problem: Registry acme\/own: Secret acme\/login must have username and password/)],
    ],
    [
      "a cluster that is not there",
      [profile({ clusterRefs: [{ name: "edge" }] })],
      ["unchecked: TargetCluster acme/edge is not in the files"],
    ],
    [
      "a ConfigMap that is not there",
      [profile({ layers: [{ name: "web", manifests: [{ configMapRef: { name: "x" } }] }] })],
      ["unchecked: ConfigMap acme/x is not in the files"],
    ],
    [
      "a key that a ConfigMap has not",
      [
        profile({ layers: [{ name: "web", manifests: [{ configMapKeyRef: { name: "x", key: "a" } }] }] }),
        configMap("x", { b: "" }),
      ],
      ["problem: layer web: manifests[0]: ConfigMap acme/x has no key a; it has b"],
    ],
    [
      "a kubeconfig that is refused",
      [target("edge"), secret("edge-kubeconfig", { kubeconfig: "apiVersion: v1" })],
      [expect.stringMatching(/^problem: Secret edge-kubeconfig key kubeconfig: /)],
    ],
    [
      "a kubeconfig under another key",
      [target("edge"), secret("edge-kubeconfig", { value: "x" })],
      ["problem: Secret edge-kubeconfig has no key kubeconfig"],
    ],
  ])("%s", async (_, documents, sentences) => {
    const all = await said(...documents);
    expect(all.filter((one) => !one.endsWith("edge-kubeconfig is not in the files")).sort()).toEqual(
      expect.arrayContaining(sentences),
    );
    expect(all.length).toBeGreaterThanOrEqual(sentences.length);
  });

  test("overrides of layers and profiles that are not there, and wrong ones", async () => {
    const override = (name: string, layer: string, values: object) => ({
      profileRef: { kind: "AddOnProfile", name },
      layer,
      values,
    });
    const overrides = [
      override("shop", "wbe", {}),
      override("other", "web", {}),
      override("shop", "web", { a: "${{ variables.x }}" }),
    ];
    expect(await said(profile({}), target("edge", { overrides }))).toEqual([
      "unchecked: Secret acme/edge-kubeconfig is not in the files",
      "warning: spec.overrides[0]: AddOnProfile shop has no layer wbe, so it does nothing: did you mean web?",
      "unchecked: spec.overrides[1]: AddOnProfile other is not in the files",
      "problem: spec.overrides[2].values.a: variables.x is not declared in spec.variables; there is none",
    ]);
  });
});

describe("variables", () => {
  const kubeconfig = /edge-\d-kubeconfig is not in the files/;
  const required = profile({ ...selector, variables: [{ ...count, required: true }] });
  test.each<[string, object[], string[]]>([
    ["that no cluster in the files has to give", [required], []],
    [
      "that a cluster does not give",
      [required, target("edge-1", { variables: { count: 1 } }), target("edge-2")],
      [
        "problem: variable count is required and has no value: set it in spec.variables of TargetCluster edge-2 (on edge-2)",
      ],
    ],
    [
      "that a cluster gives wrongly",
      [required, target("edge-1", { variables: { count: "c4n4ry" } })],
      ["problem: variable count, from TargetCluster edge-1: must be a whole number of at most 64 bits, without quotes"],
    ],
    [
      "that nobody declares",
      [profile(selector), target("edge-1", { variables: { cuont: 1 } })],
      ["warning: spec.variables.cuont: no profile in the files that comes here declares it"],
    ],
    [
      "that may come from a Secret that is not there",
      [
        profile({
          variables: [{ name: "a", required: true, sensitive: true }],
          variablesFrom: [{ secretRef: { name: "s" } }],
        }),
      ],
      ["unchecked: Secret acme/s is not in the files"],
    ],
    [
      "that a Secret in the files gives wrongly",
      [
        profile({ variables: [count], variablesFrom: [{ secretRef: { name: "s" } }] }),
        secret("s", { count: "c4n4ry" }),
      ],
      [
        "problem: variable count, from variablesFrom[0] Secret acme/s key count: must be a whole number of at most 64 bits",
      ],
    ],
    [
      "whose value is needed by an expression",
      [
        profile({
          variables: [count],
          layers: [{ name: "web", namespace: "n${{ variables.count }}", manifests: [{ object: configMap("a") }] }],
        }),
      ],
      ["problem: layer web: namespace, character 2: variables.count has no value: give it one, or a default"],
    ],
    [
      "whose value may come from what is not there",
      [
        profile({
          variables: [count],
          variablesFrom: [{ secretRef: { name: "s" } }],
          layers: [{ name: "web", namespace: "n${{ variables.count }}", manifests: [{ object: configMap("a") }] }],
        }),
      ],
      ["unchecked: Secret acme/s is not in the files"],
    ],
  ])("%s", async (_, documents, sentences) => {
    const all = (await said(...documents)).filter((one) => !kubeconfig.test(one));
    expect(all).toEqual(sentences);
    expect(all.join()).not.toContain("c4n4ry");
  });
});

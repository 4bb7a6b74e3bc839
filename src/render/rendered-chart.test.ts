import { describe, expect, test } from "vitest";
import type { Failure } from "../errors.ts";
import type { RenderAnswer, RenderHook } from "./protocol.ts";
import { renderedChartOf } from "./rendered-chart.ts";

const chart = { name: "shop", version: "1.2.3", appVersion: "7.0" };

type Refused = NonNullable<RenderAnswer["refused"]>;

function answer(result: Partial<NonNullable<RenderAnswer["result"]>>, refused?: Refused): RenderAnswer {
  return {
    id: "1",
    chart,
    result: { manifests: [], crds: [], hooks: [], notes: "", chartJson: "{}", random: false, ...result },
    ...(refused ? { refused } : {}),
  };
}

const DB: Refused = [{ apiVersion: "v1", kind: "Secret", namespace: "web", name: "db" }];

function hook(name: string, content: string): RenderHook {
  const path = `shop/templates/${name}.yaml`;
  const policies = { deletePolicies: ["hook-succeeded"], outputLogPolicies: ["hook-failed"] };
  return { events: ["pre-install", "test"], kind: "ConfigMap", name, path, weight: -5, ...policies, content };
}

function failureOf(given: RenderAnswer): string {
  try {
    renderedChartOf(given, "pack.lookup");
    return "no failure";
  } catch (error) {
    return `${(error as Failure).reason}: ${(error as Failure).message}`;
  }
}

const configMap = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;

describe("a rendered chart", () => {
  const rendered = renderedChartOf(
    answer(
      {
        manifests: [
          { path: "shop/templates/a.yaml", content: configMap("a") },
          { path: "shop/templates/b.yaml", content: "# nothing\n" },
          {
            path: "shop/templates/c.yaml",
            content: `apiVersion: v1\nkind: List\nitems:\n- ${configMap("c").trim().replaceAll("\n", "\n  ")}\n`,
          },
        ],
        crds: [{ path: "shop/crds/w.yaml", content: `# first\n---\n${configMap("w")}---\n${configMap("x")}` }],
        hooks: [hook("ping", configMap("ping")), hook("again", `# again\n${configMap("again")}`)],
        chartJson: '{"metadata":{"name":"shop"}}',
        notes: "hello\n",
      },
      [
        ...DB,
        { apiVersion: "v1", kind: "Secret", namespace: "web", name: "" },
        { apiVersion: "v1", kind: "Node", namespace: "", name: "a" },
        { apiVersion: "v1", kind: "Node", namespace: "", name: "" },
      ],
    ),
  );

  test("holds objects in Helm's order, lists opened and empty documents left out", () => {
    expect(rendered.objects.map(({ metadata }) => metadata.name)).toEqual(["a", "c"]);
    expect(rendered.crds.map(({ metadata }) => metadata.name)).toEqual(["w", "x"]);
    expect(rendered).toMatchObject({ chart, notes: "hello\n" });
  });

  test("holds hooks in the order given, each with its text and its object", () => {
    const { content: manifest, ...told } = hook("again", `# again\n${configMap("again")}`);
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "again" } };
    expect(rendered.hooks.map(({ name }) => name)).toEqual(["ping", "again"]);
    expect(rendered.hooks[1]).toEqual({ ...told, manifest, object });
    expect(Object.isFrozen(rendered.hooks[1]?.object.metadata)).toBe(true);
  });

  test("holds each object of a hook that is a List, those last that Helm waits for", () => {
    const job = (name: string) => `{ apiVersion: batch/v1, kind: Job, metadata: { name: ${name} } }`;
    const account = "{ apiVersion: v1, kind: ServiceAccount, metadata: { name: a } }";
    const content = `apiVersion: v1\nkind: List\nitems: [${job("one")}, ${job("two")}, ${account}]\n`;
    const { hooks } = renderedChartOf(answer({ hooks: [{ ...hook("", content), kind: "List" }] }));
    const told = hooks.map(({ object, part, kind, manifest }) => [object.metadata.name, part, kind, manifest]);
    expect(told).toEqual([
      ["a", undefined, "List", content],
      ["one", 1, "List", content],
      ["two", 2, "List", content],
    ]);
  });

  test("holds what Helm stores in a release", () => {
    expect(rendered.chartJson).toBe('{"metadata":{"name":"shop"}}');
    expect(rendered.manifest).toMatch(
      /^---\n# Source: shop\/templates\/a.yaml\napiVersion: v1\n.*name: a }\n\n---\n# Source: shop\/templates\/b.yaml\n# nothing\n\n---\n/s,
    );
    expect(rendered.manifest).not.toContain("ping");
  });

  test("tells what it was not allowed to look up", () => {
    expect(rendered.refusedLookups).toEqual(["v1 Secret web/db", "v1 Secret web/*", "v1 Node a", "v1 Node *"]);
  });

  test("keeps the line feed that Helm writes after each document, in the objects and not in hooks and CRDs", () => {
    const document = { path: "shop/templates/a.yaml", content: `${configMap("a")}data:\n  text: |+\n    x\n` };
    const { content } = document;
    const { objects, crds, hooks } = renderedChartOf(
      answer({ manifests: [document], crds: [document], hooks: [hook("a", content)] }),
    );
    const texts = [...objects, ...crds, ...hooks.map(({ object }) => object)].map((object) => object["data"]);
    expect(texts).toEqual([{ text: "x\n\n" }, { text: "x\n" }, { text: "x\n" }]);
  });

  test("knows the template of each object", () => {
    expect(
      [...rendered.objects, ...rendered.crds, rendered.hooks[0]!.object].map((object) => rendered.templateOf(object)),
    ).toEqual([
      "shop/templates/a.yaml",
      "shop/templates/c.yaml",
      "shop/crds/w.yaml",
      "shop/crds/w.yaml",
      "shop/templates/ping.yaml",
    ]);
  });

  test("cannot be changed by one of those who share it", () => {
    const [object] = rendered.objects;
    expect(() => Object.assign(object!.metadata, { name: "other" })).toThrow(TypeError);
  });
});

test.each([
  {
    of: "hooks that are no objects",
    given: answer({
      hooks: [
        hook("list", `apiVersion: v1\nkind: ConfigMapList\nitems: []\n`),
        hook("generated", "apiVersion: v1\nkind: ConfigMap\nmetadata: { generateName: a- }\n"),
        hook("nameless", "apiVersion: v1\nkind: ConfigMap\n"),
      ],
    }),
    sentence:
      "RenderFailed: chart shop 1.2.3 does not render to valid objects: shop/templates/list.yaml: a hook must have an object; shop/templates/generated.yaml, document 1, line 1: metadata.generateName would make a new object on every pass; set metadata.name instead; shop/templates/nameless.yaml, document 1, line 1: metadata.name is missing",
  },
  {
    of: "a template",
    given: { id: "1", chart, error: { kind: "Template", message: "shop/templates/a.yaml:1:6: size must be set" } },
    sentence: "RenderFailed: chart shop 1.2.3 does not render: shop/templates/a.yaml:1:6: size must be set",
  },
  {
    of: "a template that looked for something in vain",
    given: { id: "1", chart, error: { kind: "Template", message: "index of untyped nil" }, refused: DB },
    sentence:
      "RenderFailed: chart shop 1.2.3 does not render: index of untyped nil; it was rendered as if v1 Secret web/db did not exist: if it does, allow it in pack.lookup",
  },
  {
    of: "objects that came out wrong for something looked for in vain",
    given: answer({ manifests: [{ path: "shop/templates/a.yaml", content: "apiVersion: v1\nkind: Secret\n" }] }, DB),
    sentence:
      "RenderFailed: chart shop 1.2.3 does not render to valid objects: shop/templates/a.yaml, document 1, line 1: metadata.name is missing; it was rendered as if v1 Secret web/db did not exist: if it does, allow it in pack.lookup",
  },
  {
    of: "values",
    given: { id: "1", chart, error: { kind: "Values", message: "replicas: got string, want integer" } },
    sentence: "InvalidValues: chart shop 1.2.3 refuses the values: replicas: got string, want integer",
  },
  {
    of: "an unreadable chart",
    given: { id: "1", error: { kind: "Chart", message: "Chart.yaml file is missing" } },
    sentence: "InvalidChart: the chart cannot be used: Chart.yaml file is missing",
  },
  {
    of: "an old cluster",
    given: {
      id: "1",
      chart,
      error: { kind: "KubeVersion", message: "it supports Kubernetes >=1.99, this cluster has v1.36.3" },
    },
    sentence:
      "RenderFailed: chart shop 1.2.3 does not fit the cluster: it supports Kubernetes >=1.99, this cluster has v1.36.3",
  },
  {
    of: "a release's name",
    given: { id: "1", chart, error: { kind: "Release", message: "too long" } },
    sentence: "InvalidSpec: chart shop 1.2.3 cannot be released: too long",
  },
  {
    of: "objects without a name",
    given: answer({
      manifests: [1, 2, 3, 4].map((n) => ({
        path: `shop/templates/${n}.yaml`,
        content: "apiVersion: v1\nkind: Secret\n",
      })),
    }),
    sentence:
      "RenderFailed: chart shop 1.2.3 does not render to valid objects: shop/templates/1.yaml, document 1, line 1: metadata.name is missing; shop/templates/2.yaml, document 1, line 1: metadata.name is missing; shop/templates/3.yaml, document 1, line 1: metadata.name is missing; and 1 more",
  },
] satisfies { of: string; given: RenderAnswer; sentence: string }[])("the failure of $of", ({ given, sentence }) => {
  expect(failureOf(given)).toBe(sentence);
});

import { expect, it } from "vitest";
import type { LayerInputs } from "./inputs.ts";
import { sensitiveValues } from "./sensitive-values.ts";
import { NO_INPUTS, packLayer } from "./testdata/packs.ts";

const SECRET = { secretKeyRef: { name: "s", key: "k" } };
const CONFIG = { configMapKeyRef: { name: "c", key: "k" } };

interface Given {
  values?: string[];
  /** A source and its text. */
  from?: [object, string][];
  overrides?: [tree: Record<string, unknown>, keys: string[]][];
}

function sensitiveIn({ values = [], from = [], overrides = [] }: Given): readonly string[] {
  const texts = from.map(([, text], index) => [`valuesFrom[${index}]`, [{ what: "", key: "k", text }]] as const);
  const layer = packLayer("web", { valuesFrom: from.map(([source]) => source) } as object);
  const trees = overrides.map(([tree]) => tree);
  const sensitive = { values, overrides: overrides.map(([, keys]) => keys) };
  const inputs = { ...NO_INPUTS, layer, namespace: undefined, texts: new Map(texts), overrides: trees, sensitive };
  return sensitiveValues(inputs as LayerInputs);
}

it.each<[string, Given, string[]]>([
  ["nothing", {}, []],
  ["what expressions gave", { values: [".a", ".b[0]"] }, [".a", ".b[0]"]],
  ["all of a Secret", { from: [[SECRET, "a: { b.c: 1, d: [x] }\ne: null"]] }, [".a.b\\.c", ".a.d", ".e"]],
  ["nothing of a ConfigMap", { from: [[CONFIG, "a: 1"]] }, []],
  ["a Secret at its place", { from: [[{ ...SECRET, targetPath: "a[1].b\\.c" }, "x: y"]] }, [".a[1].b\\.c"]],
  ["an override's", { overrides: [[{ a: { b: 1 } }, [".a.b"]]] }, [".a.b"]],
  ["not what is replaced", { values: [".a", ".l[1].b", ".m.x"], from: [[CONFIG, "a: 1\nl: []\nm: null"]] }, []],
  ["what is replaced by a secret", { values: [".a"], from: [[SECRET, "a: 1"]] }, [".a"]],
  ["what other values are merged with", { values: [".m.x"], overrides: [[{ m: { y: 1 } }, []]] }, [".m.x"]],
  ["not what an override replaces", { from: [[SECRET, "a: 1\nb: 2"]], overrides: [[{ a: 1 }, []]] }, [".b"]],
  [
    "the items beside one that is set",
    { values: [".l[0]"], from: [[{ ...CONFIG, targetPath: "l[1]" }, "x"]] },
    [".l[0]"],
  ],
  [
    "a secret beside a key that looks like the way to it",
    {
      from: [
        [{ ...SECRET, targetPath: "app.db\\.pass" }, "x"],
        [CONFIG, 'app: { "db\\\\": x }'],
      ],
    },
    [".app.db\\.pass"],
  ],
  ["none of a text that cannot be read", { from: [[SECRET, "a: {"]] }, []],
])("sensitive is %s", (_, given, want) => {
  expect(sensitiveIn(given)).toEqual(want);
});

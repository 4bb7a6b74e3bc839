import type { CorpusChart } from "./types.ts";

/** A CRD of `<plural>.<chart>.example`, in flow style; `more` are further properties of its spec. */
function crd(chart: string, kind: string, more = ""): string {
  const plural = `${kind.toLowerCase()}s`;
  const schema = `{ type: object, properties: { spec: { type: object, properties: { size: { type: integer }${more} } } } }`;
  return `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: ${plural}.${chart}.example }
spec:
  group: ${chart}.example
  scope: Namespaced
  names: { kind: ${kind}, plural: ${plural} }
  versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: ${schema} } }]
`;
}

const widget = (chart: string, spec = "size: 1"): string =>
  `apiVersion: ${chart}.example/v1\nkind: Widget\nmetadata: { name: one }\nspec: { ${spec} }\n`;

/** Custom resource definitions: in `crds/`, in subcharts, in templates. */
export const CRD_CHARTS: readonly CorpusChart[] = [
  {
    name: "crds-folder",
    feature: "CRDs in crds/, which are never upgraded with crds: Create, and their objects",
    layer: { crds: "Create" },
    files: {
      "crds/widgets.yaml": `# first\n---\n${crd("crds-folder", "Widget")}---\n${crd("crds-folder", "Gadget")}`,
      "templates/widget.yaml": widget("crds-folder"),
    },
    upgrade: {
      files: {
        "crds/widgets.yaml": crd("crds-folder", "Widget", ", color: { type: string }"),
        "templates/widget.yaml": widget("crds-folder", "size: 2"),
      },
    },
  },
  {
    name: "crds-upgraded",
    feature: "CRDs in crds/ that its second version changes",
    files: {
      "crds/widgets.yaml": crd("crds-upgraded", "Widget"),
      "templates/widget.yaml": widget("crds-upgraded"),
    },
    upgrade: {
      files: { "crds/widgets.yaml": crd("crds-upgraded", "Widget", ", color: { type: string }") },
    },
    differences: [
      {
        name: "crds-are-upgraded",
        steps: ["upgrade", "removal", "rollback", "uninstall"],
        lines: /^CustomResourceDefinition\/widgets\.crds-upgraded\.example: spec\.versions\.0\.schema\..*\.color: /,
      },
    ],
  },
  {
    name: "crds-skipped",
    feature: "CRDs in crds/ that somebody else brings",
    layer: { crds: "Skip" },
    before: crd("crds-skipped", "Widget"),
    files: {
      "crds/widgets.yaml": crd("crds-skipped", "Widget"),
      "templates/widget.yaml": widget("crds-skipped"),
    },
  },
  {
    name: "subchart-crds",
    feature: "a CRD in crds/ of a subchart, used by the parent, and one of a subchart that is switched off",
    layer: { crds: "Create" },
    chart: {
      dependencies: [
        { name: "types", version: "0.1.0" },
        { name: "unused", version: "0.1.0", condition: "unused.enabled" },
      ],
    },
    files: {
      "values.yaml": "unused: { enabled: false }\n",
      "charts/types/Chart.yaml": "{ apiVersion: v2, name: types, version: 0.1.0 }\n",
      "charts/types/crds/widgets.yaml": crd("subchart-crds", "Widget"),
      "charts/unused/Chart.yaml": "{ apiVersion: v2, name: unused, version: 0.1.0 }\n",
      "charts/unused/crds/gadgets.yaml": crd("subchart-crds", "Gadget"),
      "templates/widget.yaml": widget("subchart-crds"),
    },
    upgrade: { files: { "templates/widget.yaml": widget("subchart-crds", "size: 2") } },
  },
  {
    name: "crd-template",
    feature: "a CRD among the templates, changed by its second version",
    files: { "templates/crd.yaml": crd("crd-template", "Widget") },
    upgrade: { files: { "templates/crd.yaml": crd("crd-template", "Widget", ", color: { type: string }") } },
    removal: { files: { "templates/crd.yaml": null } },
  },
  {
    name: "crd-and-object",
    feature: "a CRD and an object of its kind among the templates",
    files: {
      "templates/crd.yaml": crd("crd-and-object", "Widget"),
      "templates/widget.yaml": widget("crd-and-object"),
    },
    upgrade: { files: { "templates/widget.yaml": widget("crd-and-object", "size: 2") } },
    onlyStrata: { helm: /no matches for kind "Widget"|has no deployed releases/, difference: "crd-and-object" },
  },
  {
    name: "crd-unstructured",
    feature: "objects of a free-form kind with numbers, nulls and deep lists",
    layer: { crds: "Create" },
    files: {
      "crds/docs.yaml": `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: docs.crd-unstructured.example, annotations: { controller-gen.kubebuilder.io/version: v0.16.0 }, creationTimestamp: null }
spec:
  group: crd-unstructured.example
  scope: Cluster
  names: { kind: Doc, plural: docs, shortNames: [dc], categories: [all] }
  versions:
    - name: v1
      served: true
      storage: true
      subresources: { status: {} }
      additionalPrinterColumns: [{ name: Size, type: string, jsonPath: .spec.size }]
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
status: { acceptedNames: { kind: "", plural: "" }, conditions: [], storedVersions: [] }
`,
      "templates/doc.yaml": `apiVersion: crd-unstructured.example/v1
kind: Doc
metadata: { name: crd-unstructured }
spec:
  big: 9007199254740993
  float: 1.5
  exponent: 1e3
  octal: 0644
  word: yes
  nothing: null
  empty: {}
  none: []
  list: [[1, [2]], { a: null }, null]
  text: |
    {{ .Chart.Version }}
status: { phase: Mine }
`,
    },
    upgrade: {
      files: {
        "templates/doc.yaml":
          "apiVersion: crd-unstructured.example/v1\nkind: Doc\nmetadata: { name: crd-unstructured }\nspec: { list: [[1]], added: { deep: true } }\n",
      },
    },
  },
];

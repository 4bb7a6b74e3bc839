import { data, type Shape, yaml } from "./shape.ts";

const LONG = "An annotation of many words. ".repeat(3000);

/** What YAML and JSON themselves can do to a value. */
export const TEXTS: readonly Shape[] = [
  { name: "truth values that are quoted", yaml: data("words", 'a: "yes"\nb: "no"\nc: "on"\nd: "off"\ne: "true"') },
  { name: "keys that are truth values", yaml: data("word-keys", 'yes: "1"\nno: "2"\non: "3"\noff: "4"\ny: "5"') },
  { name: "keys that are numbers", yaml: data("number-keys", '1: "a"\n0644: "b"\n1.5: "c"\n1e3: "d"') },
  {
    name: "numbers and dates that are quoted",
    yaml: data("quoted", `a: "1e3"\nb: '0644'\nc: "1.10"\nd: "2026-11-22"`),
  },
  { name: "an unquoted date", yaml: data("date", "day: 2026-11-22\nmoment: 2026-11-22T10:00:00Z\nclock: 12:30:45") },
  {
    name: "words that only look like something",
    yaml: data("looks", "a: 0o\nb: 1_000x\nc: 1.2.3\nd: nullx\ne: ~x"),
  },
  {
    name: "a literal block",
    yaml: data("literal", "a: |\n  one\n    two\n\n  three\nb: |-\n  no end\nc: |+\n  ends\n\n\nd: end"),
  },
  { name: "a folded block", yaml: data("folded", "a: >\n  one\n  two\n\n  three\n    four\nb: >-\n  no\n  end") },
  { name: "a block with its own indentation", yaml: data("indicator", "a: |2\n    two more\n  none\n") },
  { name: "a plain scalar over several lines", yaml: data("plain", "a: one\n  two\n\n  three") },
  {
    name: "escapes in double quotes",
    yaml: data("escapes", String.raw`a: "tab\t, \x41 \u00e9 \U0001F680 \" \\ end\n"`),
  },
  { name: "quotes in single quotes", yaml: data("single", "a: 'it''s # no comment: really'") },
  {
    name: "Unicode of all planes",
    yaml: data("unicode", "a: héllo wörld\nb: 日本語\nc: 🚀👩‍👩‍👧\nd: \u0627\u0644\u0639\u0631\u0628\u064a\u0629"),
  },
  {
    name: "separators of lines that JavaScript knows",
    yaml: data("separators", String.raw`a: "x\u2028y\u2029z\u0085w"`),
  },
  { name: "spaces that matter", yaml: data("spaces", `a: "  both  "\nb: ""\nc: " "\nd: "trailing \\n"`) },
  { name: "a byte order mark", yaml: `\uFEFF${data("mark", 'a: "1"')}`, asObject: false },
  {
    name: "lines that end as on Windows",
    yaml: data("crlf", "a: one\nb: |\n  two\n  three").replaceAll("\n", "\r\n"),
    asObject: false,
  },
  { name: "carriage returns in a value", yaml: data("returns", String.raw`a: "one\r\ntwo\r\n"`) },
  { name: "tabs in a value", yaml: data("tabs", 'a: |\n  one\n  \ttwo\tthree\nb: "\ttab"') },
  {
    name: "a JSON text",
    yaml: `{"apiVersion":"v1","kind":"ConfigMap",\t"metadata":{"name":"json"},"data":{"a":"\\u00e9\\n","b":"/"}}\n`,
  },
  {
    name: "comments and document marks",
    yaml: `# first\n---\n# only words\n---\n${data("comments", 'a: "1" # one\n# b: "2"\nc: "#3"')}---\n`,
    asObject: false,
  },
  {
    name: "several documents",
    yaml: `${data("several-1", 'a: "1"')}---\n${data("several-2", 'a: "2"')}--- # third\n${data("several-3", 'a: "3"')}`,
    asObject: false,
  },
  {
    name: "a List",
    yaml: `apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: listed-1}, data: {a: "1"}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: listed-2}}\n`,
    asObject: false,
  },
  {
    name: "merge keys",
    yaml: yaml`
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: merged
        labels: &labels {app: shop, tier: front}
        annotations:
          <<: *labels
          tier: back
      data:
        <<: [{a: "1", b: "1"}, {b: "2", c: "2"}]
        c: "3"
    `,
  },
  {
    name: "anchors and aliases",
    yaml: yaml`
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: anchors}
      data:
        a: &text |
          the same
          text
        b: *text
    `,
  },
  { name: "an explicit tag", yaml: data("tagged", 'a: !!str 1\nb: !!str yes\nc: !!binary aGk=\nd: !custom "x"') },
  { name: "the last of two equal keys", yaml: data("equal", 'a: "1"\nb: "2"\na: "3"') },
  {
    name: "empty maps",
    yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: empty, labels: {}, annotations: {}}\ndata: {}\n",
  },
  {
    name: "null where nothing is",
    yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nulls, labels: ~, annotations: null}\ndata: null\nbinaryData:\n",
  },
  {
    name: "null as a label and an annotation",
    yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: null-label, labels: {a: null}, annotations: {b: null, c: ''}}\n",
  },
  { name: "null as a value", yaml: data("null-value", 'a: null\nb: ~\nc:\nd: "null"') },
  {
    name: "binaryData",
    yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: binary}\nbinaryData: {a: AAECAwT/, b: ''}\ndata: {c: d}\n",
  },
  {
    name: "an immutable ConfigMap",
    yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: immutable}\nimmutable: yes\ndata: {a: b}\n",
  },
  {
    name: "names of keys at their limits",
    yaml: data(
      "keys",
      `${"k".repeat(253)}: "long"\n_.-: "odd"\ndata..: "dots"\n__proto__: "own"\nconstructor: "own"\ntoString: "own"`,
    ),
  },
  {
    name: "a very long annotation",
    yaml: `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: long\n  annotations: {example.com/words: "${LONG}"}\n`,
  },
  { name: "a long line", yaml: data("line", `a: "${"0123456789".repeat(20_000)}"`) },
  {
    name: "labels of all forms",
    yaml: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: labels\n  labels: {a: "", example.com/B_c.d-e: "1.0_x-Y", app.kubernetes.io/version: "1.10", "1": "2"}\n',
  },
  {
    name: "finalizers",
    yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, finalizers: [example.com/a, example.com/b]}\n",
  },
  {
    name: "an owner that is no controller",
    yaml: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: owned\n  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: words, uid: 6c6c0000-0000-4000-8000-000000000001}]\n",
  },
  {
    name: "an object as kubectl get prints it, status and all",
    yaml: yaml`
      apiVersion: v1
      kind: Service
      metadata:
        name: copied
        creationTimestamp: null
        selfLink: /api/v1/namespaces/x/services/copied
      spec: {clusterIP: None, ports: [{port: 80}]}
      status: {loadBalancer: {}}
    `,
  },
  {
    name: "an opaque Secret",
    yaml: "apiVersion: v1\nkind: Secret\nmetadata: {name: opaque}\ndata: {a: aGVsbG8=, b: AP/+, c: ''}\n",
  },
  {
    name: "stringData over data",
    yaml: 'apiVersion: v1\nkind: Secret\nmetadata: {name: both}\ndata: {a: b2xk, b: Yg==}\nstringData: {a: new, c: "yes", d: "héllo 🚀\\n"}\n',
  },
  {
    name: "stringData alone, one of it null",
    yaml: 'apiVersion: v1\nkind: Secret\nmetadata: {name: strings}\nstringData: {a: "x", b: ~}\n',
  },
  {
    name: "base64 over several lines",
    yaml: "apiVersion: v1\nkind: Secret\nmetadata: {name: wrapped}\ndata:\n  a: |\n    aGVsbG8gd29ybGQs\n    IGhlbGxvIHdvcmxk\n",
  },
  {
    name: "a Secret of another type",
    yaml: 'apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata: {name: docker}\nstringData: {.dockerconfigjson: \'{"auths":{"r.example":{"auth":"YTpi"}}}\'}\n',
  },
  {
    name: "an immutable Secret",
    yaml: "apiVersion: v1\nkind: Secret\nimmutable: true\ntype: kubernetes.io/basic-auth\nmetadata: {name: basic}\nstringData: {username: a, password: b}\n",
  },
];

import { apply } from "../stories.ts";
import { type BadRow, configMap, fine, type World } from "./bad-row.ts";

const settings = (name: string, data: object) => configMap(name, data, { namespace: "acme" });

const token = (name: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "acme" },
  stringData: { token: "hunter2" },
});

/** An expression, as a person writes it. */
const x = (cel: string) => `\${{ ${cel} }}`;

/** A chart with a value that an expression gives. */
const chart = (world: World, cel: string, fields: object = {}) => ({
  name: "shop",
  helm: { repo: world.charts, chart: "shop", version: "1.2.3" },
  values: { replicas: 0, extraLists: false, config: { a: x(cel) } },
  ...fields,
});

const given = (name: string) => ({ variablesFrom: [{ configMapRef: { name } }] });

/** A profile that is wrong by itself: its cure is another one. */
const WRONG = { want: "Stalled", reason: "InvalidValues" } as const;

/** Variables that have no value or a wrong one. */
const VARIABLES: readonly BadRow[] = [
  {
    ...WRONG,
    name: "variables that nobody gives a value, all said at once",
    before: ({ hub }) => apply(hub, settings("no-region", { other: "x" })),
    spec: {
      variables: [
        { name: "region", required: true },
        { name: "token", required: true, sensitive: true },
      ],
      ...given("no-region"),
    },
    layers: () => fine("regions"),
    layer: "app",
    says: "variable region is required and has no value: set it in variablesFrom of the profile; variable token is required and has no value: set it by a Secret in variablesFrom of the profile",
    cure: {
      layers: fine("regions"),
      spec: { variables: [{ name: "region", required: true, default: "north" }], ...given("no-region") },
    },
  },
  {
    ...WRONG,
    name: "values of other types, all said at once",
    before: ({ hub }) => apply(hub, settings("types", { replicas: "many", network: "10.0.0.0/40" })),
    spec: {
      variables: [
        { name: "replicas", type: "integer" },
        { name: "network", type: "ipv4cidr" },
      ],
      ...given("types"),
    },
    layers: () => fine("types"),
    layer: "app",
    says: "variable replicas, from variablesFrom[0] ConfigMap acme/types key replicas: must be a whole number of at most 64 bits; variable network, from variablesFrom[0] ConfigMap acme/types key network: must be an IPv4 network such as 10.0.0.0/16",
    cure: { deed: ({ hub }) => apply(hub, settings("types", { replicas: "3", network: "10.0.0.0/14" })) },
  },
  {
    ...WRONG,
    name: "a secret in a ConfigMap",
    before: ({ hub }) => apply(hub, settings("open", { token: "hunter2" })),
    spec: { variables: [{ name: "token", sensitive: true }], ...given("open") },
    layers: () => fine("open"),
    layer: "app",
    says: "variable token is sensitive and may only come from a Secret, but variablesFrom[0] ConfigMap acme/open key token gives it",
    cure: { deed: ({ hub }) => apply(hub, settings("open", { note: "moved" })) },
  },
  {
    ...WRONG,
    name: "a declaration that contradicts itself",
    spec: {
      variables: [
        { name: "replicas", type: "integer", default: "3" },
        { name: "zone", enum: ["a", "b"], default: "c" },
        { name: "site", pattern: "(?=a)" },
      ],
    },
    layers: () => fine("declared"),
    layer: "app",
    says: 'variable replicas, default: must be a whole number of at most 64 bits, without quotes; variable zone, default: must be one of "a", "b"; variable site, pattern: (?= is not supported',
    cure: { layers: fine("declared"), spec: { variables: [{ name: "replicas", type: "integer", default: 3 }] } },
  },
  {
    ...WRONG,
    name: "a key for a variable that is not declared",
    before: ({ hub }) => apply(hub, settings("keys", { region: "north" })),
    spec: {
      variables: [{ name: "region" }],
      variablesFrom: [{ configMapKeyRef: { name: "keys", key: "region" }, variable: "reigon" }],
    },
    layers: () => fine("keys"),
    layer: "app",
    says: "variablesFrom[0]: no variable is named reigon; did you mean region?",
    cure: {
      layers: fine("keys"),
      spec: {
        variables: [{ name: "region" }],
        variablesFrom: [{ configMapKeyRef: { name: "keys", key: "region" } }],
      },
    },
  },
  {
    ...WRONG,
    reason: "ReferenceNotFound",
    name: "variables from a Secret that does not exist",
    spec: { variables: [{ name: "token" }], variablesFrom: [{ secretRef: { name: "no-token" } }] },
    layers: () => fine("tokens"),
    layer: "app",
    says: "variablesFrom[0]: Secret acme/no-token does not exist",
    cure: { deed: ({ hub }) => apply(hub, token("no-token")) },
  },
];

const NAMED = {
  variables: [{ name: "title", default: "a page" }, { name: "unset" }, { name: "token", sensitive: true }],
  variablesFrom: [{ secretRef: { name: "a-token" } }],
};
const withToken = ({ hub }: World) => apply(hub, token("a-token"));

/** A row whose cure is a layer without the expression. */
function wrong(name: string, layers: BadRow["layers"], says: string): BadRow {
  return {
    ...WRONG,
    name,
    before: withToken,
    spec: NAMED,
    layers,
    layer: "shop",
    says,
    cure: { layers: fine(name.toLowerCase().replace(/[^a-z]+/g, "-")) },
  };
}

/** Expressions that cannot be evaluated, and what they may not give. */
const EXPRESSIONS: readonly BadRow[] = [
  wrong(
    "names that do not exist, in all fields at once",
    (world) => [
      chart(world, "variables.titel + variables.unset", {
        namespace: x("variables.space"),
        helm: { repo: world.charts, chart: "shop", version: x("profile.version") },
      }),
    ],
    "values.config.a: variables.titel is not declared in spec.variables; did you mean title?; values.config.a: variables.unset has no value: give it one, or a default; namespace: variables.space is not declared in spec.variables; known: title, token, unset; helm.version: profile.version has no value here",
  ),
  wrong(
    "a label that the cluster does not have",
    (world) => [chart(world, "cluster.labels.site")],
    "values.config.a: cluster local has no label site",
  ),
  wrong(
    "an expression that is no CEL",
    (world) => [chart(world, "variables.title +")],
    "values.config.a: unexpected token: EOF at character 18",
  ),
  wrong(
    "an expression over a secret that is no number, which nobody may read",
    (world) => [chart(world, "int(variables.token)")],
    "values.config.a: int conversion error at character 1",
  ),
  wrong(
    "an expression that never ends",
    (world) => [
      chart(world, `[1,2,3,4,5,6,7,8,9]${".map(a, [1,2,3,4,5,6,7,8,9])".repeat(3)}${".map(a, a + a)".repeat(40)}`),
    ],
    "values.config.a: takes too long to evaluate",
  ),
  wrong(
    "a secret as a namespace and as a version",
    (world) => [
      chart(world, '"fine"', {
        namespace: x("variables.token"),
        helm: { repo: world.charts, chart: "shop", version: x("variables.token") },
      }),
    ],
    "namespace: must not come from a Secret, as everybody sees it; helm.version: must not come from a Secret, as everybody sees it",
  ),
  wrong(
    "a condition that is neither true nor false",
    (world) => [chart(world, '"fine"', { when: "size(variables.title)" })],
    "when: gives a number, but must give true or false",
  ),
  wrong(
    "a condition that a secret decides",
    (world) => [chart(world, '"fine"', { when: 'variables.token == "a"' })],
    "when: must not come from a Secret, as everybody sees it",
  ),
  wrong(
    "an output that no layer before it has",
    (world) => [
      {
        ...(fine("outputs")[0] as object),
        outputs: [
          { name: "host", object: { apiVersion: "v1", kind: "ConfigMap", name: "outputs" }, value: "self.kind" },
        ],
      },
      chart(world, "layers.app.outputs.hots + layers.shop.outputs.host"),
    ],
    "values.config.a: layer app has no output named hots; did you mean host?; values.config.a: no layer before this one is named shop; known: app",
  ),
  {
    ...wrong(
      "an output that looks elsewhere than at its object",
      (world) => [
        chart(world, '"fine"', {
          outputs: [
            { name: "host", object: { apiVersion: "v1", kind: "Service", name: "shop" }, value: "cluster.name" },
          ],
        }),
      ],
      "outputs[host].value: cluster at character 1 is no name here: there is only self",
    ),
    reason: "InvalidSpec",
  },
];

/** What profiles, and the values of their variables, say wrong in variables and expressions. */
export const BAD_EXPRESSIONS: readonly BadRow[] = [...VARIABLES, ...EXPRESSIONS];

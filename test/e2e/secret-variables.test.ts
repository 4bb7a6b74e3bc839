import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canary, expectNoLeak, leaksIn } from "../support/canary.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { fence } from "../support/ledger.ts";
import { type PackSite, startPackSite, type WrittenPack } from "../support/packs.ts";
import { apply, type Live, layerOf, pathOf, read, trustedTenant, untilReady, waitUntil } from "../support/stories.ts";
import { prepareHub, type StrataProcess } from "../support/strata.ts";

const SECRET = "apiVersion: v1\nkind: Secret\nmetadata: { name: {{ .Release.Name }} }";

/** A chart and a manifest that take a token by values, and by macros of Palette. */
const vault: WrittenPack = {
  name: "vault",
  version: "1.0.0",
  charts: {
    vault: {
      "templates/secret.yaml": `${SECRET}\nstringData: { token: {{ required "no token" .Values.token | quote }} }`,
      "templates/broken.yaml": '{{ if .Values.broken }}{{ fail (printf "not this: %s" .Values.token) }}{{ end }}',
      "values.schema.json": '{ "properties": { "size": { "type": "integer" }, "mode": { "enum": ["a", "b"] } } }',
    },
  },
  files: {
    "values.yaml": `
pack: { namespace: acme, releaseNameOverride: { vault: vault } }
charts: { vault: { token: "{{ .spectro.var.token }}", check: "" } }
manifests: { plain: { token: "{{ .spectro.var.token }}", text: none, type: ClusterIP } }
`,
    "manifests/plain.yaml": `
apiVersion: v1
kind: Secret
metadata: { name: plain }
stringData:
  value: {{ .Values.token | quote }}
  macro: "{{ .spectro.var.token }}"
  pipe: "{{ .spectro.var.token | b64enc }}"
  text: {{ .Values.text }}
{{ if ne .Values.type "ClusterIP" }}
---
apiVersion: v1
kind: Service
metadata: { name: plain }
spec: { type: {{ .Values.type }}, ports: [{ port: 80 }] }
{{ end }}
`,
    "schema.yaml": `charts.vault.check:\n  schema: '{{ format "\${number:[1-9]}" }}'`,
  },
};

let hub: ControlPlane;
let site: PackSite;
let strata: StrataProcess;

beforeAll(async () => {
  site = await startPackSite([vault]);
  hub = await startControlPlane({ name: "secret-variables", controllers: false });
  const home = await prepareHub(hub);
  strata = await home.start({ STRATA_LOG_LEVEL: "trace" });
  await trustedTenant(hub, "acme");
  const metadata = { name: "site", namespace: "acme" };
  const spec = { type: "Pack", url: site.url };
  await apply(
    hub,
    { apiVersion: "strata.dev/v1alpha1", kind: "Registry", metadata, spec },
    secret("tokens", { token: canary("token") }),
    secret("keys", { other: canary("key") }),
  );
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), site?.stop()]);
});

const secret = (name: string, stringData: Live): Live => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "acme" },
  stringData,
});

function profile(name: string, ...layers: Live[]): Live {
  const variables = [
    { name: "token", required: true, sensitive: true },
    // Not declared so, it is sensitive all the same: it comes from a Secret.
    { name: "key" },
  ];
  const variablesFrom = [
    { secretRef: { name: "tokens" } },
    { secretKeyRef: { name: "keys", key: "other" }, variable: "key" },
  ];
  const spec = { clusterRefs: [{ name: "local" }], namespace: "acme", variables, variablesFrom, layers };
  return { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata: { name, namespace: "acme" }, spec };
}

const pack = (values: Live = {}, more: Live = {}): Live => ({
  name: "vault",
  pack: { registryRef: { name: "site" }, name: "vault", version: "1.0.0" },
  values,
  ...more,
});
const chartOf = (vault: Live): Live => pack({ charts: { vault } });
const manifestOf = (plain: Live): Live => pack({ manifests: { plain } });
/** An expression, as a person writes it. */
const x = (cel: string): string => `\${{ ${cel} }}`;
const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);

/** The texts of a Secret. */
async function dataOf(name: string): Promise<Record<string, string>> {
  const { data } = await read(hub, pathOf("v1", "secrets", `acme/${name}`));
  return Object.fromEntries(
    Object.entries(data as Record<string, string>).map(([key, text]) => [key, Buffer.from(text, "base64").toString()]),
  );
}

/** All that fails with a sensitive variable in its hands: the layer, and what it says. */
const failing: Record<string, [layer: Live, says: RegExp]> = {
  "a chart that fails with its value": [chartOf({ broken: true }), /vault .* does not render: .*not this/],
  "a chart that fails with what an expression gave": [
    chartOf({ token: `a ${x("variables.key")}`, broken: true }),
    /vault .* does not render: .*not this/,
  ],
  "a value against the schema of the chart": [
    chartOf({ size: x("variables.token"), mode: x("variables.key") }),
    /refuses the values: .*size/,
  ],
  "a macro against the schema of the pack": [
    chartOf({ check: "{{ .spectro.var.token }}" }),
    /charts\.vault\.check .*1.*9/,
  ],
  "a macro that fails with the value": [
    chartOf({ token: '{{ .spectro.var.token | printf "no %s" | fail }}' }),
    /layer vault, .*token/,
  ],
  "a macro that stumbles over the value": [
    chartOf({ token: "{{ .spectro.var.token | fromJson }}{{ index .spectro.var.token 99 }}" }),
    /layer vault, .*token/,
  ],
  "a macro that asks below the value": [chartOf({ token: "{{ .spectro.var.token.below }}" }), /spectro\.var\.token/],
  "a manifest that is no YAML because of the value": [
    manifestOf({ text: `"${x("variables.token")}` }),
    /vault 1\.0\.0.*plain\.yaml/,
  ],
  "an object that the API server refuses with the value in its answer": [
    manifestOf({ type: "{{ .spectro.var.token }}" }),
    /Service acme\/plain: spec\.type/,
  ],
  "a namespace from the value": [
    pack({}, { namespace: x("variables.token") }),
    /namespace: must not come from a Secret/,
  ],
  "a condition on the value": [pack({}, { when: 'variables.token == "a"' }), /when: must not come from a Secret/],
  "an expression that stumbles over the value": [
    chartOf({ token: x("variables.token.map(a, int(a))") }),
    /charts\.vault\.token/,
  ],
};

describe("a sensitive variable", () => {
  test("arrives by expressions, macros and outputs, in charts and manifests", async () => {
    const output = (name: string, key: string): Live => ({
      name,
      object: { apiVersion: "v1", kind: "Secret", name: "plain" },
      value: `self.data.${key}`,
    });
    const later = { apiVersion: "v1", kind: "Secret", metadata: { name: "later" } };
    await apply(
      hub,
      profile(
        "vaults",
        { ...chartOf({ token: `${x("variables.key")}!` }), outputs: [output("again", "macro")] },
        {
          name: "later",
          expressions: true,
          manifests: [
            { object: { ...later, stringData: { output: x("layers.vault.outputs.again"), own: x("variables.key") } } },
          ],
        },
      ),
    );
    await untilReady(hub, profilePath("vaults"));
    expect(await dataOf("vault")).toEqual({ token: `${canary("key")}!` });
    const pipe = Buffer.from(canary("token")).toString("base64");
    expect(await dataOf("plain")).toEqual({ value: canary("token"), macro: canary("token"), pipe, text: "none" });
    expect(await dataOf("later")).toEqual({ output: canary("token"), own: canary("key") });
  });

  test("has its source in the status of the deployment", async () => {
    const { items } = await read(hub, "/apis/strata.dev/v1alpha1/namespaces/acme/profiledeployments");
    expect(items[0].status.variables).toEqual([
      { name: "token", source: "variablesFrom[0] Secret acme/tokens key token" },
      { name: "key", source: "variablesFrom[1] Secret acme/keys key other" },
    ]);
  });

  test.each(Object.entries(failing))("%s: the message tells without telling", async (_what, [layer, says]) => {
    await apply(hub, profile("vaults", layer));
    const live = await waitUntil(hub, profilePath("vaults"), {
      what: `refused (${says})`,
      is: (one) => says.test(layerOf(one, "vault")?.message ?? ""),
    });
    expect(leaksIn(JSON.stringify(live.status))).toEqual([]);
  });

  test("stands in no log, status, event, metric or process list", async () => {
    await fence(hub, "fence-secret-variables");
    await expectNoLeak({ hub, strata }, ["addonprofiles", "profiledeployments", "registries"]);
  });
});

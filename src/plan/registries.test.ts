import { expect, test } from "vitest";
import { parseProfile } from "../api/parse.ts";
import { registriesOf } from "./registries.ts";

test("the Registries of a profile are those of its charts, of its packs, and of charts that packs take from elsewhere", () => {
  const chart = { chart: "web", version: "1.0.0" };
  const packOf = (name: string) => ({ registryRef: { name }, name: "app", version: "1.0.0" });
  const other = [
    { name: "driver", registryRef: { name: "company" } },
    { name: "agent", repo: "https://charts.example.com" },
  ];
  const parsed = parseProfile({
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name: "p", namespace: "acme" },
    spec: {
      namespace: "web",
      clusterRefs: [{ name: "local" }],
      layers: [
        { name: "a", helm: { ...chart, registryRef: { name: "charts" } } },
        { name: "b", helm: { ...chart, repo: "https://charts.example.com" } },
        { name: "c", manifests: [{ inline: "a: b" }] },
        { name: "d", pack: { ...packOf("packs"), charts: other } },
        { name: "e", pack: packOf("packs") },
      ],
    },
  });
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  expect([...registriesOf(parsed.value)]).toEqual(["charts", "packs", "company"]);
});

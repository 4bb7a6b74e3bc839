import { z } from "zod";
import { registryRef } from "./registry-ref.ts";
import { exactlyOneOf, matching, withRules } from "./rules.ts";
import { apiVersion, dnsLabel, versionOrExpression } from "./text.ts";

export const HOST = "([-._a-zA-Z0-9]+|\\[[0-9a-fA-F:]+\\])";

/** Where charts and packs come from; nothing of it can carry credentials. */
export const REPOSITORY_URL = `^(https?|oci)://${HOST}(:[0-9]{1,5})?(/[-._~%+,:=a-zA-Z0-9]*)*$`;

export const MAX_RELEASE_NAME = 53;

/** URL of a repository that needs no credentials. */
function repositoryUrl() {
  return withRules(z.string().max(1024), [
    matching(
      REPOSITORY_URL,
      "repo must be a URL that starts with https://, http:// or oci://, without credentials, query or fragment",
    ),
  ]).describe(
    "URL of the repository: `https://charts.example.com` (or http://) for a Helm repository with an index.yaml, `oci://ghcr.io/example/charts` for the folder of an OCI registry that holds the chart.",
  );
}

/** The name of a chart in its repository. */
export function chartName() {
  return withRules(z.string().max(253), [
    matching("^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$", 'chart must consist of letters, digits, "-", "_" and "."'),
  ]).describe("Name of the chart in the repository, for example `cilium`.");
}

const lookupRule = z.strictObject({
  apiVersion: apiVersion().describe("API version that the template names, for example `v1`."),
  kind: z.string().min(1).max(63).describe("Kind that the template names, for example `Secret`."),
  namespace: dnsLabel("namespace")
    .describe("The only namespace to look into. Left out: any, and lists of all namespaces.")
    .exactOptional(),
  name: z
    .string()
    .min(1)
    .max(253)
    .describe("The only object to look up, never a list. Left out: any, and lists.")
    .exactOptional(),
});

/** @param whose templates look */
export function lookupRules(whose: string) {
  return z
    .array(lookupRule)
    .min(1)
    .max(16)
    .meta({ "x-kubernetes-list-type": "atomic" })
    .describe(
      `What ${whose} templates may read from the cluster by \`lookup\`, from 1 to 16 rules. They read as the identity that applies the layer, when the layer is rendered; a later change in the cluster renders nothing anew. What no rule names is not found. Left out: nothing is found.`,
    );
}

/** A chart of a Helm repository or an OCI registry. */
export const helmSource = withRules(
  z.strictObject({
    repo: repositoryUrl().exactOptional(),
    registryRef: registryRef.exactOptional(),
    chart: chartName(),
    version: versionOrExpression("version").describe(
      "Version of the chart: exact (`1.18.2`), or a range as Helm reads it (`1.18.x`, `^1.18.0`, `>=1.18.0 <1.20.0`). A range is resolved to the newest version it takes when the spec changes, never by time alone; the status shows the resolved version.",
    ),
    releaseName: dnsLabel("releaseName", MAX_RELEASE_NAME)
      .describe("Name of the Helm release, at most 53 characters. Defaults to the layer's name.")
      .exactOptional(),
    lookup: lookupRules("the chart's").exactOptional(),
  }),
  [exactlyOneOf(["repo", "registryRef"], "exactly one of repo and registryRef must be set")],
).describe("A Helm chart, rendered by Helm's own code and applied by Strata.");

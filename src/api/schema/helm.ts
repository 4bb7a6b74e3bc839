import { z } from "zod";
import { matching, withRules } from "./rules.ts";
import { dnsLabel, versionRange } from "./text.ts";

const HOST = "([-._a-zA-Z0-9]+|\\[[0-9a-fA-F:]+\\])";

export const MAX_RELEASE_NAME = 53;

/** A chart of a Helm repository or an OCI registry. */
export const helmSource = z
  .strictObject({
    repo: withRules(z.string().max(1024), [
      matching(
        `^(https?|oci)://${HOST}(:[0-9]{1,5})?(/[-._~%+,:=a-zA-Z0-9]*)*$`,
        "repo must be a URL that starts with https://, http:// or oci://, without credentials, query or fragment",
      ),
    ]).describe(
      "URL of the repository: `https://charts.example.com` (or http://) for a Helm repository with an index.yaml, `oci://ghcr.io/example/charts` for the folder of an OCI registry that holds the chart.",
    ),
    chart: withRules(z.string().max(253), [
      matching("^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$", 'chart must consist of letters, digits, "-", "_" and "."'),
    ]).describe("Name of the chart in the repository, for example `cilium`."),
    version: versionRange("version").describe(
      "Version of the chart: exact (`1.18.2`), or a range as Helm reads it (`1.18.x`, `^1.18.0`, `>=1.18.0 <1.20.0`). A range is resolved to the newest version it takes when the spec changes, never by time alone; the status shows the resolved version.",
    ),
    releaseName: dnsLabel("releaseName", MAX_RELEASE_NAME)
      .describe("Name of the Helm release, at most 53 characters. Defaults to the layer's name.")
      .exactOptional(),
  })
  .describe("A Helm chart, rendered by Helm's own code and applied by Strata.");

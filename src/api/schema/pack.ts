import { z } from "zod";
import { chartName, lookupRules, REPOSITORY_URL } from "./helm.ts";
import { namesDiffer, textsDiffer } from "./lists.ts";
import { registryRef } from "./registry-ref.ts";
import { exactlyOneOf, matching, withRules } from "./rules.ts";
import { versionOrExpression, versionRange } from "./text.ts";

const MAX_PRESETS = 32;
/** With 64 layers, more would exceed what the API server lets the rules of one schema cost. */
const MAX_CHARTS = 8;

const packName = () =>
  withRules(z.string().max(128), [
    matching("^[a-z0-9]([-._a-z0-9]*[a-z0-9])?$", 'name must consist of lower case letters, digits, "-", "_" and "."'),
  ]);

// Up to 64 layers with 8 charts each: a rule on an address, which may be long, would be beyond the API server's budget for CEL.
const otherChart = withRules(
  z.strictObject({
    name: chartName().describe("Name of one of the pack's charts, as its Chart.yaml has it."),
    repo: z
      .string()
      .max(1024)
      .regex(new RegExp(REPOSITORY_URL))
      .describe("URL of a repository, as in `helm.repo`.")
      .exactOptional(),
    registryRef: registryRef.exactOptional(),
    version: versionRange("version")
      .describe("Version of the chart there: exact or a range. Left out: that of the pack's chart.")
      .exactOptional(),
  }),
  [exactlyOneOf(["repo", "registryRef"], "exactly one of repo and registryRef must be set")],
);

/** A pack of a Registry. */
export const packSource = z
  .strictObject({
    registryRef,
    name: packName().describe("Name of the pack, for example `ingress-nginx`."),
    version: versionOrExpression("version").describe(
      "Version of the pack: exact, or a range such as `1.2.x`. A range is resolved to the newest version it takes when the spec changes, never by time alone; the status shows the resolved version.",
    ),
    presets: z
      .array(z.string().min(1).max(253))
      .max(MAX_PRESETS)
      .check(textsDiffer)
      .meta({ "x-kubernetes-list-type": "set" })
      .describe(
        "Presets of the pack to apply, by name, or as `group:name` where two groups have one of the same name; at most one of each group.",
      )
      .exactOptional(),
    charts: z
      .array(otherChart)
      .min(1)
      .max(MAX_CHARTS)
      .check(namesDiffer)
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("Charts of the pack that are taken from another place, for example from a company's own registry.")
      .exactOptional(),
    lookup: lookupRules("the charts'").exactOptional(),
  })
  .describe("A pack: one or more charts, or templated manifests, with values of its own.");

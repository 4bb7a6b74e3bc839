import { z } from "zod";
import { onLabels } from "./selector.ts";
import { dnsLabel } from "./text.ts";

const MAX_PATCHES = 32;
const MAX_PATCH = 65_536;

/** Chooses among the objects of a layer. */
export const objectTarget = (description: string) =>
  z
    .strictObject({
      group: z
        .string()
        .max(253)
        .describe('API group of the objects, for example `apps`; `""` is the core group. Left out: any.')
        .exactOptional(),
      version: z
        .string()
        .min(1)
        .max(63)
        .describe("API version of the objects, for example `v1`. Left out: any.")
        .exactOptional(),
      kind: z
        .string()
        .min(1)
        .max(63)
        .describe("Kind of the objects, for example `Deployment`. Left out: any.")
        .exactOptional(),
      name: z
        .string()
        .min(1)
        .max(253)
        .describe("Name of the object, as it is rendered. Left out: any.")
        .exactOptional(),
      namespace: dnsLabel("namespace")
        .describe("Namespace of the objects; those that name none are in the layer's. Left out: any.")
        .exactOptional(),
      labelSelector: onLabels("The objects with these labels. Left out: any.").exactOptional(),
    })
    .describe(description);

const target = objectTarget(
  "Which objects the patch is for: those of which everything that is set here holds. `{}` takes all.",
);

/** Changes of what a source renders, which its values do not allow. */
export const layerPatches = z
  .array(
    z.strictObject({
      target,
      patch: z
        .string()
        .min(1)
        .max(MAX_PATCH)
        .describe(
          "The change, as YAML or JSON: a list is a JSON patch (RFC 6902: `op`, `path`, `value`), a map a merge patch (RFC 7386: maps deep, lists replaced, null takes a field away). Expressions in its scalars are evaluated.",
        ),
    }),
  )
  .min(1)
  .max(MAX_PATCHES)
  .meta({ "x-kubernetes-list-type": "atomic" })
  .describe(
    "Changes to the objects that the source renders, hooks, attachments and a chart's CRDs too, in this order; a Helm release holds what comes out. A patch that matches no object is an error, and so is a path that does not exist. Kind, name and namespace stay.",
  );

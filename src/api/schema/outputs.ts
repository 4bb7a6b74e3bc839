import { z } from "zod";
import { namesDiffer } from "./lists.ts";
import { AS_A_WHOLE } from "./maps.ts";
import { DNS_LABEL, OBJECT_NAME, plainVersionRange, versionRange } from "./text.ts";

const MAX_OUTPUTS = 32;
const MAX_REQUIRED = 64;
const MAX_EXPRESSION = 4096;

// Up to 64 layers with 32 outputs each: rules with sentences would be beyond the API server's budget for CEL.
const API_VERSION = /^([a-z0-9]([-.a-z0-9]*[a-z0-9])?[/])?v[0-9][a-z0-9]*$/;
const OUTPUT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const outputObject = z
  .strictObject({
    apiVersion: z.string().max(317).regex(API_VERSION).describe("API version of the object, for example `v1`."),
    kind: z.string().min(1).max(63).describe("Kind of the object, for example `Service`."),
    name: z.string().max(253).regex(new RegExp(OBJECT_NAME)).describe("Name of the object."),
    namespace: z
      .string()
      .max(63)
      .regex(new RegExp(DNS_LABEL))
      .describe(
        "Namespace of the object. Left out: the layer's, or the profile's. Ignored for an object without namespace.",
      )
      .exactOptional(),
  })
  .describe(
    "The object that gives the value. It is read as whom the layer is applied, and need not be the layer's own.",
  );

const output = z.strictObject({
  name: z
    .string()
    .max(63)
    .regex(OUTPUT_NAME)
    .describe("Name of the output, with which later layers write `layers.<layer>.outputs.<name>`."),
  object: outputObject,
  value: z
    .string()
    .min(1)
    .max(MAX_EXPRESSION)
    .describe(
      "CEL expression over the live object, named `self`, that gives the value, for example `self.status.loadBalancer.ingress[0].ip`. While what it reads is not there, the layers that use the output wait. In a Secret, `self.data` is text, not base64.",
    ),
  sensitive: z
    .boolean()
    .describe("Whether the value must be seen nowhere. One that comes from a Secret always is.")
    .exactOptional(),
});

/** Values of live objects for later layers. */
export const layerOutputs = z
  .array(output)
  .min(1)
  .max(MAX_OUTPUTS)
  .check(namesDiffer)
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
  .describe(
    "Values of live objects, for the expressions of later layers that are applied where this one is (`applyTo`). They are watched: when one changes, the layers that use it follow.",
  );

const requiredLayer = z.strictObject({
  name: z.string().max(63).regex(new RegExp(DNS_LABEL)).describe("Name of a layer before this one."),
  version: plainVersionRange().describe("Versions of its chart or pack that will do, for example `1.18.x`."),
});

/** What must be there before a layer is brought. */
export const layerRequirements = z
  .strictObject({
    kubernetes: versionRange("kubernetes")
      .describe(
        "Versions of Kubernetes that will do, for example `>=1.33`. What follows a `-` or `+` in the cluster's version does not count.",
      )
      .exactOptional(),
    layers: z
      .array(requiredLayer)
      .min(1)
      .max(MAX_REQUIRED)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe("Layers before this one that are applied where it is (`applyTo`), with the versions that will do.")
      .exactOptional(),
  })
  .meta(AS_A_WHOLE)
  .describe(
    "What the layer needs of the cluster and of layers before it. While that is not so, the layer is Blocked with RequirementNotMet: nothing of it is written, and what runs stays.",
  );

import { z } from "zod";
import { layerDrift } from "./drift.ts";
import { expectation, expectationRules } from "./expect.ts";
import { helmSource, MAX_RELEASE_NAME } from "./helm.ts";
import { EVALUATED, manifestSource, NOT_EVALUATED } from "./manifests.ts";
import { AS_A_WHOLE, freeObject, textMap } from "./maps.ts";
import { layerOutputs, layerRequirements } from "./outputs.ts";
import { packSource } from "./pack.ts";
import { layerPatches } from "./patches.ts";
import { exactlyOneOf, onlyWith, withRules } from "./rules.ts";
import { apiVersion, dnsLabel, duration, namespaceOrExpression } from "./text.ts";
import { valuesSource } from "./values.ts";

/** The kinds of layers; the first four are the core of a cluster and stand in this relative order. */
export const LAYER_TYPES = ["OS", "Kubernetes", "Network", "Storage", "AddOn"] as const;
/** What a cluster is made of, in this order. */
export const CORE_TYPES = LAYER_TYPES.filter((type) => type !== "AddOn");

const celExpression = z.string().min(1).max(4096);

const healthCheck = z.strictObject({
  apiVersion: apiVersion().describe(
    "API version of the objects that the check is for, for example `postgresql.cnpg.io/v1`.",
  ),
  kind: z.string().min(1).max(63).describe("Kind of the objects that the check is for, for example `Cluster`."),
  name: z
    .string()
    .min(1)
    .max(253)
    .describe("Name of one object. Left out: every object of this kind in the layer.")
    .exactOptional(),
  namespace: dnsLabel("namespace").describe("Namespace of the objects. Left out: any namespace.").exactOptional(),
  current: celExpression.describe(
    'CEL expression over the live object, named `self`, that is true when it is healthy, for example `self.status.phase == "Running"`.',
  ),
  failed: celExpression
    .describe("CEL expression over the live object, named `self`, that is true when it has failed for good.")
    .exactOptional(),
});

const namespaceMetadata = z
  .strictObject({
    labels: textMap(63)
      .describe("Labels to set, for example `pod-security.kubernetes.io/enforce: privileged`.")
      .exactOptional(),
    annotations: textMap(4096).describe("Annotations to set.").exactOptional(),
  })
  .meta(AS_A_WHOLE)
  .describe(
    "Labels and annotations of the layer's namespace, set before the layer's first object, and again when they change here. A namespace that was there already gets them too, whatever it had in their place.",
  );

const SOURCES = ["pack", "helm", "manifests"] as const;
const CHARTS = ["helm", "pack"] as const;
const oneSource = exactlyOneOf(SOURCES, "exactly one of pack, helm and manifests must be set");

/** One layer of a profile. `namespace` is the shape that references add (see references.ts). */
export function layerSchema<N extends z.ZodRawShape>(namespace: N) {
  const schema = z.strictObject({
    name: dnsLabel("name").describe("Name of the layer, unique in the profile: a DNS label of at most 63 characters."),
    type: z
      .enum(LAYER_TYPES)
      .default("AddOn")
      .describe(
        "What the layer is to the cluster: OS, Kubernetes, Network, Storage or AddOn. At most one of each of the first four, in that relative order, and only in a ClusterProfile.",
      ),
    pack: packSource.exactOptional(),
    helm: helmSource.exactOptional(),
    manifests: z
      .array(manifestSource(namespace, EVALUATED))
      .min(1)
      .max(256)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe("Plain Kubernetes objects, from 1 to 256 sources.")
      .exactOptional(),
    expect: expectation.exactOptional(),
    applyTo: z
      .enum(["Workload", "Management"])
      .describe(
        "Where the layer is applied: Workload is the target cluster, Management the cluster that Strata runs in, once for each target, as the profile's ServiceAccount. Defaults to Workload, for a layer of type OS or Kubernetes with a source to Management. On the target `local` both are the same.",
      )
      .exactOptional(),
    dependsOn: z
      .array(dnsLabel("dependsOn"))
      .min(1)
      .max(16)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe(
        "Names of layers above this one for which it waits, with `ordering: Graph`. Left out, it waits for none. From 1 to 16.",
      )
      .exactOptional(),
    namespace: namespaceOrExpression()
      .describe(
        "Namespace for the layer's namespaced objects that name none; created before them. Defaults to the profile's `spec.namespace`. There is no other default: an object without a namespace is refused by name.",
      )
      .exactOptional(),
    namespaceMetadata: namespaceMetadata.exactOptional(),
    gate: z
      .enum(["Ready", "Applied"])
      .default("Ready")
      .describe("What later layers wait for: Ready (all objects are healthy) or Applied (all objects are written)."),
    timeout: duration("timeout")
      .default("10m")
      .describe(
        "How long the layer may take to become Ready before it counts as Failed; Strata goes on trying. A Go duration from 1s to 24h, for example `90s` or `1h30m`.",
      ),
    healthChecks: z
      .array(healthCheck)
      .max(64)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe(
        "Rules of health for objects of this layer, instead of the built-in one for their kind. The first that matches an object decides.",
      )
      .exactOptional(),
    values: freeObject()
      .describe(
        "Chart values, merged over the chart's own: maps deep, lists replaced, null deletes a key (keep nulls with `kubectl apply --server-side`). Of a pack they have the shape of its values.yaml: `pack`, `charts`, `manifests`. Only with `helm` and `pack`.",
      )
      .exactOptional(),
    valuesFrom: z
      .array(valuesSource(namespace))
      .max(32)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe("More values, merged over `values` in this order; the last one wins. Only with `helm` and `pack`.")
      .exactOptional(),
    expressions: z
      .boolean()
      .describe(
        "Whether expressions (`${{`) are evaluated in the objects of `manifests`, save in CRDs; a source can say otherwise for itself. Whoever writes a source can then read the profile's variables. Only with `manifests`. Defaults to false: they are applied as they are.",
      )
      .exactOptional(),
    crds: z
      .enum(["Skip", "Create", "Upgrade"])
      .describe(
        "What happens to the CRDs in the chart's `crds/` folder: Skip leaves them out, Create writes those that do not exist, Upgrade also updates them. Only with `helm` and `pack`. Defaults to Upgrade.",
      )
      .exactOptional(),
    attachments: z
      .array(manifestSource(namespace, NOT_EVALUATED))
      .min(1)
      .max(64)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe(
        "More objects for a chart, as in `manifests`: written before the chart's hooks and objects, and part of its Helm release (of a pack's first chart, or beside its manifests if it has none). Only with `helm` and `pack`.",
      )
      .exactOptional(),
    patches: layerPatches.exactOptional(),
    test: z
      .enum(["None", "Warn", "Gate"])
      .describe(
        "Whether the chart's tests run once it is Ready: None, Warn (the layer says when one fails) or Gate (later layers wait until they have succeeded). Only with `helm` and `pack`. Defaults to None.",
      )
      .exactOptional(),
    onFailure: z
      .enum(["Stop", "Rollback"])
      .describe(
        "What happens when an upgrade fails or does not become Ready in time: Stop leaves it as it is and tries on, Rollback goes back to the last revision that was Ready and stays there until the layer changes. Only with `helm` and `pack`. Defaults to Stop.",
      )
      .exactOptional(),
    maxHistory: z
      .int32()
      .min(1)
      .max(100)
      .describe(
        "How many revisions of the Helm release are kept, as `helm history` shows them. Only with `helm` and `pack`. Defaults to 10.",
      )
      .exactOptional(),
    adoption: z
      .enum(["Never", "IfUnowned", "SameRelease", "Always"])
      .default("IfUnowned")
      .describe(
        "What happens when an object of the layer exists already: Never is a conflict, IfUnowned takes it over unless another tool or owner manages it, SameRelease also takes over the Helm release of the same name, namespace and chart and continues its history, Always also takes over what another tool manages. What a controller has, or what says `strata.dev/reconcile: Disabled`, is a conflict in any case, and so is what another profile has, save one of a lower tier.",
      ),
    recreate: z
      .boolean()
      .describe(
        "Whether an object is deleted and created again when a field changes that Kubernetes does not let change, such as the template of a Job: what it runs stops in between. Never a CustomResourceDefinition, Namespace, PersistentVolume or PersistentVolumeClaim, nor what was there before Strata (unless `adoption` is Always). Defaults to false: the layer fails and says so.",
      )
      .exactOptional(),
    prune: z
      .enum(["AfterApply", "Never"])
      .default("AfterApply")
      .describe(
        "When objects go that the layer no longer holds: AfterApply (right after the others are written) or Never.",
      ),
    drift: layerDrift.exactOptional(),
    when: celExpression
      .describe(
        'CEL expression (without `${{`) that decides whether this cluster gets the layer, for example `cluster.labels["gpu"] == "yes"`. While it is false, the layer is Skipped: its objects are removed as when it had left the list, and later layers go on.',
      )
      .exactOptional(),
    suspend: z
      .boolean()
      .describe(
        "Leaves the layer as it is: nothing of it is rendered, written, repaired or removed, its gate stays as it is, and the profile's Ready stays as it was. Deleting the profile, or taking the layer out of the list, removes it all the same. Defaults to false.",
      )
      .exactOptional(),
    requires: layerRequirements.exactOptional(),
    outputs: layerOutputs.exactOptional(),
  });
  return withRules(schema, [
    {
      cel: `${oneSource.cel} || (has(self.expect) && !has(self.pack) && !has(self.helm) && !has(self.manifests))`,
      message: `${oneSource.message}, or expect alone`,
      check: (layer) =>
        oneSource.check(layer) ||
        (layer.expect !== undefined && SOURCES.every((source) => layer[source] === undefined)),
    },
    {
      cel: "!has(self.expect) || self.type != 'AddOn'",
      message: "expect is only for a layer of type OS, Kubernetes, Network or Storage",
      check: ({ expect, type }) => expect === undefined || type !== "AddOn",
    },
    ...expectationRules,
    onlyWith("values", CHARTS, "values are only for a layer with helm or pack"),
    onlyWith("valuesFrom", CHARTS, "valuesFrom is only for a layer with helm or pack"),
    onlyWith("expressions", ["manifests"], "expressions is only for a layer with manifests"),
    onlyWith("patches", SOURCES, "patches are only for a layer with pack, helm or manifests"),
    onlyWith("crds", CHARTS, "crds is only for a layer with helm or pack"),
    onlyWith("attachments", CHARTS, "attachments are only for a layer with helm or pack"),
    onlyWith("test", CHARTS, "test is only for a layer with helm or pack"),
    onlyWith("onFailure", CHARTS, "onFailure is only for a layer with helm or pack"),
    onlyWith("maxHistory", CHARTS, "maxHistory is only for a layer with helm or pack"),
    {
      cel: `!has(self.helm) || has(self.helm.releaseName) || size(self.name) <= ${MAX_RELEASE_NAME}`,
      message: `a Helm release has a name of at most ${MAX_RELEASE_NAME} characters: shorten the layer's name or set helm.releaseName`,
      check: ({ helm, name }) =>
        helm === undefined || helm.releaseName !== undefined || name.length <= MAX_RELEASE_NAME,
    },
  ]).describe(
    "One layer: a pack, a Helm chart or plain manifests, brought to the cluster when the layers before it have opened their gate.",
  );
}

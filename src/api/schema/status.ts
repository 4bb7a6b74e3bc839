import { z } from "zod";
import { LAYER_TYPES } from "./layer.ts";

/** A layer's state, in one word. */
export const LAYER_STATES = [
  "Pending",
  "Resolving",
  "Applying",
  "Waiting",
  "Ready",
  "Drifted",
  "Failed",
  "Blocked",
  "Skipped",
  "Suspended",
  "Removing",
] as const;

/** Longest message in a status: a few sentences. Rows and their lists are bounded so that a status stays under 64 KiB. */
export const MAX_MESSAGE = 1024;
export const MAX_ROWS = 64;
export const MAX_UNHEALTHY = 10;
export const MAX_COUNTS = 32;
export const MAX_SOURCE = 512;
export const MAX_PARTS = 32;
export const MAX_WARNINGS = 10;
export const MAX_JOBS = 64;

const time = z.iso.datetime({ offset: true });
const count = z.int32().min(0);
const generation = z.int().min(0);
const message = z.string().max(MAX_MESSAGE);
const digest = z.string().max(128);

const condition = z.object({
  type: z.string().max(316).describe("Type of the condition, for example `Ready`."),
  status: z.enum(["True", "False", "Unknown"]).describe("Whether the condition holds: True, False or Unknown."),
  observedGeneration: generation
    .describe("Generation of the object's spec that the condition speaks of.")
    .exactOptional(),
  lastTransitionTime: time.describe("When `status` last changed."),
  reason: z.string().max(1024).describe("Reason in one CamelCase word, for programs."),
  message: z.string().max(32_768).describe("Reason in a sentence, for people; it names the culprit."),
});

const conditions = (description: string) =>
  z
    .array(condition)
    .max(16)
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] })
    .describe(description)
    .exactOptional();

const observedGeneration = generation
  .describe("Generation of the spec that this status speaks of; it moves in the write that sets Ready for it.")
  .exactOptional();

const rowFields = {
  name: z.string().max(63).describe("Name of the layer."),
  type: z.enum(LAYER_TYPES).describe("Type of the layer.").exactOptional(),
  source: z
    .string()
    .max(MAX_SOURCE)
    .describe("Where the layer comes from, for example `helm https://helm.cilium.io/cilium` or `manifests`.")
    .exactOptional(),
  version: z
    .string()
    .max(128)
    .describe(
      "What the layer's source was resolved to: the version of a chart or an artifact, the revision of a Flux source.",
    )
    .exactOptional(),
  digest: digest.describe("Digest of the layer's content: what is applied, or on its way.").exactOptional(),
  state: z
    .enum(LAYER_STATES)
    .describe(
      "Pending (its turn has not come), Resolving (fetching and rendering), Applying (writing objects), Waiting (applied, not healthy yet), Ready, Drifted (somebody changed an object), Failed (tried again; the message says why), Blocked (something else must change first), Skipped (its `when` is false), Suspended (left as it is) or Removing.",
    ),
  reason: z.string().max(128).describe("Reason for the state in one CamelCase word.").exactOptional(),
  message: message.describe("Reason for the state in a sentence that names the culprit.").exactOptional(),
  lastTransitionTime: time.describe("When `state` last changed.").exactOptional(),
};

const rollUpRow = z
  .object({
    ...rowFields,
    ready: z
      .string()
      .max(32)
      .describe("Clusters on which the layer is Ready, of all, for example `2/3`.")
      .exactOptional(),
  })
  .describe("One layer over all clusters: the worst of its states.");

const rowList = <S extends z.ZodType>(row: S) =>
  z
    .array(row)
    .max(MAX_ROWS)
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] });

const summaryFields = {
  layer: z.string().max(63).describe("First layer that is not Ready.").exactOptional(),
  message: message.describe("Why it is not Ready, in a sentence.").exactOptional(),
};

const truncated = z
  .boolean()
  .describe("Whether lists or messages were cut to keep the status small. Counts stay exact.")
  .exactOptional();

const PROFILE_CONDITIONS =
  "Ready (all layers are Ready on all clusters), Reconciling (Strata is at work) and Stalled (a person must act); Suspended while layers are left as they are; Drifted while something that somebody changed is left so. A ClusterProfile also has CoreLayersComplete (it has all four core layers).";

export const profileStatus = z
  .object({
    observedGeneration,
    conditions: conditions(PROFILE_CONDITIONS),
    summary: z
      .object({
        clusters: z
          .string()
          .max(32)
          .describe("Clusters on which all layers are Ready, of all, for example `2/3`.")
          .exactOptional(),
        ...summaryFields,
      })
      .describe("What `kubectl get` shows.")
      .exactOptional(),
    clusters: count.describe("Number of clusters that the profile goes to.").exactOptional(),
    readyClusters: count.describe("Number of clusters on which all layers are Ready.").exactOptional(),
    layers: rowList(rollUpRow).describe("The layers in order, each over all clusters.").exactOptional(),
    truncated,
  })
  .describe("What the layers are doing, over all clusters. The story of one cluster is in its ProfileDeployment.");

const kindCount = z.object({
  kind: z
    .string()
    .max(317)
    .describe("Kind of the objects, with its group outside the core group, for example `Deployment.apps`."),
  ready: count.describe("Number of objects that are healthy."),
  total: count.describe("Number of objects in the layer."),
});

const unhealthyObject = z.object({
  object: z.string().max(512).describe("The object, for example `DaemonSet csi/csi-node`."),
  message: message.describe("What is wrong with it."),
});

const runFields = {
  object: z.string().max(512).describe("The object, for example `Job shop/migrate`."),
  digest: digest.describe("Digest of the manifest that it was made from."),
};

/** What a layer, and each part of a pack, tells of one cluster. */
const progressFields = {
  ready: z
    .string()
    .max(32)
    .describe("Objects that are healthy, of all objects of the layer, for example `3/4`.")
    .exactOptional(),
  gate: z.enum(["Open", "Closed"]).describe("Whether later layers may go on: Open or Closed.").exactOptional(),
  counts: z
    .array(kindCount)
    .max(MAX_COUNTS)
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["kind"] })
    .describe("Objects of the layer by kind.")
    .exactOptional(),
  unhealthy: z
    .array(unhealthyObject)
    .max(MAX_UNHEALTHY)
    .meta({ "x-kubernetes-list-type": "atomic" })
    .describe("Up to 10 objects that are not healthy, and why.")
    .exactOptional(),
  appliedAt: time.describe("When all objects of the present content were first written.").exactOptional(),
  readyAt: time.describe("When the present content was first Ready.").exactOptional(),
  inputsDigest: digest
    .describe("Digest of everything that the content was made from: the layer, its values and references.")
    .exactOptional(),
  readyDigest: digest
    .describe(
      "Digest of the content with which the layer was last Ready; while it is the present one, the gate stays open.",
    )
    .exactOptional(),
  readyObjects: count
    .describe(
      "Number of objects that the layer had when it was last Ready: by it is measured whether too many of them would go.",
    )
    .exactOptional(),
  stateBefore: z
    .enum(LAYER_STATES)
    .describe(
      "Of a layer that is suspended, or that has drifted and is left so: the state in which it was, which is what counts for Ready.",
    )
    .exactOptional(),
  writtenAt: time
    .describe("When Strata last wrote an object of the layer, by the clock of the cluster.")
    .exactOptional(),
  finished: z
    .array(z.object({ ...runFields, failed: z.boolean().describe("Whether it failed.").exactOptional() }))
    .max(MAX_JOBS)
    .meta({ "x-kubernetes-list-type": "atomic" })
    .describe(
      "Objects that the cluster deletes by itself when they are done, such as a Job with `ttlSecondsAfterFinished`, and that are: each is created again only when its manifest changes.",
    )
    .exactOptional(),
  running: z
    .array(z.object({ ...runFields, uid: z.string().max(128).describe("Its uid.") }))
    .max(MAX_JOBS)
    .meta({ "x-kubernetes-list-type": "atomic" })
    .describe(
      "Jobs with `ttlSecondsAfterFinished` that are not done: of one that is gone when Strata looks again, the events about this uid tell whether it ended.",
    )
    .exactOptional(),
};

const packPart = z
  .object({
    ...rowFields,
    ...progressFields,
    name: z
      .string()
      .max(63)
      .describe("Name of the part: that of the layer, a dot, and that of the chart, or `manifests`."),
  })
  .describe("One chart of a pack, or its manifests.");

const deploymentRow = z.object({
  ...rowFields,
  ...progressFields,
  parts: z
    .array(packPart)
    .max(MAX_PARTS)
    .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
    .describe("Of a pack: its charts and manifests, in the order in which they are brought.")
    .exactOptional(),
  warnings: z
    .array(message)
    .max(MAX_WARNINGS)
    .meta({ "x-kubernetes-list-type": "atomic" })
    .describe(
      "Up to 10 things that a person should look at, though nothing stands in the way, such as a value that has no effect.",
    )
    .exactOptional(),
});

const variableRow = z.object({
  name: z.string().max(63).describe("Name of the variable."),
  source: z
    .string()
    .max(512)
    .describe("What gives its value on this cluster, for example `TargetCluster edge-17` or `default`."),
  digest: digest.describe("Of an immutable variable: keyed digest of the value that it must keep.").exactOptional(),
});

export const deploymentStatus = z
  .object({
    observedGeneration,
    profileGeneration: generation.describe("Generation of the profile that this status speaks of.").exactOptional(),
    conditions: conditions(PROFILE_CONDITIONS),
    summary: z.object(summaryFields).describe("What `kubectl get` shows.").exactOptional(),
    variables: z
      .array(variableRow)
      .max(128)
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] })
      .describe("The variables that have a value here, and where each comes from. Never the value.")
      .exactOptional(),
    layers: rowList(deploymentRow).describe("The layers in order, then those that are being removed.").exactOptional(),
    truncated,
  })
  .describe("What each layer is doing on this cluster.");

export const targetClusterStatus = z
  .object({
    observedGeneration,
    conditions: conditions("Ready: the cluster answers and accepts the credentials."),
    kubernetesVersion: z
      .string()
      .max(64)
      .describe("Version of the cluster's API server, for example `v1.36.3`.")
      .exactOptional(),
    uid: z
      .string()
      .max(64)
      .describe("Uid of the cluster's kube-system namespace: it tells clusters apart, however they are reached.")
      .exactOptional(),
  })
  .describe("What Strata last saw of the cluster.");

export const registryStatus = z
  .object({
    observedGeneration,
    conditions: conditions("Ready: the registry answers, with the credentials where it asks for them."),
    lastSyncTime: time.describe("When the registry last answered and its list was read.").exactOptional(),
    entries: count
      .describe(
        "Charts, packs or repositories that it has. Absent where it does not tell, as most public OCI registries.",
      )
      .exactOptional(),
    inputsDigest: digest
      .describe("Digest of the spec and of the versions of its Secrets with which it was last asked.")
      .exactOptional(),
  })
  .describe("What Strata last saw of the registry.");

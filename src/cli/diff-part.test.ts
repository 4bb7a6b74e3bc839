import { describe, expect, it } from "vitest";
import type { Profile, TargetCluster } from "../api/types.ts";
import { ApiError } from "../kube/api-error.ts";
import { type Choice, comparedPart, type Part } from "./diff-part.ts";
import type { DiffTarget } from "./diff-target.ts";

const HUB = "uid-of-the-hub";
const EDGE = "uid-of-edge";
const signal = new AbortController().signal;
const refused = new ApiError({
  status: 403,
  reason: "Forbidden",
  message: "no",
  causes: [],
  details: {},
  retryAfterMs: undefined,
  request: { verb: "get", resource: "namespaces" },
});

const profile = (spec: object, kind = "ClusterProfile"): Profile =>
  ({
    apiVersion: "strata.dev/v1alpha1",
    kind,
    metadata: { name: "base", ...(kind === "SystemProfile" ? {} : { namespace: "acme" }) },
    spec: {
      layers: [
        { name: "vpc", type: "AddOn", applyTo: "Management" },
        { name: "cni", type: "AddOn" },
      ],
      ...spec,
    },
  }) as unknown as Profile;
const onEdge = profile({ clusterRefs: [{ name: "edge" }] });

const cluster = (uid?: string, metadata: object = {}): TargetCluster =>
  ({
    apiVersion: "strata.dev/v1alpha1",
    kind: "TargetCluster",
    metadata: { name: "edge", namespace: "acme", ...metadata },
    spec: { connection: { kubeconfigSecretRef: { name: "edge" } } },
    ...(uid === undefined ? {} : { status: { uid } }),
  }) as TargetCluster;

/** The cluster of a context. */
interface Context {
  /** Of its kube-system. */
  uid: string | "hidden";
  /** On a hub: the TargetCluster that it has. */
  hub?: TargetCluster | "none" | "hidden";
}

function targetOf({ uid, hub }: Context): DiffTarget {
  const answer = (of: object | "none" | "hidden" | undefined): object | undefined => {
    if (of === "hidden") throw refused;
    return of === "none" ? undefined : of;
  };
  const find = async ({ kind }: { kind: string }) =>
    answer(kind === "Namespace" ? (uid === "hidden" ? uid : { metadata: { uid } }) : hub);
  return { client: { find }, isHub: hub !== undefined } as unknown as DiffTarget;
}

interface Asked {
  profile?: Profile;
  files?: readonly TargetCluster[];
  choice?: Partial<Choice>;
}

function partOf(context: Context, { profile: asked = onEdge, files = [], choice = {} }: Asked = {}): Promise<Part> {
  const sources = {
    target: targetOf(context),
    clusters: files,
    choice: { cluster: "edge", management: false, ...choice },
  };
  return comparedPart(asked, sources, signal);
}

const layersOf = ({ profile: { spec } }: Part): string[] => spec.layers.map(({ name }) => name);

describe("what is for a cluster is compared with no other one", () => {
  const elsewhere = "the cluster of this context is not TargetCluster acme/edge (its kube-system has the uid ";

  it.each<[what: string, context: Context, files: readonly TargetCluster[]]>([
    ["not with the hub, which knows the cluster", { uid: HUB, hub: cluster(EDGE) }, []],
    ["nor when the TargetCluster is in the files", { uid: HUB, hub: cluster(EDGE) }, [cluster()]],
    ["nor with another cluster, as the files know it", { uid: "third" }, [cluster(EDGE)]],
  ])("%s", async (_, context, files) => {
    const sentence = `${elsewhere}${context.uid}, and that of the TargetCluster has ${EDGE}): name the TargetCluster's own context with --context`;
    const others = context.hub ? ", or say --management for what is applied here, on the hub, for it" : "";
    await expect(partOf(context, { files })).rejects.toMatchObject({ message: sentence + others });
  });

  it.each<[what: string, context: Context, files: readonly TargetCluster[]]>([
    ["with the cluster itself", { uid: EDGE }, [cluster(EDGE)]],
    ["with the hub, where it is the cluster under another name", { uid: HUB, hub: cluster(HUB) }, []],
    ["also when the files remember another one", { uid: HUB, hub: cluster(HUB) }, [cluster(EDGE)]],
    ["with what the context leads to, while nobody knows the cluster", { uid: HUB, hub: cluster() }, []],
    ["where the hub does not have it", { uid: HUB, hub: "none" }, [cluster()]],
    ["where it does not show it", { uid: HUB, hub: "hidden" }, [cluster()]],
    ["where the person may not see which one it is", { uid: "hidden", hub: cluster(EDGE) }, []],
  ])("%s", async (_, context, files) => {
    expect(layersOf(await partOf(context, { files }))).toEqual(["cni"]);
  });

  it("what is applied on the hub is compared with the hub", async () => {
    const part = await partOf({ uid: HUB, hub: cluster(EDGE) }, { choice: { management: true } });
    expect([part.side, ...layersOf(part)]).toEqual(["Management", "vpc"]);
  });
});

it("what is known of a cluster says the hub, how it is to be say the files", async () => {
  const files = [cluster(undefined, { labels: { env: "prod" } })];
  const { cluster: seen } = await partOf({ uid: EDGE, hub: cluster(EDGE) }, { files });
  expect(seen?.target).toMatchObject({ metadata: { labels: { env: "prod" } }, status: { uid: EDGE } });
});

describe("a cluster of another namespace", () => {
  const other = cluster(undefined, { namespace: "other", labels: { env: "prod" } });
  const selector = { clusterSelector: { matchLabels: { env: "prod" } } };
  const choice = { cluster: "other/edge" };

  it.each([
    ["is selected by no tenant's profile", selector],
    ["is named by none", { clusterRefs: [{ name: "edge" }] }],
  ])("%s", async (_, spec) => {
    const asked = partOf({ uid: EDGE }, { profile: profile(spec), files: [other], choice });
    await expect(asked).rejects.toThrow(
      "it does not go to TargetCluster other/edge: its clusterRefs or clusterSelector, or the namespace, do not match",
    );
  });

  it("is one of a SystemProfile", async () => {
    const system = profile({ ...selector, namespaceSelector: {} }, "SystemProfile");
    const part = await partOf({ uid: EDGE }, { profile: system, files: [other], choice });
    expect(part.cluster?.target?.metadata.namespace).toBe("other");
  });
});

import { z } from "zod";
import type { Result } from "../objects/types.ts";
import {
  ADD_ON_PROFILE,
  CLUSTER_PROFILE,
  type KindDefinition,
  PROFILE_DEPLOYMENT,
  REGISTRY,
  SYSTEM_PROFILE,
  TARGET_CLUSTER,
} from "./kinds.ts";
import { API_VERSION } from "./names.ts";
import { issueSentence, problemsOf, unsupportedValue } from "./problems.ts";
import { objectName } from "./schema/text.ts";
import type { Profile, ProfileDeployment, ProfileKind, Registry, TargetCluster } from "./types.ts";

/** Kubernetes knows `metadata`; only what Strata relies on is looked at, and everything is kept. */
const metadata = z.looseObject({ name: objectName("metadata.name"), namespace: z.string().exactOptional() });

/**
 * What kubectl takes for a file that names no namespace, on a machine whose context names none either. Objects from an
 * API server always have one.
 */
const DEFAULT_NAMESPACE = "default";

const PROFILES: Record<ProfileKind, z.ZodType> = {
  ClusterProfile: resource(CLUSTER_PROFILE),
  AddOnProfile: resource(ADD_ON_PROFILE),
  SystemProfile: resource(SYSTEM_PROFILE),
};
const TARGET_CLUSTERS = resource(TARGET_CLUSTER);
const PROFILE_DEPLOYMENTS = resource(PROFILE_DEPLOYMENT);
const REGISTRIES = resource(REGISTRY);

/**
 * Reads a ClusterProfile, AddOnProfile or SystemProfile from JSON-like data and fills in the defaults. The problems are
 * sentences led by the path of the field: those that the API server would have, unknown fields and CEL rules included.
 * A status that does not fit (written by another version of Strata) is left out: it is worked out anew.
 */
export function parseProfile(object: unknown): Result<Profile> {
  const kind = kindOf(object);
  if (!isProfileKind(kind)) return { ok: false, problems: [`kind: ${unsupportedValue(kind, Object.keys(PROFILES))}`] };
  return parseAs<Profile>(PROFILES[kind], object);
}

/** Whether `kind` is one of the three kinds of profiles. */
export function isProfileKind(kind: unknown): kind is ProfileKind {
  return typeof kind === "string" && Object.hasOwn(PROFILES, kind);
}

/** Reads a TargetCluster, as parseProfile does a profile. */
export function parseTargetCluster(object: unknown): Result<TargetCluster> {
  return parseAs<TargetCluster>(TARGET_CLUSTERS, object);
}

/** Reads a ProfileDeployment, as parseProfile does a profile. */
export function parseDeployment(object: unknown): Result<ProfileDeployment> {
  return parseAs<ProfileDeployment>(PROFILE_DEPLOYMENTS, object);
}

/** Reads a Registry, as parseProfile does a profile. */
export function parseRegistry(object: unknown): Result<Registry> {
  return parseAs<Registry>(REGISTRIES, object);
}

function resource({ kind, scope, spec, status, rules }: KindDefinition): z.ZodType {
  return z
    .strictObject({
      apiVersion: z.literal(API_VERSION),
      kind: z.literal(kind),
      metadata: scope === "Cluster" ? metadata : metadata.transform(withNamespace),
      spec,
      status: status.optional().catch(undefined),
    })
    .check((context) => {
      for (const rule of rules) {
        if (!rule.check(context.value)) {
          context.issues.push({ code: "custom", message: rule.message, input: context.value, continue: true });
        }
      }
    });
}

function withNamespace<M extends { namespace?: string }>(meta: M): M {
  return meta.namespace === undefined ? { ...meta, namespace: DEFAULT_NAMESPACE } : meta;
}

/** The types are derived from the very schemas that parse, which is what makes this cast sound. */
function parseAs<T extends object>(schema: z.ZodType, object: unknown): Result<T> {
  const parsed = schema.safeParse(object, { error: issueSentence });
  if (!parsed.success) return { ok: false, problems: problemsOf(parsed.error) };
  const { status, ...rest } = parsed.data as { status?: unknown };
  return { ok: true, value: (status === undefined ? rest : { ...rest, status }) as T };
}

function kindOf(object: unknown): unknown {
  return typeof object === "object" && object !== null && "kind" in object ? object.kind : undefined;
}

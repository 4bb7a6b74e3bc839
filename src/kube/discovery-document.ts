import { z } from "zod";
import { Failure } from "../errors.ts";
import type { Resource } from "./resource.ts";

/** One API group of a discovery document. */
export interface DiscoveredGroup {
  readonly name: string;
  /** All served versions, preferred first. */
  readonly resources: readonly Resource[];
  /** Versions whose (aggregated) server did not answer when the document was made. */
  readonly stale: readonly string[];
}

const resourceSchema = z.object({
  resource: z.string(),
  responseKind: z.object({ kind: z.string() }).optional(),
  scope: z.string(),
  verbs: z.array(z.string()).default([]),
  shortNames: z.array(z.string()).optional(),
  subresources: z
    .array(z.object({ subresource: z.string(), responseKind: z.object({ kind: z.string() }).optional() }))
    .default([]),
});

const documentSchema = z.object({
  kind: z.literal("APIGroupDiscoveryList"),
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string().default("") }).default({ name: "" }),
      versions: z
        .array(
          z.object({
            version: z.string(),
            freshness: z.string().optional(),
            resources: z.array(z.unknown()).default([]),
          }),
        )
        .default([]),
    }),
  ),
});

/**
 * The groups of an `APIGroupDiscoveryList`. A resource that an aggregated API describes badly is left out, so that it
 * does not take the others with it.
 *
 * @throws Failure `ServerError` if it is another document: servers before Kubernetes 1.30 do not make this one.
 */
export function groupsFrom(body: unknown): DiscoveredGroup[] {
  const document = documentSchema.safeParse(body);
  if (!document.success) {
    throw new Failure(
      "ServerError",
      "the server does not answer aggregated discovery: Kubernetes 1.33 or later is needed",
    );
  }
  return document.data.items.map(({ metadata, versions }) => ({
    name: metadata.name,
    resources: versions.flatMap(({ version, resources }) =>
      resources.flatMap((entry) => resourceFrom(entry, metadata.name, version)),
    ),
    stale: versions.filter(({ freshness }) => freshness === "Stale").map(({ version }) => version),
  }));
}

/** A stale version comes with no resources when its server never answered this API server: the known ones stay. */
export function mergeStale(groups: readonly DiscoveredGroup[], before: readonly DiscoveredGroup[]): DiscoveredGroup[] {
  return groups.map((group) => {
    const known = before.find(({ name }) => name === group.name)?.resources ?? [];
    const lost = group.stale.filter((version) => !group.resources.some((resource) => resource.version === version));
    return { ...group, resources: [...group.resources, ...known.filter(({ version }) => lost.includes(version))] };
  });
}

function resourceFrom(entry: unknown, group: string, version: string): Resource[] {
  const parsed = resourceSchema.safeParse(entry);
  if (!parsed.success || parsed.data.responseKind === undefined) {
    return [];
  }
  const { resource, responseKind, scope, verbs, shortNames, subresources } = parsed.data;
  const answers = new Set(subresources.flatMap((one) => one.responseKind?.kind ?? []));
  answers.delete(responseKind.kind);
  return [
    {
      group,
      version,
      kind: responseKind.kind,
      plural: resource,
      namespaced: scope === "Namespaced",
      verbs,
      hasStatus: subresources.some(({ subresource }) => subresource === "status"),
      ...(answers.size > 0 && { subresourceKinds: [...answers] }),
      ...(shortNames && { shortNames }),
    },
  ];
}

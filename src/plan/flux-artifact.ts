import { FLUX_KINDS } from "../api/schema/manifests.ts";
import type { KubeObject } from "../objects/types.ts";

/** The group of Flux's sources. */
export const FLUX_GROUP = "source.toolkit.fluxcd.io";

export type FluxKind = (typeof FLUX_KINDS)[number];

/** The files of a Flux source as it has them now. */
export interface FluxArtifact {
  /** `GitRepository acme/apps`. */
  source: string;
  url: string;
  /** `sha256:<hex>` of the packed files, as the source says it. */
  digest: string;
  /** For people: `main@sha1:4f2a…`. */
  revision: string;
}

export function isFluxKind(kind: string): kind is FluxKind {
  return (FLUX_KINDS as readonly string[]).includes(kind);
}

const MAX_WORDS = 200;

/** The artifact of a source, or in words why there is none. */
export function artifactOf(object: KubeObject, source: string): FluxArtifact | string {
  const status = mapOf(object["status"]);
  const { url, digest, revision } = mapOf(status["artifact"]);
  if (typeof url !== "string" || url === "") return `${source} has no artifact yet${readyWords(status["conditions"])}`;
  if (typeof digest !== "string" || !/^[a-z0-9]+:[0-9a-f]+$/.test(digest))
    return `${source} has an artifact without a digest: it cannot be verified`;
  return { source, url, digest, revision: typeof revision === "string" ? revision : "" };
}

/** What the source itself says of why it is not ready. */
function readyWords(conditions: unknown): string {
  const list: unknown[] = Array.isArray(conditions) ? conditions : [];
  const { message } = list.map(mapOf).find(({ type, status }) => type === "Ready" && status !== "True") ?? {};
  if (typeof message !== "string" || message === "") return "";
  return `: ${message.length > MAX_WORDS ? `${message.slice(0, MAX_WORDS)}…` : message}`;
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

import type { KubeObject, OwnerReference } from "../objects/types.ts";

/**
 * Readers that never throw: live objects of custom kinds hold whatever their schema lets in, and a verdict must come
 * out of all of it. A field of the wrong type counts as absent.
 */
export type Fields = Record<string, unknown>;

const NONE: Fields = Object.freeze({});

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function mapAt(from: unknown, ...path: string[]): Fields {
  let value: unknown = from;
  for (const key of path) value = isFields(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isFields(value) ? value : NONE;
}

export function listAt(from: Fields, key: string): Fields[] {
  const value = Object.hasOwn(from, key) ? from[key] : undefined;
  return Array.isArray(value) ? value.filter(isFields) : [];
}

export function textAt(from: Fields, key: string): string {
  const value = Object.hasOwn(from, key) ? from[key] : undefined;
  return typeof value === "string" ? value : "";
}

export function numberAt(from: Fields, key: string): number | undefined {
  const value = Object.hasOwn(from, key) ? from[key] : undefined;
  if (typeof value === "bigint") return Number(value);
  return typeof value === "number" && Number.isInteger(value) ? value : undefined;
}

export function countAt(from: Fields, key: string, otherwise = 0): number {
  return numberAt(from, key) ?? otherwise;
}

export const specOf = (object: KubeObject): Fields => mapAt(object, "spec");

export const statusOf = (object: KubeObject): Fields => mapAt(object, "status");

/** One entry of the conditions convention. Absent texts are empty. */
export interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration: number | undefined;
}

export function conditionsOf(object: KubeObject): Condition[] {
  return listAt(statusOf(object), "conditions").map((entry) => ({
    type: textAt(entry, "type"),
    status: textAt(entry, "status"),
    reason: textAt(entry, "reason"),
    message: textAt(entry, "message"),
    observedGeneration: numberAt(entry, "observedGeneration"),
  }));
}

export function conditionOf(object: KubeObject, type: string): Condition | undefined {
  return conditionsOf(object).find((condition) => condition.type === type);
}

export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

/** `Deployment.apps`, as kubectl writes it; core kinds stand alone: `Pod`. */
export function kindKey(group: string, kind: string): string {
  return group === "" ? kind : `${kind}.${group}`;
}

export const kindKeyOf = (object: KubeObject): string => kindKey(groupOf(object.apiVersion), object.kind);

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export const nameOf = (object: KubeObject): string => object.metadata.name ?? "";

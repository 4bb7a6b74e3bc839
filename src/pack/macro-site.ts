import { isExactNumber } from "../objects/json.ts";
import type { TreePath } from "./macro-lookup.ts";
import type { MacroScalar } from "./macro-text.ts";
import type { MacroDocument } from "./macro-types.ts";

/** What is not known yet, because an expression waits for its answer. */
export const PENDING = Symbol("pending");
/** What has a problem, which is told already. */
export const FAILED = Symbol("failed");
export type Unsettled = typeof PENDING | typeof FAILED;

/** A place in a document's tree. */
export interface Place {
  document: MacroDocument;
  path: TreePath;
}

/** A string or key that has macros. */
export interface Site extends Place {
  role: "key" | "value";
  scalar: MacroScalar;
}

export function isUnsettled(value: unknown): value is Unsettled {
  return value === PENDING || value === FAILED;
}

/** The worst of several: a failure also while others are still pending. */
export function unsettledOf(values: readonly unknown[]): Unsettled | undefined {
  if (values.includes(FAILED)) return FAILED;
  return values.includes(PENDING) ? PENDING : undefined;
}

export function below({ document, path }: Place, step: string | number): Place {
  return { document, path: [...path, step] };
}

/** What a site is known by in its document. */
export function idOf({ role, path }: Site): string {
  return JSON.stringify([role, ...path]);
}

/** Layer, file and line of a site's first macro. */
export function whereOf({ scalar }: Pick<Site, "scalar">): string {
  return scalar.parts.find((part) => typeof part !== "string")?.where ?? "";
}

/** How many maps and lists stand inside of one another. */
export function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null || isExactNumber(value)) return 0;
  return 1 + Object.values(value).reduce((deepest: number, item) => Math.max(deepest, depthOf(item)), 0);
}

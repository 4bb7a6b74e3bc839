/**
 * What this room needs to know of the API server's errors, read by shape: rooms at the edge do not import each other.
 */

/** A 409: the object exists, its version moved, or another manager owns a field. */
export function isConflictError(error: unknown): boolean {
  return statusOf(error) === 409;
}

export function isNotFoundError(error: unknown): boolean {
  return statusOf(error) === 404;
}

export function isForbiddenError(error: unknown): boolean {
  return statusOf(error) === 403;
}

/** A 422 without causes: the `test` of a JSON patch met another version. */
export function isFailedTest(error: unknown): boolean {
  const { causes = [] } = error as { causes?: readonly unknown[] };
  return statusOf(error) === 422 && causes.length === 0;
}

/** The fields that another manager owns, from the answer to an apply without force. */
export function fieldConflictsOf(error: unknown): readonly { field: string; manager: string }[] {
  const conflicts = (error as { fieldConflicts?: unknown } | undefined)?.fieldConflicts;
  return Array.isArray(conflicts) ? conflicts : [];
}

function statusOf(error: unknown): unknown {
  return (error as { status?: unknown } | undefined)?.status;
}

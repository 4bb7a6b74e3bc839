import { z } from "zod";

const MAX_ENTRIES = 64;

/** A map of text to text, as labels and annotations are, with at most 64 entries. */
export function textMap(maxValueLength: number) {
  return z
    .record(z.string(), z.string().max(maxValueLength))
    .check((context) => {
      const size = Object.keys(context.value).length;
      if (size > MAX_ENTRIES) {
        const message = `must have at most ${MAX_ENTRIES} items`;
        context.issues.push({ code: "custom", message, input: context.value, continue: true });
      }
    })
    .meta({ maxProperties: MAX_ENTRIES });
}

/**
 * What server-side apply takes as a whole. Merged field by field, a map whose last entry is left out becomes null there, and not
 * empty (structured-merge-diff): the API server refuses that, and in values a null deletes a key.
 */
export const AS_A_WHOLE = { "x-kubernetes-map-type": "atomic" };

/** A free JSON object, kept as it is. */
export function freeObject() {
  return z.record(z.string(), z.unknown()).meta({ "x-kubernetes-preserve-unknown-fields": true, ...AS_A_WHOLE });
}

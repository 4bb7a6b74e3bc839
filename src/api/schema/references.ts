import { z } from "zod";
import { DATA_KEY, DNS_LABEL, OBJECT_NAME } from "./text.ts";

/**
 * References to ConfigMaps and Secrets. In a namespaced profile they stay in the profile's own namespace and have no
 * `namespace`; a SystemProfile has no namespace of its own, so each of its references names one.
 *
 * The texts have plain patterns and no rules with sentences: up to 64 layers with 256 references each would be beyond
 * the API server's budget for CEL.
 */
export const OWN_NAMESPACE = {};
export const ANY_NAMESPACE = {
  namespace: z
    .string()
    .max(63)
    .regex(new RegExp(DNS_LABEL))
    .describe("Namespace of the referenced object. Required in a SystemProfile."),
};

const name = z.string().max(253).regex(new RegExp(OBJECT_NAME)).describe("Name of the referenced object.");
const key = z.string().max(253).regex(new RegExp(DATA_KEY)).describe("Key within the referenced object's data.");

/** A reference to a whole object. */
export function objectRef<N extends z.ZodRawShape>(namespace: N, description: string) {
  return z.strictObject({ name, ...namespace }).describe(description);
}

/** A reference to one key of an object. */
export function keyRef<N extends z.ZodRawShape>(namespace: N, description: string) {
  return z.strictObject({ name, key, ...namespace }).describe(description);
}

import { z } from "zod";
import { keyRef, objectRef } from "./references.ts";
import { exactlyOneOf, onlyWith, withRules } from "./rules.ts";

const MANIFEST_SOURCES = ["object", "inline", "configMapRef", "configMapKeyRef", "secretRef", "secretKeyRef"] as const;

const embeddedObject = z
  .looseObject({
    apiVersion: z.string().min(1).max(317).describe("API version of the object, for example `apps/v1`."),
    kind: z.string().min(1).max(63).describe("Kind of the object, for example `Deployment`."),
  })
  .meta({ "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true })
  .describe("One Kubernetes object, written in place. All of its fields are kept as they are.");

/** One source of plain objects. `namespace` is the shape that references add (see references.ts). */
export function manifestSource<N extends z.ZodRawShape>(namespace: N) {
  const schema = z.strictObject({
    object: embeddedObject.exactOptional(),
    inline: z
      .string()
      .min(1)
      .max(1_048_576)
      .describe("Kubernetes objects as YAML text; several documents are separated by `---`.")
      .exactOptional(),
    configMapRef: objectRef(
      namespace,
      "A ConfigMap: every key holds YAML text, and the keys are read in alphabetical order. Watched: a change is applied.",
    ).exactOptional(),
    configMapKeyRef: keyRef(
      namespace,
      "One key of a ConfigMap, holding YAML text. Watched: a change is applied.",
    ).exactOptional(),
    secretRef: objectRef(
      namespace,
      "A Secret: every key holds YAML text, and the keys are read in alphabetical order. Watched: a change is applied.",
    ).exactOptional(),
    secretKeyRef: keyRef(
      namespace,
      "One key of a Secret, holding YAML text. Watched: a change is applied.",
    ).exactOptional(),
    optional: z
      .boolean()
      .describe(
        "Whether the referenced object or key may be absent; it then counts as empty. Only with a reference. Defaults to false: the layer waits for it.",
      )
      .exactOptional(),
  });
  return withRules(schema, [
    exactlyOneOf(
      MANIFEST_SOURCES,
      `exactly one of ${MANIFEST_SOURCES.slice(0, -1).join(", ")} and secretKeyRef must be set`,
    ),
    onlyWith("optional", MANIFEST_SOURCES.slice(2), "optional is only for references, not for object and inline"),
  ]);
}

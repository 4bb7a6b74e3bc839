import { z } from "zod";
import { keyRef } from "./references.ts";
import { exactlyOneOf, matching, withRules } from "./rules.ts";

const PATH_SEGMENT = "([-_/:a-zA-Z0-9]|\\\\[.])+(\\[[0-9]{1,5}\\])*";

/** One source of chart values. `namespace` is the shape that references add (see references.ts). */
export function valuesSource<N extends z.ZodRawShape>(namespace: N) {
  const schema = z.strictObject({
    configMapKeyRef: keyRef(namespace, "One key of a ConfigMap. Watched: a change is applied.").exactOptional(),
    secretKeyRef: keyRef(
      namespace,
      "One key of a Secret. Watched: a change is applied. Its value appears in no status, event or log.",
    ).exactOptional(),
    targetPath: withRules(z.string().max(200), [
      matching(
        `^${PATH_SEGMENT}([.]${PATH_SEGMENT})*$`,
        "targetPath must be a path in the values such as license.value or hosts[0].name",
      ),
    ])
      .describe(
        "Where the text goes in the values, as in Helm's --set-string: `license.value`, `hosts[0].name`; a dot within a key is written `\\.`. Without it the text is read as a YAML document of values and merged.",
      )
      .exactOptional(),
    optional: z
      .boolean()
      .describe(
        "Whether the object or key may be absent; it then adds nothing. Defaults to false: the layer waits for it.",
      )
      .exactOptional(),
  });
  return withRules(schema, [
    exactlyOneOf(["configMapKeyRef", "secretKeyRef"], "exactly one of configMapKeyRef and secretKeyRef must be set"),
  ]);
}

import { z } from "zod";
import { AS_A_WHOLE, textMap } from "./maps.ts";
import { matching, withRules } from "./rules.ts";

const LABEL_KEY = "^([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$";

const labelKey = withRules(z.string().max(317), [
  matching(LABEL_KEY, "key must be a label key such as env or topology.kubernetes.io/region"),
]);

/** The same as a plain pattern, which costs no CEL. */
const plainLabelKey = z.string().max(317).regex(new RegExp(LABEL_KEY));

function requirement(key: z.ZodString) {
  return withRules(
    z.strictObject({
      key: key.describe("Label key that the requirement is about."),
      operator: z
        .enum(["In", "NotIn", "Exists", "DoesNotExist"])
        .describe(
          "How the label is compared: In and NotIn with `values`, Exists and DoesNotExist with the key alone. NotIn and DoesNotExist also match objects without the label.",
        ),
      values: z
        .array(z.string().max(63))
        .max(64)
        .meta({ "x-kubernetes-list-type": "atomic" })
        .describe("Label values for In and NotIn; left out with Exists and DoesNotExist.")
        .exactOptional(),
    }),
    [
      {
        cel: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
        message: "values are required with In and NotIn, and must be left out with Exists and DoesNotExist",
        check: ({ operator, values = [] }) => (operator === "In" || operator === "NotIn") === values.length > 0,
      },
    ],
  );
}

/** A `metav1.LabelSelector`: all of its requirements must hold, and an empty one matches everything. */
export function labelSelector(description: string) {
  return selector(description, { key: labelKey, maxTerms: 64 });
}

/** The same for objects in lists of lists, where rules are dear. */
export function onLabels(description: string) {
  return selector(description, { key: plainLabelKey, maxTerms: 8 });
}

function selector(description: string, { key, maxTerms }: { key: z.ZodString; maxTerms: number }) {
  return z
    .strictObject({
      matchLabels: textMap(63)
        .describe("Labels that must all be present with these values, for example `env: prod`.")
        .exactOptional(),
      matchExpressions: z
        .array(requirement(key))
        .max(maxTerms)
        .meta({ "x-kubernetes-list-type": "atomic" })
        .describe("Requirements on labels that must all hold, beside `matchLabels`.")
        .exactOptional(),
    })
    .meta(AS_A_WHOLE)
    .describe(description);
}

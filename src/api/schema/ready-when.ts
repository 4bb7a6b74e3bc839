import { z } from "zod";
import { INT_OR_STRING } from "../structural.ts";
import { AS_A_WHOLE } from "./maps.ts";
import { type Rule, withRules } from "./rules.ts";

const PERCENTAGE = "^(100|[1-9]?[0-9])%$";
const isPercentage = new RegExp(PERCENTAGE);

const countOrPercentage: Rule<number | string> = {
  cel: `type(self) == int ? self >= 0 : self.matches(r'${PERCENTAGE}')`,
  message: "maxUnavailable must be a number from 0 on, or a percentage from 0% to 100%, such as 1 or 10%",
  check: (value) => (typeof value === "number" ? value >= 0 : isPercentage.test(value)),
};

/** When a profile is Ready, over all its clusters. */
export const readyWhen = z
  .strictObject({
    maxUnavailable: withRules(z.union([z.int(), z.string()]), [countOrPercentage])
      .meta({ [INT_OR_STRING]: true })
      .describe(
        "How many of the clusters need not be Ready: a number, or a percentage of all clusters such as `10%`, which is rounded down. Clusters that are away and TargetClusters that do not exist count as not Ready. Defaults to 0.",
      )
      .exactOptional(),
  })
  .meta(AS_A_WHOLE)
  .describe("When the profile is Ready, over all its clusters. What is done on each cluster does not depend on it.");

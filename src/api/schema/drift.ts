import { z } from "zod";
import { textsDiffer } from "./lists.ts";
import { AS_A_WHOLE } from "./maps.ts";
import { objectTarget } from "./patches.ts";

const DRIFT_MODES = ["Correct", "Warn", "Ignore"] as const;

// Up to 64 layers with 8 rules each: sentences for the pointers would be beyond the API server's budget for CEL.
const MAX_RULES = 8;
const MAX_POINTERS = 32;

const pointer = z
  .string()
  .max(512)
  .regex(/^(\/([^~/]|~[01])+)+$/);

/** What happens when somebody else changes or deletes what a layer has brought. */
export const layerDrift = z
  .strictObject({
    mode: z
      .enum(DRIFT_MODES)
      .describe(
        "Correct (what somebody changed or deleted is as the layer wants it at once), Warn (it is left as it is, Ready stays as it was, and the condition Drifted and the layer say so) or Ignore (it is left as it is). A change of the layer itself is applied in any case. Defaults to Correct.",
      )
      .exactOptional(),
    ignore: z
      .array(
        z.strictObject({
          target: objectTarget(
            "Which objects it is about: those of which everything that is set here holds. `{}` takes all.",
          ),
          jsonPointers: z
            .array(pointer)
            .min(1)
            .max(MAX_POINTERS)
            .check(textsDiffer)
            .meta({ "x-kubernetes-list-type": "set" })
            .describe(
              "Fields of the object as the layer has it, for example `/spec/replicas`. They are sent when the object is created, and left to others from then on. What makes the object the one that it is, and labels and annotations as a whole, cannot be ignored. From 1 to 32.",
            ),
        }),
      )
      .min(1)
      .max(MAX_RULES)
      .meta({ "x-kubernetes-list-type": "atomic" })
      .describe("Fields that are somebody else's once the object exists, such as the replicas that an autoscaler sets.")
      .exactOptional(),
  })
  .meta(AS_A_WHOLE)
  .describe("What happens when somebody else changes or deletes what the layer has brought.");

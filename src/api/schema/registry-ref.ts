import { z } from "zod";
import { objectName } from "./text.ts";

/** A Registry of the profile's own namespace, or one that is shared with all. */
export const registryRef = z
  .strictObject({
    name: objectName("name").describe(
      "Name of a Registry in the profile's namespace or, when there is none, in Strata's own namespace, whose Registries all tenants share.",
    ),
  })
  .describe("The Registry that it comes from.");

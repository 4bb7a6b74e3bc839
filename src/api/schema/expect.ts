import { z } from "zod";
import { AS_A_WHOLE } from "./maps.ts";
import type { Rule } from "./rules.ts";
import { OBJECT_NAME, versionRange } from "./text.ts";

const ARCHITECTURES = ["amd64", "arm64", "arm", "ppc64le", "riscv64", "s390x"] as const;

/** What a core layer expects of the live cluster. */
export const expectation = z
  .strictObject({
    version: versionRange("version")
      .describe(
        "Of a Kubernetes layer: the versions that will do, of the API server and of every kubelet, for example `>=1.33 <1.37`.",
      )
      .exactOptional(),
    nodes: z
      .int32()
      .min(0)
      .max(10000)
      .describe("Of an OS or Kubernetes layer: how many nodes there must be at least. Defaults to 1.")
      .exactOptional(),
    osImage: z
      .string()
      .min(1)
      .max(256)
      .describe(
        "Of an OS layer: a pattern (RE2) that is found in the name of every node's system, for example `^Ubuntu 24[.]04`.",
      )
      .exactOptional(),
    kernelVersion: versionRange("kernelVersion")
      .describe(
        "Of an OS layer: the versions of the kernel that will do, for example `>=6.1`. What a distribution puts behind the numbers does not count.",
      )
      .exactOptional(),
    architecture: z
      .enum(ARCHITECTURES)
      .describe("Of an OS layer: the processor architecture of every node.")
      .exactOptional(),
    storageClass: z
      .string()
      .max(253)
      .regex(new RegExp(OBJECT_NAME))
      .describe(
        "Of a Storage layer: the name of the StorageClass that must be there. Defaults to whichever is the default.",
      )
      .exactOptional(),
  })
  .meta(AS_A_WHOLE)
  .describe(
    "What the live cluster must be like, in a layer of type OS, Kubernetes, Network or Storage. A layer without pack, helm and manifests brings nothing and only looks (`expect: {}` expects what is said of its type). What is not so is Blocked with ExpectationNotMet.",
  );

type Expected = z.output<typeof expectation>;

const TYPES_OF = {
  version: ["Kubernetes"],
  nodes: ["OS", "Kubernetes"],
  osImage: ["OS"],
  kernelVersion: ["OS"],
  architecture: ["OS"],
  storageClass: ["Storage"],
} as const satisfies Record<keyof Expected, readonly string[]>;

/** Each field belongs to certain types of layers. */
export const expectationRules: Rule<{ expect?: Expected; type: string }>[] = Object.entries(TYPES_OF).map(
  ([field, types]) => ({
    cel: `!has(self.expect) || !has(self.expect.${field}) || self.type in [${types.map((type) => `'${type}'`).join(", ")}]`,
    message: `expect.${field} is only for a layer of type ${types.join(" or ")}`,
    check: ({ expect, type }) =>
      expect?.[field as keyof Expected] === undefined || (types as readonly string[]).includes(type),
  }),
);

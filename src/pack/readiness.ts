import { z } from "zod";
import { issueSentence, problemsOf } from "../api/problems.ts";
import type { HealthCheckSpec } from "../health/health-checks.ts";
import type { Result } from "../objects/types.ts";

const text = z.string().min(1).max(253);

const readinessCheck = z
  .object({
    v1beta1: z
      .array(
        z.object({
          name: text.nullish(),
          namespace: text.nullish(),
          group: z.string().nullish(),
          version: text,
          kind: text,
          keysToCheck: z
            .array(
              z.object({
                keyToCheck: text,
                expectedValue: z.union([z.string().max(253), z.number(), z.boolean()], "must be a text"),
              }),
            )
            .min(1)
            .max(16),
        }),
      )
      .nullish(),
  })
  .nullish();

/**
 * A pack's `readinessCheck:` as health checks of the layer: an object is ready when each key has its expected value, by
 * their texts. A key that is not there yet is waited for.
 */
export function readinessChecks(value: unknown): Result<HealthCheckSpec[]> {
  const parsed = readinessCheck.safeParse(value, { error: issueSentence });
  if (!parsed.success) {
    return { ok: false, problems: problemsOf(parsed.error).map((problem) => `readinessCheck.${problem}`) };
  }
  const problems: string[] = [];
  const checks = (parsed.data?.v1beta1 ?? []).map(
    ({ name, namespace, group, version, kind, keysToCheck }, index): HealthCheckSpec => ({
      apiVersion: group ? `${group}/${version}` : version,
      kind,
      ...(name ? { name } : {}),
      ...(namespace ? { namespace } : {}),
      current: keysToCheck
        .map(({ keyToCheck, expectedValue }, key) => {
          const field = celField(keyToCheck);
          if (field === undefined)
            problems.push(`readinessCheck.v1beta1[${index}].keysToCheck[${key}].keyToCheck: ${FORM}`);
          return `string(${field}) == ${JSON.stringify(String(expectedValue))}`;
        })
        .join(" && "),
    }),
  );
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: checks };
}

const FORM = "must be the path of a field, such as status.conditions[0].status";

const SEGMENT = /^([-\w/]+)((?:\[\d{1,4}\])*)$/;

/** `status.conditions[0].status` → the same under `self`; keys that are no plain words go in brackets. */
function celField(path: string): string | undefined {
  const segments = path.split(".").map((segment) => SEGMENT.exec(segment));
  if (!segments.every((segment) => segment !== null)) return undefined;
  return segments.reduce((field, [, key = "", indexes = ""]) => {
    return `${field}${/^[A-Za-z]\w*$/.test(key) && !WORDS.has(key) ? `.${key}` : `["${key}"]`}${indexes}`;
  }, "self");
}

/** Words that CEL keeps for itself. */
const WORDS = new Set(
  "as break const continue else false for function if import in let loop namespace null package return true var void while".split(
    " ",
  ),
);

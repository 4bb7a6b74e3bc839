import type { z } from "zod";

/**
 * The API server tells the items of some lists apart (`x-kubernetes-list-type` map or set) and refuses twins by itself,
 * without a rule of ours. These checks are for everybody else.
 */
export const namesDiffer = differ(({ name }: { name: string }) => name);
export const textsDiffer = differ((text: string) => text);

function differ<T>(keyOf: (item: T) => string) {
  return ({ value, issues }: z.core.ParsePayload<T[]>): void => {
    const seen = new Set<string>();
    for (const [index, item] of value.entries()) {
      const key = keyOf(item);
      if (seen.has(key)) issues.push({ ...TWIN, input: item, path: [index], message: `Duplicate value: "${key}"` });
      seen.add(key);
    }
  };
}

const TWIN = { code: "custom", continue: true } as const;

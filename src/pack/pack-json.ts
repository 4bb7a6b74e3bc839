import { z } from "zod";
import { issueSentence, problemsOf } from "../api/problems.ts";
import { MAX_PARTS } from "../api/schema/status.ts";
import { parseJson } from "../objects/json.ts";
import type { Result } from "../objects/types.ts";
import {
  DEPENDENCY_TYPES,
  type Dependency,
  PACK_LAYERS,
  type PackMetadata,
  RESOURCE_TYPES,
  SCHEDULE_TYPES,
} from "./types.ts";

/** Names stand in release names, paths of registries and messages. */
const NAME = /^[A-Za-z0-9][-._A-Za-z0-9]{0,127}$/;
const VERSION = /^[A-Za-z0-9][-+._A-Za-z0-9]{0,127}$/;

/** Go, which the format comes from, takes null for absent, and writers of packs leave "" or " " where they mean nothing. */
const optionalText = z
  .string()
  .nullish()
  .transform((text) => (text?.trim() ? text.trim() : undefined));

function list<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
}

const path = z.string().min(1).max(1024);
const MAX_FILES = 1000;
/** Public packs list up to 10. */
const paths = list(path).refine((all) => all.length <= MAX_FILES, {
  error: `at most ${MAX_FILES} files can be listed`,
});

const dependency = z.object({
  packName: z.string().min(1),
  layer: optionalText,
  minVersion: optionalText,
  maxVersion: optionalText,
  type: z.enum(DEPENDENCY_TYPES).nullish(),
});

const resource = z.object({
  type: z.enum(RESOURCE_TYPES),
  minLimit: z.number().nullish(),
  components: list(
    z.object({
      scheduleType: z.enum(SCHEDULE_TYPES),
      resourceRequestParamRef: optionalText,
      replicaCountParamRef: optionalText,
    }),
  ),
});

const packJson = z.object({
  name: z.string().regex(NAME),
  displayName: optionalText,
  version: z.string().regex(VERSION),
  layer: z.enum(PACK_LAYERS),
  cloudTypes: list(z.string()),
  cloudType: optionalText,
  annotations: z.record(z.string(), z.string()).nullish(),
  eol: optionalText,
  charts: paths,
  kubeManifests: paths,
  ansibleRoles: list(z.string()),
  constraints: z.object({ dependencies: list(dependency), resources: list(resource) }).nullish(),
});

/** Each is a part with a row in the status, and the manifests together are one more: no part may go without its row. */
const MAX_CHARTS = MAX_PARTS - 1;

/** pack.json, and the files that it lists. */
export interface PackJson {
  metadata: PackMetadata;
  charts: readonly string[];
  manifests: readonly string[];
  warnings: readonly string[];
}

/** Reads pack.json; keys that are not known are left alone. Problems are led by `what` and the field. */
export function parsePackJson(text: string, what: string): Result<PackJson> {
  const problems = (sentences: string[]): Result<never> => ({
    ok: false,
    problems: sentences.map((sentence) => `${what}: ${sentence}`),
  });
  let data: unknown;
  try {
    data = parseJson(text);
  } catch {
    return problems(["this is not valid JSON"]);
  }
  const parsed = packJson.safeParse(data, { error: issueSentence });
  if (!parsed.success) return problems(problemsOf(parsed.error));
  const { charts, kubeManifests } = parsed.data;
  const twice = [...repeated("charts", charts), ...repeated("kubeManifests", kubeManifests)];
  if (twice.length > 0) return problems(twice);
  if (charts.length > MAX_CHARTS) {
    const remedy = "split it into several packs";
    return problems([`charts: ${charts.length} are listed; a pack can have at most ${MAX_CHARTS}: ${remedy}`]);
  }
  return {
    ok: true,
    value: {
      metadata: metadataOf(parsed.data),
      charts,
      manifests: kubeManifests,
      warnings: warningsOf(parsed.data),
    },
  };
}

function repeated(field: string, paths: readonly string[]): string[] {
  const seen = new Set<string>();
  return paths.flatMap((path, index) => {
    const isKnown = seen.has(path);
    seen.add(path);
    return isKnown ? [`${field}[${index}]: "${path}" is listed twice`] : [];
  });
}

type Parsed = z.output<typeof packJson>;

function metadataOf(parsed: Parsed): PackMetadata {
  const { name, displayName, version, layer, cloudTypes, cloudType, annotations, eol, constraints } = parsed;
  return {
    name,
    displayName: displayName ?? name,
    version,
    layer,
    cloudTypes: cloudTypes.length === 0 && cloudType !== undefined ? [cloudType] : cloudTypes,
    annotations: annotations ?? {},
    eol,
    // Without a type, the mildest: what is there must fit.
    dependencies:
      constraints?.dependencies.map(({ type, ...rest }): Dependency => ({ ...rest, type: type ?? "optional" })) ?? [],
    resources:
      constraints?.resources.map(({ type, minLimit, components }) => ({
        type,
        minLimit: minLimit ?? undefined,
        components: components.map(({ scheduleType, resourceRequestParamRef, replicaCountParamRef }) => ({
          scheduleType,
          requestPath: resourceRequestParamRef,
          replicasPath: replicaCountParamRef,
        })),
      })) ?? [],
  };
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

function warningsOf({ ansibleRoles, constraints, eol }: Parsed): string[] {
  const untyped = constraints?.dependencies.flatMap(({ type, packName }, index) =>
    type
      ? []
      : [`constraints.dependencies[${index}]: the dependency on "${packName}" has no type and counts as optional`],
  );
  return [
    ...(untyped ?? []),
    ...(ansibleRoles.length > 0 ? ["ansibleRoles: roles are for building machine images and are left out"] : []),
    ...(eol !== undefined && !DAY.test(eol) ? ["eol: this is not a day such as 2028-04-30 and is left out"] : []),
  ];
}

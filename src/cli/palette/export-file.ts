import { z } from "zod";
import { issueSentence, problemsOf } from "../../api/problems.ts";
import type { Result } from "../../objects/types.ts";
import { parseYaml } from "../../objects/yaml.ts";

/** The types of profiles and of layers' sources, as Palette calls them. */
const PROFILE_TYPES = ["infra", "cluster", "add-on"] as const;
const PACK_TYPES = ["spectro", "oci", "helm", "manifest"] as const;

/** An empty text means nothing in an export. */
const text = z
  .string()
  .nullish()
  .transform((value) => value?.trim() || undefined);
/** Values are texts, also those of numbers. */
const scalar = z
  .union([z.string(), z.number(), z.boolean()])
  .nullish()
  .transform((value) => (value === null || value === undefined || value === "" ? undefined : String(value)));
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

function list<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
}

const variable = z.looseObject({
  name: z.string().min(1),
  displayName: text,
  description: text,
  format: text,
  inputType: text,
  options: list(z.looseObject({ value: scalar, default: flag })),
  defaultValue: scalar,
  regex: text,
  required: flag,
  hidden: flag,
  immutable: flag,
  isSensitive: flag,
});

const registryMetadata = z.looseObject({
  uid: text,
  name: text,
  kind: text,
  isPrivate: flag,
  providerType: text,
  isSyncSupported: flag,
});

const pack = z.looseObject({
  name: z.string().min(1),
  type: z.enum(PACK_TYPES),
  layer: z.string().min(1),
  version: text,
  tag: text,
  values: z
    .string()
    .nullish()
    .transform((value) => value ?? ""),
  manifests: list(z.looseObject({ name: text, content: text })),
  registry: z
    .looseObject({ metadata: registryMetadata.nullish(), matchingRegistries: list(z.looseObject({ name: text })) })
    .nullish(),
});

const exportFile = z.looseObject({
  metadata: z.looseObject({
    name: z.string().min(1),
    description: text,
    labels: z
      .record(z.string(), z.string())
      .nullish()
      .transform((labels) => labels ?? {}),
  }),
  spec: z.looseObject({
    version: text,
    variables: list(variable),
    template: z.looseObject({ type: z.enum(PROFILE_TYPES), cloudType: text, packs: z.array(pack).min(1) }),
  }),
});

export type PaletteProfile = z.output<typeof exportFile>;
export type PalettePack = z.output<typeof pack>;
export type PaletteVariable = z.output<typeof variable>;
export type PaletteRegistry = z.output<typeof registryMetadata>;

/** Reads a profile that Palette has exported, JSON or YAML. Problems name the field and hold no value of it. */
export function parseExport(content: string, what: string): Result<PaletteProfile> {
  const yaml = parseYaml(content, what);
  if (!yaml.ok) return yaml;
  const parsed = exportFile.safeParse(yaml.value, { error: issueSentence });
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, problems: problemsOf(parsed.error).map((problem) => `${what}: ${problem}`) };
}

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "": ["metadata", "spec"],
  metadata: Object.keys(exportFile.shape.metadata.shape),
  spec: Object.keys(exportFile.shape.spec.shape),
  "spec.template": Object.keys(exportFile.shape.spec.shape.template.shape),
};

/** Fields of an export that have something in them and that nobody here knows. */
export function unknownFields(profile: PaletteProfile): string[] {
  const maps: Record<string, object> = {
    "": profile,
    metadata: profile.metadata,
    spec: profile.spec,
    "spec.template": profile.spec.template,
  };
  const top = Object.entries(maps).flatMap(([path, map]) =>
    strangers(map, KNOWN[path] ?? []).map((key) => (path === "" ? key : `${path}.${key}`)),
  );
  const ofPacks = profile.spec.template.packs.flatMap((one) =>
    strangers(one, Object.keys(pack.shape)).map((key) => `spec.template.packs[${one.name}].${key}`),
  );
  const ofVariables = profile.spec.variables.flatMap((one) =>
    strangers(one, Object.keys(variable.shape)).map((key) => `spec.variables[${one.name}].${key}`),
  );
  return [...top, ...ofPacks, ...ofVariables];
}

function strangers(map: object, known: readonly string[]): string[] {
  return Object.entries(map).flatMap(([key, value]) => (known.includes(key) || isEmpty(value) ? [] : [key]));
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "" || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

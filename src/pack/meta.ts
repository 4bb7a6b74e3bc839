import { MAX_RELEASE_NAME } from "../api/schema/helm.ts";
import { DNS_LABEL } from "../api/schema/text.ts";
import type { HealthCheckSpec } from "../health/health-checks.ts";
import { isMap } from "../objects/json.ts";
import type { Result } from "../objects/types.ts";
import type { Values } from "../plan/values.ts";
import { mapAt, own } from "./maps.ts";
import { readinessChecks } from "./readiness.ts";
import { told } from "./tell.ts";

/** Labels and annotations of a namespace. */
export interface NamespaceMetadata {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** What the values of a pack say about its installation: their `pack:` and `readinessCheck:`. */
export interface PackMeta {
  namespace: string | undefined;
  additionalNamespaces: readonly string[];
  /** By namespace; may name namespaces that are neither the pack's nor additional ones. */
  namespaceMetadata: ReadonlyMap<string, NamespaceMetadata>;
  /** Chart → name of its Helm release. */
  releaseNames: ReadonlyMap<string, string>;
  /** Lower ones are installed first. */
  installPriority: number;
  /** Tells apart two layers of the same pack. */
  displayName: string | undefined;
  healthChecks: readonly HealthCheckSpec[];
}

const INSTALL_PRIORITY = "spectrocloud.com/install-priority";
const DISPLAY_NAME = "spectrocloud.com/display-name";
const NAMESPACE_TEXTS = { labels: "namespaceLabels", annotations: "namespaceAnnotations" } as const;

/** Keys of `pack:` that have a meaning in Palette, here or not. */
export const PACK_KEYS: readonly string[] = [
  "namespace",
  "additionalNamespaces",
  ...Object.values(NAMESPACE_TEXTS),
  "releaseNameOverride",
  INSTALL_PRIORITY,
  DISPLAY_NAME,
  "content",
  "palette",
  "drain",
  "podCIDR",
  "serviceClusterIpRange",
  "serviceDomain",
  "k8sHardening",
];

const LABEL = new RegExp(DNS_LABEL);
const RELEASE = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^([a-z0-9]([-.a-z0-9]*[a-z0-9])?\/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$/;

/**
 * Reads `pack:` and `readinessCheck:` of a pack's final values. Other keys of `pack:` (`content`, what is for cores) are
 * left alone. Problems name the path, all at once, and quote no value.
 */
export function packMeta(values: Values): Result<PackMeta> {
  const pack = mapAt(values, "pack");
  const problems: string[] = [];
  const report = (path: string, problem: string): void => {
    problems.push(`${path} ${problem}`);
  };
  const checks = readinessChecks(own(values, "readinessCheck"));
  if (!checks.ok) problems.push(...checks.problems);
  const meta: PackMeta = {
    namespace: namespaceOf(own(pack, "namespace"), report),
    additionalNamespaces: namespacesOf(own(pack, "additionalNamespaces"), report),
    namespaceMetadata: namespaceMetadata(pack, report),
    releaseNames: releaseNames(own(pack, "releaseNameOverride"), report),
    installPriority: priorityOf(own(pack, INSTALL_PRIORITY), report),
    displayName: displayNameOf(own(pack, DISPLAY_NAME), report),
    healthChecks: checks.ok ? checks.value : [],
  };
  return problems.length > 0 ? { ok: false, problems: told(problems) } : { ok: true, value: meta };
}

/** The name of a chart's Helm release. */
export function releaseNameOf(meta: PackMeta, pack: string, chart: string): string {
  return meta.releaseNames.get(chart) ?? `${pack}-${chart}`;
}

/** Charts of which Helm takes no release, because of its name: mostly the pack's name and the chart's are too long together. */
export function releaseNameProblems(meta: PackMeta, pack: string, charts: readonly string[]): string[] {
  return charts.flatMap((chart) => {
    const name = releaseNameOf(meta, pack, chart);
    if (isReleaseName(name)) return [];
    const remedy = `set pack.releaseNameOverride.${chart} in the values`;
    return [`chart ${chart}: Helm takes no release named "${name}", but ${RELEASE_SHAPE}: ${remedy}`];
  });
}

type Report = (path: string, problem: string) => void;

function isNothing(value: unknown): value is undefined | null | "" {
  return value === undefined || value === null || value === "";
}

const NAMESPACE_SHAPE =
  'must be the name of a namespace: at most 63 lower case letters, digits and "-", with a letter or digit at both ends';

function isNamespace(value: unknown): value is string {
  return typeof value === "string" && value.length <= 63 && LABEL.test(value);
}

function namespaceOf(value: unknown, report: Report): string | undefined {
  if (isNothing(value)) return undefined;
  if (isNamespace(value)) return value;
  report("pack.namespace", NAMESPACE_SHAPE);
  return undefined;
}

/** Palette's documentation calls it a list and a map, and shows a text: all three are taken. */
function namespacesOf(value: unknown, report: Report): string[] {
  if (isNothing(value)) return [];
  const names =
    typeof value === "string" ? value.split(",").map((name) => name.trim()) : isMap(value) ? Object.keys(value) : value;
  if (Array.isArray(names) && names.every(isNamespace)) return names;
  report("pack.additionalNamespaces", "must be names of namespaces, as a list or with commas between");
  return [];
}

function namespaceMetadata(pack: Values, report: Report): Map<string, NamespaceMetadata> {
  const result = new Map<string, NamespaceMetadata>();
  for (const [field, key] of Object.entries(NAMESPACE_TEXTS) as [keyof NamespaceMetadata, string][]) {
    for (const [namespace, text] of entriesOf(own(pack, key), (problem) => report(`pack.${key}`, problem))) {
      const path = `pack.${key}.${namespace}`;
      if (!isNamespace(namespace)) report(path, NAMESPACE_SHAPE);
      const known = result.get(namespace) ?? { labels: {}, annotations: {} };
      result.set(namespace, { ...known, [field]: pairsOf(text, field, (problem) => report(path, problem)) });
    }
  }
  return result;
}

function entriesOf(value: unknown, report: (problem: string) => void): [string, unknown][] {
  if (isNothing(value)) return [];
  if (isMap(value)) return Object.entries(value);
  report("must be a map");
  return [];
}

/** `k=v,k2=v2` → pairs. */
function pairsOf(
  text: unknown,
  field: keyof NamespaceMetadata,
  report: (problem: string) => void,
): Record<string, string> {
  if (isNothing(text)) return {};
  if (typeof text !== "string") {
    report('must be a text of the form "key=value,key2=value2"');
    return {};
  }
  const pairs = text
    .split(",")
    .filter((pair) => pair.trim() !== "")
    .map((pair): [string, string] => {
      const at = pair.indexOf("=");
      return at === -1 ? ["", pair] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    });
  if (pairs.some(([key]) => !QUALIFIED.test(key))) report('must be a text of the form "key=value,key2=value2"');
  else if (field === "labels" && pairs.some(([, value]) => !LABEL_VALUE.test(value))) {
    report('has a value that no label can have: letters, digits, "-", "_" and ".", at most 63');
  }
  return Object.fromEntries(pairs);
}

function releaseNames(value: unknown, report: Report): Map<string, string> {
  const names = new Map<string, string>();
  for (const [chart, name] of entriesOf(value, (problem) => report("pack.releaseNameOverride", problem))) {
    if (isNothing(name)) continue;
    if (typeof name === "string" && isReleaseName(name)) names.set(chart, name);
    else report(`pack.releaseNameOverride.${chart}`, `must be the name of a Helm release: ${RELEASE_SHAPE}`);
  }
  return names;
}

const RELEASE_SHAPE = `at most ${MAX_RELEASE_NAME} lower case letters, digits, "-" and "."`;

function isReleaseName(name: string): boolean {
  return name.length <= MAX_RELEASE_NAME && RELEASE.test(name);
}

function priorityOf(value: unknown, report: Report): number {
  if (isNothing(value)) return 0;
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text === "string" && /^\s*-?\d{1,9}\s*$/.test(text)) return Number(text);
  report(`pack.${INSTALL_PRIORITY}`, "must be a whole number");
  return 0;
}

function displayNameOf(value: unknown, report: Report): string | undefined {
  if (isNothing(value)) return undefined;
  if (typeof value === "string" && value.length <= 253) return value;
  report(`pack.${DISPLAY_NAME}`, "must be a text of at most 253 characters");
  return undefined;
}

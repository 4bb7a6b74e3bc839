import type { Live } from "../stories.ts";
import type { Seen, Snapshot } from "./snapshot.ts";
import type { CorpusChart } from "./types.ts";

/** Snapshots of both clusters, now and after the step before. */
export interface Pair {
  readonly strata: Snapshot;
  readonly helm: Snapshot;
}

/**
 * Every difference between the two clusters, one line each, by the name of the chart that it belongs to; `""` is what
 * belongs to none: `Kind/name: field.path: Strata has …, helm has …`.
 */
export function differencesOf(charts: readonly CorpusChart[], now: Pair, before: Pair): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  const tell = (chart: CorpusChart | undefined, more: readonly string[]): void => {
    if (more.length > 0) lines.set(chart?.name ?? "", [...(lines.get(chart?.name ?? "") ?? []), ...more]);
  };
  for (const key of new Set([...now.strata.keys(), ...now.helm.keys()])) {
    const both = [now.strata.get(key), now.helm.get(key)] as const;
    const seen = both[0] ?? both[1]!;
    const chart = chartOf(charts, seen);
    tell(
      chart,
      objectLines(chart, { key, both, before }).map((line) => `${seen.title}: ${line}`),
    );
  }
  for (const chart of charts) {
    const [strata, helm] = [orderOf(chart, now.strata), orderOf(chart, now.helm)];
    if (strata !== helm) tell(chart, [`order: Strata has ${strata}, helm has ${helm}`]);
  }
  return lines;
}

interface OneObject {
  readonly key: string;
  readonly both: readonly [Seen | undefined, Seen | undefined];
  readonly before: Pair;
}

function objectLines(chart: CorpusChart | undefined, { key, both: [strata, helm], before }: OneObject): string[] {
  if (strata === undefined) return ["only helm has it"];
  if (helm === undefined) return ["only Strata has it"];
  const isEqual = ({ path, a, b }: LeafDifference): boolean =>
    chart?.random?.test(placeOf(strata, path)) === true && shapeOf(a) === shapeOf(b);
  const lines = leafDifferences(strata.object, helm.object, [])
    .filter((difference) => !isEqual(difference))
    .map(({ path, a, b }) => `${path}: Strata has ${shown(a)}, helm has ${shown(b)}`);
  // What only one of them had before was told then, or is a hook that is tried again and again.
  if (before.strata.has(key) !== before.helm.has(key)) return lines;
  const [ours, theirs] = [lifeOf(strata, before.strata.get(key)), lifeOf(helm, before.helm.get(key))];
  return ours === theirs ? lines : [...lines, `it is ${ours} with Strata, ${theirs} with helm`];
}

/** `Kind/name: field.path`, also of an object in the manifest of a release. */
function placeOf({ title }: Seen, path: string): string {
  const [, inManifest, below] = /^manifest\.([^/]+\/[^.]+)\.(.*)$/.exec(path) ?? [];
  return inManifest === undefined ? `${title}: ${path}` : `${inManifest}: ${below}`;
}

/** Outside of its own namespaces an object has the name of its chart in its own. */
function chartOf(charts: readonly CorpusChart[], { namespace, title }: Seen): CorpusChart | undefined {
  const home = charts.find(({ name, namespaces = [] }) => [name, ...namespaces].includes(namespace));
  if (home !== undefined) return home;
  const place = `${namespace}/${title}`;
  return charts.filter(({ name }) => place.includes(name)).sort((a, b) => b.name.length - a.name.length)[0];
}

function lifeOf({ uid }: Seen, before: Seen | undefined): string {
  if (before === undefined) return "new";
  return before.uid === uid ? "the same as before" : "made anew";
}

/** Names of those whose order of creation counts; none of them is written again by anybody. */
function orderOf({ name, inOrder }: CorpusChart, snapshot: Snapshot): string {
  const found = [...snapshot.values()].filter(({ namespace, title }) => namespace === name && inOrder?.test(title));
  return found
    .sort((a, b) => a.resourceVersion - b.resourceVersion)
    .map(({ title }) => title)
    .join(", ");
}

interface LeafDifference {
  readonly path: string;
  readonly a: Live;
  readonly b: Live;
}

function leafDifferences(a: Live, b: Live, path: readonly string[]): LeafDifference[] {
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) {
    return Object.is(a, b) ? [] : [{ path: path.join("."), a, b }];
  }
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) => leafDifferences(a[key], b[key], [...path, key]));
}

function isContainer(value: Live): boolean {
  return typeof value === "object" && value !== null;
}

function shown(value: Live): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** What two values that were drawn by lot have in common: their length, or which PEM blocks they hold. */
function shapeOf(value: Live): string {
  if (typeof value !== "string") return typeof value;
  const text = `${value} ${Buffer.from(value, "base64").toString("latin1")}`;
  const blocks = text.match(/-----BEGIN [A-Z ]+-----/g);
  return blocks === null ? String(value.length) : blocks.join(" ");
}

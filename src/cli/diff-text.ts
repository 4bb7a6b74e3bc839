import { styleText } from "node:util";
import { structuredPatch } from "diff";
import { describeRef } from "../objects/identity.ts";
import type { KubeObject } from "../objects/types.ts";
import { toYaml } from "../objects/yaml.ts";
import type { Change, LayerDiff, ObjectDiff, ProfileDiff } from "./diff-types.ts";
import { wrap } from "./table.ts";
import { placeOf } from "./yaml-place.ts";

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

const SIGNS: Readonly<Record<Exclude<Change, "unchanged">, { sign: string; style: Style }>> = {
  added: { sign: "+", style: ["bold", "green"] },
  changed: { sign: "~", style: ["bold", "yellow"] },
  deleted: { sign: "-", style: ["bold", "red"] },
  released: { sign: "=", style: ["bold", "magenta"] },
  refused: { sign: "!", style: ["bold", "redBright"] },
};

const LINE_STYLES: Readonly<Record<string, Style>> = { "+": "green", "-": "red", "@": "cyan" };
const CONTEXT_LINES = 3;
const SENTENCE_WIDTH = 116;

/** Whether anything would be different, or could not be told. */
export function hasSomethingToSay(diff: ProfileDiff): boolean {
  return diff.failures.length > 0 || diff.layers.some(layerSpeaks);
}

/** Whether something could not be compared. */
export function hasFailed({ layers, failures }: ProfileDiff): boolean {
  const isRefused = (layer: LayerDiff): boolean =>
    layer.failures.length > 0 || layer.objects.some(({ change }) => change === "refused");
  return failures.length > 0 || layers.some(isRefused);
}

/**
 * The diffs of profiles as text, with a line that counts at the end. When nothing differs, there are only the lines that name
 * the layers which were not compared.
 */
export function printDiff(diffs: readonly ProfileDiff[], { colours }: { colours: boolean }): string {
  const paint: Paint = (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);
  return [
    ...diffs.map((diff) => printProfile(diff, paint)),
    ...(diffs.some(hasSomethingToSay) ? [paint("bold", counted(diffs)), "\n"] : []),
  ].join("");
}

function printProfile(diff: ProfileDiff, paint: Paint): string {
  const { profile, notes, elsewhere, layers, failures } = diff;
  const speaks = hasSomethingToSay(diff);
  const title = describeRef({ kind: profile.kind, ...profile.metadata });
  const told = [...(speaks ? notes : []), ...(elsewhere === undefined ? [] : [elsewhere])];
  const lines = told.map((note) => `${paint("dim", `# ${title}: ${note}`)}\n`);
  return [
    ...lines,
    ...(lines.length > 0 && speaks ? ["\n"] : []),
    ...failures.map((failure) => printFailure(title, failure, paint)),
    ...layers.filter(layerSpeaks).map((layer) => printLayer(layer, title, paint)),
  ].join("");
}

function layerSpeaks({ objects, failures }: LayerDiff): boolean {
  return failures.length > 0 || objects.some(({ change }) => change !== "unchanged");
}

const headings: Readonly<Record<LayerDiff["standing"], (name: string, profile: string) => string>> = {
  listed: (name, profile) => `layer ${name} (${profile})`,
  removed: (name, profile) => `layer ${name} (no longer in ${profile})`,
  namespaces: (_, profile) => `namespaces that no layer needs any more (${profile})`,
};

function printLayer({ name, standing, notes, objects, failures }: LayerDiff, title: string, paint: Paint): string {
  return [
    `${paint("bold", headings[standing](name, title))}\n`,
    ...notes.map((note) => `${paint("dim", `# ${note}`)}\n`),
    "\n",
    ...failures.map((failure) => printFailure(`layer ${name}`, failure, paint)),
    ...objects.map((object) => printObject(object, paint)),
  ].join("");
}

function printFailure(what: string, sentence: string, paint: Paint): string {
  return `${paint(SIGNS.refused.style, `! ${what}`)}\n${indented(sentence)}\n`;
}

function printObject({ ref, change, before, after, notes }: ObjectDiff, paint: Paint): string {
  if (change === "unchanged") return "";
  const { sign, style } = SIGNS[change];
  const name = describeRef(ref);
  if (change === "refused") return `${paint(style, `! ${name} (refused)`)}\n${notes.map(indented).join("")}\n`;
  const words = [change, ...notes].join("; ");
  const lines = change === "released" ? [] : hunks(before, after);
  const painted = lines.map((line) => `${paintLine(line, paint)}\n`);
  return `${paint(style, `${sign} ${name} (${words})`)}\n${painted.join("")}\n`;
}

function paintLine(line: string, paint: Paint): string {
  const style = LINE_STYLES[line.charAt(0)];
  return style === undefined ? line : paint(style, line);
}

/** The lines of a unified diff of two objects as YAML, without the names of files. */
function hunks(before: KubeObject | undefined, after: KubeObject | undefined): string[] {
  const [old, fresh] = [before, after].map((object) => (object === undefined ? "" : toYaml(object)));
  const patch = structuredPatch("", "", old ?? "", fresh ?? "", "", "", { context: CONTEXT_LINES });
  const oldLines = (old ?? "").split("\n");
  return patch.hunks.flatMap(({ oldStart, oldLines: removed, newStart, newLines: added, lines }) => {
    const first = oldStart - 1 + lines.findIndex((line) => !line.startsWith(" "));
    const place = before === undefined || after === undefined ? "" : placeOf(oldLines, first);
    const range = `@@ -${removed === 0 ? oldStart - 1 : oldStart},${removed} +${added === 0 ? newStart - 1 : newStart},${added} @@`;
    return [place === "" ? range : `${range} ${place}`, ...lines];
  });
}

function indented(sentence: string): string {
  return wrap(sentence, SENTENCE_WIDTH)
    .map((line) => `  ${line}\n`)
    .join("");
}

function counted(diffs: readonly ProfileDiff[]): string {
  const layers = diffs.flatMap((diff) => diff.layers);
  const changes = layers.flatMap(({ objects }) => objects.map(({ change }) => change));
  const count = (wanted: Change): number => changes.filter((change) => change === wanted).length;
  const failed = [...diffs, ...layers].reduce((sum, { failures }) => sum + failures.length, 0) + count("refused");
  return [
    ...(["added", "changed", "deleted"] as const).map((change) => `${count(change)} ${change}`),
    ...(count("released") > 0 ? [`${count("released")} released`] : []),
    `${count("unchanged")} unchanged`,
    ...(failed > 0 ? [`${failed} failed`] : []),
  ].join(", ");
}

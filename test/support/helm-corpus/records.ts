import { gunzipSync } from "node:zlib";
import { parseManifests } from "../../../src/objects/yaml.ts";
import type { Live } from "../stories.ts";

/** Whether an object is the Secret in which Helm keeps one revision of a release. */
export function isRecord({ type }: Live): boolean {
  return type === "helm.sh/release.v1";
}

/** What Helm reads from the record of a revision, without times: the labels that it selects by, and the release. */
export function releaseOf({ metadata, data }: Live): Live {
  const labels = Object.entries(metadata.labels).filter(
    ([key]) => !/^(createdAt|modifiedAt|strata\.dev\/.*)$/.test(key),
  );
  const { info, chart, manifest = "", hooks = [], ...release } = JSON.parse(unpacked(data.release));
  const { status, description, notes } = info;
  return {
    labels: Object.fromEntries(labels),
    ...release,
    status,
    description,
    notes,
    chart: chartOf(chart),
    manifest: manifestOf(manifest),
    hooks: hooks.map(hookOf),
  };
}

/** The title of a record, such as `Release/web.v2`. */
export function recordTitle({ metadata: { name } }: Live): string {
  return `Release/${name.replace("sh.helm.release.v1.", "")}`;
}

function unpacked(text: string): string {
  return gunzipSync(Buffer.from(Buffer.from(text, "base64").toString(), "base64")).toString();
}

function chartOf({ templates, files, ...chart }: Live): Live {
  return { ...chart, templates: filesOf(templates), files: filesOf(files) };
}

function filesOf(files: Live[] | null): Live {
  return Object.fromEntries((files ?? []).map(({ name, data }) => [name, data]));
}

function hookOf({ last_run: run, manifest, ...hook }: Live): Live {
  return { ...hook, phase: run?.phase, manifest: manifestOf(manifest) };
}

/** Objects in their order: Helm keeps the text of the templates, and any text that says the same is as good. */
function manifestOf(text: string): Live {
  const parsed = parseManifests(text, "manifest");
  if (!parsed.ok) return text;
  const named = parsed.value.map((object) => [`${object.kind}/${object.metadata.name}`, object]);
  return { order: named.map(([name]) => name), ...Object.fromEntries(named) };
}

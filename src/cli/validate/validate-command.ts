import type { Profile } from "../../api/types.ts";
import type { Config } from "../../config.ts";
import { plural } from "../../health/text.ts";
import { Renderer } from "../../render/renderer.ts";
import { Sources } from "../../source/sources.ts";
import { LayerRenderer } from "../../wiring/layer-renderer.ts";
import { joined, nameOfFile, readTexts } from "../files.ts";
import { defaultApiVersions } from "../kubernetes.ts";
import { EXIT, type Outcome } from "../outcome.ts";
import type { PlanPlace } from "../plan-profile.ts";
import { registryPort } from "../registries.ts";
import { sourceOptions } from "../source-options.ts";
import { type Checked, checkDocuments } from "./documents.ts";
import { type Finding, Findings } from "./findings.ts";
import { checkUnused, type PlanOptions, planOffline } from "./plan-checks.ts";
import { checkProfile } from "./profile-checks.ts";
import { checkReferences } from "./reference-checks.ts";

export interface ValidateOptions {
  /** Files, folders or `-`. */
  files: readonly string[];
  /** Of documents that name none. */
  namespace: string;
  /** Whether charts are fetched and rendered. */
  fetch: boolean;
  /** `v1.36.3`. */
  kubeVersion: string;
  format: "text" | "json";
}

/** `strata validate`: what admission and planning would say of the documents in files, without a cluster. */
export async function validate(options: ValidateOptions, config: Config, signal: AbortSignal): Promise<Outcome> {
  const read = joined(await Promise.all(options.files.map(readTexts)));
  if (!read.ok) return { text: "", problems: read.problems, code: EXIT.failed };
  const findings = new Findings();
  const checked = checkDocuments(read.value, options.namespace, findings);
  const { profiles, targets, registries } = checked;
  const isEmpty = [profiles, targets, registries].every((list) => list.length === 0);
  if (isEmpty && findings.all().length === 0) {
    const sentence = `there is nothing of Strata's in ${options.files.map(nameOfFile).join(", ")}`;
    return { text: "", problems: [sentence], code: EXIT.failed };
  }
  checkReferences(checked, findings);
  checkUnused(checked, findings);
  await planAll(checked, { options, config, signal }, findings);
  return outcomeOf(checked, findings, options);
}

interface Planning {
  options: ValidateOptions;
  config: Config;
  signal: AbortSignal;
}

async function planAll(checked: Checked, planning: Planning, findings: Findings): Promise<void> {
  const { options, config } = planning;
  const { kubeVersion } = options;
  if (!options.fetch) {
    await planEach(checked, { kubeVersion, fetched: undefined }, findings);
    return;
  }
  await using sources = new Sources(sourceOptions(config));
  await using charts = new Renderer({ binary: config.renderBinary, processes: 1 });
  const renderer = new LayerRenderer(sources, charts, () => undefined);
  await planEach(checked, { kubeVersion, fetched: portsOf(renderer, checked, planning) }, findings);
}

async function planEach(checked: Checked, options: PlanOptions, findings: Findings): Promise<void> {
  for (const profile of checked.profiles) {
    const known = checkProfile(profile.value);
    findings.add("problem", profile.subject, known.ofVariables);
    for (const [layer, problems] of known.ofLayers)
      findings.add(
        "problem",
        profile.subject,
        problems.map((problem) => `layer ${layer}: ${problem}`),
      );
    await planOffline(profile, { checked, known, options }, findings);
  }
}

function portsOf(
  renderer: LayerRenderer,
  { registriesByName, referents }: Checked,
  { options: { kubeVersion }, signal }: Planning,
): (profile: Profile) => Pick<PlanPlace, "chart" | "packs"> {
  const capabilities = { kubeVersion, apiVersions: defaultApiVersions() };
  return (profile) => {
    const registry = registryPort(profile, {
      registry: async (namespace, name) => registriesByName.get(`${namespace}/${name}`),
      referent: async (reference) => {
        const found = referents(reference);
        return found.kind === "reading" ? { kind: "absent" } : found;
      },
    });
    const context = { stored: undefined, capabilities, registry, revision: 1, isUpgrade: false };
    return {
      chart: (inputs) => renderer.chart(inputs, context, signal),
      packs: {
        fetch: (layer) => renderer.fetchPack(layer, registry, signal),
        evaluateMacros: (batch) => renderer.evaluateMacros(batch, signal),
      },
    };
  };
}

function outcomeOf(
  { profiles, targets, registries }: Checked,
  findings: Findings,
  { format }: ValidateOptions,
): Outcome {
  const all = findings.all();
  const count = (severity: string) => all.filter((one) => one.severity === severity).length;
  const problems = count("problem");
  const checked = { profiles: profiles.length, clusters: targets.length, registries: registries.length };
  const summary =
    `${plural(checked.profiles, "profile")}, ${plural(checked.clusters, "cluster")}, ${checked.registries} ${checked.registries === 1 ? "registry" : "registries"}; ` +
    `${plural(problems, "problem")}, ${plural(count("warning"), "warning")}, ${count("unchecked")} not checked`;
  const lines = all.map(({ severity, place, object, message }) => {
    return `${severity}: ${[place, object, message].filter((part) => part !== "").join(": ")}`;
  });
  const rows = { ok: problems === 0, checked, findings: all.map(withPath) };
  return {
    text:
      format === "json"
        ? `${JSON.stringify(rows, null, 2)}\n`
        : [...lines, summary].map((line) => `${line}\n`).join(""),
    problems: [],
    code: findings.isIncomplete ? EXIT.failed : problems > 0 ? EXIT.problems : EXIT.ok,
  };
}

const PATH = /^((?:spec|metadata)[^\s:]*|apiVersion|kind): (.*)$/s;

/** A finding with the path of the field apart, where its message begins with one. */
function withPath(finding: Finding): Finding & { path?: string } {
  const [, path, message] = PATH.exec(finding.message) ?? [];
  return path === undefined || message === undefined ? finding : { ...finding, path, message };
}

import { KUBECONFIG_KEY, LOCAL_CLUSTER } from "../../api/names.ts";
import type { Profile, Registry, TargetCluster } from "../../api/types.ts";
import { Failure } from "../../errors.ts";
import { parseKubeconfig } from "../../kube/kubeconfig.ts";
import { expressionsIn } from "../../plan/expressions.ts";
import { type Reference, referencesOf } from "../../plan/references.ts";
import { targetsOf } from "../../plan/targets.ts";
import { clusterAddressCheck, LOOPBACK_NETWORKS } from "../../text/addresses.ts";
import { nearNames } from "../../text/near-names.ts";
import { registryAccess, registryNamed, secretsOf, shadowFailure } from "../../wiring/registry-access.ts";
import type { Checked, Placed } from "./documents.ts";
import type { Findings } from "./findings.ts";
import { namesFor } from "./profile-checks.ts";

/** Checks what documents say about each other. What is not in the files cannot be checked, which is said. */
export function checkReferences(checked: Checked, findings: Findings): void {
  for (const profile of checked.profiles) checkClusters(profile, checked, findings);
  for (const profile of checked.profiles) checkRegistryRefs(profile, checked, findings);
  for (const { subject, value } of checked.profiles) {
    const missing = referencesOf(value, []).filter((reference) => checked.referents(reference).kind === "reading");
    findings.add("unchecked", subject, missing.map(notInFiles));
  }
  for (const registry of checked.registries) checkRegistry(registry, checked, findings);
  for (const target of checked.targets) checkTarget(target, checked, findings);
}

function notInFiles({ kind, namespace, name }: Reference): string {
  return `${kind} ${namespace}/${name} is not in the files`;
}

function checkClusters({ subject, value }: Placed<Profile>, { targets }: Checked, findings: Findings): void {
  const there = new Set(targets.map(({ value: { metadata } }) => `${metadata.namespace}/${metadata.name}`));
  const missing = targetsOf(value, [])
    .filter(({ name, namespace }) => name !== LOCAL_CLUSTER && !there.has(`${namespace}/${name}`))
    .map(({ name, namespace }) => `TargetCluster ${namespace}/${name} is not in the files`);
  findings.add("unchecked", subject, missing);
}

interface Use {
  where: string;
  name: string;
  /** Undefined where any Registry will do: only its credentials are used. */
  holds: "charts" | "packs" | "artifacts" | undefined;
}

function registryUses({ spec }: Profile): Use[] {
  return spec.layers.flatMap(({ name: layer, helm, pack, ...sources }) => [
    ...(["manifests", "attachments"] as const).flatMap((field) =>
      (sources[field] ?? []).flatMap(({ registryRef, oci }, index) => {
        const where = `layer ${layer}: ${field}[${index}]`;
        return [
          ...(registryRef ? [{ where, name: registryRef.name, holds: undefined }] : []),
          ...(oci?.registryRef ? [{ where, name: oci.registryRef.name, holds: "artifacts" as const }] : []),
        ];
      }),
    ),
    ...(helm?.registryRef
      ? [{ where: `layer ${layer}: helm`, name: helm.registryRef.name, holds: "charts" as const }]
      : []),
    ...(pack ? [{ where: `layer ${layer}: pack`, name: pack.registryRef.name, holds: "packs" as const }] : []),
    ...(pack?.charts ?? []).flatMap(({ name, registryRef }) =>
      registryRef
        ? [{ where: `layer ${layer}: pack.charts[${name}]`, name: registryRef.name, holds: "charts" as const }]
        : [],
    ),
  ]);
}

const HOLDS: Readonly<Record<Registry["spec"]["type"], readonly NonNullable<Use["holds"]>[]>> = {
  Helm: ["charts"],
  Pack: ["packs"],
  OCI: ["charts", "packs", "artifacts"],
};

function checkRegistryRefs(
  { subject, value }: Placed<Profile>,
  { registriesByName }: Checked,
  findings: Findings,
): void {
  for (const { where, name, holds } of registryUses(value)) {
    const registry = registryNamed(registriesByName, value.metadata.namespace, name);
    if (registry instanceof Failure) {
      const isAbsent = registry.reason === "ReferenceNotFound";
      const message = isAbsent ? `Registry ${name} is not in the files` : registry.message;
      findings.add(isAbsent ? "unchecked" : "problem", subject, [`${where}: ${message}`]);
    } else if (holds && !HOLDS[registry.spec.type].includes(holds)) {
      const message = `${where}: Registry ${name} is of type ${registry.spec.type}, which holds no ${holds}`;
      findings.add("problem", subject, [message]);
    }
  }
}

function checkRegistry(
  { subject, value }: Placed<Registry>,
  { registriesByName, referents }: Checked,
  findings: Findings,
): void {
  const shadow = shadowFailure(value, registriesByName);
  if (shadow) findings.add("problem", subject, [shadow.message]);
  const missing = secretsOf(value).filter((secret) => referents(secret).kind === "reading");
  findings.add("unchecked", subject, missing.map(notInFiles));
  const access = registryAccess(value, referents);
  if (access instanceof Failure) findings.add("problem", subject, [access.message]);
}

function checkTarget(target: Placed<TargetCluster>, checked: Checked, findings: Findings): void {
  const { subject, value } = target;
  const { namespace } = value.metadata;
  const { kubeconfigSecretRef, clusterAPIRef } = value.spec.connection;
  const { name, key = KUBECONFIG_KEY } = kubeconfigSecretRef ?? {
    name: `${clusterAPIRef?.name}-kubeconfig`,
    key: "value",
  };
  const secret: Reference = { kind: "Secret", namespace, name };
  const found = checked.referents(secret);
  if (found.kind !== "found") findings.add("unchecked", subject, [notInFiles(secret)]);
  else findings.add("problem", subject, kubeconfigProblems(found.object["data"], { name, key }));
  value.spec.overrides?.forEach((override, index) => {
    checkOverride(target, { override, where: `spec.overrides[${index}]`, checked }, findings);
  });
}

function kubeconfigProblems(data: unknown, { name, key }: { name: string; key: string }): string[] {
  const text = new Map(Object.entries((data ?? {}) as Record<string, string>)).get(key);
  if (text === undefined) return [`Secret ${name} has no key ${key}`];
  // Whether Strata has been set up for a test, with targets on its own host, is not known here.
  const check = clusterAddressCheck(LOOPBACK_NETWORKS);
  const parsed = parseKubeconfig(Buffer.from(text, "base64").toString("utf8"), check);
  return parsed.ok ? [] : parsed.problems.map((problem) => `Secret ${name} key ${key}: ${problem}`);
}

interface PlacedOverride {
  override: NonNullable<TargetCluster["spec"]["overrides"]>[number];
  where: string;
  checked: Checked;
}

function checkOverride(
  { subject, value }: Placed<TargetCluster>,
  { override: { profileRef, layer, values }, where, checked }: PlacedOverride,
  findings: Findings,
): void {
  const { kind, name } = profileRef;
  const found = checked.profiles.find(
    ({ value: { kind: ofKind, metadata } }) =>
      ofKind === kind && metadata.name === name && [undefined, value.metadata.namespace].includes(metadata.namespace),
  );
  if (!found) {
    findings.add("unchecked", subject, [`${where}: ${kind} ${name} is not in the files`]);
    return;
  }
  const { spec } = found.value;
  const meant = spec.layers.find((one) => one.name === layer);
  if (meant) {
    findings.add("problem", subject, expressionsIn(values, namesFor(found.value, meant), `${where}.values`).problems);
    return;
  }
  const names = spec.layers.map((one) => one.name);
  const near = nearNames(layer, names);
  const hint = near.length > 0 ? `: did you mean ${near.join(", ")}?` : "";
  findings.add("warning", subject, [`${where}: ${kind} ${name} has no layer ${layer}, so it does nothing${hint}`]);
}

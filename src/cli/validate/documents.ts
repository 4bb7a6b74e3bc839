import { KINDS } from "../../api/kinds.ts";
import { GROUP } from "../../api/names.ts";
import { isProfileKind, parseProfile, parseRegistry, parseTargetCluster } from "../../api/parse.ts";
import type { Profile, Registry, TargetCluster } from "../../api/types.ts";
import { describeRef, isCrd, keyOf, parseApiVersion, refOf } from "../../objects/identity.ts";
import { manifestsOf } from "../../objects/manifests.ts";
import type { KubeObject, Result } from "../../objects/types.ts";
import { parseDocuments } from "../../objects/yaml.ts";
import type { Referents } from "../../plan/references.ts";
import { nearNames } from "../../text/near-names.ts";
import { registryKey } from "../../wiring/registry-access.ts";
import { inNamespace, referentsIn } from "../documents.ts";
import type { FileText } from "../files.ts";
import type { Findings, Subject } from "./findings.ts";

/** A document that can be read, and where it stands. */
export interface Placed<T> {
  subject: Subject;
  value: T;
}

/** What files hold, as far as it can be read. */
export interface Checked {
  profiles: Placed<Profile>[];
  targets: Placed<TargetCluster>[];
  registries: Placed<Registry>[];
  registriesByName: ReadonlyMap<string, Registry>;
  /** An object that is not in the files is still on its way. */
  referents: Referents;
  crds: readonly KubeObject[];
}

/** Reads what texts hold, and says what the API server would say about it. */
export function checkDocuments(texts: readonly FileText[], namespace: string, findings: Findings): Checked {
  const documents = texts.flatMap((text) => objectsIn(text, namespace, findings));
  refuseTwins(documents, findings);
  const checked: Checked = {
    profiles: [],
    targets: [],
    registries: [],
    registriesByName: new Map(),
    referents: lenient(
      referentsIn(
        documents.map(({ value }) => value),
        namespace,
      ),
    ),
    crds: documents.map(({ value }) => value).filter(isCrd),
  };
  for (const document of documents.filter(({ value }) => parseApiVersion(value.apiVersion).group === GROUP)) {
    const { kind } = document.value;
    if (isProfileKind(kind)) take(checked.profiles, document, parseProfile, findings);
    else if (kind === "TargetCluster") take(checked.targets, document, parseTargetCluster, findings);
    else if (kind === "Registry") take(checked.registries, document, parseRegistry, findings);
    else refuseKind(document, findings);
  }
  const registriesByName = new Map(checked.registries.map(({ value }) => [registryKey(value), value]));
  return { ...checked, registriesByName };
}

function objectsIn({ text, what }: FileText, namespace: string, findings: Findings): Placed<KubeObject>[] {
  const parsed = parseDocuments(text, what);
  if (!parsed.ok) {
    for (const problem of parsed.problems)
      findings.add("problem", { place: what, object: "" }, [afterPlace(problem, what)]);
    return [];
  }
  return parsed.value.flatMap(({ value, place }) => {
    const objects = manifestsOf(value, place);
    if (objects.ok) return objects.value.map((object) => placed(inOwnNamespace(object, namespace), place));
    findings.add(
      "problem",
      { place, object: "" },
      objects.problems.map((problem) => afterPlace(problem, place)),
    );
    return [];
  });
}

function afterPlace(problem: string, place: string): string {
  return problem.startsWith(place) ? problem.slice(place.length).replace(/^[:,] /, "") : problem;
}

function inOwnNamespace(object: KubeObject, namespace: string): KubeObject {
  return parseApiVersion(object.apiVersion).group === GROUP ? inNamespace(object, namespace) : object;
}

function placed(value: KubeObject, place: string): Placed<KubeObject> {
  return { subject: { place, object: describeRef(refOf(value)) }, value };
}

function refuseTwins(documents: readonly Placed<KubeObject>[], findings: Findings): void {
  const first = new Map<string, Subject>();
  for (const { subject, value } of documents) {
    const key = keyOf(refOf(value));
    const twin = first.get(key);
    if (twin) findings.add("problem", subject, [`stands twice: also in ${twin.place}`]);
    else first.set(key, subject);
  }
}

function take<T>(
  into: Placed<T>[],
  { subject, value }: Placed<KubeObject>,
  parse: (object: unknown) => Result<T>,
  findings: Findings,
): void {
  const parsed = parse(value);
  if (parsed.ok) into.push({ subject, value: parsed.value });
  else findings.add("problem", subject, parsed.problems);
}

function refuseKind({ subject, value }: Placed<KubeObject>, findings: Findings): void {
  const names = KINDS.map(({ kind }) => kind);
  if (value.kind === "ProfileDeployment") findings.add("warning", subject, ["is written by Strata only: leave it out"]);
  else if (!names.includes(value.kind)) {
    const near = nearNames(value.kind, names);
    const hint = near.length > 0 ? `; did you mean ${near.join(", ")}?` : `; there are ${names.join(", ")}`;
    findings.add("problem", subject, [`kind: Strata has no kind ${value.kind}${hint}`]);
  }
}

/** Whatever is not in the files may be in the cluster: nothing can be said about it. */
function lenient(referents: Referents): Referents {
  return (reference) => {
    const found = referents(reference);
    return found.kind === "absent" ? { kind: "reading" } : found;
  };
}

import type { KubeObject } from "../objects/types.ts";
import { conditionOf, conditionsOf, statusOf, textAt } from "./fields.ts";
import { reasoned } from "./text.ts";
import { CURRENT, failed, inProgress, terminating, type Verdict } from "./verdict.ts";

/** A refused name is looked for first, wherever it stands in the list: an Established CRD can lose a name later. */
export function customResourceDefinition(object: KubeObject): Verdict {
  const names = conditionOf(object, "NamesAccepted");
  if (names?.status === "False") return failed(reasoned(names.reason, names.message));
  const established = conditionOf(object, "Established");
  if (established?.status === "True") return CURRENT;
  if (established?.status === "False" && established.reason !== "Installing") {
    return failed(reasoned(established.reason, established.message));
  }
  return inProgress("is not established yet");
}

/** kstatus has no rule; until the API behind it answers, its custom resources and discovery fail. */
export function apiService(object: KubeObject): Verdict {
  const available = conditionOf(object, "Available");
  if (available?.status === "True") return CURRENT;
  if (available === undefined) return inProgress("its API is not checked yet");
  return inProgress(reasoned(available.reason, available.message) || "its API does not answer");
}

/** What still keeps a namespace, from the conditions that the namespace controller writes while it empties it. */
const REMAINS = [
  "NamespaceDeletionDiscoveryFailure",
  "NamespaceDeletionGroupVersionParsingFailure",
  "NamespaceDeletionContentFailure",
  "NamespaceFinalizersRemaining",
  "NamespaceContentRemaining",
];

export function namespaceLeaving(object: KubeObject): Verdict | undefined {
  if (!object.metadata.deletionTimestamp && textAt(statusOf(object), "phase") !== "Terminating") return undefined;
  const conditions = conditionsOf(object).filter(({ status }) => status === "True");
  const remains = REMAINS.map((type) => conditions.find((condition) => condition.type === type)).find(Boolean);
  return terminating(remains?.message ? `is being deleted: ${remains.message}` : "is being deleted");
}

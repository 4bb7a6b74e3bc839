import type { KubeObject } from "./types.ts";

export const HIDDEN = "(hidden)";

/** Shorter secrets ("on", "1") are everywhere in ordinary words: hiding them would garble a message and hide nothing. */
const SHORTEST_SECRET = 4;
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** The ways in which a value turns up in messages: as it is, base64, JSON- or Go-quoted, and line by line. */
function disguises(secret: string): string[] {
  const lines = secret.split("\n").map((line) => line.trim());
  return [
    secret,
    secret.trim(),
    Buffer.from(secret, "utf8").toString("base64"),
    JSON.stringify(secret).slice(1, -1),
    ...(lines.length > 1 ? lines : []),
  ];
}

/** The text with every one of these secrets, plain, base64 or quoted, replaced by "(hidden)". */
export function maskSecrets(text: string, secrets: Iterable<string>): string {
  const forms = new Set<string>();
  for (const secret of secrets) {
    for (const form of disguises(secret)) if (form.length >= SHORTEST_SECRET) forms.add(form);
  }
  // The longest first: a secret that contains another must not be left half shown.
  const ordered = [...forms].sort((a, b) => b.length - a.length);
  return ordered.reduce((masked, form) => masked.replaceAll(form, HIDDEN), text);
}

function hideValues(map: unknown): unknown {
  if (typeof map !== "object" || map === null) return HIDDEN;
  return Object.fromEntries(Object.keys(map).map((key) => [key, HIDDEN]));
}

function hideLastApplied(object: KubeObject): KubeObject {
  const annotations = object.metadata.annotations;
  if (annotations?.[LAST_APPLIED] === undefined) return object;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: HIDDEN } } };
}

/** A Secret with its keys and without its values, a copy; any other object as it is. For printing. */
export function maskObject(object: KubeObject): KubeObject {
  if (object.apiVersion !== "v1" || object.kind !== "Secret") return object;
  const masked: KubeObject = { ...hideLastApplied(object) };
  for (const field of ["data", "stringData"]) {
    if (masked[field] !== undefined && masked[field] !== null) masked[field] = hideValues(masked[field]);
  }
  return masked;
}

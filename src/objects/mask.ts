export const HIDDEN = "(hidden)";

/** Shorter secrets ("on", "1") are everywhere in ordinary words: hiding them would garble a message and hide nothing. */
const SHORTEST_SECRET = 4;

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

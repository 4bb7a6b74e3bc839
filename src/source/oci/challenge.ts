/** What a registry wants to see, as its `WWW-Authenticate` header says. */
export type Challenge =
  | { kind: "bearer"; realm: URL; service: string | undefined; scope: string | undefined }
  | { kind: "basic" };

/** The challenge that Strata can answer, a token before a password; undefined when there is none. */
export function challengeOf(header: string | string[] | undefined): Challenge | undefined {
  const text = Array.isArray(header) ? header.join(", ") : (header ?? "");
  const bearer = /(?:^|[\s,])bearer\s+/i.exec(text);
  if (bearer !== null) {
    const { realm, service, scope } = parametersAt(text, bearer.index + bearer[0].length);
    const url = realm === undefined ? null : URL.parse(realm);
    if (url !== null) return { kind: "bearer", realm: url, service, scope };
  }
  return /(?:^|[\s,])basic(?:\s|$)/i.test(text) ? { kind: "basic" } : undefined;
}

/** The parameters of one challenge: they end where the next one begins. */
function parametersAt(text: string, at: number): Record<string, string | undefined> {
  const parameter = /[\s,]*([a-z_]+)="([^"]*)"/iy;
  parameter.lastIndex = at;
  const found = new Map<string, string>();
  for (let match = parameter.exec(text); match !== null; match = parameter.exec(text)) {
    found.set((match[1] ?? "").toLowerCase(), match[2] ?? "");
  }
  return Object.fromEntries(found);
}

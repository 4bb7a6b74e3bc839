import { Failure } from "../errors.ts";
import { stringifyJson } from "../objects/json.ts";
import type { LookupField } from "../plan/refused-lookups.ts";
import type { LookupKey, LookupPort, LookupResult, LookupRule, WantedLookup } from "./types.ts";

/** Bytes of JSON that one render may look up. */
export const MAX_LOOKUP_BYTES = 16 * 1024 * 1024;

/** Renders that know more than the one before; a chart whose lookups depend on lookups needs some. */
export const MAX_ROUNDS = 10;

export type KnownLookup = LookupKey & LookupResult;

/**
 * Whether a rule allows a lookup. A rule for one name allows no list, and one for a namespace nothing across namespaces.
 * `render/lookup.go` says the same, so that what is refused costs no second render; this one is what counts.
 */
export function isAllowed(rules: readonly LookupRule[], { apiVersion, kind, namespace, name }: LookupKey): boolean {
  return rules.some(
    (rule) =>
      rule.apiVersion === apiVersion &&
      rule.kind === kind &&
      (rule.namespace ?? namespace) === namespace &&
      (rule.name ?? name) === name,
  );
}

/** A lookup for people: `v1 Secret web/db`, with `*` for a list. */
export function describeLookup({ apiVersion, kind, namespace, name }: LookupKey): string {
  return `${apiVersion} ${kind} ${namespace === "" ? "" : `${namespace}/`}${name === "" ? "*" : name}`;
}

/** What the cluster has of the lookups that one render wants. */
export class Lookups {
  readonly #port: LookupPort;
  readonly #known: KnownLookup[] = [];
  #bytes = 0;

  constructor(port: LookupPort) {
    this.#port = port;
  }

  get known(): readonly KnownLookup[] {
    return this.#known;
  }

  /** @throws Failure RenderFailed for what is too large or not allowed, and what the port throws */
  async read(wanted: readonly WantedLookup[], signal: AbortSignal): Promise<void> {
    // The renderer runs other people's programs: it is not believed.
    const { field, allowed } = this.#port;
    const refused = wanted.find((key) => !isAllowed(allowed, key));
    if (refused) throw new Failure("RenderFailed", `the chart renderer asks for what ${field} does not allow`);
    const results = await Promise.all(
      wanted.map(async (key) => {
        const { told: _, ...about } = key;
        return { ...about, ...(await this.#port.read(key, signal, { field, allowed })) };
      }),
    );
    for (const result of results) this.#bytes += result.state === "Found" ? stringifyJson(result.object).length : 0;
    if (this.#bytes > MAX_LOOKUP_BYTES) throw tooMuch(field);
    this.#known.push(...results);
  }
}

/** The failure of a render whose lookups find more than may be sent to the renderer. */
export function tooMuch(field: LookupField): Failure {
  return new Failure(
    "RenderFailed",
    `the chart looks up more than ${MAX_LOOKUP_BYTES / (1024 * 1024)} MiB of objects: allow less in ${field}`,
  );
}

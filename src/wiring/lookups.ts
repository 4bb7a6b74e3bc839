import { Failure } from "../errors.ts";
import { ApiError } from "../kube/api-error.ts";
import { toFailure } from "../kube/failures.ts";
import type { Resource } from "../kube/resource.ts";
import type { Site } from "../kube/site/site.ts";
import { parseApiVersion } from "../objects/identity.ts";
import { stringifyJson } from "../objects/json.ts";
import type { KubeObject } from "../objects/types.ts";
import { describeLookup, isAllowed, MAX_LOOKUP_BYTES, tooMuch } from "../render/lookups.ts";
import type { LookupKey, LookupPort, LookupResult, LookupRules, WantedLookup } from "../render/types.ts";

/** What reading needs of a cluster as one identity sees it. */
export type LookupSite = Pick<Site, "resourceFor" | "apiVersions"> & { client: Pick<Site["client"], "find" | "list"> };

const ABSENT: LookupResult = { state: "Absent" };

/**
 * Reads for a chart's `lookup` through the identity that applies the chart, as Helm's own does it (`pkg/engine/
 * lookup_func.go`): a kind that its group does not have, and a namespaced object without a namespace, are absent.
 *
 * The port throws Failure Forbidden, which names what was looked up, InvalidSpec for a rule with a namespace on a kind that has
 * none, and else what `toFailure` makes of an error.
 */
export function lookupReader(site: LookupSite): LookupPort["read"] {
  return async (key, signal, rules) => {
    const { group, version } = parseApiVersion(key.apiVersion);
    const resource = site.resourceFor({ group, version, kind: key.kind });
    if (!resource) return site.apiVersions().includes(key.apiVersion) ? ABSENT : { state: "Unserved" };
    // The namespace says nothing here, so that a rule for one would allow every object of the kind.
    if (!resource.namespaced && !isAllowed(rules.allowed, { ...key, namespace: "" }))
      throw withoutNamespace(key, rules.field);
    try {
      return key.name === ""
        ? await readList(site, { resource, key, field: rules.field }, signal)
        : await readOne(site, { resource, key }, signal);
    } catch (error) {
      return refusal(error, key);
    }
  };
}

interface Query {
  resource: Resource;
  key: LookupKey;
}

type ListQuery = Query & Pick<LookupRules, "field">;

async function readOne({ client }: LookupSite, { resource, key }: Query, signal: AbortSignal): Promise<LookupResult> {
  if (resource.namespaced && key.namespace === "") return ABSENT;
  const object = await client.find(resource, key, { signal });
  return object ? { state: "Found", object: { ...object } } : ABSENT;
}

async function readList(
  { client }: LookupSite,
  { resource, key, field }: ListQuery,
  signal: AbortSignal,
): Promise<LookupResult> {
  const items: KubeObject[] = [];
  let resourceVersion = "";
  let bytes = 0;
  const namespace = key.namespace === "" ? undefined : key.namespace;
  for await (const page of client.list(resource, { namespace, signal })) {
    bytes += stringifyJson(page.items).length;
    if (bytes > MAX_LOOKUP_BYTES) throw tooMuch(field);
    items.push(...page.items);
    ({ resourceVersion } = page);
  }
  const { apiVersion, kind } = key;
  return { state: "Found", object: { apiVersion, kind: `${kind}List`, metadata: { resourceVersion }, items } };
}

/** What is not there is no error; what may not be read is one, told with the words of the API server. */
function refusal(error: unknown, key: WantedLookup): LookupResult {
  if (error instanceof ApiError && error.status === 404) return ABSENT;
  // A name that no object can have.
  if (error instanceof Failure && error.reason === "InvalidObject") return ABSENT;
  const what = describeLookup(key.told);
  const failure = toFailure(error, `lookup of ${what}`);
  if (error instanceof Failure) throw failure;
  const message = tellable(failure.message, key);
  const { reason, retryAfterMs } = failure;
  if (reason !== "Forbidden")
    throw new Failure(reason, message, { cause: error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  const why = /User ".*$/s.exec(message)?.[0] ?? "the identity of this profile may not read it";
  throw new Failure("Forbidden", `the chart may not look up ${what}: ${why}`, { cause: error });
}

/** The API server repeats what it was asked for. */
function tellable(message: string, { namespace, name, told }: WantedLookup): string {
  const words = [
    [namespace, told.namespace],
    [name, told.name],
  ] as const;
  const hidden = words.filter(([word, tells]) => word !== tells);
  return hidden.reduce((text, [word, tells]) => text.replaceAll(word, tells), message);
}

function withoutNamespace({ told }: WantedLookup, field: LookupRules["field"]): Failure {
  const what = describeLookup({ ...told, namespace: "" });
  return new Failure(
    "InvalidSpec",
    `the chart looks up ${what}, and its kind has no namespaces: a rule of ${field} allows it in one only; leave namespace out of the rule`,
  );
}

import { Failure } from "../errors.ts";
import { ApiError } from "../kube/api-error.ts";
import { toFailure } from "../kube/failures.ts";
import type { Resource } from "../kube/resource.ts";
import type { Site } from "../kube/site/site.ts";
import { parseApiVersion } from "../objects/identity.ts";
import { stringifyJson } from "../objects/json.ts";
import type { KubeObject } from "../objects/types.ts";
import { describeLookup, MAX_LOOKUP_BYTES, tooMuch } from "../render/lookups.ts";
import type { LookupKey, LookupPort, LookupResult } from "../render/types.ts";

/** What reading needs of a cluster as one identity sees it. */
export type LookupSite = Pick<Site, "resourceFor" | "apiVersions"> & { client: Pick<Site["client"], "find" | "list"> };

const ABSENT: LookupResult = { state: "Absent" };

/**
 * Reads for a chart's `lookup` through the identity that applies the chart, as Helm's own does it (`pkg/engine/
 * lookup_func.go`): a kind that its group does not have, and a namespaced object without a namespace, are absent.
 *
 * The port throws Failure Forbidden, which names what was looked up, and else what `toFailure` makes of an error.
 */
export function lookupReader(site: LookupSite): LookupPort["read"] {
  return async (key, signal) => {
    const { group, version } = parseApiVersion(key.apiVersion);
    const resource = site.resourceFor({ group, version, kind: key.kind });
    if (!resource) return site.apiVersions().includes(key.apiVersion) ? ABSENT : { state: "Unserved" };
    try {
      return key.name === ""
        ? await readList(site, { resource, key }, signal)
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

async function readOne({ client }: LookupSite, { resource, key }: Query, signal: AbortSignal): Promise<LookupResult> {
  if (resource.namespaced && key.namespace === "") return ABSENT;
  const object = await client.find(resource, key, { signal });
  return object ? { state: "Found", object: { ...object } } : ABSENT;
}

async function readList({ client }: LookupSite, { resource, key }: Query, signal: AbortSignal): Promise<LookupResult> {
  const items: KubeObject[] = [];
  let resourceVersion = "";
  let bytes = 0;
  const namespace = key.namespace === "" ? undefined : key.namespace;
  for await (const page of client.list(resource, { namespace, signal })) {
    bytes += stringifyJson(page.items).length;
    if (bytes > MAX_LOOKUP_BYTES) throw tooMuch();
    items.push(...page.items);
    ({ resourceVersion } = page);
  }
  const { apiVersion, kind } = key;
  return { state: "Found", object: { apiVersion, kind: `${kind}List`, metadata: { resourceVersion }, items } };
}

/** What is not there is no error; what may not be read is one, told with the words of the API server. */
function refusal(error: unknown, key: LookupKey): LookupResult {
  if (error instanceof ApiError && error.status === 404) return ABSENT;
  // A name that no object can have.
  if (error instanceof Failure && error.reason === "InvalidObject") return ABSENT;
  const failure = toFailure(error, `lookup of ${describeLookup(key)}`);
  if (error instanceof Failure || failure.reason !== "Forbidden") throw failure;
  const why = /User ".*$/s.exec(failure.message)?.[0] ?? "the identity of this profile may not read it";
  throw new Failure("Forbidden", `the chart may not look up ${describeLookup(key)}: ${why}`, { cause: error });
}

import { accessOf, type RegistryAccess } from "./access.ts";
import type { AccessClient, Place } from "./access-client.ts";
import type { SourcePool } from "./source-pool.ts";

/** What a registry has. */
export interface RegistryContents {
  /** Charts, packs or repositories; absent where the registry does not tell, as most public OCI registries. */
  entries?: number;
  /**
   * What was seen of the credentials, where there are any for the place that answered: `accepted` when it asked for them,
   * `unasked` when it did not, `shown` when they go along with each request, so that nobody can tell.
   */
  credentials?: "accepted" | "unasked" | "shown";
}

/** Asks registries how they are: for the status of a Registry, in its interval. */
export class RegistryCheck {
  readonly #pool: SourcePool;

  constructor(pool: SourcePool) {
    this.#pool = pool;
  }

  /**
   * Reaches the registry with its credentials and counts what is there. An index that did not change is not sent again.
   *
   * @throws Failure SourceUnavailable, SourceUnauthorized, InvalidSpec; SourceNotFound, InvalidSource, ChartNotFound,
   * InvalidChart (no index); or the reason of `signal`
   */
  async check(registry: string | RegistryAccess, signal: AbortSignal): Promise<RegistryContents> {
    const client = this.#pool.clientFor(accessOf(registry));
    const work = (closing: AbortSignal) =>
      this.#pool.atPlaces(client, closing, (place, deadline) => contentsOf(client, place, deadline));
    return this.#pool.once(client, ["check"], { signal, work });
  }
}

async function contentsOf(
  client: AccessClient,
  { url, scheme }: Place,
  signal: AbortSignal,
): Promise<RegistryContents> {
  const { access, oci, repositories } = client;
  if (access.kind !== "OCI") {
    const index = await repositories.index(url, access.kind === "Pack" ? "pack" : "chart", signal);
    return { entries: index.names().length, ...(client.proofs.areShownTo(url) ? { credentials: "shown" } : {}) };
  }
  const origin = oci.originOf(url.host, scheme) ?? url.origin;
  const credentials = await oci.ping(origin, signal);
  const seen = credentials === undefined ? {} : { credentials };
  const folder = [...url.pathname.split("/"), ...(access.basePath ?? "").split("/")].filter((part) => part !== "");
  const prefix = folder.map((part) => `${part}/`).join("");
  const names = await oci.catalog(origin, signal);
  return names === undefined ? seen : { entries: names.filter((name) => name.startsWith(prefix)).length, ...seen };
}

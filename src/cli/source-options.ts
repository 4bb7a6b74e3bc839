import type { Config } from "../config.ts";
import type { SourceOptions } from "../source/source-pool.ts";
import { LOOPBACK_NETWORKS, PRIVATE_NETWORKS } from "../text/addresses.ts";

/**
 * How a person's command asks registries: it is in that person's network already, so that private addresses and their own
 * machine are open to it, unless networks are named.
 */
export function sourceOptions({ plainHttpRegistries: plainHttp, allowedNetworks }: Config): SourceOptions {
  const own = [...PRIVATE_NETWORKS, ...LOOPBACK_NETWORKS];
  return { plainHttp, allowedNetworks: allowedNetworks.length > 0 ? allowedNetworks : own };
}

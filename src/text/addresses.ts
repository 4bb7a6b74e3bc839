import { isIpv4, isIpv6 } from "./ip-address.ts";
import { addressOf, groupsOf, isWithin, type Network, networkOf } from "./networks.ts";

/**
 * Where connections may go. The places come from people who need not be trusted with the operator's network: the metadata
 * services of clouds hand out credentials to whoever asks, and what stands in a private network often asks for none.
 */

/** Never a place of a registry or a cluster, whatever is configured; each with the word that the sentence uses. */
const FORBIDDEN = {
  "link-local": ["169.254.0.0/16", "fe80::/10"],
  "of a cloud's metadata service": [
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
    "fd00:ec2::/32",
    "fd20:ce::/32",
  ],
  "of no single host": ["0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "192.0.0.0/24", "::/128", "ff00::/8", "2001::/32"],
};

/** Private networks, carrier-grade NAT, networks for benchmarks, unique and site local addresses, NAT64 of one's own. */
export const PRIVATE_NETWORKS: readonly string[] = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "198.18.0.0/15",
  "fc00::/7",
  "fec0::/10",
  "64:ff9b:1::/48",
];

/** Strata's own host, where nothing but the setup of a test has registries and clusters. */
export const LOOPBACK_NETWORKS: readonly string[] = ["127.0.0.0/8", "::1/128"];

const PRIVATE = networks(PRIVATE_NETWORKS);
const LOOPBACK = networks(LOOPBACK_NETWORKS);
const forbidden = Object.entries(FORBIDDEN).map(([word, texts]) => ({ word, list: networks(texts) }));

/** Prefixes of IPv6 addresses that stand for an IPv4 address, and the group (from 0) where that begins. */
const EMBEDDING = [
  { prefix: [0, 0, 0, 0, 0, 0xffff], at: 6 }, // mapped
  { prefix: [0, 0, 0, 0, 0, 0], at: 6 }, // compatible, deprecated
  { prefix: [0, 0, 0, 0, 0xffff, 0], at: 6 }, // translated, RFC 2765
  { prefix: [0x64, 0xff9b, 0, 0, 0, 0], at: 6 }, // NAT64, RFC 6052
  { prefix: [0x2002], at: 1 }, // 6to4, RFC 3056
];

/**
 * Says of an address why no connection may go there, and which setting would allow it; undefined where one may, and for what
 * is no address.
 */
export type AddressCheck = (address: string) => string | undefined;

/**
 * @param allowed networks (`10.20.0.0/16`) of private addresses that may be reached; all others of them are refused.
 * Strata's own host is allowed by a network of {@link LOOPBACK_NETWORKS} only, never by a larger one.
 */
export function addressCheck(allowed: readonly string[]): AddressCheck {
  const permitted = networks(allowed);
  const permittedLoopback = permitted.filter((network) => isIn(LOOPBACK, network));
  return (text) => {
    const address = addressOf(plainAddress(text));
    if (address === undefined) return undefined;
    const never = forbidden.find(({ list }) => isIn(list, address));
    if (never !== undefined) return `its address is ${never.word}, which no setting allows`;
    if (isIn(LOOPBACK, address) && !isIn(permittedLoopback, address))
      return "its address is loopback, Strata's own host, which only setups for tests add to allowedNetworks";
    if (isIn(PRIVATE, address) && !isIn(permitted, address))
      return "its address is private; whoever runs Strata can add its network to allowedNetworks";
    return undefined;
  };
}

/** The same for the API servers of clusters, which live in private networks. */
export function clusterAddressCheck(allowed: readonly string[]): AddressCheck {
  return addressCheck([...PRIVATE_NETWORKS, ...allowed]);
}

/** Why a network cannot be one of `allowed`; undefined where it can. */
export function networkProblem(text: string): string | undefined {
  const network = networkOf(text);
  if (network === undefined) return "each must be a network such as 10.20.0.0/16";
  const never = forbidden.find(({ list }) => isIn(list, network));
  return never === undefined ? undefined : `${text} is ${never.word}, which is never allowed`;
}

/** The host of a URL, without the brackets of an IPv6 address. */
export function hostnameOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** Whether a URL leads to this very machine: `localhost`, or an address of a loopback network. */
export function isLoopback(url: URL): boolean {
  const address = addressOf(plainAddress(hostnameOf(url)));
  return url.hostname === "localhost" || (address !== undefined && isIn(LOOPBACK, address));
}

/** An IPv4 address in whatever clothes, without its zone. */
function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, "");
  if (isIpv4(bare) || !isIpv6(bare)) return bare;
  const groups = groupsOf(bare);
  const found = EMBEDDING.find(({ prefix }) => prefix.every((group, index) => groups[index] === group));
  // `::` and `::1` are themselves.
  if (found === undefined || groups.slice(0, 7).every((group) => group === 0)) return bare;
  const bytes = groups.slice(found.at, found.at + 2).flatMap((group) => [group >> 8, group & 0xff]);
  return bytes.join(".");
}

function networks(texts: readonly string[]): Network[] {
  return texts.flatMap((text) => networkOf(text) ?? []);
}

function isIn(list: readonly Network[], network: Network): boolean {
  return list.some((outer) => isWithin(network, outer));
}

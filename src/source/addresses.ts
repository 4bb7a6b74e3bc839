import { lookup as resolve } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { Failure } from "../errors.ts";

/**
 * Where requests may go. The places come from people who need not be trusted with the operator's network: the metadata
 * services of clouds hand out credentials to whoever asks, so their addresses are refused, after every name look-up
 * and on every redirect. Private addresses are allowed: registries live there.
 */

const FORBIDDEN = new BlockList();
FORBIDDEN.addSubnet("169.254.0.0", 16);
FORBIDDEN.addSubnet("fe80::", 10, "ipv6");
FORBIDDEN.addAddress("fd00:ec2::254", "ipv6");

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/** BlockList sees an IPv4 address inside `::ffff:…` by itself. */
function isIn(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? "ipv4" : "ipv6");
}

function hostnameOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

export function isLoopback(url: URL): boolean {
  return url.hostname === "localhost" || isIn(LOOPBACK, hostnameOf(url));
}

function forbidden(host: string): Failure {
  return new Failure("InvalidSpec", `requests to ${host} are not allowed: its address is link-local`);
}

/**
 * Checks the parts of a URL that are visible before a name is looked up.
 *
 * @param plainHttp hosts (`host[:port]`) that may be spoken to without TLS, beside loopback
 * @throws Failure InvalidSpec
 */
export function checkUrl(url: URL, plainHttp: ReadonlySet<string>): void {
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new Failure("InvalidSpec", `${url.protocol}// addresses are not supported: use https:// or oci://`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new Failure("InvalidSpec", `the address of ${url.host} must not contain a user or a password`);
  }
  if (isIn(FORBIDDEN, hostnameOf(url))) throw forbidden(url.host);
  if (url.protocol === "http:" && !isLoopback(url) && !plainHttp.has(url.host)) {
    throw new Failure("InvalidSpec", `http://${url.host} is not encrypted: use https://`);
  }
}

/** Looks a name up and refuses it when any of its addresses is forbidden; the socket connects to what was checked. */
export const checkedLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, []);
    if (addresses.some(({ address }) => isIn(FORBIDDEN, address))) return callback(forbidden(hostname), []);
    const [first] = addresses;
    if (options.all === true || first === undefined) return callback(null, addresses);
    return callback(null, first.address, first.family);
  });
};

import { isCidr, isIpv4, isIpv6 } from "./ip-address.ts";

/** All addresses that begin with the same bits. */
export interface Network {
  /** 32 of IPv4, 128 of IPv6. */
  readonly bits: number;
  readonly value: bigint;
  readonly prefix: number;
}

/** `10.20.0.0/16`, `fd12::/16`; undefined for all other texts. An IPv4 address in IPv6 clothes counts as what is written. */
export function networkOf(text: string): Network | undefined {
  if (!isCidr(text, isIpv4, 32) && !isCidr(text, isIpv6, 128)) return undefined;
  const [address = "", prefix] = text.split("/");
  return { ...numberOf(address), prefix: Number(prefix) };
}

/** The address as a network of its own; undefined for what is none, such as a name. */
export function addressOf(text: string): Network | undefined {
  if (!isIpv4(text) && !isIpv6(text)) return undefined;
  const { bits, value } = numberOf(text);
  return { bits, value, prefix: bits };
}

/** True where all addresses of the one are of the other. */
export function isWithin(inner: Network, outer: Network): boolean {
  if (inner.bits !== outer.bits || inner.prefix < outer.prefix) return false;
  const rest = BigInt(outer.bits - outer.prefix);
  return inner.value >> rest === outer.value >> rest;
}

/** The eight groups of an IPv6 address; the URL parser writes each form in one way. */
export function groupsOf(address: string): number[] {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = [], tail] = canonical.split("::").map((part) => (part === "" ? [] : part.split(":")));
  const middle = tail === undefined ? [] : Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...middle, ...(tail ?? [])].map((group) => Number.parseInt(group, 16));
}

function numberOf(address: string): { bits: number; value: bigint } {
  const isV4 = isIpv4(address);
  const parts = isV4 ? address.split(".").map(Number) : groupsOf(address);
  const size = isV4 ? 8n : 16n;
  return { bits: isV4 ? 32 : 128, value: parts.reduce((value, part) => (value << size) | BigInt(part), 0n) };
}

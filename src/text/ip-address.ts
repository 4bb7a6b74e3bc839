const OCTET = /^(0|[1-9][0-9]{0,2})$/;

/** Four decimal numbers without leading zeros, as Go's net/netip reads them. */
export function isIpv4(text: string): boolean {
  const octets = text.split(".", 5);
  return octets.length === 4 && octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255);
}

/** RFC 4291, with `::` for one group or more, and an IPv4 address in place of the last two; without a zone. */
export function isIpv6(text: string): boolean {
  if (text.length > 45) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const counts = halves.map((half, index) => groupsIn(half, index === halves.length - 1));
  if (counts.includes(undefined)) return false;
  const groups = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  return halves.length === 2 ? groups < 8 : groups === 8;
}

/** The number of 16-bit groups in a half, or undefined where it is none. */
function groupsIn(half: string, isLast: boolean): number | undefined {
  if (half === "") return 0;
  const groups = half.split(":");
  const last = groups.at(-1) ?? "";
  const isMixed = isLast && last.includes(".");
  if (isMixed && !isIpv4(last)) return undefined;
  const plain = isMixed ? groups.slice(0, -1) : groups;
  return plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) ? plain.length + (isMixed ? 2 : 0) : undefined;
}

const PREFIX_LENGTH = /^(0|[1-9][0-9]{0,2})$/;

/** An address and how many bits of it name the network: `10.0.0.0/8`. The other bits may be set. */
export function isCidr(text: string, isAddress: (text: string) => boolean, bits: number): boolean {
  const [address = "", length = "", ...rest] = text.split("/", 3);
  return rest.length === 0 && isAddress(address) && PREFIX_LENGTH.test(length) && Number(length) <= bits;
}

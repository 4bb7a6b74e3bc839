import { type LookupAddress, lookup as resolve } from "node:dns";
import type { LookupFunction } from "node:net";
import { Failure } from "../../errors.ts";
import type { AddressCheck } from "../../text/addresses.ts";

type Found = (error: Error | null, addresses: readonly LookupAddress[]) => void;

/**
 * Names that are being looked up. All look-ups of a process share half of its few threads (libuv leaves the other half to
 * files and compression): a name whose server is silent takes one of them, however many ask for it.
 */
const running = new Map<string, Found[]>();

function lookUpOnce(hostname: string, family: number, found: Found): void {
  const key = `${family} ${hostname}`;
  const waiting = running.get(key);
  if (waiting !== undefined) {
    waiting.push(found);
    return;
  }
  const all = [found];
  running.set(key, all);
  resolve(hostname, { family, all: true }, (error, addresses) => {
    running.delete(key);
    for (const one of all) one(error, addresses);
  });
}

/**
 * Looks a name up and refuses it when any of its addresses may not be asked. The socket connects to an address that was
 * checked: a name that resolves to something else a moment later gains nothing.
 */
export function checkedLookup(check: AddressCheck): LookupFunction {
  return (hostname, options, callback) => {
    const family = options.family === 4 || options.family === 6 ? options.family : 0;
    lookUpOnce(hostname, family, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const refused = addresses.map(({ address }) => check(address)).find((why) => why !== undefined);
      if (refused !== undefined) return callback(forbidden(hostname, refused), []);
      const [first] = addresses;
      if (options.all === true || first === undefined) return callback(null, [...addresses]);
      return callback(null, first.address, first.family);
    });
  };
}

/** @param why the words of an {@link AddressCheck} */
export function forbidden(host: string, why: string): Failure {
  return new Failure("InvalidSpec", `requests to ${host} are not allowed: ${why}`);
}

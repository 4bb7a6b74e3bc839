import { nearNames } from "../text/near-names.ts";

const NAMES_LISTED = 5;

/** What to say behind a name that does not exist: `; did you mean …?`, or else which names there are. */
export function alternatives(name: string, names: ReadonlySet<string>): string {
  const same = [...names].find((other) => isNearlyThe(name, other));
  const near = same === undefined ? nearNames(name, [...names]) : [same];
  if (near.length > 0) return `; did you mean ${near.join(" or ")}?`;
  const rest = names.size - NAMES_LISTED;
  const listed = [...names].sort().slice(0, NAMES_LISTED).join(", ");
  return listed === "" ? "; there is none" : `; known: ${listed}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** Whether two names differ by case and punctuation only. */
export function isNearlyThe(name: string, other: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[-_.]/g, "");
  return plain(name) === plain(other);
}

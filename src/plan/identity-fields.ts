import type { MacroDocument } from "../pack/macro-types.ts";
import { PlaceSet } from "../pack/path-key.ts";
import { SEEN_BY_ALL } from "./seen-names.ts";

/** What of an object everybody sees who may see that it is there. */
const IDENTITY = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];

/** The identities of a manifest's objects that come from something sensitive, also of those in a List; one sentence each. */
export function identitiesFromSecrets(
  { tree, sensitive = [] }: Pick<MacroDocument, "tree" | "sensitive">,
  place: string,
): string[] {
  const secret = new PlaceSet(sensitive);
  return rootsOf(tree).flatMap((root) =>
    IDENTITY.filter((field) => secret.touches(`${root}.${field}`)).map(
      (field) => `${place}, ${`${root}.${field}`.slice(1)}: ${SEEN_BY_ALL}`,
    ),
  );
}

/** Where the objects of a manifest begin: at its root, or at the items of a List, in which there may be Lists. */
function rootsOf(tree: unknown, root = ""): string[] {
  const items = typeof tree === "object" && tree !== null && "items" in tree ? tree.items : undefined;
  if (!Array.isArray(items)) return [root];
  return [root, ...items.flatMap((item, index) => rootsOf(item, `${root}.items[${index}]`))];
}

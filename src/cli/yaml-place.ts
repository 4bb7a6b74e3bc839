/** How far the way up from a line of YAML has come. */
interface Climb {
  indent: number;
  keys: readonly string[];
  /** The name of the list's item that the line stands in, as far as it stands above the line. */
  item: string | undefined;
  /** Further up, the same indentation belongs to other items of the list. */
  isSameItem: boolean;
}

interface Line {
  /** Of the key, behind the dashes of a list. */
  indent: number;
  isItem: boolean;
  key: string | undefined;
  value: string;
}

/**
 * The keys in which a line of YAML in block style stands, as far as its indentation tells: `spec.template.spec.containers[web]`.
 * Empty for a key of the document itself.
 *
 * @param index of the line, from 0; the line before it counts when there is none
 */
export function placeOf(lines: readonly string[], index: number): string {
  const start = read(lines[index] || lines[index - 1] || "");
  let climb: Climb = { indent: start.indent, keys: [], item: undefined, isSameItem: true };
  for (const line of lines.slice(0, index + 1).reverse()) climb = up(climb, read(line));
  return climb.keys.join(".");
}

function up(climb: Climb, { indent, isItem, key, value }: Line): Climb {
  if (indent > climb.indent || key === undefined) return climb;
  const name = key === "name" ? value : undefined;
  if (indent === climb.indent)
    return climb.isSameItem ? { ...climb, item: name ?? climb.item, isSameItem: !isItem } : climb;
  const isInItem = !climb.isSameItem && climb.item;
  const keys = [isInItem ? `${key}[${climb.item}]` : key, ...climb.keys];
  return { indent, keys, item: isItem ? name : undefined, isSameItem: !isItem };
}

function read(line: string): Line {
  const [, lead = "", dashes = "", key, value = ""] =
    /^( *)((?:- )*)(?:([^\s:#'"][^:]*):(?: (.*)|$))?/.exec(line) ?? [];
  return { indent: lead.length + dashes.length, isItem: dashes !== "", key, value };
}

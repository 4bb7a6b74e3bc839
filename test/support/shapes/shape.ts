/** One YAML text that a user may bring, as it is. `ROUTE` in it becomes the name of the way that it takes. */
export interface Shape {
  readonly name: string;
  readonly yaml: string;
  /** False where the text cannot stand under `object:` in a profile: several documents, or CRLF. Default: true. */
  readonly asObject?: false;
}

/** The text with its indentation taken off, so that tables of shapes can be indented. */
export function yaml(strings: TemplateStringsArray, ...values: unknown[]): string {
  const lines = String.raw(strings, ...values)
    .replace(/^\n/, "")
    .replace(/\n *$/, "\n")
    .split("\n");
  const indent = Math.min(...lines.filter((line) => line.trim() !== "").map((line) => /^ */.exec(line)![0].length));
  return lines.map((line) => line.slice(indent)).join("\n");
}

/** A ConfigMap whose data is a YAML fragment. */
export function data(name: string, fragment: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata:\n${fragment.replace(/^(?=.)/gm, "  ")}\n`;
}

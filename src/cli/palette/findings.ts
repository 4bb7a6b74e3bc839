/** What an import has to say. Nothing in it is a value of the export. */
export class Findings {
  /** Without an answer to these, the profile does not do what it did. */
  readonly decide: string[] = [];
  /** What is another way than before, and works. */
  readonly notes: string[] = [];

  toDecide(where: string, sentence: string): void {
    this.decide.push(`${where}: ${sentence}`);
  }

  toKnow(where: string, sentence: string): void {
    this.notes.push(`${where}: ${sentence}`);
  }
}

/** The nearest name that Kubernetes takes for one label of DNS. */
export function dnsName(text: string, maxLength = 63): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, maxLength)
    .replace(/^-+|-+$/g, "");
  return name === "" ? "x" : name;
}

/** A name that is not among those that are taken; it is added to them. */
export function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number += 1) name = `${wanted.slice(0, 60)}-${number}`;
  taken.add(name);
  return name;
}

const NOBODY: ReadonlySet<string> = new Set();

/** Members by their group. Each is in one at most. */
export class Groups {
  readonly #members = new Map<string, Set<string>>();
  readonly #groups = new Map<string, string>();

  groupOf(member: string): string | undefined {
    return this.#groups.get(member);
  }

  members(group: string): ReadonlySet<string> {
    return this.#members.get(group) ?? NOBODY;
  }

  /** Puts a member into a group, and out of the one that it was in. */
  put(member: string, group: string | undefined): void {
    const known = this.#groups.get(member);
    if (known === group) return;
    if (known !== undefined) this.#takeOut(member, known);
    if (group === undefined) return;
    this.#groups.set(member, group);
    const members = this.#members.get(group) ?? new Set();
    this.#members.set(group, members.add(member));
  }

  #takeOut(member: string, group: string): void {
    this.#groups.delete(member);
    const members = this.#members.get(group);
    members?.delete(member);
    if (members?.size === 0) this.#members.delete(group);
  }
}

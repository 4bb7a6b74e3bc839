/** Watches of one sort by their keys, each shared by its owners: it begins with the first of them and stops with the last. */
export class SharedWatches<W> {
  readonly #entries = new Map<string, { watch: W; owners: Set<string> }>();
  readonly #stop: (watch: W) => void;

  constructor(stop: (watch: W) => void) {
    this.#stop = stop;
  }

  get(key: string): W | undefined {
    return this.#entries.get(key)?.watch;
  }

  /**
   * Replaces what an owner wants, by the keys; what nobody wants any more stops.
   *
   * @param start begins a watch; the set of its owners is kept up to date
   */
  want<T>(owner: string, wanted: ReadonlyMap<string, T>, start: (what: T, owners: ReadonlySet<string>) => W): void {
    for (const [key, { watch, owners }] of this.#entries) {
      if (wanted.has(key) || !owners.delete(owner) || owners.size > 0) continue;
      this.#stop(watch);
      this.#entries.delete(key);
    }
    for (const [key, what] of wanted) {
      const known = this.#entries.get(key);
      if (known) {
        known.owners.add(owner);
        continue;
      }
      const owners = new Set([owner]);
      this.#entries.set(key, { watch: start(what, owners), owners });
    }
  }

  close(): void {
    for (const { watch } of this.#entries.values()) this.#stop(watch);
    this.#entries.clear();
  }
}

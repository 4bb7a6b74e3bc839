import type { ClusterAccess } from "./access.ts";

/** What all clients of one cluster share: how it is reached, and what was learnt about it. */
export class ClusterLink {
  /** API groups whose server cannot stream a list (WatchList, KEP-3157), found out by asking once. */
  readonly groupsWithoutWatchList = new Set<string>();
  #access: ClusterAccess;
  readonly #listeners = new Set<() => void>();

  constructor(access: ClusterAccess) {
    this.#access = access;
  }

  get access(): ClusterAccess {
    return this.#access;
  }

  rotate(access: ClusterAccess): void {
    if (access.fingerprint === this.#access.fingerprint) {
      return;
    }
    this.#access = access;
    for (const listener of [...this.#listeners]) {
      listener();
    }
  }

  onRotated(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

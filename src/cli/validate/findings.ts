/**
 * - `problem`: the API server refuses it, or Strata cannot do it.
 * - `warning`: it has no effect.
 * - `unchecked`: only more files, or a cluster, can tell.
 */
export type Severity = "problem" | "warning" | "unchecked";

/** One thing to say about a document. It holds no value of a Secret, nor of a variable. */
export interface Finding {
  severity: Severity;
  /** `shop.yaml, document 2, line 14`. */
  place: string;
  /** `AddOnProfile acme/shop`. */
  object: string;
  message: string;
}

/** Where a document stands, and what it is. */
export interface Subject {
  place: string;
  object: string;
}

/** Gathers findings; the same thing about the same document is said once. */
export class Findings {
  /** True when something that was asked for could not be looked at. */
  isIncomplete = false;
  readonly #found = new Map<string, Finding>();

  add(severity: Severity, { place, object }: Subject, messages: readonly string[]): void {
    for (const message of messages)
      this.#found.set(`${place}\n${object}\n${message}`, { severity, place, object, message });
  }

  all(): Finding[] {
    return [...this.#found.values()];
  }
}

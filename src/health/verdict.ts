/**
 * What one object is doing, in kstatus's words.
 *
 * - `Current`: as its spec wants it; the message is empty.
 * - `InProgress`: on the way; nobody has to act yet.
 * - `Failed`: its controller gave up, or says that a person must act. It can still recover.
 * - `Terminating`: being deleted.
 */
export interface Verdict {
  state: "Current" | "InProgress" | "Failed" | "Terminating";
  /** A short clause without the object's name (`0/3 replicas available`), one line, at most 300 characters. */
  message: string;
  /** The check itself is wrong, whatever the object is like: only a change of the profile mends it. */
  badCheck?: true;
}

export const CURRENT: Verdict = Object.freeze({ state: "Current", message: "" });

export const inProgress = (message: string): Verdict => ({ state: "InProgress", message });

export const failed = (message: string): Verdict => ({ state: "Failed", message });

export const terminating = (message: string): Verdict => ({ state: "Terminating", message });

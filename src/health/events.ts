import type { KubeObject } from "../objects/types.ts";
import { mapAt, nameOf, textAt } from "./fields.ts";
import { fold } from "./text.ts";

/** An event of either API (core/v1, events.k8s.io/v1), reduced to what a sentence needs. */
export interface EventNote {
  type: string;
  reason: string;
  message: string;
  about: { kind: string; name: string; uid: string };
  /** Milliseconds of its last occurrence. */
  at: number;
}

/** The notes in a fixed order: newest first, equal times by their text, so that a sentence does not flap. */
export function notesOf(events: readonly KubeObject[]): EventNote[] {
  return events.map(note).sort((a, b) => b.at - a.at || compare(a.message, b.message));
}

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function note(event: KubeObject): EventNote {
  const about = mapAt(event, "involvedObject");
  const regarding = Object.keys(about).length > 0 ? about : mapAt(event, "regarding");
  return {
    type: textAt(event, "type"),
    reason: textAt(event, "reason"),
    message: fold(textAt(event, "message") || textAt(event, "note")),
    about: { kind: textAt(regarding, "kind"), name: textAt(regarding, "name"), uid: textAt(regarding, "uid") },
    at: lastSeen(event),
  };
}

function lastSeen(event: KubeObject): number {
  const times = [
    textAt(mapAt(event, "series"), "lastObservedTime"),
    textAt(event, "lastTimestamp"),
    textAt(event, "deprecatedLastTimestamp"),
    textAt(event, "eventTime"),
    textAt(event, "firstTimestamp"),
    event.metadata.creationTimestamp ?? "",
  ];
  return times.map((time) => Date.parse(time)).find((time) => !Number.isNaN(time)) ?? 0;
}

/** Whether the note is about this very object: an older one of the same name has another uid. */
export function isAbout(note: EventNote, object: KubeObject): boolean {
  const { kind, name, uid } = note.about;
  if (uid !== "" && object.metadata.uid !== undefined) return uid === object.metadata.uid;
  return kind === object.kind && name === nameOf(object);
}

export const isWarning = (note: EventNote): boolean => note.type !== "Normal";

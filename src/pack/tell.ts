import { sentence } from "../health/text.ts";

const LIMIT = 500;

/** Sentences for people. Keys and names in them come from packs, so they are folded to one printable line each, and cut. */
export function told(sentences: readonly string[]): string[] {
  return sentences.map((text) => sentence(text, LIMIT));
}

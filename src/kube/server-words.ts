/** How the API server begins the sentence about an object that it could not read; the object is named by ours already. */
const PREFIXES = [
  /^failed to create typed patch object \(.*?; .*?\): /,
  /^failed to convert new object \(.*?; .*?\) to proper version: /,
  /^.* in version ".*?" cannot be handled as a .*?: /,
  /^unable to convert unstructured object to .*?: /,
  /^error decoding from json: /,
  /^strict decoding error: /,
];

/** Words of Go's for those of people; what follows `got` would repeat a piece of the object. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^\./, ""],
  [/duplicate entries for key \[(.*?)\]/, "two entries have the same key, $1: keep one of them"],
  [/expected numeric \(int or float\), got.*/s, "must be a number; do not quote it"],
  [/expected string, got.*/s, "must be a string; quote it"],
  [/expected boolean, got.*/s, "must be true or false; do not quote it"],
  [/expected (list|map), got.*/s, "must be a $1"],
  [/illegal base64 data at input byte \d+/, "a value of data is not base64; plain text stands in stringData"],
  [/json: cannot unmarshal (\w+) into Go struct field \S*?\.([\w.]+) of type \S+/, "$2 cannot be a $1"],
];

/** What an API server says of an object that it cannot read, for people. */
export function unreadableSentence(message: string): string {
  const said = PREFIXES.reduce((text, prefix) => text.replace(prefix, ""), message);
  return WORDS.reduce((text, [pattern, words]) => text.replace(pattern, words), said);
}

/** Which webhook it was, and why the API server could not ask it. */
export function webhookSentence(message: string): string {
  return message
    .replace(/^Internal error occurred: /, "")
    .replace(
      /^failed calling webhook ("[^"]*"): (failed to call webhook: )?/,
      "admission webhook $1 cannot be asked: ",
    );
}

/** Kubernetes adds the regular expression to each name that it refuses; its examples say enough. */
export function withoutRegex(message: string): string {
  return message.replaceAll(/, regex used for validation is '[^']*'/g, "");
}

import { z } from "zod";
import { DURATION_PATTERN, durationMs } from "../duration.ts";
import { matching, matchingUnlessExpression, withRules } from "./rules.ts";

/** Kinds of text that several fields share. Every one has a maximum length, so that the cost of CEL stays bounded. */

export const DNS_LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
export const OBJECT_NAME = "^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$";
export const DATA_KEY = "^[-._a-zA-Z0-9]+$";

const LABEL_SENTENCE = 'must consist of lower case letters, digits and "-", and start and end with a letter or digit';

/** A name as RFC 1123 has it for one label: what Kubernetes asks of namespaces. */
export function dnsLabel(what: string, maxLength = 63) {
  return withRules(z.string().max(maxLength), [matching(DNS_LABEL, `${what} ${LABEL_SENTENCE}`)]);
}

/** The name of an object of most kinds (RFC 1123 subdomain). */
export function objectName(what: string) {
  return withRules(z.string().max(253), [
    matching(
      OBJECT_NAME,
      `${what} must consist of lower case letters, digits, "-" and ".", and start and end with a letter or digit`,
    ),
  ]);
}

/** `<group>/<version>`, or the version alone for the core group. */
export function apiVersion() {
  return withRules(z.string().max(317), [
    matching(
      "^([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?v[0-9][a-z0-9]*$",
      "apiVersion must be <group>/<version>, or v1 for the core group",
    ),
  ]);
}

/** A key of a ConfigMap or Secret. */
export function dataKey() {
  return withRules(z.string().max(253), [matching(DATA_KEY, 'key must consist of letters, digits, "-", "_" and "."')]);
}

const DAY_MS = 86_400_000;

/** A Go duration between the shortest, one second, and a day. */
export function duration(what: string, shortest: "1s" | "1m" = "1s") {
  const message = `${what} must be a duration from ${shortest} to 24h, such as 90s, 10m or 1h30m`;
  const minMs = durationMs(shortest) ?? 0;
  return withRules(z.string().max(32), [
    {
      cel: `self.matches(r'${DURATION_PATTERN}') && duration(self) >= duration('${shortest}') && duration(self) <= duration('24h')`,
      message,
      check: (value) => {
        const ms = durationMs(value);
        return ms !== undefined && ms >= minMs && ms <= DAY_MS;
      },
    },
  ]);
}

const IDENTIFIERS = "[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*";
const NUMBER = "(0|[1-9][0-9]*)";

/** Semantic Versioning 2.0.0, without its ban on leading zeros in numeric pre-release identifiers. */
export function semanticVersion(what: string) {
  return withRules(z.string().max(64), [
    matching(
      `^${NUMBER}[.]${NUMBER}[.]${NUMBER}(-${IDENTIFIERS})?([+]${IDENTIFIERS})?$`,
      `${what} must be a semantic version such as 1.4.0 or 1.4.0-rc.1`,
    ),
  ]);
}

/** Each gap of spaces is matched by one part only, so that JavaScript cannot be made to backtrack for long. */
const PART = "([0-9]+|[xX*])";
const PARTIAL = `v?${PART}([.]${PART}){0,2}(-${IDENTIFIERS})?([+]${IDENTIFIERS})?`;
const TERM = `(${PARTIAL} +- +${PARTIAL}|((=|!=|>|<|>=|=>|<=|=<|~|~>|\\^) *)?${PARTIAL})`;
/** All that may stand between two of them. The shorter the pattern is, the less it takes of the API server's budget for CEL. */
const BETWEEN = "( *, *| +| *[|][|] *)";

const RANGE = `^ *${TERM}(${BETWEEN}${TERM})* *$`;
const RANGE_SENTENCE = 'must be a version such as 1.18.2 or a range such as 1.18.x, ^1.18.0 or ">=1.18.0 <1.20.0"';

/** An exact version or a range as Helm reads it (Masterminds/semver constraints). */
export function versionRange(what: string) {
  return withRules(z.string().max(64), [matching(RANGE, `${what} ${RANGE_SENTENCE}`)]);
}

/** The same as a plain pattern, which costs no CEL, where there may be too many of them. */
export function plainVersionRange() {
  return z.string().max(64).regex(new RegExp(RANGE));
}

/** A version or range that expressions may give. */
export function versionOrExpression(what: string) {
  return withRules(z.string().max(512), [matchingUnlessExpression(RANGE, `${what} ${RANGE_SENTENCE}`)]);
}

/** A namespace that expressions may give. */
export function namespaceOrExpression() {
  return withRules(z.string().max(512), [matchingUnlessExpression(DNS_LABEL, `namespace ${LABEL_SENTENCE}`)]);
}

/** What is wrong with what the expressions of a field gave; undefined when nothing is. */
export function wrongText(kind: "version" | "namespace", text: string): string | undefined {
  const [pattern, max, sentence] = kind === "version" ? [RANGE, 128, RANGE_SENTENCE] : [DNS_LABEL, 63, LABEL_SENTENCE];
  return text.length <= max && new RegExp(pattern).test(text) ? undefined : sentence;
}

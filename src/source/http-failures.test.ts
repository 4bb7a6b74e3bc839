import { expect, test } from "vitest";
import { Failure } from "../errors.ts";
import { failureOfError, failureOfStatus } from "./http-failures.ts";

const withCode = (code: string) => Object.assign(new Error("internal words"), { code });

test.each([
  [withCode("ENOTFOUND"), "its host name does not resolve"],
  [withCode("ECONNREFUSED"), "it refuses connections"],
  [withCode("UND_ERR_CONNECT_TIMEOUT"), "it does not answer"],
  [withCode("DEPTH_ZERO_SELF_SIGNED_CERT"), "its TLS certificate is not accepted (DEPTH_ZERO_SELF_SIGNED_CERT)"],
  [withCode("ERR_TLS_CERT_ALTNAME_INVALID"), "its TLS certificate is not accepted (ERR_TLS_CERT_ALTNAME_INVALID)"],
  [new TypeError("fetch failed", { cause: withCode("ECONNRESET") }), "it closed the connection"],
  [withCode("EMFILE"), "the connection failed (EMFILE)"],
  [new Error("internal words"), "the connection failed"],
  ["a thrown text", "the connection failed"],
])("%s: %s", (error, words) => {
  const failure = failureOfError(error, "charts.example");
  expect(failure.message).toBe(`charts.example is not available: ${words}`);
  expect(failure).toMatchObject({ reason: "SourceUnavailable", retry: "transient" });
});

test("a failure from a look-up stays what it is", () => {
  const refused = new Failure("InvalidSpec", "not allowed");
  expect(failureOfError(refused, "x")).toBe(refused);
  expect(failureOfError(new TypeError("fetch failed", { cause: refused }), "x")).toBe(refused);
});

const url = new URL("https://charts.example/shop.tgz?signature=s3cret");

test.each([
  [404, "ChartNotFound", "charts.example has no chart shop"],
  [
    403,
    "ChartNotFound",
    "charts.example refuses access to chart shop: it does not exist, or it is private, which this version of Strata does not support yet",
  ],
  [429, "SourceUnavailable", "charts.example asks for fewer requests (429) for chart shop"],
  [502, "SourceUnavailable", "charts.example answers 502 for chart shop"],
])("%i is %s: %s", (status, reason, message) => {
  expect(failureOfStatus({ status, url, headers: {} }, "chart shop")).toMatchObject({ reason, message });
});

test.each([
  ["7", 7000],
  ["soon", undefined],
  ["Thu, 01 Jan 1970 00:00:00 GMT", undefined],
  [undefined, undefined],
])("Retry-After %s means %s ms", (header, wanted) => {
  const failure = failureOfStatus({ status: 429, url, headers: { "retry-after": header } }, "x");
  expect(failure.retryAfterMs).toBe(wanted);
});

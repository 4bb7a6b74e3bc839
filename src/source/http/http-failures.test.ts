import { expect, test } from "vitest";
import { Failure } from "../../errors.ts";
import { failureOfError, failureOfStatus } from "./http-failures.ts";

const url = new URL("https://charts.example/shop.tgz?signature=s3cret");
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
  const failure = failureOfError(error, url);
  expect(failure.message).toBe(`charts.example is not available: ${words}`);
  expect(failure).toMatchObject({ reason: "SourceUnavailable", retry: "transient" });
});

test("a server that is not content with our certificate is not just away", () => {
  const code = "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED";
  expect(failureOfError(withCode(code), url)).toMatchObject({
    reason: "SourceUnauthorized",
    message: `charts.example wants a client certificate that it accepts (${code}): correct it in the Secret of the Registry`,
  });
});

test("a failure from a look-up stays what it is", () => {
  const refused = new Failure("InvalidSpec", "not allowed");
  expect(failureOfError(refused, url)).toBe(refused);
  expect(failureOfError(new TypeError("fetch failed", { cause: refused }), url)).toBe(refused);
});

const chart = { what: "chart shop", subject: "chart" as const };

test.each([
  [404, "ChartNotFound", "charts.example has no chart shop"],
  [410, "ChartNotFound", "charts.example has no chart shop"],
  [
    401,
    "SourceUnauthorized",
    "charts.example wants credentials for chart shop: refer to a Registry that has them, or correct the name",
  ],
  [
    403,
    "SourceUnauthorized",
    "charts.example refuses chart shop: it does not exist, or it is private and needs a Registry with credentials",
  ],
  [429, "SourceUnavailable", "charts.example asks for fewer requests (429) for chart shop"],
  [502, "SourceUnavailable", "charts.example answers 502 for chart shop"],
])("%i is %s: %s", (status, reason, message) => {
  expect(failureOfStatus({ status, url, headers: {} }, chart)).toMatchObject({ reason, message });
});

test.each([
  [
    401,
    "Registry private (charts.example) does not accept the user and password for pack shop: correct them in the Secret of the Registry",
  ],
  [
    403,
    "Registry private (charts.example) refuses pack shop: it does not exist, or the user and password may not read it",
  ],
])("%i for those who gave credentials: %s", (status, message) => {
  const wanted = {
    what: "pack shop",
    subject: "pack" as const,
    caller: "Registry private",
    proof: "user and password",
  };
  expect(failureOfStatus({ status, url, headers: {} }, wanted)).toMatchObject({
    reason: "SourceUnauthorized",
    message,
  });
});

test("what is missing and is no chart has a reason of its own", () => {
  const failure = failureOfStatus({ status: 404, url, headers: {} }, { what: "pack shop", subject: "pack" });
  expect(failure).toMatchObject({ reason: "SourceNotFound", message: "charts.example has no pack shop" });
});

test.each([
  ["7", 7000],
  ["soon", undefined],
  ["Thu, 01 Jan 1970 00:00:00 GMT", undefined],
  [undefined, undefined],
])("Retry-After %s means %s ms", (header, wanted) => {
  const failure = failureOfStatus({ status: 429, url, headers: { "retry-after": header } }, chart);
  expect(failure.retryAfterMs).toBe(wanted);
});

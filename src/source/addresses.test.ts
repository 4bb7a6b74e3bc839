import { expect, test } from "vitest";
import { checkedLookup, checkUrl, isLoopback } from "./addresses.ts";

const plainHttp = new Set(["registry.lan:5000"]);

test.each([
  "https://charts.example/stable",
  "https://10.0.0.7:8443/charts",
  "http://localhost:5000/",
  "http://127.0.0.1:5000/",
  "http://[::1]:5000/",
  "http://registry.lan:5000/charts",
])("%s may be asked", (url) => {
  expect(() => checkUrl(new URL(url), plainHttp)).not.toThrow();
});

test.each([
  ["http://charts.example/", "http://charts.example is not encrypted: use https://"],
  ["http://registry.lan/", "http://registry.lan is not encrypted: use https://"],
  [
    "https://169.254.169.254/latest/meta-data",
    "requests to 169.254.169.254 are not allowed: its address is link-local",
  ],
  ["https://2852039166/", "not allowed"],
  ["https://0251.0376.0251.0376/", "not allowed"],
  ["https://[::ffff:169.254.169.254]/", "not allowed"],
  ["https://[fd00:ec2::254]/", "not allowed"],
  ["https://[fe80::1]/", "not allowed"],
  ["file:///etc/passwd", "file:// addresses are not supported"],
  ["https://user:secret@charts.example/", "must not contain a user or a password"],
])("%s is refused", (url, sentence) => {
  expect(() => checkUrl(new URL(url), plainHttp)).toThrow(sentence);
  expect(() => checkUrl(new URL(url), plainHttp)).not.toThrow("secret");
});

test("a name that resolves to a forbidden address is refused at the look-up", async () => {
  const looked = await new Promise<Error | null>((done) => checkedLookup("169.254.169.254", { all: true }, done));
  expect(looked?.message).toContain("link-local");
});

test("a look-up gives one address or all of them, as it is asked", async () => {
  const one = await new Promise((done) => checkedLookup("127.0.0.1", {}, (...answer) => done(answer)));
  expect(one).toEqual([null, "127.0.0.1", 4]);
  const all = await new Promise((done) => checkedLookup("127.0.0.1", { all: true }, (...answer) => done(answer)));
  expect(all).toEqual([null, [{ address: "127.0.0.1", family: 4 }]]);
});

test.each([
  ["http://localhost:1/", true],
  ["http://127.8.9.1/", true],
  ["http://[::1]/", true],
  ["http://10.0.0.1/", false],
  ["http://localhost.example/", false],
])("%s is loopback: %s", (url, loopback) => {
  expect(isLoopback(new URL(url))).toBe(loopback);
});

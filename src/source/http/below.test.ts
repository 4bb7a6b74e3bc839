import { expect, test } from "vitest";
import { isBelow } from "./below.ts";

const HOST = "https://host.example";

test.each([
  { path: "/a", folder: "/a" },
  { path: "/a/", folder: "/a" },
  { path: "/a/b/c.yaml", folder: "/a/" },
  { path: "/anything", folder: "/" },
  { path: "/a//b", folder: "/a" },
  { path: "/a/.hidden/..b/c...d", folder: "/a" },
  { path: "/a/100%25.yaml", folder: "/a" },
  { path: "/a/gr%C3%BC%C3%9Fe%20an%20alle.yaml", folder: "/a" },
  { path: "/a/b.yaml?ref=v1.2&sig=a%2Fb%3D", folder: "/a" },
  { path: "/projects/group%2Fproject/helm/b.yaml", folder: "/projects/group%2Fproject/helm" },
  { path: "/a%25%2e/b.yaml", folder: "/a%25%2e" },
])("$path is below $folder", ({ path, folder }) => {
  expect(isBelow(new URL(`${HOST}${path}`), new URL(`${HOST}${folder}`))).toBe(true);
});

test.each([
  // What is not there to begin with.
  "/",
  "/b",
  "/A/b",
  "/ab",
  "/a;x/b",
  "/a%2fb",
  "/a/../b",
  "/a/%2e%2E/b",
  // Slashes that are none yet.
  "/a/..%2fb",
  "/a/b%2Fc",
  "/a/b%252fc",
  "/a/..%5cb",
  "/a/%EF%BC%8F",
  // Dots that are none yet.
  "/a/%252e%252e/b",
  "/a/%25252e%25252e/b",
  "/a/%2525252525252e/b",
  "/a/%EF%BC%8E%EF%BC%8E/b",
  "/a/%E2%80%A5/b",
  // Dots with what somebody cuts off.
  "/a/..;/b",
  "/a/..;x/b",
  "/a/..%20/b",
  "/a/%20../b",
  "/a/..%00/b",
  "/a/..%09/b",
  "/a/..%3Fx/b",
  "/a/..%23/b",
  "/a/..%E2%80%8B/b",
  "/a/.../b",
  // No sure reading.
  "/a/b%00",
  "/a/%",
  "/a/%c0%ae%c0%ae/b",
  "/a/100%25/%252e%252e/b",
  "/a/%252525252e",
  // A query that climbs.
  "/a/b?file=../../c",
  "/a/b?file=%2e%2e/c",
  "/a/b?file=%252e%252e%252fc",
])("%s is not below /a", (path) => {
  expect(isBelow(new URL(`${HOST}${path}`), new URL(`${HOST}/a`))).toBe(false);
});

test("another origin is below nothing", () => {
  for (const origin of ["http://host.example", "https://host.example:8443", "https://host.example.evil.example"])
    expect(isBelow(new URL(`${origin}/a/b`), new URL(`${HOST}/a`))).toBe(false);
});

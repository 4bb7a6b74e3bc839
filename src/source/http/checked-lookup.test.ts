import { type LookupAddress, lookup } from "node:dns";
import { expect, test, vi } from "vitest";
import { addressCheck, LOOPBACK_NETWORKS } from "../../text/addresses.ts";
import { checkedLookup } from "./checked-lookup.ts";

vi.mock("node:dns", async (original) => {
  const real = await original<typeof import("node:dns")>();
  // A name server that never answers for one name.
  const resolve = (name: string, ...rest: [never, never]) =>
    name === "silent.example" ? undefined : real.lookup(name, ...rest);
  return { ...real, lookup: vi.fn(resolve) };
});

const strict = addressCheck([]);
const open = addressCheck(LOOPBACK_NETWORKS);

type Answer = [error: Error | null, address: string | LookupAddress[], family?: number | undefined];

function look(check: typeof strict, name: string, options: object): Promise<Answer> {
  return new Promise((done) => checkedLookup(check)(name, options, (...answer) => done(answer)));
}

test("a name that resolves to a forbidden address is refused at the look-up", async () => {
  const [error] = await look(open, "169.254.169.254", { all: true });
  expect(error).toMatchObject({ reason: "InvalidSpec", message: expect.stringContaining("link-local") });
  const [own] = await look(strict, "localhost", { all: true });
  expect(own?.message).toContain("requests to localhost are not allowed: its address is loopback");
});

test("a look-up gives one address or all of them, as it is asked, and to all who ask at once", async () => {
  expect(await look(open, "127.0.0.1", {})).toEqual([null, "127.0.0.1", 4]);
  const all = await Promise.all(Array.from({ length: 3 }, () => look(open, "127.0.0.1", { all: true })));
  expect(all).toEqual(Array(3).fill([null, [{ address: "127.0.0.1", family: 4 }]]));
});

test("a name whose server is silent takes one place, however often it is asked for, and holds no other name up", async () => {
  let answers = 0;
  for (let attempt = 0; attempt < 100; attempt += 1)
    checkedLookup(open)("silent.example", { all: true }, () => (answers += 1));
  expect(await look(open, "localhost", {})).toEqual([
    null,
    expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
    expect.any(Number),
  ]);
  const asked = vi.mocked(lookup).mock.calls.filter(([name]) => name === "silent.example");
  expect([asked.length, answers]).toEqual([1, 0]);
});

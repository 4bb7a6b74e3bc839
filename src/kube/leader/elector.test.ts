import { describe, expect, test } from "vitest";
import { openWorld, Replica, SECOND, type Server } from "../testing/election.ts";
import { settle } from "../testing/fake-clock.ts";
import { NOBODY } from "./lease-record.ts";

/** A world in which `a` leads and `b` stands by. */
async function openPair() {
  const world = openWorld();
  world.server.put({ holder: "" });
  const a = await world.start("a");
  const b = await world.start("b");
  expect([a.leads, b.leads]).toEqual([true, false]);
  await world.clock.advance(5 * SECOND);
  return { ...world, a, b };
}

describe("of two replicas", () => {
  test("one leads, the other says who does, and asks for nothing while it waits", async () => {
    const { clock, server, a, b } = await openPair();
    await clock.advance(600 * SECOND);
    expect([a.fence.isOpen, b.fence.isOpen]).toEqual([true, false]);
    expect(b.waiting).toEqual([{ why: "held", holder: "a" }]);
    expect(server.holders).toEqual(["", "a"]);
    expect(server.lease?.transitions).toBe(1);
  });

  test("the other leads at once when the first gives the lease back", async () => {
    const { a, b } = await openPair();
    await a.elector.release();
    expect(a.fence.isOpen).toBe(false);
    await settle();
    expect(b.leads).toBe(true);
    expect(b.fence.isOpen).toBe(true);
    expect(a.lost).toBeUndefined();
  });

  test("the other leads 15 to 17 s after the last renewal when the first is killed", async () => {
    const { clock, server, a, b } = await openPair();
    a.kill();
    await clock.advance(12 * SECOND);
    expect(b.leads).toBe(false);
    await clock.advance(5 * SECOND);
    expect(b.leads).toBe(true);
    expect(server.holders).toEqual(["", "a", "b"]);
  });

  test("the other leads when the lease has run out, whenever it began to wait for it", async () => {
    const { clock, server, start } = openWorld();
    server.put({ holder: "" });
    const a = await start("a");
    await clock.advance(1 * SECOND);
    const b = await start("b");
    // Renewed for the last time at 2 s.
    await clock.advance(2 * SECOND);
    a.kill();
    await clock.advance(13 * SECOND);
    expect(b.leads).toBe(false);
    await clock.advance(1 * SECOND);
    expect(b.leads).toBe(true);
  });

  test("one that was stopped finds its fence shut, before any timer of its own has told it", async () => {
    const { clock, a, b } = await openPair();
    a.stop();
    await clock.advance(60 * SECOND);
    expect(b.leads).toBe(true);
    expect(a.lost).toBeUndefined();
    expect(() => a.fence.check()).toThrow("does not hold Strata's lease");
    a.resume();
    await settle();
    expect(a.lost).toBe("it was not renewed for 10 s (this process was stopped, or too busy)");
    expect(b.fence.isOpen).toBe(true);
  });

  test("a renewal counts from its beginning, however late its answer comes", async () => {
    const { clock, a } = await openPair();
    const sentAt = 6 * SECOND;
    a.answers = Promise.withResolvers();
    await clock.advance(8 * SECOND);
    a.answers.resolve();
    await settle();
    expect(a.fence.until).toBe(sentAt + 10 * SECOND);
  });

  test("one that cannot renew writes nothing after 10 s, and ends with the reason", async () => {
    const { clock, a, b } = await openPair();
    a.cut = true;
    await clock.advance(10 * SECOND);
    expect(a.fence.isOpen).toBe(false);
    expect(a.lost).toBe("it was not renewed for 10 s (renewing the lease: 127.0.0.1:6443: connection refused)");
    expect(b.leads).toBe(false);
    await clock.advance(7 * SECOND);
    expect(b.leads).toBe(true);
  });

  test("a short outage of the API server is survived", async () => {
    const { clock, server, a, b } = await openPair();
    server.up = false;
    await clock.advance(6 * SECOND);
    server.up = true;
    await clock.advance(20 * SECOND);
    expect([a.fence.isOpen, a.lost, b.leads]).toEqual([true, undefined, false]);
  });

  test("a Lease that somebody labels stays with its holder", async () => {
    const { clock, server, a, b } = await openPair();
    server.touch();
    await clock.advance(30 * SECOND);
    expect([a.fence.isOpen, b.leads]).toEqual([true, false]);
  });

  test.each([
    { what: "deleted", act: (server: Server) => server.remove(), why: "somebody has deleted it" },
    { what: "taken", act: (server: Server) => void server.put({ holder: "kubectl" }), why: "kubectl holds it" },
    { what: "emptied", act: (server: Server) => void server.put({ holder: "" }), why: /holds it|has emptied it/ },
  ])("a Lease that somebody has $what is lost within a renewal", async ({ act, why }) => {
    const { clock, server, a } = await openPair();
    act(server);
    await clock.advance(2 * SECOND);
    expect(a.lost).toMatch(why);
    expect(a.fence.isOpen).toBe(false);
  });

  test("a Lease that is deleted is made anew at once, and taken when its former holder can write no more", async () => {
    const { clock, server, a, b } = await openPair();
    a.cut = true;
    server.remove();
    await clock.advance(14 * SECOND);
    expect(server.lease?.holder).toBe(NOBODY);
    expect(b.leads).toBe(false);
    expect(b.waiting.at(-1)).toEqual({ why: "gone" });
    await clock.advance(3 * SECOND);
    expect(b.leads).toBe(true);
    expect(server.holders).toEqual(["", "a", NOBODY, "b"]);
  });

  test("one that finds no Lease again, as it did before it was cut off, does not take it for the same absence", async () => {
    const { clock, server, start } = openWorld();
    const a = await start("a");
    const b = await start("b");
    b.cut = true;
    await clock.advance(20 * SECOND);
    expect([a.leads, b.leads]).toEqual([true, false]);
    a.cut = true;
    server.remove();
    b.cut = false;
    await clock.advance(7 * SECOND);
    expect([a.fence.isOpen, b.fence.isOpen]).toEqual([true, false]);
    await clock.advance(12 * SECOND);
    expect([a.fence.isOpen, b.fence.isOpen]).toEqual([false, true]);
  });
});

describe("one replica", () => {
  test("waits for what a holder that it has never seen alive was promised, and no longer", async () => {
    const { clock, server, start } = openWorld();
    server.put({ holder: "dead", durationMs: 40 * SECOND });
    const a = await start("a");
    await clock.advance(39 * SECOND);
    expect(a.leads).toBe(false);
    await clock.advance(3 * SECOND);
    expect(a.leads).toBe(true);
  });

  test("never leads while a stranger renews", async () => {
    const { clock, server, start } = openWorld();
    server.put({ holder: "stranger" });
    const a = await start("a");
    for (let beat = 0; beat < 20; beat += 1) {
      await clock.advance(14 * SECOND);
      server.put({ holder: "stranger" });
    }
    expect(a.leads).toBe(false);
    expect(a.waiting).toEqual([{ why: "held", holder: "stranger" }]);
  });

  test("says why it cannot ask, tries on, and leads when it can", async () => {
    const { clock, server, start } = openWorld();
    server.put({ holder: "" });
    server.up = false;
    const a = await start("a");
    await clock.advance(120 * SECOND);
    expect(a.waiting).toMatchObject([{ why: "failing", failure: { reason: "Unreachable" } }]);
    server.up = true;
    await clock.advance(2 * SECOND);
    expect(a.leads).toBe(true);
  });

  test("knows its own name when the answer to its request was lost", async () => {
    const { clock, server, start } = openWorld();
    server.put({ holder: "" });
    const a = new Replica(server, clock, "a");
    a.deaf = true;
    await clock.advance(1);
    expect([server.lease?.holder, a.leads]).toEqual(["a", false]);
    a.deaf = false;
    await clock.advance(3 * SECOND);
    expect(a.leads).toBe(true);
    expect(await start("b")).toMatchObject({ leads: false });
  });

  test("gives back what it took while it was told to end", async () => {
    const { clock, server } = openWorld();
    server.put({ holder: "" });
    const a = new Replica(server, clock, "a");
    a.deaf = true;
    await clock.advance(1);
    a.deaf = false;
    await a.elector.release();
    expect(server.lease?.holder).toBe("");
    expect([a.leads, a.fence.isOpen]).toEqual([false, false]);
  });

  test("ends although the API server does not answer", async () => {
    const { clock, server, start } = openWorld();
    server.put({ holder: "" });
    const a = await start("a");
    server.up = false;
    await a.elector.release();
    await clock.advance(0);
    expect(a.fence.isOpen).toBe(false);
  });
});

import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { FakeClock, settle } from "../testing/fake-clock.ts";
import { watchPulse } from "./http2-pulse.ts";

/** A connection whose peer answers a PING when the test says so. */
function start() {
  const clock = new FakeClock();
  const socket = { bytesRead: 0 };
  const answers: (() => void)[] = [];
  let silent = 0;
  const stop = watchPulse({
    session: {
      ping: (answer: (error: null) => void) => answers.push(() => answer(null)),
    } as unknown as ClientHttp2Session,
    socket: socket as Socket,
    clock,
    onSilent: () => (silent += 1),
  });
  const pass = async (ms: number) => {
    await clock.advance(ms);
    for (let turn = 0; turn < 3; turn += 1) await settle();
  };
  return { clock, socket, answers, stop, pass, silent: () => silent };
}

test("a PING goes out 15 s after the last answer", async () => {
  const { answers, pass, silent } = start();
  await pass(15_000);
  expect(answers).toHaveLength(1);
  await pass(9_999);
  answers[0]?.();
  await pass(14_999);
  expect(answers).toHaveLength(1);
  await pass(1);
  expect(answers).toHaveLength(2);
  expect(silent()).toBe(0);
});

test("10 s without an answer and without a byte are silence", async () => {
  const { pass, silent } = start();
  await pass(24_999);
  expect(silent()).toBe(0);
  await pass(1);
  expect(silent()).toBe(1);
});

test("an answer may lie behind other bytes; when they stop it is silence", async () => {
  const { socket, pass, silent } = start();
  await pass(15_000);
  for (let turn = 0; turn < 6; turn += 1) {
    socket.bytesRead += 1_000;
    await pass(10_000);
  }
  expect(silent()).toBe(0);
  await pass(10_000);
  expect(silent()).toBe(1);
});

test("an answer that is read right after the deadline, in a process that stood still, counts", async () => {
  const { clock, answers, pass, silent } = start();
  await pass(15_000);
  clock.after(10_000, () => answers[0]?.());
  await clock.advance(10_000);
  await pass(0);
  expect(silent()).toBe(0);
  expect(clock.waiting).toEqual([15_000]);
});

test("nothing is sent or judged after the end", async () => {
  const { clock, answers, stop, pass, silent } = start();
  await pass(15_000);
  stop();
  expect(clock.waiting).toEqual([]);
  answers[0]?.();
  await pass(60_000);
  expect([answers.length, silent()]).toEqual([1, 0]);
});

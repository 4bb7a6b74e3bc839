import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";

const PING_EVERY_MS = 15_000;
/** So long may a PING stay without an answer. */
const PING_ANSWER_MS = 10_000;

export interface Pulse {
  readonly session: ClientHttp2Session;
  readonly socket: Socket;
  readonly clock: Clock;
  /** The server, or the network to it, is silent. */
  onSilent(): void;
}

/**
 * Sends a PING every 15 s. A session whose PING stays unanswered for 10 s, in which nothing else came either, is dead: behind
 * a large list on a slow line an answer may take its time. Keeps no process alive; the answer ends it.
 */
export function watchPulse({ session, socket, clock, onSilent }: Pulse): () => void {
  let cancel = (): void => undefined;
  let isOver = false;
  const later = (ms: number, run: () => void): void => {
    cancel();
    if (!isOver) cancel = clock.after(ms, run, { unref: true });
  };
  const beat = (): void => {
    let heard = socket.bytesRead;
    let isAnswered = false;
    const judge = (): void => {
      if (isOver || isAnswered) return;
      if (socket.bytesRead === heard) {
        onSilent();
        return;
      }
      heard = socket.bytesRead;
      later(PING_ANSWER_MS, due);
    };
    // Our own process may be what stood still: what lies in the socket is read before anybody is declared dead.
    const due = (): void => void setImmediate(() => setImmediate(judge));
    later(PING_ANSWER_MS, due);
    session.ping((error) => {
      if (error) return;
      isAnswered = true;
      later(PING_EVERY_MS, beat);
    });
  };
  later(PING_EVERY_MS, beat);
  return () => {
    isOver = true;
    cancel();
  };
}

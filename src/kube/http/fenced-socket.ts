import type { ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { WriteFence } from "../leader/fence.ts";

type Done = (error?: Error | null) => void;

/**
 * A connection that asks the fence again when bytes leave it. HTTP/2 keeps a request until the event loop has come round, and a
 * process that is stopped in between goes on with that when another leads long since. Which bytes belong to a write nobody can
 * tell any more: while one has no answer and the fence is shut, nothing leaves, and the connection ends.
 */
export class FencedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #fence: WriteFence;
  /** Writes without an answer yet. */
  #writes = 0;

  constructor(socket: Socket, fence: WriteFence) {
    super();
    this.#socket = socket;
    this.#fence = fence;
    socket.on("data", (chunk) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.once("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy());
  }

  /** This stream's request is a write. */
  guard(stream: ClientHttp2Stream): void {
    this.#writes += 1;
    let isOver = false;
    const over = (): void => {
      if (!isOver) this.#writes -= 1;
      isOver = true;
    };
    stream.once("response", over);
    stream.once("close", over);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    if (this.#mayLeave(done)) this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: Done): void {
    if (!this.#mayLeave(done)) return;
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy();
    done(error);
  }

  #mayLeave(done: Done): boolean {
    try {
      if (this.#writes > 0) this.#fence.check();
      return true;
    } catch (error) {
      done(error as Error);
      return false;
    }
  }
}

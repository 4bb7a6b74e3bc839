import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { Failure } from "../errors.ts";

const MIB = 1024 * 1024;
/** The largest charts make a few MiB; `strata-render` itself refuses to answer with more than this. */
const MAX_ANSWER_BYTES = 64 * MIB;
/** Where Go's garbage collector begins to work harder, and where the kernel ends the process. */
const MEMORY_TARGET_BYTES = 384 * MIB;
const MEMORY_LIMIT_BYTES = 768 * MIB;
/** How `strata-render` says that it gave up by itself. */
const EXIT_DEADLINE = 124;

type Child = ChildProcessByStdio<Writable, Readable, null>;
type Ending = { kind: "line"; line: string } | { kind: "failed"; error: unknown };

interface Asking {
  deadlineMs: number;
  /** What breaks or is late, in failures: `the chart`. */
  subject: string;
}

/**
 * One `strata-render` that answers one question at a time. A question that is aborted, late or too large ends the
 * process: a template that runs cannot be stopped otherwise. `isAlive` tells whether it may be asked again.
 */
export class RenderProcess {
  readonly #child: Child;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isAlive = true;
  #settle: ((ending: Ending) => void) | undefined;
  #subject = "the chart";

  constructor(binary: string) {
    // The environment is what Go needs and nothing of ours: charts are other people's programs. What the process
    // prints on stderr is dropped, because a Go panic may quote a value.
    this.#child = spawn(binary, [], {
      cwd: "/",
      env: { GOMEMLIMIT: String(MEMORY_TARGET_BYTES), STRATA_RENDER_MEMORY: String(MEMORY_LIMIT_BYTES) },
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#child.on("error", (cause) => {
      this.#end(
        new Failure("RenderFailed", "the chart renderer cannot be started: is strata-render installed?", { cause }),
      );
    });
    this.#child.on("exit", (code) => this.#end(deathOf(code, this.#subject)));
    // A write to a process that just ended; its exit is the error that counts.
    this.#child.stdin.on("error", () => undefined);
    this.#child.stdout.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Sends one line and gives the line that answers it. Rejects with a Failure, or with the reason of the signal. */
  async ask(line: string, { deadlineMs, subject }: Asking, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    if (!this.#isAlive) throw deathOf(null, subject);
    this.#subject = subject;
    const onAbort = () => this.#end(signal.reason);
    const timer = setTimeout(() => this.#end(tooLate(subject)), deadlineMs);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const ending = await new Promise<Ending>((settle) => {
        this.#settle = settle;
        this.#child.stdin.write(line);
      });
      if (ending.kind === "failed") throw ending.error;
      return ending.line;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      this.#settle = undefined;
    }
  }

  /** Ends the process; a question that still waits is rejected. */
  kill(): void {
    this.#end(new Failure("RenderTimeout", "the chart renderer was stopped"));
  }

  #receive(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#bytes > MAX_ANSWER_BYTES) {
      this.#end(new Failure("RenderFailed", `${this.#subject} renders to more than ${MAX_ANSWER_BYTES / MIB} MiB`));
    } else if (chunk.at(-1) === 0x0a) {
      const line = Buffer.concat(this.#chunks).toString("utf8");
      this.#chunks = [];
      this.#bytes = 0;
      this.#settle?.({ kind: "line", line });
    }
  }

  #end(error: unknown): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#child.kill("SIGKILL");
    this.#settle?.({ kind: "failed", error });
  }
}

function tooLate(subject: string): Failure {
  return new Failure("RenderTimeout", `${subject} takes too long to render; one of its templates may never end`);
}

function deathOf(code: number | null, subject: string): Failure {
  if (code === EXIT_DEADLINE) return tooLate(subject);
  const limit = `${MEMORY_LIMIT_BYTES / MIB} MiB`;
  return new Failure("RenderFailed", `${subject} broke the renderer; it may need more than ${limit} of memory`);
}

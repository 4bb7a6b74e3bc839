import { Failure } from "../errors.ts";
import { type Question, questionLine, readAnswer } from "./protocol.ts";
import { RenderProcess } from "./render-process.ts";

interface PoolOptions {
  binary: string;
  processes: number;
  deadlineMs: number;
}

interface Waiter {
  proceed(): void;
}

/** At most `processes` renderers, started when they are first needed and kept for the next chart. */
export class RenderPool implements Disposable {
  readonly #options: PoolOptions;
  readonly #idle: RenderProcess[] = [];
  readonly #all = new Set<RenderProcess>();
  readonly #waiters: Waiter[] = [];
  #busy = 0;
  #questions = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** The deadline runs from the moment a process takes the request, not while it waits for one. */
  async ask<T extends { id: string }>(question: Question<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      const process = this.#take();
      try {
        this.#questions += 1;
        const id = String(this.#questions);
        const { deadlineMs } = this.#options;
        // The process ends itself a little later, should nobody be left here to end it.
        const line = questionLine(id, question.fields, deadlineMs + 1000);
        const answer = await process.ask(line, { deadlineMs, subject: question.subject }, signal);
        return readAnswer(id, question, answer);
      } finally {
        this.#giveBack(process);
      }
    } finally {
      this.#passOn();
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const process of this.#all) process.kill();
    this.#all.clear();
    this.#idle.length = 0;
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#busy >= this.#options.processes) await this.#wait(signal);
    else this.#busy += 1;
  }

  /** The turn goes to whoever waits longest, so that no newcomer can slip in between. */
  #passOn(): void {
    const next = this.#waiters.shift();
    if (next === undefined) this.#busy -= 1;
    else next.proceed();
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        proceed() {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  #take(): RenderProcess {
    if (this.#isClosed) throw new Failure("RenderTimeout", "the chart renderer was stopped");
    let process = this.#idle.pop();
    // One that was killed from outside while it was idle.
    while (process !== undefined && !process.isAlive) {
      this.#all.delete(process);
      process = this.#idle.pop();
    }
    process ??= new RenderProcess(this.#options.binary);
    this.#all.add(process);
    return process;
  }

  #giveBack(process: RenderProcess): void {
    if (process.isAlive) this.#idle.push(process);
    else this.#all.delete(process);
  }
}

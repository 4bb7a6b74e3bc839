import { ConnectionError } from "../api-error.ts";
import type { Clock } from "../clock.ts";
import { Elector, type Waiting } from "../leader/elector.ts";
import { Fence } from "../leader/fence.ts";
import { type LeaseRecord, type LeaseTerms, recordOf, specOf } from "../leader/lease-record.ts";
import type { LeaseStore } from "../leader/lease-store.ts";
import { FakeClock, settle } from "./fake-clock.ts";

export const SECOND = 1_000;

/** An API server with one Lease. */
export class Server {
  lease: LeaseRecord | undefined;
  /** Every holder, in order. */
  readonly holders: string[] = [];
  up = true;
  writes = 0;
  #version = 0;
  readonly #followers = new Set<(record: LeaseRecord | undefined) => void>();

  put(terms: Partial<LeaseTerms>): LeaseRecord {
    this.#version += 1;
    const spec = specOf({
      holder: "",
      durationMs: 15 * SECOND,
      transitions: 0,
      acquireTime: "",
      renewTime: "",
      ...terms,
    });
    const metadata = { resourceVersion: `${this.#version}` };
    const lease = recordOf({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata, spec });
    // The times in it are of the real clock: here each write is a renewal.
    this.#set({ ...lease, text: `${this.#version}` });
    if (this.holders.at(-1) !== lease.holder) this.holders.push(lease.holder);
    return this.lease as LeaseRecord;
  }

  /** Somebody writes a label. */
  touch(): void {
    this.#version += 1;
    if (this.lease) this.#set({ ...this.lease, version: `${this.#version}` });
  }

  remove(): void {
    this.#set(undefined);
  }

  follow(tell: (record: LeaseRecord | undefined) => void): () => void {
    this.#followers.add(tell);
    tell(this.lease);
    return () => this.#followers.delete(tell);
  }

  #set(lease: LeaseRecord | undefined): void {
    this.lease = lease;
    for (const tell of this.#followers) tell(lease);
  }
}

/** A Strata in a process that can be stopped (its timers then fire late), cut off from the API server, or killed. */
export class Replica {
  readonly identity: string;
  readonly fence: Fence;
  readonly elector: Elector;
  readonly waiting: Waiting[] = [];
  lost: string | undefined;
  leads = false;
  ended = false;
  cut = false;
  /** Answers to writes come when this is resolved. */
  answers: PromiseWithResolvers<void> | undefined;
  /** The answer to a write does not come back. */
  deaf = false;
  readonly #server: Server;
  #stopped: PromiseWithResolvers<void> | undefined;

  constructor(server: Server, world: FakeClock, identity: string) {
    this.#server = server;
    this.identity = identity;
    const clock: Clock = {
      now: () => world.now(),
      random: () => 0,
      after: (ms, run) => world.after(ms, () => void this.#whenRunning(run)),
    };
    this.fence = new Fence(clock);
    const onWaiting = (waiting: Waiting): void => void this.waiting.push(waiting);
    this.elector = new Elector({ store: this.#store(), fence: this.fence, identity, clock, onWaiting });
    void this.elector.lost.then((why) => {
      this.lost = why;
      this.ended = true;
    });
    this.elector.acquire().then(
      () => {
        this.leads = true;
      },
      () => undefined,
    );
  }

  stop(): void {
    this.#stopped ??= Promise.withResolvers();
  }

  resume(): void {
    this.#stopped?.resolve();
    this.#stopped = undefined;
  }

  /** SIGKILL: it does nothing more, and can write nothing more. */
  kill(): void {
    this.ended = true;
    this.fence.close();
    this.stop();
  }

  async #running(): Promise<void> {
    while (this.#stopped) await this.#stopped.promise;
  }

  async #whenRunning(run: () => void): Promise<void> {
    if (this.#stopped) await this.#running();
    run();
  }

  async #call<T>(what: () => T, isWrite = false): Promise<T> {
    await this.#running();
    if (!this.#server.up || this.cut) throw new ConnectionError("127.0.0.1:6443: connection refused", "ECONNREFUSED");
    const answer = what();
    if (isWrite) this.#server.writes += 1;
    if (isWrite && this.deaf) throw new ConnectionError("127.0.0.1:6443: the connection was cut", "ECONNRESET");
    if (isWrite) await this.answers?.promise;
    await this.#running();
    return answer;
  }

  #store(): LeaseStore {
    const server = this.#server;
    return {
      read: () => this.#call(() => server.lease),
      create: (terms) => this.#call(() => (server.lease ? "changed" : server.put(terms)), true),
      update: ({ version }, terms) =>
        this.#call(() => (server.lease?.version === version ? server.put(terms) : "changed"), true),
      follow: (tell) => server.follow((record) => void this.#whenRunning(() => !this.cut && server.up && tell(record))),
    };
  }
}

/** One API server, one clock, and as many replicas as are started. */
export function openWorld() {
  const clock = new FakeClock();
  const server = new Server();
  const start = async (identity: string): Promise<Replica> => {
    const replica = new Replica(server, clock, identity);
    await settle();
    return replica;
  };
  return { clock, server, start };
}

export type World = ReturnType<typeof openWorld>;

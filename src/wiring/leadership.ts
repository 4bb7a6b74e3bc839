import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { ClusterAccess } from "../kube/access.ts";
import { connect } from "../kube/client.ts";
import { Elector, LEASE_TIMES, type Waiting } from "../kube/leader/elector.ts";
import { Fence, leaseClock, type WriteFence } from "../kube/leader/fence.ts";
import { hubLease } from "../kube/leader/lease-store.ts";
import type { Logger } from "../ops/log.ts";
import type { Metrics } from "../ops/metrics.ts";

export interface LeadershipOptions {
  /** Whether there may be others: without, this process leads from the start. */
  elect: boolean;
  /** The hub. */
  access: ClusterAccess;
  version: string;
  log: Logger;
  metrics: Metrics;
}

/** Whether this process is the one that works. */
export interface Leadership {
  /** Stands before every write of this process, to the hub and to targets; undefined when there are no others. */
  readonly fence: WriteFence | undefined;
  /** How the audit logs of the hub and of targets tell this process from others. */
  readonly userAgent: string;
  /** Resolves when this process leads; rejects when it is to end before it does. */
  lead(): Promise<void>;
  /** Resolves with why, when it leads no more and has to end at once. */
  readonly lost: Promise<string>;
  /** Nothing is written from now on; another may lead. */
  end(): Promise<void>;
}

/** With an election this process writes nothing until it leads; without one it leads from the start, and for ever. */
export function openLeadership(options: LeadershipOptions): Leadership {
  return options.elect ? elected(options) : alone(options);
}

function alone({ version, metrics }: LeadershipOptions): Leadership {
  return {
    fence: undefined,
    userAgent: `strata/${version}`,
    lead: async () => metrics.leads(true),
    lost: new Promise(() => {}),
    end: async () => undefined,
  };
}

function elected({ access, version, log, metrics }: LeadershipOptions): Leadership {
  const id = randomBytes(4).toString("hex");
  const identity = `${hostname()}_${id}`;
  const userAgent = `strata/${version} (${id})`;
  // A connection of its own: a renewal waits behind nothing.
  const client = connect(access, { userAgent });
  const onError = (error: unknown): void => log.error("unexpected failure", { error });
  const fence = new Fence(leaseClock);
  const elector = new Elector({
    store: hubLease({ client, timeoutMs: LEASE_TIMES.deadlineMs / 2, onError }),
    fence,
    identity,
    clock: leaseClock,
    onWaiting: (waiting) => log.info("standing by", { identity, ...wordsOf(waiting) }),
  });
  return {
    fence,
    userAgent,
    lead: async () => {
      await elector.acquire();
      metrics.leads(true);
      log.info("leading", { identity });
    },
    lost: elector.lost,
    end: async () => {
      await elector.release();
      await client.close();
    },
  };
}

function wordsOf(waiting: Waiting): object {
  if (waiting.why === "failing") return { error: waiting.failure };
  const seconds = LEASE_TIMES.durationMs / 1_000;
  return waiting.why === "held"
    ? { reason: `${waiting.holder} holds the lease`, holder: waiting.holder }
    : { reason: `there is no lease: whoever held it may still write for ${seconds} s` };
}

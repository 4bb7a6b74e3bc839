/**
 * The operator's door: reads the settings, opens log, metrics and probes, starts Strata, and ends it on SIGTERM or SIGINT.
 * Exit codes: 0 ended as asked; 1 ended by a second signal, by an error, because it did not end in time, or because it lost its
 * lease; 2 wrong settings.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Config, parseConfig, usage } from "./config.ts";
import { createLog, type Logger } from "./ops/log.ts";
import { createMetrics } from "./ops/metrics.ts";
import { startOpsServer } from "./ops/server.ts";
import { startStrata } from "./wiring.ts";

/** What ending takes after the grace period of running work: last statuses, connections, child processes. */
const CLOSING_MS = 2_000;

const argv = process.argv.slice(2);
if (argv.includes("--help")) {
  process.stdout.write(usage());
} else {
  const config = parseConfig(process.env, argv);
  if (config.ok) await run(config.value);
  else {
    process.stderr.write(`${config.problems.join("\n")}\n`);
    process.exitCode = 2;
  }
}

async function run(config: Config): Promise<void> {
  const log = createLog({ level: config.logLevel });
  const die = (message: string, error: unknown): never => {
    log.fatal(message, { error });
    process.exit(1);
  };
  process.on("uncaughtException", (error) => die("an error was not caught", error));
  process.on("unhandledRejection", (error) => die("an error was not awaited", error));
  try {
    await live(config, log);
  } catch (error) {
    die("Strata could not run", error);
  }
  log.info("stopped");
  process.exit(0);
}

/** From start to end; returns when Strata has ended as asked. */
async function live(config: Config, log: Logger): Promise<void> {
  const asked = stopSignals(log);
  const metrics = createMetrics({ version: config.version });
  let whyNotReady = (): string | undefined => "Strata is starting: it does not know all of the hub's objects yet";
  const server = await startOpsServer({
    address: config.httpAddress,
    port: config.httpPort,
    metrics,
    ready: () => whyNotReady(),
  });
  log.info("serving metrics and probes", { port: server.port, version: config.version });
  // Nothing has been begun that must be ended well before it has started, so a signal need not wait for that.
  const strata = await Promise.race([startStrata({ config, env: process.env, log, metrics }), asked]);
  if (strata !== undefined) {
    whyNotReady = () => strata.ready();
    log.info("started");
    const lost = await Promise.race([asked, strata.lost]);
    if (lost !== undefined) {
      // At once: another may lead, and whatever is under way here was planned for a leader.
      log.fatal("the lease is lost: this process ends, to be started again and stand by", { reason: lost });
      process.exit(1);
    }
    whyNotReady = () => "Strata is stopping";
    await inTime(strata.stop(), config.gracePeriodMs + CLOSING_MS);
  }
  await server.close();
}

/** Resolves with the first SIGTERM or SIGINT; the second ends the process. */
function stopSignals(log: Logger): Promise<undefined> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (asked) {
          log.warn("stopped at once by a second signal", { signal });
          process.exit(1);
        }
        asked = true;
        log.info("stopping", { signal });
        resolve(undefined);
      });
    }
  });
}

/** @throws Error if it takes longer than `ms` milliseconds */
async function inTime(stopping: Promise<void>, ms: number): Promise<void> {
  const done = new AbortController();
  const late = async (): Promise<never> => {
    await sleep(ms, undefined, { signal: done.signal });
    throw new Error(`running work did not end within ${ms} ms`);
  };
  try {
    await Promise.race([stopping, late()]);
  } finally {
    done.abort();
  }
}

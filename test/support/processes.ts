import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A program that runs beside the test and cannot outlive it. */
export interface Program {
  readonly pid: number;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;
  running(): boolean;
  /** Once it has ended by itself. */
  exitCode(): number | null;
  signal(signal: NodeJS.Signals): void;
  /** Sends a signal, SIGKILL if none is named, and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** All that it has written to both outputs. */
  log(): string;
}

export interface ProgramOptions {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Working folder; also holds the log. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a program whose output goes to `<folder>/<name>.log`; it is killed when this process ends, also by a crash. */
export function startProgram({ name, file, args, folder, env = {} }: ProgramOptions): Program {
  const logFile = join(folder, `${name}.log`);
  const log = openSync(logFile, "a");
  // A session of its own: Ctrl-C in a terminal must reach the one who stops things in order, not everybody at once.
  const child = spawn(file, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} could not be started`);
  tellReaper(`+pid ${pid}`);
  const ended = once(child, "exit").then(() => tellReaper(`-pid ${pid}`));
  child.unref();
  return {
    pid,
    ended,
    running: () => child.exitCode === null && child.signalCode === null,
    exitCode: () => child.exitCode,
    signal: (signal) => void child.kill(signal),
    kill: async (signal = "SIGKILL") => {
      child.ref();
      child.kill(signal);
      await ended;
    },
    log: () => readFileSync(logFile, "utf8"),
  };
}

/** A fresh folder for temporary files, removed at the latest when this process ends. */
export async function temporaryFolder(purpose: string): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `strata-${purpose}-`));
  tellReaper(`+dir ${path}`);
  const remove = async (): Promise<void> => {
    await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    tellReaper(`-dir ${path}`);
  };
  return { path, remove };
}

let reaper: ChildProcess | undefined;

function tellReaper(line: string): void {
  if (reaper === undefined) {
    const script = fileURLToPath(new URL("reaper.mjs", import.meta.url));
    reaper = spawn(process.execPath, [script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    reaper.unref();
    if (reaper.stdin !== null && "unref" in reaper.stdin) (reaper.stdin as unknown as { unref(): void }).unref();
  }
  reaper.stdin?.write(`${line}\n`);
}

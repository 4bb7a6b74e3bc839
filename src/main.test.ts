import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const CANARY = "c4n4ry-V4lue";

/** Stands in for wiring.ts: does what the test asks of it, instead of connecting to a cluster. */
const WIRING = `
  const never = new Promise(() => {});
  const acts = {
    "never starts": () => new Promise(() => {}),
    "cannot start": () => { throw new Error("no cluster, sent Bearer " + process.env.CANARY); },
    "throws later": () => void setTimeout(() => { throw new Error("lost, token: " + process.env.CANARY); }),
    "rejects later": () => void Promise.reject(new Error("lost, token: " + process.env.CANARY)),
  };
  export async function startStrata() {
    const act = process.env.ACT;
    await acts[act]?.();
    return {
      ready: () => undefined,
      lost: act === "loses its lease" ? Promise.resolve("somebody-else holds it") : never,
      stop: () => (act === "never stops" ? never : Promise.resolve()),
    };
  }`;
const HOOK = `
  import { registerHooks } from "node:module";
  const url = ${JSON.stringify(`data:text/javascript,${encodeURIComponent(WIRING)}`)};
  registerHooks({ resolve: (name, context, next) => (name === "./wiring.ts" ? { url, shortCircuit: true } : next(name, context)) });`;

interface Door {
  readonly child: ChildProcess;
  /** Resolves with the next log line that has this message. */
  line(message: string): Promise<Record<string, unknown>>;
  /** Exit code and everything that was printed. */
  readonly end: Promise<{ code: number; output: string }>;
}

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
});

function open(act: string, ...flags: string[]): Door {
  const hook = `data:text/javascript,${encodeURIComponent(HOOK)}`;
  const args = ["--import", hook, MAIN, "--http-address=127.0.0.1", "--http-port=0", ...flags];
  const { STRATA_HTTP_PORT: _, KUBECONFIG: __, ...env } = process.env;
  const child = spawn(process.execPath, args, { env: { ...env, ACT: act, CANARY }, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const printed: string[] = [];
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text) => printed.push(text));
  const end = once(child, "close").then(([code]) => {
    running.delete(child);
    return { code: Number(code), output: printed.join("") };
  });
  const line = async (message: string): Promise<Record<string, unknown>> => {
    for (let next = await lines.next(); !next.done; next = await lines.next()) {
      const pairs = JSON.parse(next.value) as Record<string, unknown>;
      if (pairs["msg"] === message) return pairs;
    }
    throw new Error(`it ended without "${message}": ${(await end).output}`);
  };
  return { child, line, end };
}

describe("a running Strata", { timeout: 30_000 }, () => {
  test.each(["SIGTERM", "SIGINT"] as const)("serves, and ends with 0 on %s", async (signal) => {
    const { child, line, end } = open("starts");
    const { port } = await line("serving metrics and probes");
    await line("started");
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain("strata_build_info");
    child.kill(signal);
    const { code, output } = await end;
    expect(code).toBe(0);
    expect(output).toMatch(/"msg":"stopping"}\n.*"msg":"stopped"}\n$/);
  });

  test("says that it is starting, and need not have started to be ended", async () => {
    const { child, line, end } = open("never starts");
    const { port } = await line("serving metrics and probes");
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("Strata is starting")]);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    child.kill("SIGTERM");
    expect((await end).code).toBe(0);
  });

  test("ends at once with 1 on a second signal", async () => {
    const { child, line, end } = open("never stops", "--grace-period-ms=600000");
    const { port } = await line("serving metrics and probes");
    await line("started");
    child.kill("SIGTERM");
    await line("stopping");
    expect(await (await fetch(`http://127.0.0.1:${port}/readyz`)).text()).toBe("Strata is stopping\n");
    child.kill("SIGTERM");
    expect((await end).code).toBe(1);
  });

  test("ends with 1 when its work does not end in time", async () => {
    const { child, line, end } = open("never stops", "--grace-period-ms=0");
    await line("started");
    child.kill("SIGTERM");
    const { code, output } = await end;
    expect(code).toBe(1);
    expect(output).toContain("running work did not end within 2000 ms");
  });

  test("ends at once with 1 when it loses its lease, and says what comes next", async () => {
    const { code, output } = await open("loses its lease").end;
    expect(code).toBe(1);
    expect(JSON.parse(output.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({
      level: "fatal",
      msg: "the lease is lost: this process ends, to be started again and stand by",
      reason: "somebody-else holds it",
    });
  });

  test.each([
    { act: "cannot start", message: "Strata could not run" },
    { act: "throws later", message: "an error was not caught" },
    { act: "rejects later", message: "an error was not awaited" },
  ])("that $act ends with 1 and one fatal line without secrets", async ({ act, message }) => {
    const { code, output } = await open(act).end;
    expect(code).toBe(1);
    const last = JSON.parse(output.trimEnd().split("\n").at(-1) ?? "");
    expect(last).toMatchObject({ level: "fatal", msg: message, error: { type: "Error" } });
    expect(output).not.toContain(CANARY);
  });
});

test("wrong settings end with 2 and a sentence for each", { timeout: 30_000 }, async () => {
  const { code, output } = await open("starts", "--log-level=loud", "--nope=1").end;
  expect(code).toBe(2);
  expect(output.trimEnd().split("\n")).toEqual([
    "there is no flag --nope: see --help",
    '--log-level is "loud": it must be one of trace, debug, info, warn, error, fatal',
  ]);
});

test("--help prints the flags and ends with 0", { timeout: 30_000 }, async () => {
  const { code, output } = await open("starts", "--help").end;
  expect(code).toBe(0);
  expect(output).toContain("--http-port (STRATA_HTTP_PORT)");
});

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { temporaryFolder } from "./processes.ts";

const script = (name: string): string => fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));
const build = `
  import { buildTools, toolFile } from ${JSON.stringify(script("tools.mjs"))};
  await buildTools(["kwok"], (line) => console.log(line));
  console.log("at " + toolFile("kwok"));
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const inFolder = (name: string): string => join(folder.path, name);
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  STRATA_CACHE: inFolder("cache"),
  PATH: `${inFolder("bin")}:${process.env["PATH"]}`,
});

/** Stands in for the go command, whose real work takes minutes. */
async function fakeGo(body: string): Promise<void> {
  await mkdir(inFolder("bin"), { recursive: true });
  await writeFile(inFolder("bin/go"), `#!/bin/sh\ncd ${folder.path}\n${body}\n`);
  await chmod(inFolder("bin/go"), 0o755);
}

function startBuild(): { child: ChildProcess; output: () => string; ended: Promise<number | null> } {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", build], { env: environment() });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  }
  return { child, output: () => output, ended: new Promise((resolve) => child.once("close", resolve)) };
}

beforeEach(async () => {
  folder = await temporaryFolder("tools");
});
afterEach(() => folder.remove());

test("two starts at once build once, and the second waits for the first", async () => {
  await fakeGo('echo built >> builds; while [ ! -e go-on ]; do sleep 0.02; done; echo program > "$GOBIN/kwok"');
  const first = startBuild();
  await expect.poll(() => existsSync(inFolder("builds")), { timeout: 20_000 }).toBe(true);
  const second = startBuild();
  await expect.poll(second.output, { timeout: 20_000 }).toContain("waiting for another process");
  await writeFile(inFolder("go-on"), "");
  expect([await first.ended, await second.ended]).toEqual([0, 0]);
  expect(readFileSync(inFolder("builds"), "utf8")).toBe("built\n");
  const [, path = ""] = /^at (.+)$/m.exec(second.output()) ?? [];
  expect(readFileSync(path, "utf8")).toBe("program\n");
});

test("a build that fails says why and leaves nothing in the cache", async () => {
  await fakeGo("echo no such module >&2; exit 1");
  const { ended, output } = startBuild();
  expect(await ended).not.toBe(0);
  expect(output()).toContain("no such module");
  expect(readdirSync(inFolder("cache"))).toEqual([]);
});

test("a build that was killed does not stop the next one", async () => {
  await fakeGo("echo $$ > builder; exec sleep 600");
  const killed = startBuild();
  await expect.poll(() => existsSync(inFolder("builder")), { timeout: 20_000 }).toBe(true);
  killed.child.kill("SIGKILL");
  process.kill(Number(readFileSync(inFolder("builder"), "utf8")), "SIGKILL");
  await killed.ended;
  await fakeGo('echo program > "$GOBIN/kwok"');
  expect(await startBuild().ended).toBe(0);
});

test("the bootstrap names everything that the machine lacks, in one error", () => {
  const env = { ...process.env, PATH: folder.path };
  const { status, stderr } = spawnSync(process.execPath, [script("bootstrap.mjs"), "node"], { env, encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toMatch(/needs on this machine:\n {2}git .+\n {2}npm .+\n {2}go .+\n$/);
});

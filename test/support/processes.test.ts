import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const processes = fileURLToPath(new URL("processes.ts", import.meta.url));
const dies = `
  import { startProgram, temporaryFolder } from ${JSON.stringify(processes)};
  const folder = await temporaryFolder("orphan");
  const program = startProgram({ name: "sleeper", file: "sleep", args: ["600"], folder: folder.path });
  process.stdout.write(JSON.stringify({ pid: program.pid, path: folder.path }), () => process.kill(process.pid, "SIGKILL"));
`;

test("programs and folders go when the process that made them is killed", async () => {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", dies]);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk;
  });
  await new Promise((resolve) => child.once("close", resolve));
  const { pid, path } = JSON.parse(output) as { pid: number; path: string };
  await expect.poll(() => existsSync(path) || isAlive(pid), { timeout: 20_000 }).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

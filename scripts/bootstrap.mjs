// Runs a command of this repository from a fresh clone: `node scripts/bootstrap.mjs <command | file.ts | file.mjs> [arguments]`.
// It looks for what is needed, installs the npm packages, builds the Go programs, each only when that has not been done,
// and then starts the command on the Node version that package.json names. Runs on Node 18 without any dependency.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildTools, missingTools } from "./tools.mjs";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const binaries = join(repository, "node_modules", ".bin");
const outsidePath = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => !folder.endsWith(join("node_modules", ".bin")))
  .join(delimiter);

const needed = [
  { name: "git", why: "to fetch Go modules", get: "https://git-scm.com/downloads" },
  { name: "npm", why: "for the packages; it comes with Node", get: "https://nodejs.org" },
  { name: "go", why: "1.26 or later, for the programs of tests and demo", get: "https://go.dev/dl", least: [1, 26] },
];

const [command, ...args] = process.argv.slice(2);
if (command === undefined) fail("usage: node scripts/bootstrap.mjs <command> [arguments]");
checkMachine();
if (!packagesAreInstalled()) installPackages();
await buildPrograms();
run(command, args);

function checkMachine() {
  const missing = needed.filter((tool) => !isThere(tool)).map(({ name, why, get }) => `  ${name} (${why}): ${get}`);
  if (Number(process.versions.node.split(".")[0]) < 18) missing.unshift("  node 18 or later: https://nodejs.org");
  if (missing.length > 0) fail(`Strata needs on this machine:\n${missing.join("\n")}`);
}

function isThere({ name, least }) {
  const { status, stdout } = spawnSync(name, [name === "go" ? "version" : "--version"], {
    encoding: "utf8",
    env: { ...process.env, PATH: outsidePath },
    shell: process.platform === "win32",
  });
  if (status !== 0) return false;
  if (least === undefined) return true;
  const [major = 0, minor = 0] = (/go(\d+)\.(\d+)/.exec(stdout) ?? []).slice(1).map(Number);
  return major > least[0] || (major === least[0] && minor >= least[1]);
}

// npm writes its hidden lockfile last, after all install scripts, so an install that was cut short is not taken for a whole one.
function packagesAreInstalled() {
  const installed = lockedPackages(join("node_modules", ".package-lock.json"));
  const wanted = Object.entries(lockedPackages("package-lock.json")).filter(([path]) => path !== "");
  const isUpToDate = ([path, { version, optional }]) =>
    installed[path]?.version === version || (optional && !installed[path]);
  return existsSync(join(binaries, "node")) && wanted.every(isUpToDate);
}

function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(join(repository, file), "utf8")).packages;
  } catch {
    return {};
  }
}

function installPackages() {
  report("installing npm packages (npm ci)");
  // Not with the Node of node_modules, which npm is about to replace.
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: repository,
    env: { ...process.env, PATH: outsidePath },
    stdio: ["ignore", process.stderr, process.stderr],
    shell: process.platform === "win32",
  });
  if (status !== 0) fail("npm ci failed, see above");
}

async function buildPrograms() {
  if (missingTools().length === 0) return;
  try {
    await buildTools(undefined, report);
  } catch (error) {
    fail(error.message);
  }
}

function run(name, args) {
  const [file, ...rest] = /\.(ts|mjs)$/.test(name)
    ? [join(binaries, "node"), name, ...args]
    : [join(binaries, name), ...args];
  const env = { ...process.env, PATH: `${binaries}${delimiter}${outsidePath}` };
  const child = spawn(file, rest, { cwd: repository, env, stdio: "inherit" });
  // Ctrl-C reaches the whole terminal group; the command decides what it means, and we wait for it.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${name} could not be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
  });
}

function report(line) {
  process.stderr.write(`· ${line}\n`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

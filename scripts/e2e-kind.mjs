// Runs test/e2e on kind clusters instead of the control plane that the tests build: `npm run e2e:kind [-- test files]`.
// Needs a Docker engine. Each control plane of a test is a kind cluster, made from test/e2e/kind.yaml.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { goEnvironment } from "./tools.mjs";

const VERSION = "v0.33.0";
const folder = join(import.meta.dirname, "..", ".strata", `kind-${VERSION}`);
const kind = join(folder, "kind");
const prefix = `strata-e2e-${process.pid}`;

const engine = spawnSync("docker", ["version", "--format", "{{.Server.Version}}"], { encoding: "utf8" });
if (engine.status !== 0) {
  console.error(
    "kind needs a Docker engine, and none answers here: start one, or run the same tests without it by `npm test -- test/e2e`.",
  );
  process.exit(1);
}
if (!existsSync(kind)) {
  console.error(`· building kind ${VERSION}`);
  mkdirSync(folder, { recursive: true });
  run("go", ["install", `sigs.k8s.io/kind@${VERSION}`], { ...goEnvironment, GOWORK: "off", GOBIN: folder });
}
// Before any test has begun to wait for it.
run("docker", ["pull", "--quiet", nodeImage()]);
process.exitCode = await test(process.argv.slice(2));
for (const cluster of leftOver()) run(kind, ["delete", "cluster", "--name", cluster]);

/** A test run that is interrupted ends by itself, so that what it left can be deleted afterwards. */
function test(files) {
  const options = ["--no-file-parallelism", "--testTimeout=300000"];
  const env = { ...process.env, STRATA_E2E_KIND: kind, STRATA_E2E_PREFIX: prefix };
  const args = ["run", ...options, ...(files.length > 0 ? files : ["test/e2e"])];
  const child = spawn("vitest", args, { env, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  return new Promise((done) => child.on("close", (code) => done(code ?? 1)));
}

function nodeImage() {
  const [, image] = /^\s*image: (\S+)$/m.exec(readFileSync("test/e2e/kind.yaml", "utf8")) ?? [];
  if (image === undefined) throw new Error("test/e2e/kind.yaml names no image");
  return image;
}

function leftOver() {
  const { stdout } = spawnSync(kind, ["get", "clusters"], { encoding: "utf8" });
  return stdout.split("\n").filter((name) => name.startsWith(`${prefix}-`));
}

function run(program, args, env = {}) {
  const { status } = spawnSync(program, args, { stdio: "inherit", env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed, see above`);
}

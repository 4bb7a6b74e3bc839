// Runs every check that is not a test, prints one line for each, and shows the output of those that fail.
// `node scripts/check.mjs`; the closing line is `N passed, N failed`.
import { spawnSync } from "node:child_process";
import { goEnvironment } from "./tools.mjs";

const goModules = ["test/controlplane", "render", "test/lua"];

const checks = [
  { name: "format and lint", command: ["biome", "check", "--error-on-warnings"] },
  { name: "types", command: ["tsc", "--noEmit"] },
  { name: "dead code", command: ["knip", "--no-progress"] },
  { name: "arrows between rooms", command: ["node", "scripts/check-arrows.mjs"] },
  { name: "lockfile and licences", command: ["node", "scripts/check-packages.mjs"] },
  { name: "bundle", command: ["node", "scripts/build.mjs"] },
  { name: "generated files", command: ["node", "scripts/generate.ts", "--check"] },
  ...goModules.map((cwd) => ({ name: `go format ${cwd}`, command: ["gofmt", "-l", "."], cwd, silent: true })),
  // Not the control plane's one file: vet would go through all of Kubernetes for it, which takes minutes.
  ...["render", "test/lua"].map((cwd) => ({
    name: `go vet ${cwd}`,
    command: ["go", "vet", "./..."],
    cwd,
    env: goEnvironment,
  })),
];

const failed = checks.filter((check) => !passes(check));
console.log(`${checks.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;

function passes({ name, command: [program, ...args], cwd, env = {}, silent = false }) {
  const started = Date.now();
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  // gofmt ends with 0 and names the files.
  const passed = status === 0 && !(silent && stdout !== "");
  console.log(`${passed ? "✓" : "✗"} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (!passed) console.log(`${error?.message ?? ""}${stdout ?? ""}${stderr ?? ""}`.trimEnd());
  return passed;
}

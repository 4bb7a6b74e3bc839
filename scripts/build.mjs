// Bundles Strata into dist/: operator.js (src/main.ts) and strata.js (the command line), with what both share beside them.
// `node scripts/build.mjs [--outdir folder]`. Ends with 1, and says why, if anything unexpected came into the bundle.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const { outdir } = parseArgs({ options: { outdir: { type: "string", default: "dist" } } }).values;

// CommonJS packages in the bundle call require for Node's own modules.
const banner =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

rmSync(join(repository, outdir), { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: repository,
  entryPoints: [
    { in: "src/main.ts", out: "operator" },
    ...(existsSync(join(repository, "src/cli/main.ts")) ? [{ in: "src/cli/main.ts", out: "strata" }] : []),
  ],
  outdir,
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  // client-node's models are loaded only where a kubeconfig is: they get a file of their own.
  splitting: true,
  // All in one folder: strata-render is looked for beside the file that asks.
  chunkNames: "[name]-[hash]",
  // The package debug asks for it, and does without.
  external: ["supports-color"],
  sourcemap: "external",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "external",
  banner: { js: banner },
  metafile: true,
  logLevel: "warning",
});

// Wherever the folder is copied to, its files are ECMAScript modules.
writeFileSync(join(repository, outdir, "package.json"), '{ "type": "module" }\n');

const problems = Object.keys(metafile.inputs).flatMap(unexpected);
for (const problem of new Set(problems)) console.error(problem);
for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
  if (!file.endsWith(".map")) console.log(`${file} ${(bytes / 1024).toFixed(0)} KiB`);
}
process.exitCode = problems.length === 0 ? 0 : 1;

/** Only our own sources, and packages that package.json names for what ships (or that those need). */
function unexpected(input) {
  if (input === "package.json") return [];
  if (/^src\/.*\.ts$/.test(input)) return /\.test\.ts$|\/testing\//.test(input) ? [`${input} is for tests`] : [];
  const [path] = /^node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+/.exec(input) ?? [];
  if (path === undefined) return [`${input} is neither ours nor a package`];
  return shipped().has(path) ? [] : [`${path} is no package that ships`];
}

function shipped() {
  const { packages } = JSON.parse(readFileSync(join(repository, "package-lock.json"), "utf8"));
  return new Set(Object.keys(packages).filter((path) => path !== "" && !packages[path].dev));
}

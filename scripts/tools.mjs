// The programs that run beside Strata in tests, demo and benchmark, built from Go modules into a cache folder.
// Plain JavaScript without dependencies: it also runs on Node 18 before `npm ci`.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const KUBERNETES = "1.36.3";
const [major, minor] = KUBERNETES.split(".");
const kubernetesVersion = { gitVersion: `v${KUBERNETES}`, gitMajor: major, gitMinor: minor };

/**
 * Flags of every Go command here. `go vet` uses the same ones, else it would compile everything once more.
 * Without cgo no C compiler is needed, and the programs run on any Linux.
 */
export const goEnvironment = { CGO_ENABLED: "0", GOFLAGS: "-trimpath -buildvcs=false" };

/**
 * `module`: a folder of this repository, built with its go.sum. `package`: a published command, whose own go.mod decides.
 * `set`: string variables set at link time. `links`: other names of the same program. `minutes`: first build on two cores.
 */
const TOOLS = {
  controlplane: {
    title: `Kubernetes ${KUBERNETES} control plane`,
    module: "test/controlplane",
    set: {
      ...prefixed("k8s.io/component-base/version.", kubernetesVersion),
      ...prefixed("k8s.io/client-go/pkg/version.", kubernetesVersion), // the User-Agent
    },
    links: ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"],
    minutes: 8,
  },
  "strata-render": { title: "chart renderer", module: "render", set: {}, links: [], minutes: 2 },
  lua: { title: "Lua", module: "test/lua", set: {}, links: [], minutes: 1 },
  helm: {
    title: "helm",
    package: "helm.sh/helm/v4/cmd/helm@v4.3.1",
    set: { "helm.sh/helm/v4/internal/version.version": "v4.3.1" },
    links: [],
    minutes: 3,
  },
  helm3: {
    title: "helm 3",
    package: "helm.sh/helm/v3/cmd/helm@v3.22.0",
    set: { "helm.sh/helm/v3/internal/version.version": "v3.22.0" },
    links: [],
    minutes: 3,
  },
  kwok: { title: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok@v0.8.0", set: {}, links: [], minutes: 3 },
  registry: {
    title: "OCI registry",
    package: "github.com/distribution/distribution/v3/cmd/registry@v3.1.2",
    set: { "github.com/distribution/distribution/v3/version.version": "v3.1.2" },
    links: [],
    minutes: 2,
  },
};

/** All tools, in the order in which they are built. */
export const toolNames = Object.keys(TOOLS);

/** The path of a tool (or of one of its other names, such as `kubectl`), whether or not it is built yet. */
export function toolFile(name) {
  const [tool] = Object.entries(TOOLS).find(([key, { links }]) => key === name || links.includes(name)) ?? [];
  if (tool === undefined) throw new Error(`there is no tool "${name}"`);
  return join(toolFolder(tool), name);
}

/** The tools that are not in the cache yet. */
export function missingTools(names = toolNames) {
  return names.filter((name) => !existsSync(toolFolder(name)));
}

/** Builds what is missing, one after the other (each Go build already uses all cores). `report(line)` gets the progress. */
export async function buildTools(names, report) {
  for (const name of missingTools(names)) await buildOnce(name, report);
}

function prefixed(prefix, entries) {
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [`${prefix}${key}`, value]));
}

function cacheFolder() {
  const { STRATA_CACHE, XDG_CACHE_HOME } = process.env;
  return resolve(STRATA_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "strata"));
}

// The key holds all that decides the result, so that branches and versions stand side by side and none is ever stale.
function toolFolder(name) {
  const { title: _title, minutes: _minutes, ...inputs } = TOOLS[name];
  const hash = createHash("sha256").update(JSON.stringify([inputs, goEnvironment, process.platform, process.arch]));
  if (inputs.module !== undefined) {
    const folder = join(repository, inputs.module);
    for (const file of goSources(folder)) hash.update(relative(folder, file)).update(readFileSync(file));
  }
  return join(cacheFolder(), `${name}-${hash.digest("hex").slice(0, 16)}`);
}

function goSources(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.isDirectory()) return goSources(join(folder, entry.name));
      const decides = /\.go$|^go\.(mod|sum)$/.test(entry.name) && !entry.name.endsWith("_test.go");
      return decides ? [join(folder, entry.name)] : [];
    });
}

async function buildOnce(name, report) {
  const folder = toolFolder(name);
  await mkdir(dirname(folder), { recursive: true });
  const unlock = await lock(`${folder}.lock`, () =>
    report(`waiting for another process that builds ${TOOLS[name].title}`),
  );
  try {
    if (!existsSync(folder)) await build(name, folder, report);
  } finally {
    await unlock();
  }
}

async function build(name, folder, report) {
  const { title, module, package: published, set, links, minutes } = TOOLS[name];
  const draft = `${folder}.draft`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft);
  const flags = ["-ldflags", ["-s -w", ...Object.entries(set).map(([key, value]) => `-X ${key}=${value}`)].join(" ")];
  const started = Date.now();
  const tick = () => report(`building ${title} (about ${minutes} min the first time) … ${elapsed(started)}`);
  tick();
  const timer = setInterval(tick, 15_000);
  try {
    if (module !== undefined) await go(["build", ...flags, "-o", join(draft, name), "."], join(repository, module), {});
    else {
      await go(["install", ...flags, published], draft, { GOBIN: draft });
      await rename(join(draft, basename(published).replace(/@.*/, "")), join(draft, name));
    }
    for (const link of links) await symlink(name, join(draft, link));
    await rename(draft, folder);
  } finally {
    clearInterval(timer);
    await rm(draft, { recursive: true, force: true });
  }
  report(`built ${title} in ${elapsed(started)}`);
}

function elapsed(since) {
  const seconds = Math.round((Date.now() - since) / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, "0")}s`;
}

function go(args, cwd, environment) {
  return new Promise((done, fail) => {
    const env = { ...process.env, ...goEnvironment, GOWORK: "off", ...environment };
    const child = spawn("go", args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors = (errors + chunk).slice(-8000);
    });
    child.on("error", fail);
    child.on("close", (code) => {
      if (code === 0) done();
      else fail(new Error(`go ${args[0]} failed in ${cwd}:\n${errors.replace(/^go: downloading .*\n/gm, "")}`));
    });
  });
}

// The lock only saves work: two builders would write the same program, and the rename is atomic. So a lock whose owner
// is dead is simply taken away.
async function lock(folder, onWait) {
  for (let waited = false; ; waited = true) {
    try {
      await mkdir(folder);
      await writeFile(join(folder, "pid"), String(process.pid));
      return () => rm(folder, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!waited) onWait();
    await sleep(1000);
    if (!(await ownerLives(folder))) await rm(folder, { recursive: true, force: true });
  }
}

async function ownerLives(folder) {
  try {
    process.kill(Number(await readFile(join(folder, "pid"), "utf8")), 0);
    return true;
  } catch {
    return false;
  }
}

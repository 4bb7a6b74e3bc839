// The arrows between the rooms of src (docs/architecture.md): doors → edges | reconcile → pure rooms.
// scripts/check-arrows.mjs runs this, and proves that each rule bites.
const PURE = "api|objects|text|pack|plan|membership|health|status";
const EDGES = "source|render|apply|kube|ops";
const pureFiles = `^src/(?:(?:${PURE})/|errors\\.ts$)`;
const tests = "\\.test\\.ts$";
const effects =
  "^(?:node:)?(?:fs|net|tls|dns|dgram|http|https|http2|child_process|worker_threads|cluster|timers|os|process|stream|zlib)(?:/|$)";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "pure-imports-pure",
      comment: "A pure room imports only pure rooms: it gets everything else as a value.",
      severity: "error",
      from: { path: pureFiles, pathNot: tests },
      to: { path: "^src/", pathNot: pureFiles },
    },
    {
      name: "pure-has-no-effects",
      comment: "No clock, network, file or randomness in a pure room; hashing is pure.",
      severity: "error",
      from: { path: pureFiles, pathNot: tests },
      to: { path: effects },
    },
    {
      name: "pure-has-no-client",
      comment: "Packages that talk to the world or to people have no place in a pure room.",
      severity: "error",
      from: { path: pureFiles, pathNot: tests },
      to: { path: "node_modules/(?:undici|@kubernetes/client-node|pino|prom-client|commander)/" },
    },
    {
      name: "edge-imports-no-other-edge",
      comment: "An edge imports pure rooms and itself; only types may come from kube.",
      severity: "error",
      from: { path: `^src/(${EDGES})/`, pathNot: tests },
      to: { path: `^src/(?:${EDGES})/`, pathNot: ["^src/$1/", "^src/kube/"] },
    },
    {
      name: "edge-imports-only-types-of-kube",
      comment: "The client is an argument: wiring makes it and hands it over.",
      severity: "error",
      from: { path: `^src/(?:${EDGES})/`, pathNot: ["^src/kube/", tests] },
      to: { path: "^src/kube/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "reconcile-imports-no-edge",
      comment: "reconcile states the ports it needs; wiring fits the edges to them.",
      severity: "error",
      from: { path: "^src/reconcile/", pathNot: tests },
      to: { path: `^src/(?:${EDGES})/` },
    },
    {
      name: "nobody-imports-a-door",
      comment: "main, wiring, config and cli stand at the outside; only doors import doors.",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/(?:main|wiring|config)\\.ts$", "^src/(?:cli|wiring)/", tests] },
      to: { path: "^src/(?:(?:main|wiring|config)\\.ts$|(?:cli|wiring)/)" },
    },
    {
      name: "no-circle",
      comment: "Files that need each other are one file, or lack a third.",
      severity: "error",
      from: { path: "^src/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-test-code-in-src",
      comment: "What ships needs nothing of test, scripts, bench or examples.",
      severity: "error",
      from: { path: "^src/", pathNot: tests },
      to: { path: "^(?:test|scripts|bench|examples)/|\\.test\\.ts$" },
    },
    {
      name: "resolvable",
      comment: "An import that leads nowhere hides every rule behind it.",
      severity: "error",
      from: { path: "^src/" },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] },
  },
};

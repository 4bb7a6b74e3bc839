// Checks the arrows between the rooms of src by .dependency-cruiser.cjs, and checks the checker: it must see every file, and
// each rule must find a violation planted for it and leave the permitted imports alone. (A cruiser that cannot parse
// TypeScript sees nothing and is content; a pattern with a slip never bites.)
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Visitor } from "@swc/core/Visitor.js";
import { cruise } from "dependency-cruiser";

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const rules = createRequire(import.meta.url)("../.dependency-cruiser.cjs");

// One row per rule: a file of the planted tree, the import in it, and the rule that must object (null: nobody).
const planted = [
  ["src/plan/a.ts", 'import { x } from "../kube/client.ts"', "pure-imports-pure"],
  ["src/health/a.ts", 'import type { x } from "../kube/client.ts"', "pure-imports-pure"],
  ["src/errors.ts", 'import { x } from "./reconcile/x.ts"', "pure-imports-pure"],
  ["src/status/a.ts", 'import { readFile as x } from "node:fs/promises"', "pure-has-no-effects"],
  ["src/objects/a.ts", 'import { request as x } from "undici"', "pure-has-no-client"],
  ["src/apply/a.ts", 'import { x } from "../source/x.ts"', "edge-imports-no-other-edge"],
  ["src/source/a.ts", 'import type { x } from "../render/x.ts"', "edge-imports-no-other-edge"],
  ["src/apply/b.ts", 'import { x } from "../kube/client.ts"', "edge-imports-only-types-of-kube"],
  ["src/reconcile/a.ts", 'import { x } from "../apply/x.ts"', "reconcile-imports-no-edge"],
  ["src/kube/a.ts", 'import { x } from "../wiring.ts"', "nobody-imports-a-door"],
  ["src/kube/b.ts", 'import { x } from "../wiring/x.ts"', "nobody-imports-a-door"],
  ["src/render/x.ts", 'import { x } from "./y.ts"', "no-circle"],
  ["src/ops/a.ts", 'import { x } from "../../test/x.ts"', "no-test-code-in-src"],
  ["src/ops/b.ts", 'import { x } from "./nowhere.ts"', "resolvable"],
  ["src/apply/c.ts", 'import type { x } from "../kube/client.ts"', null],
  ["src/apply/d.ts", 'import { x } from "../plan/x.ts"', null],
  ["src/plan/b.ts", 'import { createHash as x } from "node:crypto"', null],
  ["src/plan/a.test.ts", 'import { x } from "../kube/client.ts"', null],
  ["src/wiring.ts", 'import { x } from "./kube/client.ts"', null],
];
const plantedTargets = [
  "src/kube/client.ts",
  "src/reconcile/x.ts",
  "src/source/x.ts",
  "src/apply/x.ts",
  "src/plan/x.ts",
  "src/wiring/x.ts",
  "test/x.ts",
];

// Every planted file holds on to something, as code with lifetimes does.
const holding =
  "export async function hold(thing: AsyncDisposable) { await using held = thing; return String(held); }\n";

// What an import does not show: the global clock, timers, network and chance.
const impure =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\b(?:setTimeout|setInterval|fetch)\(|\brandom(?:Bytes|UUID|Int)\b|\bperformance\./;
const pureRoom = /^src\/(?:(?:api|objects|text|pack|plan|membership|health|status)\/|errors\.ts$)/;

// dependency-cruiser walks a file with swc's own visitor, which throws at `using` declarations.
const { visitStatement } = Visitor.prototype;
Visitor.prototype.visitStatement = function (statement) {
  if (statement.type !== "UsingDeclaration") return visitStatement.call(this, statement);
  this.visitVariableDeclarators(statement.decls);
  return statement;
};

const problems = [...(await checkSources()), ...(await checkRules())];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

async function checkSources() {
  const files = typescriptFiles("src");
  const { seen, violations } = await look(repository);
  const unseen = files.filter((file) => !seen.has(file)).map((file) => `${file} was not seen by dependency-cruiser`);
  const effects = files
    .filter((file) => pureRoom.test(file) && !file.endsWith(".test.ts"))
    .flatMap((file) => impureLines(file).map((line) => `pure-has-no-effects: ${file}: ${line}`));
  return [...unseen, ...violations.map(({ rule, from, to }) => `${rule}: ${from} → ${to}`), ...effects];
}

async function checkRules() {
  const folder = join(repository, ".strata", `arrows-${process.pid}`);
  try {
    plant(folder);
    const { violations } = await look(folder);
    const untested = rules.forbidden
      .map(({ name }) => name)
      .filter((name) => !planted.some(([, , rule]) => rule === name));
    return [
      ...untested.map((name) => `the rule ${name} has no planted violation`),
      ...planted.flatMap((row) => judge(row, violations)),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function plant(folder) {
  const write = (file, text) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  for (const file of plantedTargets) write(file, "export const x = 1;\n");
  write("src/render/y.ts", 'import { x as y } from "./x.ts";\nexport const x = y;\n');
  for (const [file, statement] of planted) {
    const use = statement.startsWith("import type") ? "export type Y = typeof x" : "export const y = x";
    write(file, `${statement};\n${use};\n${holding}`);
  }
}

function judge([file, statement, rule], violations) {
  const found = violations.filter(({ from }) => from === file).map((violation) => violation.rule);
  if (rule === null && found.length > 0) return [`${found[0]} objects to what is permitted: ${statement} in ${file}`];
  if (rule !== null && !found.includes(rule)) return [`${rule} does not find: ${statement} in ${file}`];
  return [];
}

async function look(baseDir) {
  process.chdir(baseDir);
  const { output } = await cruise(["src"], { ...rules.options, baseDir, ruleSet: rules, validate: true });
  process.chdir(repository);
  const violations = output.summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
  return { seen: new Set(output.modules.map(({ source }) => source)), violations };
}

function typescriptFiles(folder) {
  return readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return typescriptFiles(path);
    return entry.name.endsWith(".ts") ? [path] : [];
  });
}

function impureLines(file) {
  const lines = readFileSync(join(repository, file), "utf8").split("\n");
  return lines.map((line) => line.trim()).filter((line) => !/^(\/\/|\/?\*)/.test(line) && impure.test(line));
}

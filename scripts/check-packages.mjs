// Checks what comes from npm: the lockfile names no registry (so that any mirror serves), and what ships is permissive.
import { readFileSync } from "node:fs";

const permissive = [
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "PSF-2.0",
  "Python-2.0",
  "Unlicense",
];
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
const problems = [];

for (const [path, { resolved, dev, link, optional }] of Object.entries(packages)) {
  if (/^https?:/.test(resolved ?? ""))
    problems.push(`package-lock.json: ${path} names the address ${new URL(resolved).host}`);
  if (path !== "" && !dev && !link) problems.push(...unfree(path, optional));
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function unfree(path, optional) {
  const license = licenseOf(path);
  if (license === undefined && optional) return []; // of another platform, not installed
  // "(MIT OR GPL-2.0)" leaves us the choice, "MIT AND ISC" asks for both.
  const alternatives = String(license ?? "none")
    .replace(/[()]/g, "")
    .split(" OR ");
  const allowed = alternatives.some((names) => names.split(" AND ").every((name) => permissive.includes(name.trim())));
  return allowed ? [] : [`${path} has the licence ${license}, which is not on the list of permissive ones`];
}

function licenseOf(path) {
  try {
    const { license } = JSON.parse(readFileSync(`${path}/package.json`, "utf8"));
    return license?.type ?? license;
  } catch {
    return undefined;
  }
}

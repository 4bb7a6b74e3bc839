import { existsSync } from "node:fs";
import { toolFile } from "../../scripts/tools.mjs";

/** The programs that scripts/tools.mjs builds, and the other names of the multi-call control plane. */
export type ToolName =
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kubectl"
  | "strata-render"
  | "lua"
  | "helm"
  | "helm3"
  | "kwok"
  | "registry";

/** The absolute path of a built tool; throws with the remedy when it is not in the cache. */
export function toolPath(name: ToolName): string {
  const file = toolFile(name);
  if (!existsSync(file)) throw new Error(`${name} is not built yet: run "npm run tools" (it looked for ${file})`);
  return file;
}

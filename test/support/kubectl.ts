import { spawn } from "node:child_process";
import { toolPath } from "./tools.ts";

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** Runs kubectl with these arguments; `input` is for `-f -`. */
export type Kubectl = (args: readonly string[], options?: { readonly input?: string }) => Promise<CommandResult>;

/** kubectl with one kubeconfig; its discovery cache stays in the given folder. */
export function createKubectl({
  kubeconfigPath,
  cacheFolder,
}: {
  kubeconfigPath: string;
  cacheFolder: string;
}): Kubectl {
  const env = {
    ...process.env,
    KUBECONFIG: kubeconfigPath,
    KUBECACHEDIR: `${cacheFolder}/kubectl-cache`,
    KUBERC: "off",
  };
  return (args, { input } = {}) =>
    runCommand(toolPath("kubectl"), args, { env, ...(input === undefined ? {} : { input }) });
}

/** Runs a program to its end and collects what it prints. */
export function runCommand(
  file: string,
  args: readonly string[],
  { env, cwd, input }: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: env ?? process.env, cwd, stdio: ["pipe", "pipe", "pipe"] });
    const text = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (chunk: string) => {
        text[name] += chunk;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...text, code: code ?? 1 }));
    child.stdin.on("error", () => {}); // It may end without reading; its exit code tells.
    child.stdin.end(input);
  });
}

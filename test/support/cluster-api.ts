import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { goEnvironment } from "../../scripts/tools.mjs";

const MODULE = "sigs.k8s.io/cluster-api@v1.12.1";
const SUM = "h1:s3DivSZjXdu2HPyOtV/n6XwSZBaIycZdKNs4y8X+3lY=";

/** The CustomResourceDefinition of Cluster API's Clusters, as YAML, from the Go module of this very version. */
export async function clusterDefinition(): Promise<string> {
  const env = { ...process.env, ...goEnvironment, GOWORK: "off" };
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", MODULE], { env });
  const { Dir: folder, Sum: sum } = JSON.parse(stdout);
  if (sum !== SUM) throw new Error(`${MODULE} is not what it was: ${sum}`);
  return await readFile(join(folder, "config/crd/bases/cluster.x-k8s.io_clusters.yaml"), "utf8");
}

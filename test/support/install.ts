import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ControlPlane } from "./controlplane.ts";
import { helm } from "./helm.ts";
import { until } from "./waiting.ts";

export const CHART_FOLDER = fileURLToPath(new URL("../../charts/operator", import.meta.url));
export const CRD_FOLDER = fileURLToPath(new URL("../../config/crd", import.meta.url));

const NAMESPACE = "strata-system";
const ACCOUNT = "strata";

/** What installing needs to know of a cluster. */
export type HubAccess = Pick<ControlPlane, "dataDir" | "server" | "caPem" | "kubectlOk">;

/**
 * Installs what the chart installs, with 0 replicas: the namespace, the CRDs, accounts and rights. Strata then runs as a
 * process of the test, with a token of the chart's ServiceAccount, and so with exactly its rights.
 *
 * @param values arguments for helm, such as `--set targets.namespaces={acme}`
 */
export async function installStrata(plane: HubAccess, values: readonly string[] = []): Promise<{ kubeconfig: string }> {
  // The CRDs from where they are generated: that the chart's copies equal them has a test of its own.
  const settings = ["--set", "replicas=0", "--set", "crds.install=false", ...values];
  const [chart] = await Promise.all([
    helm(["template", "strata", CHART_FOLDER, "--namespace", NAMESPACE, ...settings], { home: plane.dataDir }),
    plane.kubectlOk(["create", "namespace", NAMESPACE]),
    plane.kubectlOk(["apply", "--server-side", "-f", CRD_FOLDER]),
  ]);
  await plane.kubectlOk(["apply", "--server-side", "-f", "-"], { input: chart });
  const crds = ["--all", "--for=condition=Established", "--timeout=30s"];
  await plane.kubectlOk(["wait", "customresourcedefinitions", ...crds]);
  await until(() => isServed(plane), { what: "discovery of our kinds", programs: [] });
  return { kubeconfig: await accountKubeconfig(plane) };
}

/** Discovery comes a moment after Established; kubectl, which keeps what it saw for minutes, then looks anew. */
async function isServed(plane: HubAccess): Promise<boolean> {
  const kinds = await plane.kubectlOk(["api-resources", "--api-group=strata.dev", "--output=name"]);
  return kinds.trim().split("\n").length === readdirSync(CRD_FOLDER).length;
}

/** A kubeconfig with a fresh token of the ServiceAccount that Strata's Pods run as. */
export async function accountKubeconfig(plane: HubAccess): Promise<string> {
  const args = ["create", "token", ACCOUNT, "--namespace", NAMESPACE, "--duration", "24h"];
  const token = (await plane.kubectlOk(args)).trim();
  const cluster = {
    server: plane.server,
    "certificate-authority-data": Buffer.from(plane.caPem).toString("base64"),
  };
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "hub", cluster }],
    users: [{ name: ACCOUNT, user: { token } }],
    contexts: [{ name: "hub", context: { cluster: "hub", user: ACCOUNT, namespace: NAMESPACE } }],
    "current-context": "hub",
  };
  return `${JSON.stringify(kubeconfig, null, 2)}\n`;
}

import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Authority, createAuthority, type KeyPair } from "./certificates.ts";

/** What the components of one control plane share. */
export interface Plane {
  readonly name: string;
  readonly server: string;
  readonly port: number;
  readonly folder: string;
  readonly authority: Authority;
  readonly audit: boolean;
  readonly goawayChance: number;
}

/** A client certificate, and the same as a kubeconfig. */
export interface Credentials extends KeyPair {
  readonly kubeconfig: string;
}

const stages = fileURLToPath(new URL("kwok/", import.meta.url));

// etcd listens on sockets in the plane's folder: no port to lose to somebody else. The colon and number are only its syntax.
const etcdClient = "unix://etcd:1";
const etcdPeer = "unix://peer:1";

// The controller manager's own default of 20 requests a second would be the slowest thing in every test.
const unlimited = ["--kube-api-qps=1000", "--kube-api-burst=2000"];

/** The flags of each component; file names are relative to the plane's folder, in which it runs. */
export const flags = {
  etcd: () => [
    "--name=default",
    "--data-dir=etcd-data",
    "--unsafe-no-fsync",
    "--log-level=warn",
    `--listen-client-urls=${etcdClient}`,
    `--advertise-client-urls=${etcdClient}`,
    `--listen-peer-urls=${etcdPeer}`,
    `--initial-advertise-peer-urls=${etcdPeer}`,
    `--initial-cluster=default=${etcdPeer}`,
  ],
  "kube-apiserver": ({ port, audit, goawayChance }: Plane) => [
    `--etcd-servers=${etcdClient}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    `--secure-port=${port}`,
    "--tls-cert-file=server.crt",
    "--tls-private-key-file=server.key",
    "--client-ca-file=ca.crt",
    "--authorization-mode=RBAC",
    "--allow-privileged",
    "--endpoint-reconciler-type=none",
    `--goaway-chance=${goawayChance}`,
    "--service-cluster-ip-range=10.96.0.0/12",
    "--service-account-issuer=https://kubernetes.default.svc",
    "--service-account-key-file=service-account.crt",
    "--service-account-signing-key-file=service-account.key",
    ...(audit
      ? ["--audit-policy-file=audit-policy.json", "--audit-log-path=audit.log", "--audit-log-maxsize=4000"]
      : []),
  ],
  "kube-controller-manager": () => [
    "--kubeconfig=kube-controller-manager.kubeconfig",
    "--secure-port=0",
    "--leader-elect=false",
    "--root-ca-file=ca.crt",
    "--service-account-private-key-file=service-account.key",
    "--cluster-signing-cert-file=ca.crt",
    "--cluster-signing-key-file=ca.key",
    "--concurrent-deployment-syncs=20",
    "--concurrent-replicaset-syncs=20",
    // kwok does not mend the pods of a node that was late once, as a kubelet would; a busy machine makes nodes late.
    "--node-monitor-grace-period=1h",
    ...unlimited,
  ],
  "kube-scheduler": () => [
    "--kubeconfig=kube-scheduler.kubeconfig",
    "--secure-port=0",
    "--leader-elect=false",
    ...unlimited,
  ],
  kwok: () => [
    "--kubeconfig=kwok.kubeconfig",
    "--manage-all-nodes=true",
    "--node-port=0",
    "--node-ip=10.0.0.1",
    "--cidr=10.244.0.0/16",
    ...readdirSync(stages).map((file) => `--config=${join(stages, file)}`),
  ],
} satisfies Record<string, (plane: Plane) => string[]>;

/** Writes certificates, kubeconfigs and policies into the plane's folder. */
export async function writeFiles(plane: Plane): Promise<{ admin: Credentials; kubeconfigPath: string }> {
  const { authority, folder } = plane;
  const server = authority.issue({ commonName: "kube-apiserver", hosts: ["127.0.0.1", "localhost"] });
  const serviceAccount = createAuthority("service-account");
  const member = (commonName: string): Credentials =>
    credentialsFor(plane, authority.issue({ commonName, organizations: ["system:masters"] }));
  const admin = member("admin");
  const files: Record<string, string> = {
    "ca.crt": authority.certPem,
    "ca.key": authority.keyPem,
    "server.crt": server.certPem,
    "server.key": server.keyPem,
    "service-account.crt": serviceAccount.certPem,
    "service-account.key": serviceAccount.keyPem,
    "audit-policy.json": JSON.stringify(auditPolicy),
    "admin.kubeconfig": admin.kubeconfig,
    "kube-controller-manager.kubeconfig": member("system:kube-controller-manager").kubeconfig,
    "kube-scheduler.kubeconfig": member("system:kube-scheduler").kubeconfig,
    "kwok.kubeconfig": member("kwok").kubeconfig,
  };
  await Promise.all(
    Object.entries(files).map(([name, content]) => writeFile(join(folder, name), content, { mode: 0o600 })),
  );
  return { admin, kubeconfigPath: join(folder, "admin.kubeconfig") };
}

// RequestReceived would only double the lines; ResponseStarted is what a running watch has.
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata" }],
};

/** A client certificate together with its kubeconfig (JSON, which is YAML too). */
export function credentialsFor({ name, server, authority }: Plane, { certPem, keyPem }: KeyPair): Credentials {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": base64(authority.certPem) } }],
    users: [{ name, user: { "client-certificate-data": base64(certPem), "client-key-data": base64(keyPem) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
  return { certPem, keyPem, kubeconfig: `${JSON.stringify(kubeconfig, null, 2)}\n` };
}

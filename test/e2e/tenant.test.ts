import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditEvent } from "../support/audit.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import type { CommandResult } from "../support/kubectl.ts";
import { inventory, strataRequests } from "../support/ledger.ts";
import { apply, condition, type Live, layerOf, pathOf, read, untilReady, waitUntil } from "../support/stories.ts";
import { prepareHub, type StrataProcess } from "../support/strata.ts";
import { targetCluster } from "../support/target-cluster.ts";

const ACCOUNT = "system:serviceaccount:acme:default";
const PROFILE = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", `acme/${name}`);

let hub: ControlPlane;
let strata: StrataProcess;
/** What listens on Strata's own host, and who came. */
const listener = createServer((socket) => {
  callers.push(`${socket.remoteAddress}`);
  socket.destroy();
});
const callers: string[] = [];
let mallory: (args: readonly string[], input?: string) => Promise<CommandResult>;

beforeAll(async () => {
  hub = await startControlPlane({ name: "tenant", controllers: false });
  await once(listener.listen(0, "localhost"), "listening");
  // As it is installed, and not as other tests need it: with registries and targets on this very host.
  const home = await prepareHub(hub);
  strata = await home.start({ STRATA_ALLOWED_NETWORKS: "" });
  const profiles = ["clusterprofiles", "addonprofiles"].map((kind) => `${kind}.strata.dev`).join(",");
  for (const namespace of ["acme", "victim"]) await hub.kubectlOk(["create", "namespace", namespace]);
  await apply(hub, ...possessions);
  await hub.kubectlOk([
    "create",
    "role",
    "profiles",
    "-n",
    "acme",
    "--verb=get,list,watch,create,patch,update,delete",
    `--resource=${profiles}`,
  ]);
  await hub.kubectlOk(["create", "rolebinding", "profiles", "-n", "acme", "--role=profiles", "--user=mallory"]);
  const file = join(hub.dataDir, "mallory.kubeconfig");
  await writeFile(file, hub.userKubeconfig({ user: "mallory" }), { mode: 0o600 });
  mallory = (args, input) => hub.kubectl(["--kubeconfig", file, ...args], input === undefined ? {} : { input });
});

afterAll(async () => {
  await strata?.kill();
  await hub?.stop();
  listener.close();
});

const configMap = (name: string, namespace?: string): Live => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...(namespace ? { namespace } : {}) },
  data: { owner: "somebody" },
});
const secret = (name: string, namespace: string): Live => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace },
  stringData: { key: "treasure", manifest: JSON.stringify(configMap("from-secret")) },
});
const rbac = (kind: string, name: string, rest: Live): Live => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind,
  metadata: { name, ...(kind.startsWith("Cluster") ? {} : { namespace: "acme" }) },
  ...rest,
});
const ALL = ["get", "list", "watch", "create", "update", "patch", "delete"];

/** What is there before mallory comes: `acme/default` may write ConfigMaps and RoleBindings in acme, and read no Secret. */
const possessions: Live[] = [
  rbac("Role", "app", {
    rules: [
      { apiGroups: [""], resources: ["configmaps"], verbs: ALL },
      { apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"], verbs: ALL },
    ],
  }),
  rbac("RoleBinding", "app", {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "app" },
    subjects: [{ kind: "ServiceAccount", name: "default", namespace: "acme" }],
  }),
  configMap("theirs", "victim"),
  secret("theirs", "victim"),
  secret("admins", "acme"),
];

function profile(name: string, layer: Live, rest: Live = {}): Live {
  const spec = { clusterRefs: [{ name: "local" }], namespace: "acme", layers: [{ name: "layer", ...layer }], ...rest };
  return { apiVersion: "strata.dev/v1alpha1", kind: "AddOnProfile", metadata: { name, namespace: "acme" }, spec };
}

const objects = (...list: Live[]): Live => ({ manifests: list.map((object) => ({ object })) });
const role = (rules: Live[]): Live => rbac("Role", "grabbed", { rules });
const ADMIN = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" };
const ME = { subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "mallory" }] };

interface Attack {
  layer: Live;
  rest?: Live;
  /** What the status says. */
  says: RegExp;
}

const cannot = (verb: string, resource: string, where: string): RegExp =>
  new RegExp(`User "${ACCOUNT}" cannot ${verb} resource "${resource}" in API group "[^"]*" ${where}`);
const inVictim = 'in the namespace "victim"';
const everywhere = "at the cluster scope";

const attacks: Record<string, Attack> = {
  "an object in another namespace": {
    layer: objects(configMap("planted", "victim")),
    says: cannot("(list|watch)", "configmaps", inVictim),
  },
  "the namespace of a layer": {
    layer: { namespace: "victim", ...objects(configMap("planted")) },
    says: cannot("\\w+", "configmaps", inVictim),
  },
  "the namespace of the profile": {
    layer: objects(configMap("planted")),
    rest: { namespace: "victim" },
    says: cannot("\\w+", "configmaps", inVictim),
  },
  "taking over what others own": {
    layer: { adoption: "Always", ...objects(configMap("theirs", "victim")) },
    says: cannot("\\w+", "configmaps", inVictim),
  },
  "a Secret of its own": {
    layer: objects(secret("mine", "acme")),
    says: cannot("\\w+", "secrets", 'in the namespace "acme"'),
  },
  "a namespace": {
    layer: objects({ apiVersion: "v1", kind: "Namespace", metadata: { name: "planted" } }),
    says: cannot("\\w+", "namespaces", everywhere),
  },
  "a cluster role": {
    layer: objects(rbac("ClusterRole", "planted", { rules: [] })),
    says: cannot("\\w+", "clusterroles", everywhere),
  },
  "an admission webhook": {
    layer: objects({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingWebhookConfiguration",
      metadata: { name: "planted" },
    }),
    says: cannot("\\w+", "validatingwebhookconfigurations", everywhere),
  },
  "a binding to cluster-admin": {
    layer: objects(rbac("RoleBinding", "planted", { roleRef: ADMIN, ...ME })),
    says: /attempting to grant RBAC permissions not currently held/,
  },
  "a role with more than its own rights": {
    layer: objects(role([{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }])),
    says: /attempting to grant RBAC permissions not currently held/,
  },
  "labels on a namespace": {
    layer: {
      namespace: "acme",
      namespaceMetadata: { labels: { "pod-security.kubernetes.io/enforce": "privileged" } },
      ...objects(configMap("beside-labels")),
    },
    says: cannot("\\w+", "namespaces", 'in the namespace "acme"'),
  },
  "manifests in a Secret that the account may not read": {
    layer: { manifests: [{ secretRef: { name: "admins" } }] },
    says: cannot("\\w+", "secrets", 'in the namespace "acme"'),
  },
  "one key of such a Secret": {
    layer: { manifests: [{ secretKeyRef: { name: "admins", key: "manifest" } }] },
    says: cannot("\\w+", "secrets", 'in the namespace "acme"'),
  },
  "chart values from such a Secret": {
    layer: {
      helm: { repo: "https://charts.example", chart: "web", version: "1.0.0" },
      valuesFrom: [{ secretKeyRef: { name: "admins", key: "key" }, targetPath: "a" }],
    },
    says: cannot("\\w+", "secrets", 'in the namespace "acme"'),
  },
  "a health check that asks a Secret of others": {
    layer: {
      ...objects(configMap("with-check")),
      healthChecks: [
        {
          apiVersion: "v1",
          kind: "Secret",
          name: "theirs",
          namespace: "victim",
          current: "self.data.key.startsWith('dHJ')",
        },
      ],
    },
    says: cannot("\\w+", "secrets", inVictim),
  },
  "a health check that asks what it may not read at home": {
    layer: {
      ...objects(configMap("with-check-at-home")),
      healthChecks: [
        { apiVersion: "v1", kind: "Secret", name: "admins", namespace: "acme", current: "has(self.data.key)" },
      ],
    },
    says: cannot("\\w+", "secrets", 'in the namespace "acme"'),
  },
  "another account, which has no rights": {
    layer: objects(configMap("by-other")),
    rest: { serviceAccountName: "nobody" },
    says: /User "system:serviceaccount:acme:nobody" cannot \w+ resource "configmaps"/,
  },
};

const refused: Record<string, [Live, RegExp]> = {
  "a reference into another namespace": [
    profile("refused", { manifests: [{ secretRef: { name: "theirs", namespace: "victim" } }] }),
    /namespace/,
  ],
  "values from another namespace": [
    profile("refused", {
      helm: { repo: "https://charts.example", chart: "web", version: "1.0.0" },
      valuesFrom: [{ configMapKeyRef: { name: "theirs", key: "key", namespace: "victim" } }],
    }),
    /namespace/,
  ],
  "an account of another namespace": [
    profile("refused", objects(configMap("c")), { serviceAccountName: "kube-system:admin" }),
    /serviceAccountName/,
  ],
  "a cluster of another namespace": [
    profile("refused", objects(configMap("c")), { clusterRefs: [{ name: "edge", namespace: "victim" }] }),
    /namespace/,
  ],
  "a SystemProfile": [
    { ...profile("refused", objects(configMap("c", "victim"))), kind: "SystemProfile", metadata: { name: "refused" } },
    /cannot (get|patch|create) resource "systemprofiles"/,
  ],
};

describe("Tenant", () => {
  let before: string[];

  test("what the account may do is done", async () => {
    before = await belongings();
    const { code, stderr } = await mallory(
      ["apply", "--server-side", "-f", "-"],
      JSON.stringify(profile("allowed", objects(configMap("allowed")))),
    );
    expect(stderr).not.toMatch(/rror/);
    expect(code).toBe(0);
    await untilReady(hub, PROFILE("allowed"));
  });

  test.each(Object.entries(refused))("%s is refused by the API server", async (_what, [wrong, says]) => {
    const { code, stderr } = await mallory(["apply", "--server-side", "-f", "-"], JSON.stringify(wrong));
    expect(stderr).toMatch(says);
    expect(code).toBe(1);
  });

  test("no field of a profile reaches beyond what the account may do, and the status says what to grant", async () => {
    const all = Object.entries(attacks).map(([what, attack], index) => ({ what, ...attack, name: `attack-${index}` }));
    const profiles = all.map(({ name, layer, rest }) => profile(name, layer, rest));
    const { code } = await mallory(
      ["apply", "--server-side", "-f", "-"],
      profiles.map((one) => JSON.stringify(one)).join("\n---\n"),
    );
    expect(code).toBe(0);
    for (const { what, name, says } of all) {
      const live = await waitUntil(hub, PROFILE(name), {
        what: `refused (${what})`,
        is: (one) => says.test(layerOf(one, "layer")?.message ?? ""),
      });
      expect(condition(live, "Ready")?.status, what).toBe("False");
    }
    expect(await belongings()).toEqual(before);
    // Of what may not even be read nothing was made, and so nothing stands in the way of its deletion.
    for (const { name } of all.filter(({ layer }) => !layer.healthChecks))
      expect((await mallory(["delete", "addonprofile", name, "-n", "acme", "--timeout=60s"])).stderr).toBe("");
  });

  test.each([
    {
      place: "the metadata service",
      source: { manifests: [{ url: "https://169.254.169.254/a.yaml", sha256: "0".repeat(64) }] },
      says: "requests to 169.254.169.254 are not allowed: its address is link-local, which no setting allows",
    },
    {
      place: "Strata's own host",
      source: { manifests: [{ url: "http://localhost:PORT/a.yaml", sha256: "0".repeat(64) }] },
      says: "requests to localhost are not allowed: its address is loopback",
    },
    {
      place: "a private network",
      source: { manifests: [{ oci: { repo: "oci://10.1.2.3:5000/files", artifact: "shop", version: "1.2.3" } }] },
      says: "requests to 10.1.2.3:5000 are not allowed: its address is private; whoever runs Strata can add its network to allowedNetworks",
    },
    {
      place: "a private network, for a file",
      source: { manifests: [{ url: "https://[fd12::1]/a.yaml", sha256: "0".repeat(64) }] },
      says: "requests to [fd12::1] are not allowed: its address is private; whoever runs Strata can add its network to allowedNetworks",
    },
  ])("no source of a layer leads into the operator's network: $place", async ({ place, source, says }) => {
    const name = `source-${place.toLowerCase().replaceAll(/\W+/g, "-")}`;
    const { port } = listener.address() as AddressInfo;
    const text = JSON.stringify(profile(name, source)).replace("PORT", `${port}`);
    await mallory(["apply", "--server-side", "-f", "-"], text);
    await waitUntil(hub, PROFILE(name), {
      what: "refused",
      is: (one) => layerOf(one, "layer")?.message?.includes(says) === true,
    });
    expect(callers.splice(0), "nobody was asked").toEqual([]);
  });

  test("a right that is granted later is noticed", async () => {
    const late = profile("late", objects({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "late" } }));
    await mallory(["apply", "--server-side", "-f", "-"], JSON.stringify(late));
    await waitUntil(hub, PROFILE("late"), {
      what: "refused",
      is: (one) =>
        cannot("\\w+", "serviceaccounts", 'in the namespace "acme"').test(layerOf(one, "layer")?.message ?? ""),
    });
    await hub.kubectlOk([
      "create",
      "role",
      "late",
      "-n",
      "acme",
      `--verb=${ALL.join(",")}`,
      "--resource=serviceaccounts",
    ]);
    await hub.kubectlOk([
      "create",
      "rolebinding",
      "late",
      "-n",
      "acme",
      "--role=late",
      "--serviceaccount=acme:default",
    ]);
    await untilReady(hub, PROFILE("late"));
  });

  test("Strata's own identity has touched nothing of the tenant", async () => {
    const requests = await strataRequests(hub);
    const own = requests.filter(({ impersonatedUser }) => impersonatedUser === undefined);
    expect(own.filter((event) => !isOwnBusiness(event)).map(({ verb, requestURI }) => `${verb} ${requestURI}`)).toEqual(
      [],
    );
    const acting = requests.filter(({ impersonatedUser }) => impersonatedUser !== undefined);
    expect(new Set(acting.map(({ impersonatedUser }) => impersonatedUser?.username))).toEqual(
      new Set([ACCOUNT, "system:serviceaccount:acme:nobody"]),
    );
    const beyond = acting.filter(({ objectRef: ref }) => ref !== undefined && ref.namespace !== "acme");
    expect(
      beyond.filter(({ responseStatus }) => responseStatus?.code !== 403).map(({ requestURI }) => requestURI),
    ).toEqual([]);
  });

  const hostile: Record<string, [(config: Live, marker: string) => void, RegExp]> = {
    exec: [
      (config, marker) => {
        config.users[0].user = {
          exec: { apiVersion: "client.authentication.k8s.io/v1", command: "touch", args: [marker] },
        };
      },
      /users\[0\]\.user\.exec is refused: Strata does not run commands/,
    ],
    "auth-provider": [
      (config, marker) => {
        config.users[0].user = {
          "auth-provider": { name: "gcp", config: { "cmd-path": "touch", "cmd-args": marker } },
        };
      },
      /users\[0\]\.user\.auth-provider is refused/,
    ],
    tokenFile: [
      (config) => {
        config.users[0].user = { tokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token" };
      },
      /users\[0\]\.user\.tokenFile is refused: Strata does not read files/,
    ],
    "proxy-url": [
      (config) => {
        config.clusters[0].cluster["proxy-url"] = "http://127.0.0.1:9";
      },
      /clusters\[0\]\.cluster\.proxy-url is refused/,
    ],
    "insecure-skip-tls-verify": [
      (config) => {
        config.clusters[0].cluster["insecure-skip-tls-verify"] = true;
      },
      /clusters\[0\]\.cluster\.insecure-skip-tls-verify is refused/,
    ],
    "a plain http server": [
      (config) => {
        config.clusters[0].cluster.server = "http://169.254.169.254";
      },
      /clusters\[0\]\.cluster\.server is refused: only https/,
    ],
    "Strata's own host as its server": [
      () => undefined,
      /clusters\[0\]\.cluster\.server is refused: its address is loopback, Strata's own host/,
    ],
    "the metadata service as its server": [
      (config) => {
        config.clusters[0].cluster.server = "https://169.254.169.254";
      },
      /clusters\[0\]\.cluster\.server is refused: its address is link-local/,
    ],
  };

  test.each(Object.entries(hostile))("a kubeconfig with %s is refused by name", async (what, [spoil, says]) => {
    const name = what.replaceAll(/\W+/g, "-").toLowerCase();
    const marker = join(hub.dataDir, `ran-${name}`);
    const kubeconfig = JSON.parse(hub.kubeconfig);
    spoil(kubeconfig, marker);
    expect(await refusal(name, kubeconfig, "InvalidKubeconfig")).toMatch(says);
    expect(existsSync(marker)).toBe(false);
  });

  test("a kubeconfig whose server is a name of Strata's own host is not followed there", async () => {
    const kubeconfig = JSON.parse(hub.kubeconfig);
    kubeconfig.clusters[0].cluster.server = hub.server.replace("127.0.0.1", "localhost");
    const says = /localhost:\d+: requests to localhost are not allowed: its address is loopback, Strata's own host/;
    expect(await refusal("by-name", kubeconfig, "Unreachable")).toMatch(says);
  });

  /** The sentence of a TargetCluster with this kubeconfig, once it has failed for the reason. */
  async function refusal(name: string, kubeconfig: Live, reason: string): Promise<string> {
    await apply(hub, ...targetCluster(name, JSON.stringify(kubeconfig)));
    const live = await waitUntil(hub, pathOf("strata.dev/v1alpha1", "targetclusters", `acme/${name}`), {
      what: "refused",
      is: (one) => condition(one, "Ready")?.reason === reason,
    });
    return condition(live, "Ready").message;
  }
});

/** All that is neither the tenant's nor Strata's own, and the versions of what mallory was after. */
async function belongings(): Promise<string[]> {
  const others = (await inventory(hub)).filter((name) => !/ (acme|strata-system)\//.test(name));
  const paths = ["/api/v1/namespaces/acme", "/api/v1/namespaces/victim", "/api/v1/namespaces/kube-system"];
  const prey = ["configmaps/theirs", "secrets/theirs"].map((name) => `/api/v1/namespaces/victim/${name}`);
  const live = await Promise.all(
    [...paths, ...prey, "/api/v1/namespaces/acme/secrets/admins"].map((path) => read(hub, path)),
  );
  return [...others, ...live.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)];
}

/** What Strata does as itself: its own kinds, its own namespace, namespaces' labels, events, and what every client asks. */
function isOwnBusiness({ verb, objectRef: ref, requestURI, responseStatus }: AuditEvent): boolean {
  if (ref === undefined) return /^\/(version|apis?)(\/|\?|$)/.test(requestURI);
  if (ref.apiGroup === "strata.dev" || ref.namespace === "strata-system") return true;
  if (ref.resource === "events") return verb === "create";
  // On a target it makes its own namespace, once; on the hub it may not, and need not.
  if (ref.resource === "namespaces") return ["get", "list", "watch"].includes(verb) || responseStatus?.code === 403;
  // The kubeconfigs that TargetClusters name, each by its name.
  return (
    ref.resource === "secrets" && ["watch", "list"].includes(verb) && /fieldSelector=metadata\.name/.test(requestURI)
  );
}

import { apply, read } from "../stories.ts";
import { type BadRow, configMap, fine, objects, type World } from "./bad-row.ts";

const secretText = (name: string, text: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "acme" },
  stringData: { "app.yaml": text },
});

const chart = (world: World, fields: object = {}, helm: object = {}) => ({
  name: "shop",
  helm: { repo: world.charts, chart: "shop", version: "1.2.3", ...helm },
  values: { replicas: 0, ...VALUES },
  ...fields,
});
const VALUES = { extraLists: false };

const account = (name: string) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "acme" } });

const binding = (name: string) => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name, namespace: "acme" },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
  subjects: [{ kind: "ServiceAccount", name, namespace: "acme" }],
});

/** Something else than the profile's own words is missing or in the way. */
export const BAD_SURROUNDINGS: readonly BadRow[] = [
  {
    name: "a ConfigMap that does not exist",
    layers: () => [{ name: "app", manifests: [{ configMapRef: { name: "absent" } }] }],
    want: "Stalled",
    reason: "ReferenceNotFound",
    layer: "app",
    says: "",
    cure: {
      deed: ({ hub }) =>
        apply(hub, configMap("absent", { "a.yaml": JSON.stringify(configMap("from-absent")) }, { namespace: "acme" })),
    },
  },
  {
    name: "a Secret and a key that do not exist, both said at once",
    before: ({ hub }) => apply(hub, secretText("half", "")),
    layers: () => [
      {
        name: "app",
        manifests: [{ secretKeyRef: { name: "gone", key: "a" } }, { secretKeyRef: { name: "half", key: "b.yaml" } }],
      },
    ],
    want: "Stalled",
    reason: "ReferenceNotFound",
    layer: "app",
    says: "",
    cure: { layers: fine("references") },
  },
  {
    name: "bad YAML in a Secret, whose text nobody may read",
    before: ({ hub }) => apply(hub, secretText("broken", "password: [hunter2\n")),
    layers: () => [{ name: "app", manifests: [{ secretKeyRef: { name: "broken", key: "app.yaml" } }] }],
    want: "Stalled",
    reason: "InvalidManifest",
    layer: "app",
    says: "",
    cure: { deed: ({ hub }) => apply(hub, secretText("broken", JSON.stringify(configMap("mended")))) },
  },
  {
    name: "chart values that do not exist",
    layers: (world) => [chart(world, { valuesFrom: [{ secretKeyRef: { name: "no-values", key: "v" } }] })],
    want: "Stalled",
    reason: "ReferenceNotFound",
    layer: "shop",
    says: "",
    cure: { layers: fine("no-values") },
  },
  {
    name: "chart values that are a list",
    before: ({ hub }) => apply(hub, configMap("list-values", { v: "- a\n- b\n" }, { namespace: "acme" })),
    layers: (world) => [chart(world, { valuesFrom: [{ configMapKeyRef: { name: "list-values", key: "v" } }] })],
    want: "Stalled",
    reason: "InvalidValues",
    layer: "shop",
    says: "",
    cure: { layers: fine("list-values") },
  },
  {
    name: "a targetPath through a value that is no map",
    before: ({ hub }) => apply(hub, configMap("path-values", { v: "x" }, { namespace: "acme" })),
    layers: (world) => [
      chart(world, {
        valuesFrom: [{ configMapKeyRef: { name: "path-values", key: "v" }, targetPath: "replicas.count[3].x" }],
      }),
    ],
    want: "Stalled",
    reason: "InvalidValues",
    layer: "shop",
    says: "",
    cure: { layers: fine("path-values") },
  },
  {
    name: "values that the chart's schema refuses",
    layers: (world) => [chart(world, { values: { ...VALUES, replicas: 99, service: { type: "Wrong" } } })],
    want: "Stalled",
    reason: "InvalidValues",
    layer: "shop",
    says: "",
    cure: { layers: fine("schema") },
  },
  {
    name: "a value that breaks the chart's templates",
    layers: (world) => [chart(world, { values: { ...VALUES, config: { a: "{{ .Values.nothing.at.all }}" } } })],
    want: "Stalled",
    reason: "RenderFailed",
    layer: "shop",
    says: "",
    cure: { layers: fine("templates") },
  },
  {
    name: "a value that the chart requires",
    layers: (world) => [{ ...chart(world, {}, { chart: "hooked" }), values: {} }],
    want: "Stalled",
    reason: "RenderFailed",
    layer: "shop",
    says: "",
    cure: { layers: fine("required-value") },
  },
  {
    name: "a chart with hooks",
    layers: (world) => [{ ...chart(world, {}, { chart: "hooked" }), values: { size: 1 } }],
    want: "Stalled",
    reason: "HooksNotSupported",
    layer: "shop",
    says: "",
    cure: { layers: fine("hooks") },
  },
  {
    name: "a chart that the repository does not have",
    layers: (world) => [chart(world, {}, { chart: "shopp" })],
    want: "Stalled",
    reason: "ChartNotFound",
    layer: "shop",
    says: "",
    cure: { layers: fine("shopp") },
  },
  {
    name: "a version that the repository does not have",
    layers: (world) => [chart(world, {}, { version: "9.x" })],
    want: "Stalled",
    reason: "ChartNotFound",
    layer: "shop",
    says: "",
    cure: { layers: fine("version") },
  },
  {
    name: "a repository that does not answer",
    layers: (world) => [chart(world, {}, { repo: "http://127.0.0.1:9" })],
    want: "Retrying",
    reason: "SourceUnavailable",
    layer: "shop",
    says: "",
    cure: { layers: fine("repository") },
  },
  {
    name: "an address that serves no charts",
    layers: (world) => [chart(world, {}, { repo: world.charts.replace("http://", "oci://") })],
    want: "Stalled",
    reason: "ChartNotFound",
    layer: "shop",
    says: "",
    cure: { layers: fine("address") },
  },
  {
    name: "a ServiceAccount that does not exist",
    spec: { serviceAccountName: "nobody" },
    layers: () => fine("nobody"),
    want: "Retrying",
    reason: "Forbidden",
    layer: "app",
    says: "",
    cure: { deed: ({ hub }) => apply(hub, account("nobody"), binding("nobody")) },
  },
  {
    name: "a ServiceAccount that may read and not write",
    before: async ({ hub }) => {
      await apply(hub, account("reader"));
      await apply(hub, {
        ...binding("reader"),
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      });
    },
    spec: { serviceAccountName: "reader" },
    layers: () => fine("read-only"),
    want: "Retrying",
    reason: "Forbidden",
    layer: "app",
    says: "",
    cure: {
      deed: async ({ hub }) => {
        await hub.kubectlOk(["delete", "rolebinding", "reader", "-n", "acme"]);
        await apply(hub, binding("reader"));
      },
    },
  },
  {
    name: "a reference that the ServiceAccount may not read",
    before: async ({ hub }) => {
      await apply(hub, account("editor"), secretText("hidden", JSON.stringify(configMap("from-hidden"))));
    },
    spec: { serviceAccountName: "editor" },
    layers: () => [{ name: "app", manifests: [{ secretRef: { name: "hidden" } }] }],
    want: "Stalled",
    reason: "ReferenceNotFound",
    layer: "app",
    says: "",
    cure: { deed: ({ hub }) => apply(hub, binding("editor")) },
  },
  {
    name: "a role that gives more than the ServiceAccount has",
    before: async ({ hub }) => {
      await apply(hub, account("climber"));
      await apply(hub, {
        ...binding("climber"),
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
      });
    },
    spec: { serviceAccountName: "climber" },
    layers: () => [
      objects({
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "Role",
        metadata: { name: "climb" },
        rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }],
      }),
    ],
    want: "Retrying",
    reason: "Forbidden",
    layer: "app",
    says: "",
    cure: { layers: fine("climb") },
  },
  {
    name: "a namespace that is on its way out",
    before: async ({ hub }) => {
      await hub.kubectlOk(["create", "namespace", "leaving"]);
      await apply(hub, configMap("holder", {}, { namespace: "leaving", finalizers: ["example.com/hold"] }));
      await hub.kubectlOk(["delete", "namespace", "leaving", "--wait=false"]);
    },
    layers: () => [{ ...objects(configMap("late")), namespace: "leaving" }],
    want: "Retrying",
    reason: "NamespaceTerminating",
    layer: "app",
    says: "",
    cure: {
      deed: ({ hub }) =>
        hub.kubectlOk(["patch", "configmap", "holder", "-n", "leaving", "--type=json", "-p", REMOVE_FINALIZERS]),
    },
  },
  {
    name: "a quota that is used up",
    before: async ({ hub }) => {
      await hub.kubectlOk(["create", "namespace", "tight"]);
      await apply(hub, quota("0"));
      for (;;) {
        const live = await read(hub, "/api/v1/namespaces/tight/resourcequotas/tight");
        if (live?.status?.hard?.["count/secrets"] === "0") return;
      }
    },
    layers: () => [
      { ...objects({ apiVersion: "v1", kind: "Secret", metadata: { name: "one-more" } }), namespace: "tight" },
    ],
    want: "Retrying",
    reason: "QuotaExceeded",
    layer: "app",
    says: "",
    cure: { deed: ({ hub }) => apply(hub, quota("9")) },
  },
  {
    name: "a policy of the cluster that says no",
    before: async ({ hub }) => {
      await apply(hub, ...policy);
      // The API server takes a moment to know its own policies.
      const body = configMap("forbidden-probe");
      while ((await hub.request("POST", "/api/v1/namespaces/acme/configmaps?dryRun=All", { body })).status !== 422);
    },
    layers: () => [objects(configMap("forbidden-by-policy"))],
    want: "Retrying",
    reason: "AdmissionDenied",
    layer: "app",
    says: "",
    cure: { deed: ({ hub }) => hub.kubectlOk(["delete", "validatingadmissionpolicybinding", "naming"]) },
  },
  {
    name: "an object that another profile brings",
    before: ({ hub }) =>
      apply(hub, {
        apiVersion: "strata.dev/v1alpha1",
        kind: "AddOnProfile",
        metadata: { name: "first-come", namespace: "acme" },
        spec: { namespace: "acme", clusterRefs: [{ name: "local" }], layers: fine("claimed") },
      }).then(() => hub.kubectlOk(["wait", "-n", "acme", "sap/first-come", "--for=condition=Ready", "--timeout=60s"])),
    layers: () => fine("claimed"),
    want: "Stalled",
    reason: "Conflict",
    layer: "app",
    says: "",
    cure: { deed: ({ hub }) => hub.kubectlOk(["delete", "-n", "acme", "sap/first-come"]) },
  },
  {
    name: "an object that exists and that the layer may not adopt",
    before: ({ hub }) => apply(hub, configMap("taken", {}, { namespace: "acme" })),
    layers: () => [{ ...objects(configMap("taken")), adoption: "Never" }],
    want: "Stalled",
    reason: "Conflict",
    layer: "app",
    says: "",
    cure: { layers: [{ ...objects(configMap("taken")), adoption: "IfUnowned" }] },
  },
];

const REMOVE_FINALIZERS = JSON.stringify([{ op: "remove", path: "/metadata/finalizers" }]);

const quota = (secrets: string) => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name: "tight", namespace: "tight" },
  spec: { hard: { "count/secrets": secrets } },
});

const policy = [
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "naming" },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }],
      },
      validations: [
        { expression: "!object.metadata.name.startsWith('forbidden')", message: "names must not begin with forbidden" },
      ],
    },
  },
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: "naming" },
    spec: { policyName: "naming", validationActions: ["Deny"] },
  },
];

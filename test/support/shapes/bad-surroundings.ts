import { apply, read } from "../stories.ts";
import { type BadRow, configMap, fine, objects } from "./bad-row.ts";

const secretText = (name: string, text: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "acme" },
  stringData: { "app.yaml": text },
});

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
    says: "manifests[0]: ConfigMap acme/absent does not exist",
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
    says: "manifests[0]: Secret acme/gone does not exist; manifests[1]: Secret acme/half has no key b.yaml; it has app.yaml",
    cure: { layers: fine("references") },
  },
  {
    name: "bad YAML in a Secret, whose text nobody may read",
    before: ({ hub }) => apply(hub, secretText("broken", "password: [hunter2\n")),
    layers: () => [{ name: "app", manifests: [{ secretKeyRef: { name: "broken", key: "app.yaml" } }] }],
    want: "Stalled",
    reason: "InvalidManifest",
    layer: "app",
    says: "manifests[0], Secret acme/broken key app.yaml, document 1, line 2: unexpected end of the stream within a flow collection",
    cure: { deed: ({ hub }) => apply(hub, secretText("broken", JSON.stringify(configMap("mended")))) },
  },
  {
    name: "a ServiceAccount that does not exist",
    spec: { serviceAccountName: "nobody" },
    layers: () => fine("nobody"),
    want: "Retrying",
    reason: "Forbidden",
    layer: "app",
    says: 'watching configmaps: configmaps is forbidden: User "system:serviceaccount:acme:nobody" cannot watch resource "configmaps" in API group "" in the namespace "acme"; bind a role that allows it to ServiceAccount acme/nobody',
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
    says: 'ConfigMap acme/read-only: configmaps "read-only" is forbidden: User "system:serviceaccount:acme:reader" cannot patch resource "configmaps" in API group "" in the namespace "acme"; bind a role that allows it to ServiceAccount acme/reader',
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
    says: 'manifests[0]: watching secrets: secrets "hidden" is forbidden: User "system:serviceaccount:acme:editor" cannot watch resource "secrets" in API group "" in the namespace "acme"; bind a role that allows it to ServiceAccount acme/editor',
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
    says: 'Role acme/climb: roles.rbac.authorization.k8s.io "climb" is forbidden: user "system:serviceaccount:acme:climber" (groups=["system:serviceaccounts" "system:serviceaccounts:acme" "system:authenticated"]) is attempting to grant RBAC permissions not currently held: {APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
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
    says: 'ConfigMap leaving/late: configmaps "late" is forbidden: unable to create new content in namespace leaving because it is being terminated',
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
    says: 'Secret tight/one-more: secrets "one-more" is forbidden: exceeded quota: tight, requested: count/secrets=1, used: count/secrets=0, limited: count/secrets=0',
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
    says: "ConfigMap acme/forbidden-by-policy: configmaps \"forbidden-by-policy\" is forbidden: ValidatingAdmissionPolicy 'naming' with binding 'naming' denied request: names must not begin with forbidden",
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
    says: "ConfigMap acme/claimed exists and belongs to layer app of AddOnProfile acme/first-come: take it out of one of the two profiles or, if that one has left the cluster, take the label applyset.kubernetes.io/part-of off the object and set the layer's adoption to Always",
    cure: { deed: ({ hub }) => hub.kubectlOk(["delete", "-n", "acme", "sap/first-come"]) },
  },
  {
    name: "an object that exists and that the layer may not adopt",
    before: ({ hub }) => apply(hub, configMap("taken", {}, { namespace: "acme" })),
    layers: () => [{ ...objects(configMap("taken")), adoption: "Never" }],
    want: "Stalled",
    reason: "Conflict",
    layer: "app",
    says: "ConfigMap acme/taken exists, and the layer's adoption is Never: delete it, take it out of this layer, or set adoption to IfUnowned",
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

import { yaml } from "../shapes/shape.ts";
import type { CorpusChart, Difference, Step } from "./types.ts";

/** Annotations of a hook, in flow style. */
function hook(events: string, more: { weight?: number; policy?: string } = {}): string {
  const weight = more.weight === undefined ? "" : `, helm.sh/hook-weight: "${more.weight}"`;
  const policy = more.policy === undefined ? "" : `, helm.sh/hook-delete-policy: "${more.policy}"`;
  return `helm.sh/hook: "${events}"${weight}${policy}`;
}

function config(name: string, annotations: string): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, annotations: { ${annotations} } }\ndata: { version: {{ .Chart.Version }} }\n---\n`;
}

/** A Job that succeeds, or one whose pod fails. */
function job(name: string, annotations: string, { fails = false } = {}): string {
  const pod = `{ restartPolicy: Never, containers: [{ name: main, image: "registry.example/${name}:{{ .Chart.Version }}" }] }`;
  const labels = fails ? "{ test.strata.dev/fault: job-failed }" : "{}";
  return `apiVersion: batch/v1\nkind: Job\nmetadata: { name: ${name}, labels: { app: ${name} }, annotations: { ${annotations} } }\nspec: { backoffLimit: 0, template: { metadata: { labels: ${labels} }, spec: ${pod} } }\n---\n`;
}

/** Going back is an upgrade to Strata: it runs hooks of upgrades, which helm's rollback leaves as they are. */
const backByUpgrade = (steps: readonly Step[], lines: RegExp): Difference => ({
  name: "rollback-upgrades",
  steps,
  lines,
});

/** Hooks of every event. */
export const HOOK_CHARTS: readonly CorpusChart[] = [
  {
    name: "hooks-install",
    feature: "hooks before and after it is installed",
    files: {
      "templates/hooks.yaml": job("before", hook("pre-install")) + job("after", hook("post-install")),
      "templates/plain.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: plain }\n",
    },
  },
  {
    name: "hooks-upgrade",
    feature: "hooks before and after it is upgraded, which change",
    files: {
      "templates/hooks.yaml": job("before", hook("pre-upgrade")) + job("after", hook("post-upgrade")),
    },
    removal: { files: { "templates/hooks.yaml": job("other", hook("pre-upgrade")) } },
    differences: [
      backByUpgrade(["rollback"], /^Job\/(before|after): it is made anew with Strata, the same as before with helm$/),
    ],
  },
  {
    name: "hooks-both",
    feature: "hooks of several events, run again at each, with all that a Job of them needs",
    files: {
      "templates/hooks.yaml": yaml`
        {{- $hook := "helm.sh/hook: \"pre-install, pre-upgrade\", helm.sh/hook-delete-policy: before-hook-creation, helm.sh/hook-weight:" }}
        apiVersion: v1
        kind: ServiceAccount
        metadata: { name: migrate, annotations: { {{ $hook }} "-10" } }
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: { name: migrate, annotations: { {{ $hook }} "-9" } }
        rules: [{ apiGroups: [""], resources: [configmaps], verbs: [get] }]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: { name: migrate, annotations: { {{ $hook }} "-8" } }
        roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: migrate }
        subjects: [{ kind: ServiceAccount, name: migrate }]
        ---
        apiVersion: batch/v1
        kind: Job
        metadata: { name: migrate, annotations: { {{ $hook }} "0" } }
        spec: { backoffLimit: 0, template: { spec: { serviceAccountName: migrate, restartPolicy: Never, containers: [{ name: main, image: "registry.example/migrate:{{ .Chart.Version }}" }] } } }
      `,
    },
    differences: [
      backByUpgrade(["rollback"], /^(ServiceAccount|Role|RoleBinding|Job)\/migrate: /),
      backByUpgrade(["uninstall"], /^Job\/migrate: spec\./),
    ],
  },
  {
    name: "hooks-weights",
    feature: "hooks that run by weight, then by kind and name",
    inOrder: /^(ConfigMap|Secret|ServiceAccount|Role)\/(a|b|c|d|e)$/,
    files: {
      "templates/z.yaml":
        config("a", hook("pre-install", { weight: 5 })) +
        config("d", hook("pre-install", { weight: -5 })) +
        config("c", hook("pre-install")) +
        config("b", hook("pre-install", { weight: 0 })),
      "templates/a.yaml": `${config("e", hook("pre-install", { weight: 10 }))}
apiVersion: v1
kind: Secret
metadata: { name: e, annotations: { ${hook("pre-install")} } }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: d, annotations: { ${hook("pre-install")} } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: a, annotations: { ${hook("pre-install")} } }
rules: []
`,
    },
  },
  {
    name: "hooks-list",
    feature: "a hook that is a List, with a Job that needs the rest of it",
    files: {
      "templates/hook.yaml": yaml`
        apiVersion: v1
        kind: List
        metadata: { annotations: { helm.sh/hook: "pre-install, pre-upgrade" } }
        items:
          - apiVersion: batch/v1
            kind: Job
            metadata: { name: migrate }
            spec: { backoffLimit: 0, template: { spec: { serviceAccountName: migrate, restartPolicy: Never, containers: [{ name: main, image: "registry.example/migrate:{{ .Chart.Version }}" }] } } }
          - apiVersion: v1
            kind: ServiceAccount
            metadata: { name: migrate }
      `,
      "templates/plain.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: plain }\n",
    },
    differences: [
      backByUpgrade(["rollback"], /^(ServiceAccount|Job)\/migrate: /),
      backByUpgrade(["uninstall"], /^Job\/migrate: spec\./),
    ],
  },
  {
    name: "hooks-crd",
    feature: "a CRD that is a hook, and changes: it is never deleted, as its objects would go with it",
    files: {
      "templates/crd.yaml": yaml`
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: { name: lamps.hooks-crd.example.com, annotations: { helm.sh/hook: "pre-install, pre-upgrade" } }
        spec:
          group: hooks-crd.example.com
          scope: Namespaced
          names: { kind: Lamp, plural: lamps }
          versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, description: "{{ .Chart.Version }}" } } }]
      `,
      "templates/plain.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: plain }\n",
    },
    differences: [
      backByUpgrade(["rollback", "uninstall"], /^CustomResourceDefinition\/lamps\.hooks-crd\.example\.com: /),
    ],
  },
  {
    name: "hooks-generated-name",
    feature: "a hook with generateName in its second version",
    files: { "templates/hook.yaml": config("a", hook("pre-install, pre-upgrade")) },
    upgrade: {
      files: { "templates/hook.yaml": config("a", hook("pre-upgrade")).replace("{ name:", "{ generateName:") },
    },
    removal: { files: { "templates/hook.yaml": config("a", hook("pre-install, pre-upgrade")) } },
    refused: {
      release: "upgrade",
      helm: /resource name may not be empty/,
      strata: /metadata\.generateName would make a new object on every pass/,
    },
    differences: [
      {
        name: "refused-early",
        steps: ["upgrade", "removal", "rollback"],
        lines: /^Release\/hooks-generated-name\.v[2-4]: /,
      },
      backByUpgrade(["rollback", "uninstall"], /^ConfigMap\/a: /),
    ],
  },
  {
    name: "hooks-policies",
    feature: "hooks of every delete policy",
    files: {
      "templates/hooks.yaml":
        job("default", hook("pre-install,pre-upgrade")) +
        job("succeeded", hook("pre-install,pre-upgrade", { policy: "hook-succeeded" })) +
        job("failed", hook("pre-install", { policy: "hook-failed" })) +
        job("all", hook("post-install,post-upgrade", { policy: "before-hook-creation, hook-succeeded,hook-failed" })) +
        config("config-default", hook("post-install,post-upgrade")) +
        config("config-succeeded", hook("post-install,post-upgrade", { policy: "hook-succeeded" })) +
        config("config-failed", hook("pre-install", { policy: "hook-failed" })),
    },
    differences: [backByUpgrade(["rollback", "uninstall"], /^(Job\/default|ConfigMap\/config-default): /)],
  },
  {
    name: "hooks-delete",
    feature: "hooks before and after it is uninstalled",
    files: {
      "templates/hooks.yaml":
        job("before", hook("pre-delete")) +
        job("after", hook("post-delete")) +
        job("tidy", hook("pre-delete", { policy: "hook-succeeded" })) +
        config("left", hook("post-delete")),
    },
  },
  {
    name: "hooks-rollback",
    feature: "hooks before and after it is rolled back",
    files: {
      "templates/hooks.yaml": job("before", hook("pre-rollback")) + job("after", hook("post-rollback")),
    },
    differences: [
      backByUpgrade(["rollback"], /^(Job\/(before|after)|Release\/hooks-rollback\.v4): /),
      backByUpgrade(["uninstall"], /^Job\/(before|after): only helm has it$/),
    ],
  },
  {
    name: "hooks-fail",
    feature: "a hook before the upgrade that fails in its second version",
    files: {
      "templates/hooks.yaml": "# nothing yet\n",
      "templates/plain.yaml":
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: plain }\ndata: { version: {{ .Chart.Version }} }\n",
    },
    upgrade: { files: { "templates/hooks.yaml": job("migrate", hook("pre-upgrade"), { fails: true }) } },
    removal: { files: { "templates/hooks.yaml": job("migrate", hook("pre-upgrade")) } },
    refused: { release: "upgrade", helm: /pre-upgrade hooks failed/, strata: /migrate/ },
  },
  {
    name: "hooks-fail-after",
    feature: "a hook after the upgrade that fails in its second version and goes when it fails",
    files: { "templates/hooks.yaml": "# nothing yet\n" },
    upgrade: {
      files: {
        "templates/hooks.yaml": job("check", hook("post-upgrade", { policy: "hook-failed" }), { fails: true }),
      },
    },
    removal: { files: { "templates/hooks.yaml": job("check", hook("post-upgrade", { policy: "hook-failed" })) } },
    refused: { release: "upgrade", helm: /post-upgrade hooks failed/, strata: /check/ },
  },
  {
    name: "hooks-pod",
    feature: "hooks that are Pods",
    files: {
      "templates/pod.yaml": `apiVersion: v1
kind: Pod
metadata: { name: once, annotations: { ${hook("post-install,post-upgrade")} } }
spec: { restartPolicy: Never, containers: [{ name: main, image: "registry.example/once:{{ .Chart.Version }}" }] }
---
apiVersion: v1
kind: Pod
metadata: { name: tidy, annotations: { ${hook("pre-install,pre-upgrade", { policy: "hook-succeeded" })} } }
spec: { restartPolicy: Never, containers: [{ name: main, image: "registry.example/tidy:1" }] }
`,
    },
    differences: [backByUpgrade(["rollback", "uninstall"], /^Pod\/once: /)],
  },
  {
    name: "hooks-test",
    feature: "tests, which are not run",
    files: {
      "templates/tests/test.yaml": `apiVersion: v1
kind: Pod
metadata: { name: test, annotations: { ${hook("test")} } }
spec: { restartPolicy: Never, containers: [{ name: main, image: "registry.example/test:1" }] }
---
${config("test-config", hook("test-success", { weight: -1 }))}`,
    },
  },
  {
    name: "hooks-subchart",
    feature: "a subchart with hooks of its own, between those of the parent",
    chart: { dependencies: [{ name: "part", version: "0.1.0" }] },
    inOrder: /^ConfigMap\/(first|second|third)$/,
    files: {
      "templates/hooks.yaml":
        config("third", hook("pre-install", { weight: 3 })) + config("first", hook("pre-install", { weight: 1 })),
      "charts/part/Chart.yaml": "{ apiVersion: v2, name: part, version: 0.1.0 }\n",
      "charts/part/templates/hooks.yaml":
        config("second", hook("pre-install", { weight: 2 })) + job("part", hook("post-install,post-upgrade")),
    },
    differences: [backByUpgrade(["rollback"], /^Job\/part: it is made anew with Strata/)],
  },
  {
    name: "hooks-unknown",
    feature: "hooks of events that Helm does not know",
    files: {
      "templates/hooks.yaml": config("ancient", hook("crd-install")) + config("half", hook("pre-install,never")),
    },
  },
  {
    name: "hooks-elsewhere",
    feature: "hooks in another namespace and without one",
    namespaces: ["hooks-elsewhere-other"],
    files: {
      "templates/hooks.yaml": `apiVersion: v1
kind: ConfigMap
metadata: { name: there, namespace: hooks-elsewhere-other, annotations: { ${hook("pre-install,pre-upgrade")} } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: hooks-elsewhere, annotations: { ${hook("pre-install")} } }
rules: []
`,
    },
    differences: [backByUpgrade(["rollback"], /^ConfigMap\/there: it is made anew with Strata/)],
  },
  {
    name: "hooks-become-plain",
    feature: "a hook that becomes an object of the release, and the other way round",
    files: {
      "templates/a.yaml": config("becomes-plain", hook("pre-install")),
      "templates/b.yaml": config("becomes-hook", ""),
    },
    upgrade: {
      files: {
        "templates/b.yaml": config("becomes-hook", hook("post-upgrade")),
      },
    },
    removal: { files: { "templates/a.yaml": config("plain-now", "") } },
    differences: [backByUpgrade(["rollback", "uninstall"], /^ConfigMap\/becomes-hook: /)],
  },
];

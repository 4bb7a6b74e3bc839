import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const CRDS = 10;
const COPIES = 14;
/** Bytes that the description of the largest CRD alone takes. */
const LARGE = 520_000;

/**
 * Writes a chart of the size of kube-prometheus-stack into `<folder>/<name>`: ten CRDs in `crds/`, one of them over 500 KB,
 * an object of each, and 14 times a ServiceAccount, Role, RoleBinding, Service, Deployment, Secret and two ConfigMaps, one as
 * large as a dashboard. The name is also the API group, so that several can be in one cluster.
 */
export async function writeStack(folder: string, name: string): Promise<void> {
  const chart = join(folder, name);
  await mkdir(join(chart, "crds"), { recursive: true });
  await mkdir(join(chart, "templates"));
  await writeFile(join(chart, "Chart.yaml"), JSON.stringify({ apiVersion: "v2", name, version: "1.0.0" }));
  await writeFile(join(chart, "values.yaml"), `title: plain\ndashboard: ${"x".repeat(20_000)}\n`);
  for (let index = 0; index < CRDS; index++) {
    await writeFile(join(chart, "crds", `crd-${index}.yaml`), JSON.stringify(crd(name, index)));
  }
  await writeFile(join(chart, "templates", "objects.yaml"), OBJECTS);
  await writeFile(join(chart, "templates", "custom.yaml"), customObjects(name));
}

function crd(name: string, index: number): object {
  const plural = `kind${index}s`;
  // One description may have 64 KiB at most in some tools: the weight is spread over many fields.
  const fields = index === 0 ? Math.ceil(LARGE / 2_000) : 10;
  const properties = Object.fromEntries(
    Array.from({ length: fields }, (_, field) => [`field${field}`, { type: "string", description: "d".repeat(1_950) }]),
  );
  const schema = { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties } } } };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${name}.example` },
    spec: {
      group: `${name}.example`,
      scope: "Namespaced",
      names: { plural, singular: `kind${index}`, kind: `Kind${index}` },
      versions: [{ name: "v1", served: true, storage: true, schema }],
    },
  };
}

function customObjects(name: string): string {
  const one = (index: number) =>
    `apiVersion: ${name}.example/v1\nkind: Kind${index}\nmetadata: { name: one }\nspec: { field1: {{ .Values.title }} }\n`;
  return Array.from({ length: CRDS }, (_, index) => one(index)).join("---\n");
}

const OBJECTS = `{{- range $i := until ${COPIES} }}
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: part-{{ $i }} }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: part-{{ $i }} }
rules: [{ apiGroups: [""], resources: [pods], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: part-{{ $i }} }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: part-{{ $i }} }
subjects: [{ kind: ServiceAccount, name: part-{{ $i }}, namespace: {{ $.Release.Namespace }} }]
---
apiVersion: v1
kind: Secret
metadata: { name: part-{{ $i }} }
stringData: { key: {{ $.Values.title }} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: part-{{ $i }} }
data: { title: {{ $.Values.title }} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: dashboard-{{ $i }} }
data: { dashboard: {{ $.Values.dashboard | quote }} }
---
apiVersion: v1
kind: Service
metadata: { name: part-{{ $i }} }
spec: { selector: { app: part-{{ $i }} }, ports: [{ name: http, port: 80, protocol: TCP }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: part-{{ $i }} }
spec:
  replicas: 1
  selector: { matchLabels: { app: part-{{ $i }} } }
  template:
    metadata: { labels: { app: part-{{ $i }} } }
    spec: { containers: [{ name: main, image: "registry.example/part:1" }] }
{{- end }}
`;

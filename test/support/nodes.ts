import type { HttpClient } from "./http-client.ts";

/** Creates `node-0` to `node-<count-1>`, which kwok brings to life. */
export async function createNodes(request: HttpClient, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const name = `node-${index}`;
    const labels = { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" };
    const annotations = { "kwok.x-k8s.io/node": "fake" };
    const body = { apiVersion: "v1", kind: "Node", metadata: { name, labels, annotations } };
    const { status } = await request("POST", "/api/v1/nodes", { body });
    if (status !== 201) throw new Error(`node ${name} could not be created: ${status}`);
  }
}

/** Whether that many nodes are Ready and free of the taint that every node starts with. */
export async function nodesAreReady(request: HttpClient, count: number): Promise<boolean> {
  const { body } = await request("GET", "/api/v1/nodes");
  const nodes: { spec: { taints?: unknown[] }; status: { conditions?: { type: string; status: string }[] } }[] =
    body.items;
  const ready = nodes.filter(
    ({ spec, status }) =>
      (spec.taints ?? []).length === 0 &&
      status.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
  );
  return ready.length >= count;
}

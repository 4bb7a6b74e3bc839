import { request as httpsRequest } from "node:https";
import { parseJson } from "../../../src/objects/json.ts";
import type { KubeObject } from "../../../src/objects/types.ts";
import type { ControlPlane } from "../controlplane.ts";

/** The text of an answer, in which no digit of a number is lost; undefined for a 404. */
export function readText({ server, caPem, admin }: ControlPlane, path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const options = { ca: caPem, cert: admin.certPem, key: admin.keyPem, headers: { accept: "application/json" } };
    const request = httpsRequest(`${server}${path}`, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (response.statusCode === 404) resolve(undefined);
        else if (response.statusCode === 200) resolve(text);
        else reject(new Error(`GET ${path}: ${response.statusCode} ${text}`));
      });
    });
    request.on("error", reject).end();
  });
}

/** Finds the path of an object on a control plane, by what the server itself says of its kinds. */
export class Paths {
  readonly #plane: ControlPlane;
  readonly #resources = new Map<string, Promise<{ name: string; kind: string; namespaced: boolean }[]>>();

  constructor(plane: ControlPlane) {
    this.#plane = plane;
  }

  async of({ apiVersion, kind, metadata }: KubeObject): Promise<string> {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const known = this.#resources.get(root) ?? this.#read(root);
    this.#resources.set(root, known);
    const resource = (await known).find((one) => one.kind === kind && !one.name.includes("/"));
    if (!resource) throw new Error(`${kind} is not served in ${apiVersion}`);
    const place = resource.namespaced ? `/namespaces/${metadata.namespace}` : "";
    return `${root}${place}/${resource.name}/${encodeURIComponent(metadata.name ?? "")}`;
  }

  async #read(root: string): Promise<{ name: string; kind: string; namespaced: boolean }[]> {
    return (await this.#plane.request("GET", root)).body.resources;
  }
}

/** Fields that the server gives to each object anew. */
const SERVER_META = ["uid", "resourceVersion", "creationTimestamp", "managedFields"] as const;
/** Fields that a server chooses by chance, unless they are written down. */
const ALLOCATED: Readonly<Record<string, readonly string[]>> = {
  Service: ["clusterIP", "clusterIPs", "healthCheckNodePort"],
};

/** What of a live object must be the same, whoever applied it; Strata's one label and one annotation are left out. */
export function comparable(text: string): unknown {
  const object = parseJson(text) as KubeObject;
  const metadata = { ...object.metadata };
  for (const field of SERVER_META) delete metadata[field];
  const { "applyset.kubernetes.io/part-of": _label, ...labels } = metadata.labels ?? {};
  const { "strata.dev/layer": _mark, ...annotations } = metadata.annotations ?? {};
  const { status: _status, ...rest } = object;
  return { ...rest, ...withoutAllocated(object), metadata: { ...metadata, labels, annotations } };
}

function withoutAllocated({ kind, ...object }: KubeObject): object {
  const spec = object["spec"] as Record<string, unknown> | undefined;
  if (!spec || !ALLOCATED[kind]) return {};
  const kept = Object.entries(spec).filter(([key, value]) => !ALLOCATED[kind]?.includes(key) || isWritten(value));
  return { spec: Object.fromEntries(kept) };
}

function isWritten(value: unknown): boolean {
  return value === "None" || (Array.isArray(value) && value[0] === "None");
}

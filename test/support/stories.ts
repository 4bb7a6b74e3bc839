import { once } from "node:events";
import type { ClientRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { createInterface } from "node:readline";
import type { ControlPlane } from "./controlplane.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests read deep into objects of every kind
export type Live = any;

const WAIT_MS = 90_000;

/** `kubectl apply --server-side`, as a person would: YAML text, or objects. Throws with kubectl's own words. */
export async function apply(plane: ControlPlane, ...manifests: readonly (string | object)[]): Promise<string> {
  const text = manifests.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join("\n---\n");
  return await plane.kubectlOk(["apply", "--server-side", "-f", "-"], { input: text });
}

/** A namespace whose `default` ServiceAccount may do everything on the hub: a tenant that the platform team trusts. */
export async function trustedTenant(plane: ControlPlane, namespace: string): Promise<void> {
  await plane.kubectlOk(["create", "namespace", namespace]);
  const account = `--serviceaccount=${namespace}:default`;
  await plane.kubectlOk(["create", "clusterrolebinding", `admin-${namespace}`, "--clusterrole=cluster-admin", account]);
}

/** The API path of an object, such as `pathOf("strata.dev/v1alpha1", "addonprofiles", "acme/web")`. */
export function pathOf(apiVersion: string, resource: string, name: string): string {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const [first = "", second] = name.split("/");
  return second === undefined ? `${root}/${resource}/${first}` : `${root}/namespaces/${first}/${resource}/${second}`;
}

/** The live object, or undefined when there is none. */
export async function read(plane: ControlPlane, path: string): Promise<Live | undefined> {
  const { status, body } = await plane.request("GET", path);
  if (status === 404) return undefined;
  if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
  return body;
}

/** All that happens to one object from now on, in order; undefined stands for its absence. */
export interface Story extends Disposable {
  /** Every version so far; at least the one at the start. */
  readonly versions: readonly (Live | undefined)[];
  /** Resolves with the first version, past ones included, that is so; throws with the last one after 90 s. */
  until(what: string, condition: (object: Live | undefined) => boolean): Promise<Live>;
}

/** Watches one object; resolves when its present state is known. */
export async function follow(plane: ControlPlane, path: string): Promise<Story> {
  const cut = path.lastIndexOf("/");
  const query = new URLSearchParams({
    watch: "1",
    fieldSelector: `metadata.name=${path.slice(cut + 1)}`,
    sendInitialEvents: "true",
    resourceVersionMatch: "NotOlderThan",
    allowWatchBookmarks: "true",
  });
  const versions: (Live | undefined)[] = [];
  let changed = Promise.withResolvers<void>();
  const add = (version: Live | undefined): void => {
    versions.push(version);
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const request = await openWatch(plane, `${path.slice(0, cut)}?${query}`, ({ type, object }) => {
    if (type === "ADDED" || type === "MODIFIED") add(object);
    if (type === "DELETED") add(undefined);
    if (type === "BOOKMARK" && versions.length === 0) add(undefined);
  });
  if (versions.length === 0) await changed.promise;
  const until: Story["until"] = async (what, condition) => {
    const late = AbortSignal.timeout(WAIT_MS);
    for (let index = 0; ; index++) {
      while (index >= versions.length) {
        await Promise.race([changed.promise, once(late, "abort")]);
        if (late.aborted) throw new Error(`${path}: not ${what}: ${shown(versions.at(-1))}`);
      }
      if (condition(versions[index])) return versions[index];
    }
  };
  return { versions, until, [Symbol.dispose]: () => void request.destroy() };
}

function shown(object: Live | undefined): string {
  return JSON.stringify(object?.status ?? object, (key, value) => (key === "managedFields" ? undefined : value), 1);
}

/** Waits by a watch until an object is so, and resolves with it. */
export async function waitUntil(
  plane: ControlPlane,
  path: string,
  { what, is }: { what: string; is: (object: Live | undefined) => boolean },
): Promise<Live> {
  using story = await follow(plane, path);
  return await story.until(what, is);
}

async function openWatch(
  { server, caPem, admin }: ControlPlane,
  path: string,
  onEvent: (event: { type: string; object: Live }) => void,
): Promise<ClientRequest> {
  const agent = new HttpsAgent({ ca: caPem, cert: admin.certPem, key: admin.keyPem });
  const headers = { accept: "application/json", "user-agent": "strata-test" };
  const request = httpsRequest(`${server}${path}`, { agent, headers }).end();
  const [response] = await once(request, "response");
  if (response.statusCode !== 200) throw new Error(`watch ${path}: ${response.statusCode}`);
  request.on("error", () => {}); // A watch that is cut off adds nothing more; who waits for it says so.
  const lines = createInterface({ input: response });
  lines.on("error", () => {});
  lines.on("line", (line) => onEvent(JSON.parse(line)));
  return request;
}

/** The status of a profile's condition with this type, such as "True"; undefined when it has none. */
export function condition(object: Live, type: string): Live | undefined {
  return object?.status?.conditions?.find((one: { type: string }) => one.type === type);
}

/** A row of `status.layers`. */
export function layerOf(object: Live, name: string): Live | undefined {
  return object?.status?.layers?.find((row: { name: string }) => row.name === name);
}

/** Whether an object is Ready, and that for what its spec says now. */
export function isReady(object: Live): boolean {
  const ready = condition(object, "Ready");
  return ready?.status === "True" && ready.observedGeneration === object.metadata.generation;
}

/** Waits by a watch until an object is Ready, and that for what its spec says now, and resolves with it. */
export async function untilReady(plane: ControlPlane, path: string): Promise<Live> {
  return await waitUntil(plane, path, { what: "Ready", is: isReady });
}

/** Number of requests so far: what `strataWrites` counts from. */
export async function auditMark(plane: ControlPlane): Promise<number> {
  return (await plane.auditEvents()).length;
}

const WRITES = new Set(["create", "update", "patch", "delete", "deletecollection"]);

/**
 * What Strata has written on a cluster since a mark, one `verb resource[/subresource] namespace/name` each, in order;
 * without events, leases and its own kinds. With `accepted`, only what the API server took.
 */
export async function strataWrites(plane: ControlPlane, mark = 0, { accepted = false } = {}): Promise<string[]> {
  const events = (await plane.auditEvents()).slice(mark);
  return events
    .filter(({ verb, userAgent }) => WRITES.has(verb) && /^strata\//.test(userAgent ?? ""))
    .filter(({ responseStatus }) => !accepted || (responseStatus?.code ?? 0) < 300)
    .map(({ verb, objectRef: ref }) => ({ verb, ref: ref ?? {} }))
    .filter(({ ref }) => ref.apiGroup !== "strata.dev" && !["events", "leases"].includes(ref.resource ?? ""))
    .map(({ verb, ref }) => {
      const resource = [ref.resource, ref.subresource].filter(Boolean).join("/");
      return `${verb} ${resource} ${[ref.namespace, ref.name].filter(Boolean).join("/")}`;
    });
}

import { join } from "node:path";
import type { ControlPlane } from "./controlplane.ts";
import { writeChart } from "./files.ts";
import { apply, condition, type Live, layerOf, pathOf, read, untilReady, waitUntil } from "./stories.ts";

const PAGE = `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-page }
data: { version: {{ .Chart.Version | quote }}, title: {{ .Values.title | quote }} }
`;

/** The user of all registries of tests, and the line of an htpasswd file that lets in this user. */
export const LOGIN = { username: "me", password: "s3cret" };
export const HTPASSWD = "me:$2b$04$Wf7.nRDJN/0hio7O/QetbOeA4UKvJ8D.ciq7mL1g3ZhDmoxFX7vWu\n";
export const BASIC = `Basic ${btoa(`${LOGIN.username}:${LOGIN.password}`)}`;

/** Writes the chart `page` of one version, which says in a ConfigMap what it is. */
export async function writePage(folder: string, version: string, title = "plain"): Promise<void> {
  const files = { "values.yaml": `{ title: ${title} }`, "templates/page.yaml": PAGE };
  await writeChart(join(folder, `page-${version}`), { name: "page", version, files });
}

export const profilePath = (name: string): string => pathOf("strata.dev/v1alpha1", "addonprofiles", name);
export const registryPath = (name: string): string => pathOf("strata.dev/v1alpha1", "registries", name);

/** Whether a Registry, or the layer of a profile, says that what its spec wants now cannot be had. */
export function isFailing(object: Live): boolean {
  const now = condition(object, "Ready");
  if (now?.status !== "False" || now.observedGeneration !== object.metadata.generation) return false;
  const layer = layerOf(object, "page");
  return layer === undefined || ["Failed", "Blocked"].includes(layer.state);
}

/** What the stories of Registries do on a hub. Names are `namespace/name`. */
export class RegistryStories {
  readonly #hub: ControlPlane;
  #asked = 0;

  constructor(hub: ControlPlane) {
    this.#hub = hub;
  }

  /** The Secret has these keys from now on, and no other. */
  async putSecret(key: string, texts: Record<string, string>): Promise<void> {
    const [namespace, name] = key.split("/");
    // A key of `stringData` that goes would stay in the Secret.
    const data = Object.fromEntries(Object.entries(texts).map(([file, text]) => [file, btoa(text)]));
    await apply(this.#hub, { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, data });
  }

  async putRegistry(key: string, spec: object): Promise<void> {
    const [namespace, name] = key.split("/");
    await apply(this.#hub, {
      apiVersion: "strata.dev/v1alpha1",
      kind: "Registry",
      metadata: { name, namespace },
      spec,
    });
  }

  /** What the profile of this name gives to its chart; without it, nothing. */
  async putTitle(key: string, title: string): Promise<void> {
    const [namespace, name] = key.split("/");
    const data = { "values.yaml": `title: ${title}` };
    await apply(this.#hub, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data });
  }

  /** A profile with one layer, `page`, of a chart of a Registry. */
  async putProfile(key: string, registry: string, version: string): Promise<void> {
    const [namespace, name] = key.split("/");
    const values = { configMapKeyRef: { name, key: "values.yaml" }, optional: true };
    const helm = { registryRef: { name: registry }, chart: "page", version, releaseName: name };
    await apply(this.#hub, {
      apiVersion: "strata.dev/v1alpha1",
      kind: "AddOnProfile",
      metadata: { name, namespace },
      spec: {
        namespace: name,
        clusterRefs: [{ name: "local" }],
        layers: [{ name: "page", helm, valuesFrom: [values] }],
      },
    });
  }

  /** Has a Registry asked now: nobody waits for an interval, as a spec that changes asks at once. */
  async ask(key: string): Promise<void> {
    const [namespace = "", name = ""] = key.split("/");
    this.#asked += 1;
    const patch = JSON.stringify({ spec: { interval: `${1 + (this.#asked % 24)}h` } });
    await this.#hub.kubectlOk(["patch", "sreg", name, "-n", namespace, "--type=merge", "-p", patch]);
  }

  async ready(path: string): Promise<Live> {
    return await untilReady(this.#hub, path);
  }

  async failing(path: string): Promise<Live> {
    return await waitUntil(this.#hub, path, { what: "failing", is: isFailing });
  }

  /** What the chart's ConfigMap says, or undefined. */
  async page(key: string): Promise<Live> {
    const [, name] = key.split("/");
    return (await read(this.#hub, pathOf("v1", "configmaps", `${name}/${name}-page`)))?.data;
  }

  /** The versions of all that a profile has brought, the records of its release included: `kind/name` and resourceVersion. */
  async objectsOf(key: string): Promise<string[]> {
    const [, name = ""] = key.split("/");
    const template = '{range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}';
    const lines = await this.#hub.kubectlOk(["get", "configmaps,secrets", "-n", name, "-o", `jsonpath=${template}`]);
    return lines.trim().split("\n").sort();
  }

  /** What a person reads of a profile's layer `page`, and of a Registry. */
  async wordsOf(kind: "layer" | "registry", key: string): Promise<string> {
    const [namespace = "", name = ""] = key.split("/");
    const [resource, path] =
      kind === "layer"
        ? ["addonprofile", '{.status.layers[?(@.name=="page")].message}']
        : ["registry.strata.dev", '{.status.conditions[?(@.type=="Ready")].message}'];
    return await this.#hub.kubectlOk(["get", resource, name, "-n", namespace, "-o", `jsonpath=${path}`]);
  }
}

/** The reason of a profile's layer `page`. */
export function reasonOf(profile: Live): string | undefined {
  return layerOf(profile, "page")?.reason;
}

import { isDeepStrictEqual } from "node:util";
import { API_VERSION, DEFAULT_REGISTRY_LABEL, SYSTEM_NAMESPACE } from "../api/names.ts";
import { parseRegistry } from "../api/parse.ts";
import type { Registry } from "../api/types.ts";
import { isNotFound } from "../kube/api-error.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import type { KubeObject } from "../objects/types.ts";
import type { Reference } from "../plan/references.ts";
import type { Hub } from "./hub.ts";

/** Written by the operator's chart: name of a Registry → its spec in JSON. */
const LIST: Reference = { kind: "ConfigMap", namespace: SYSTEM_NAMESPACE, name: "strata-registries" };
const MANAGER = "strata-default-registries";

/** The owner under which the list is watched. */
export const DEFAULTS = "DefaultRegistries";

/**
 * The shared Registries that the operator's chart lists. Helm itself cannot bring them: it refuses a chart with objects of a
 * kind whose CRD comes with that very chart.
 */
export class DefaultRegistries {
  readonly #hub: Pick<Hub, "cache" | "client" | "references" | "log">;

  constructor(hub: Pick<Hub, "cache" | "client" | "references" | "log">) {
    this.#hub = hub;
  }

  watch(): void {
    this.#hub.references.want(DEFAULTS, undefined, [LIST]);
  }

  /**
   * Brings what is listed and takes away what is so no longer. A Registry that somebody else made stays as it is. So do all
   * while there is no list: the chart always brings one, and "helm uninstall" takes it away before Strata has ended.
   */
  async reconcile(signal: AbortSignal): Promise<void> {
    const list = this.#hub.references.get(undefined, LIST);
    if (list.kind !== "found") return;
    const data = (list.object["data"] ?? {}) as Record<string, string>;
    for (const [name, text] of Object.entries(data)) await this.#bring(name, text, signal);
    for (const { metadata } of this.#hub.cache.registries.values()) {
      if (!isDefault(metadata) || Object.hasOwn(data, metadata.name)) continue;
      const { name, namespace, uid } = metadata;
      await this.#remove({ name, namespace }, uid, signal);
    }
  }

  async #bring(name: string, text: string, signal: AbortSignal): Promise<void> {
    const metadata = { name, namespace: SYSTEM_NAMESPACE, labels: { [DEFAULT_REGISTRY_LABEL]: "true" } };
    const object: KubeObject = { apiVersion: API_VERSION, kind: "Registry", metadata, spec: jsonOf(text) };
    const parsed = parseRegistry(object);
    if (!parsed.ok) {
      this.#hub.log.warn("default registry cannot be used", { registry: name, problems: parsed.problems });
      return;
    }
    const present = this.#hub.cache.registries.get(`${SYSTEM_NAMESPACE}/${name}`);
    if (present && !isDefault(present.metadata)) {
      this.#hub.log.warn("default registry gives way to one of this name that is there", { registry: name });
      return;
    }
    if (present && isDeepStrictEqual(present.spec, parsed.value.spec)) return;
    const options = { manager: MANAGER, force: true, metadataOnly: true, signal };
    await this.#hub.client.apply(HUB_RESOURCES.Registry, object, options);
  }

  async #remove(key: { name: string; namespace: string }, uid: string | undefined, signal: AbortSignal): Promise<void> {
    try {
      await this.#hub.client.delete(HUB_RESOURCES.Registry, key, { ...(uid ? { uid } : {}), signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** Whether a Registry is one that Strata brings itself. */
function isDefault({ namespace, labels }: Registry["metadata"]): boolean {
  return namespace === SYSTEM_NAMESPACE && labels?.[DEFAULT_REGISTRY_LABEL] !== undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

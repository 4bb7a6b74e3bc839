import { SYSTEM_NAMESPACE } from "../api/names.ts";
import type { Profile, Registry } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { type Reference, type Referent, referenceKey } from "../plan/references.ts";
import type { RegistryPort } from "../wiring/layer-renderer.ts";
import { registryAccess, registryKey, registryNamed, secretsOf } from "../wiring/registry-access.ts";

/** Where the command line looks for Registries and their Secrets. */
export interface RegistryFinder {
  registry(namespace: string, name: string): Promise<Registry | undefined>;
  referent(reference: Reference): Promise<Referent>;
}

/** How to speak to the Registries that a profile refers to, by the operator's own rules. */
export function registryPort({ metadata: { namespace } }: Profile, finder: RegistryFinder): RegistryPort {
  return async ({ name }) => {
    const own = namespace === undefined ? undefined : await finder.registry(namespace, name);
    const shared = await finder.registry(SYSTEM_NAMESPACE, name).catch((error: unknown) => {
      // Not everybody may see what is shared, and nobody needs to who has a Registry of his own.
      if (!own) throw error;
    });
    const registries = new Map([own, shared].flatMap((one) => (one ? [[registryKey(one), one]] : [])));
    const registry = registryNamed(registries, namespace, name);
    if (registry instanceof Failure) return registry;
    const secrets = new Map<string, Referent>();
    for (const secret of secretsOf(registry)) secrets.set(referenceKey(secret), await finder.referent(secret));
    const access = registryAccess(registry, (secret) => secrets.get(referenceKey(secret)) ?? { kind: "absent" });
    if (access === "reading") throw new Error("whatever can be found was looked for");
    return access;
  };
}

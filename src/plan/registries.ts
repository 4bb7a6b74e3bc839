import type { Profile } from "../api/types.ts";

/** The names of the Registries that the layers of a profile refer to, each once. */
export function registriesOf({ spec }: Profile): Set<string> {
  const refs = spec.layers.flatMap(({ helm, pack, manifests = [], attachments = [] }) => [
    helm?.registryRef,
    ...[...manifests, ...attachments].flatMap(({ registryRef, oci }) => [registryRef, oci?.registryRef]),
    pack?.registryRef,
    ...(pack?.charts ?? []).map(({ registryRef }) => registryRef),
  ]);
  return new Set(refs.flatMap((ref) => ref?.name ?? []));
}

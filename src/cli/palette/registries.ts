import { API_VERSION } from "../../api/names.ts";
import type { PalettePack, PaletteRegistry } from "./export-file.ts";
import { dnsName, type Findings, freeName } from "./findings.ts";

type RegistryType = "Helm" | "OCI" | "Pack";

interface ImportedRegistry {
  name: string;
  type: RegistryType;
  url: string;
  isPrivate: boolean;
}

/** No export tells the address of a registry. This one leads nowhere (RFC 6761), so that nothing is fetched by mistake. */
const NOWHERE = "registry.invalid";
const BY_PACK: Readonly<Record<string, RegistryType>> = { helm: "Helm", oci: "OCI", spectro: "Pack" };

/** Gathers the registries that the layers of an export come from. */
export class Registries {
  readonly #byKey = new Map<string, ImportedRegistry>();
  readonly #names = new Set<string>();
  readonly #urls: ReadonlyMap<string, string>;
  readonly #findings: Findings;

  /** @param urls addresses that somebody gave, by the name in Palette */
  constructor(urls: ReadonlyMap<string, string>, findings: Findings) {
    this.#urls = urls;
    this.#findings = findings;
  }

  /** The name of the Registry that a layer's source comes from. */
  nameFor({ name: layer, type, registry }: PalettePack): string {
    const metadata = registry?.metadata ?? undefined;
    const key = metadata?.uid ?? metadata?.name ?? `none for ${type}`;
    const known = this.#byKey.get(key);
    if (known) return known.name;
    if (metadata?.name === undefined)
      this.#findings.toDecide(`layer ${layer}`, `the export does not say which registry it comes from`);
    const made = this.#make(metadata, type);
    this.#byKey.set(key, made);
    return made.name;
  }

  /** The Registries as objects, in the order in which they were first needed. */
  objects(namespace: string | undefined): object[] {
    return [...this.#byKey.values()].map(({ name, type, url, isPrivate }) => ({
      apiVersion: API_VERSION,
      kind: "Registry",
      metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
      spec: { type, url, ...(isPrivate ? { secretRef: { name: `${name}-credentials` } } : {}) },
    }));
  }

  #make(metadata: PaletteRegistry | undefined, packType: PalettePack["type"]): ImportedRegistry {
    const paletteName = metadata?.name ?? `${packType} registry`;
    const name = freeName(dnsName(paletteName, 60), this.#names);
    const where = `Registry ${name}`;
    const given = this.#urls.get(paletteName);
    const type = typeOf(given, metadata, packType);
    const isPrivate = metadata?.isPrivate ?? false;
    if (given === undefined) {
      const sentence = `the export does not tell the address of ${paletteName}: set spec.url (or import with --registry '${paletteName}=…'), or delete this Registry if strata-system shares one of this name`;
      this.#findings.toDecide(where, sentence);
    }
    if (type === "Pack" && given === undefined) {
      const sentence =
        "is a pack registry of Palette's, which Strata does not speak with: push its packs into an OCI registry (strata pack push), or serve them as files (strata pack index)";
      this.#findings.toDecide(where, sentence);
    }
    if (isPrivate) {
      const sentence = `is private: create Secret ${name}-credentials with username and password, bearerToken or .dockerconfigjson`;
      this.#findings.toDecide(where, sentence);
    }
    if (metadata?.providerType === "zarf")
      this.#findings.toDecide(where, "holds Zarf packages, which are not supported");
    return { name, type, url: given ?? `${type === "OCI" ? "oci" : "https"}://${NOWHERE}/${name}`, isPrivate };
  }
}

function typeOf(
  url: string | undefined,
  metadata: PaletteRegistry | undefined,
  packType: PalettePack["type"],
): RegistryType {
  if (url !== undefined) return url.startsWith("oci://") ? "OCI" : packType === "helm" ? "Helm" : "Pack";
  const kind = metadata?.kind?.toLowerCase();
  if (kind === "oci" || kind === "ecr" || kind === "basic") return "OCI";
  if (kind === "helm") return "Helm";
  if (kind === "pack" || kind === "spectro") return "Pack";
  return BY_PACK[packType] ?? "Pack";
}

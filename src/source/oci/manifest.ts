import { z } from "zod";
import { invalid, type Subject } from "../subject.ts";

const descriptor = z.looseObject({
  mediaType: z.string(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
});

const manifest = z.looseObject({
  artifactType: z.string().optional(),
  config: z.looseObject({ mediaType: z.string() }).optional(),
  layers: z.array(descriptor),
});

const index = z.looseObject({ manifests: z.array(z.unknown()) });

export type Descriptor = z.infer<typeof descriptor>;
export type Manifest = z.infer<typeof manifest>;

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const HELM_CONFIG = "application/vnd.cncf.helm.config.v1+json";
/** The second one was written by the first releases of Helm with OCI support. */
const CHART_TYPES = new Set(["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"]);
/** Of `flux push artifact`. */
const FLUX_CONTENT = "application/vnd.cncf.flux.content.v1.tar+gzip";

/** Undefined when it is no image manifest. */
export function parseManifest(json: unknown): Manifest | undefined {
  return manifest.safeParse(json).data;
}

/** The manifests that an image index lists, as far as they can be read. */
export function parseIndex(json: unknown): Descriptor[] {
  const listed = index.safeParse(json).data?.manifests ?? [];
  return listed.flatMap((one) => descriptor.safeParse(one).data ?? []);
}

/**
 * The layer that holds what is asked for. Of a pack it is the only one, whatever its type: `oras push` gives it that of
 * an image's layer.
 *
 * @param place names the manifest in sentences
 * @throws Failure InvalidChart or InvalidSource
 */
export function contentOf(found: Manifest | undefined, subject: Subject, place: string): Descriptor {
  const layers = found?.layers ?? [];
  const isHelm = found?.config?.mediaType === HELM_CONFIG;
  if (subject === "chart") {
    const content = layers.find(({ mediaType }) => CHART_TYPES.has(mediaType));
    if (content === undefined) throw invalid(subject, `${place} is not a Helm chart`);
    return content;
  }
  if (subject === "pack") {
    const [only] = layers;
    if (isHelm) throw invalid(subject, `${place} is a Helm chart, not a pack`);
    if (only === undefined || layers.length > 1) {
      throw invalid(subject, `${place} is not a pack: a pack has one layer, this has ${layers.length}`);
    }
    return only;
  }
  const contents = layers.filter(({ mediaType }) => mediaType === FLUX_CONTENT);
  const [content] = contents;
  if (content === undefined || contents.length > 1) {
    throw invalid(subject, `${place} is no artifact with one layer of type ${FLUX_CONTENT}: push it with the flux CLI`);
  }
  return content;
}

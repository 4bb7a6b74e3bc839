import { z } from "zod";
import { HOST, REPOSITORY_URL } from "./helm.ts";
import { keyRef, objectRef } from "./references.ts";
import { exactlyOneOf, onlyWith, withRules } from "./rules.ts";
import { OBJECT_NAME } from "./text.ts";

const HUB_TEXTS = ["configMapRef", "configMapKeyRef", "secretRef", "secretKeyRef"] as const;
const MANIFEST_SOURCES = ["object", "inline", ...HUB_TEXTS, "url", "oci", "sourceRef"] as const;

/** The kinds of Flux that have an artifact with files (source.toolkit.fluxcd.io). */
export const FLUX_KINDS = ["GitRepository", "OCIRepository", "Bucket", "ExternalArtifact"] as const;

// Up to 64 layers with 256 sources each: patterns instead of rules, which would be beyond the API server's budget for CEL.
const FILE_URL = `^https?://${HOST}(:[0-9]{1,5})?(/[-._~%!$&()*+,;=:@/?a-zA-Z0-9]*)?$`;
/** No segment is `..`, and none is empty but the last. */
const SEGMENT = "([.]|([^./\\\\]|[.][^./\\\\]|[.][.][^/\\\\])[^/\\\\]*)";
const PATH = `^${SEGMENT}(/${SEGMENT})*/?$`;
/** A tag, a digest, or a range as Helm reads it. */
const VERSION = "[-._+~^*,|<>=! :a-zA-Z0-9]+";

/** What is wrong with the version of an artifact that expressions gave; undefined when nothing is. */
export function wrongArtifactVersion(text: string): string | undefined {
  if (text.length <= 128 && new RegExp(`^${VERSION}$`).test(text)) return undefined;
  return "must be a tag, a range of versions, or a digest such as sha256:…";
}

const registryRef = objectRef(
  {},
  "A Registry of the profile's namespace or, when there is none of this name, of Strata's own namespace: its credentials and certificates are used.",
);

const ociArtifact = withRules(
  z.strictObject({
    repo: z
      .string()
      .max(1024)
      .regex(new RegExp(REPOSITORY_URL.replace("(https?|oci)", "oci")))
      .describe("Folder of an OCI registry that needs no credentials: `oci://ghcr.io/example`.")
      .exactOptional(),
    registryRef: registryRef.exactOptional(),
    artifact: z
      .string()
      .max(255)
      .regex(/^[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/)
      .describe("Name of the artifact below the folder or the Registry's address, for example `manifests/shop`."),
    version: z
      .string()
      .max(512)
      .regex(new RegExp(`^(${VERSION}|.*[$][{][{].*)$`))
      .describe(
        "A tag, a range of versions such as `1.2.x`, or the digest of the artifact's manifest (`sha256:…`). It is resolved to one digest when the layer changes, never by time alone; that is kept when the tag moves.",
      ),
  }),
  [exactlyOneOf(["repo", "registryRef"], "exactly one of repo and registryRef must be set")],
).describe("Files in an OCI registry, as `flux push artifact` pushes them.");

/** Whether an entry of a layer's `manifests` says for itself that expressions are evaluated; attachments cannot. */
export const EVALUATED = {
  expressions: z
    .boolean()
    .describe(
      "Whether expressions (`${{`) are evaluated in this source's objects; CRDs stay as they are. Whoever writes the source can then read the profile's variables. Defaults to the layer's `expressions`.",
    )
    .exactOptional(),
};
export const NOT_EVALUATED = {};

const embeddedObject = z
  .looseObject({
    apiVersion: z.string().min(1).max(317).describe("API version of the object, for example `apps/v1`."),
    kind: z.string().min(1).max(63).describe("Kind of the object, for example `Deployment`."),
  })
  .meta({ "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true })
  .describe("One Kubernetes object, written in place. All of its fields are kept as they are.");

/**
 * One source of plain objects. `namespace` is the shape that references add (see references.ts), `expressions` that of
 * EVALUATED or NOT_EVALUATED.
 */
export function manifestSource<N extends z.ZodRawShape, E extends z.ZodRawShape>(namespace: N, expressions: E) {
  const schema = z.strictObject({
    object: embeddedObject.exactOptional(),
    inline: z
      .string()
      .min(1)
      .max(1_048_576)
      .describe("Kubernetes objects as YAML text; several documents are separated by `---`.")
      .exactOptional(),
    configMapRef: objectRef(
      namespace,
      "A ConfigMap: every key holds YAML text, and the keys are read in alphabetical order. Watched: a change is applied.",
    ).exactOptional(),
    configMapKeyRef: keyRef(
      namespace,
      "One key of a ConfigMap, holding YAML text. Watched: a change is applied.",
    ).exactOptional(),
    secretRef: objectRef(
      namespace,
      "A Secret: every key holds YAML text, and the keys are read in alphabetical order. Watched: a change is applied.",
    ).exactOptional(),
    secretKeyRef: keyRef(
      namespace,
      "One key of a Secret, holding YAML text. Watched: a change is applied.",
    ).exactOptional(),
    url: z
      .string()
      .max(2048)
      .regex(new RegExp(FILE_URL))
      .describe("Address of a file of YAML or JSON text, without credentials: `https://example.com/crds-1.4.0.yaml`.")
      .exactOptional(),
    sha256: z
      .string()
      .max(64)
      .regex(/^[0-9a-f]{64}$/)
      .describe("SHA-256 of the file at `url`, as sha256sum prints it: other bytes are refused.")
      .exactOptional(),
    registryRef: registryRef.exactOptional(),
    oci: ociArtifact.exactOptional(),
    sourceRef: z
      .strictObject({
        kind: z.enum(FLUX_KINDS).describe("Kind of the source."),
        name: z.string().max(253).regex(new RegExp(OBJECT_NAME)).describe("Name of the source."),
        ...namespace,
      })
      .describe(
        "A source of Flux on the hub (source.toolkit.fluxcd.io): the files of its artifact. Watched: a new artifact is applied.",
      )
      .exactOptional(),
    path: z
      .string()
      .max(512)
      .regex(new RegExp(PATH))
      .describe(
        "A file, or a folder of which every .yaml, .yml and .json file is read, in order of their paths. Left out: all files. Only with `oci` and `sourceRef`.",
      )
      .exactOptional(),
    optional: z
      .boolean()
      .describe(
        "Whether the referenced object or key may be absent; it then counts as empty. Only with a reference to a ConfigMap or Secret. Defaults to false: the layer waits for it.",
      )
      .exactOptional(),
    ...expressions,
  });
  return withRules(schema, [
    exactlyOneOf(
      MANIFEST_SOURCES,
      `exactly one of ${MANIFEST_SOURCES.slice(0, -1).join(", ")} and sourceRef must be set`,
    ),
    onlyWith("optional", HUB_TEXTS, "optional is only for references to ConfigMaps and Secrets"),
    onlyWith("url", ["sha256"], "url needs sha256: what sha256sum prints for the file"),
    onlyWith("sha256", ["url"], "sha256 is only for url"),
    onlyWith("registryRef", ["url"], "registryRef is only for url; oci has its own"),
    onlyWith("path", ["oci", "sourceRef"], "path is only for oci and sourceRef"),
  ]);
}

import { Failure } from "../errors.ts";
import { manifestsOf } from "../objects/manifests.ts";
import type { KubeObject } from "../objects/types.ts";
import { hideMacros, readMacroManifests, unusedMark } from "../pack/macro-text.ts";
import { resolvedDocument } from "../pack/resolved-document.ts";
import { identitiesFromSecrets } from "../plan/identity-fields.ts";
import type { PackPart } from "../plan/types.ts";
import type { Renderer } from "../render/renderer.ts";
import type { Capabilities } from "./layer-renderer.ts";
import { resolveMacros } from "./resolve-macros.ts";

interface ManifestsContext {
  renderer: Renderer;
  namespace: string;
  capabilities: Capabilities;
}

/**
 * The objects of a pack's manifests: each file is a template, and in what it makes macros are replaced as in the values.
 *
 * @throws Failure of the renderer
 */
export async function packManifests(
  { of, pin, files, values, macros, spectro }: PackPart & { kind: "manifests" },
  { renderer, namespace, capabilities }: ManifestsContext,
  signal: AbortSignal,
): Promise<KubeObject[] | Failure> {
  const where = `pack ${pin.name} ${pin.version}`;
  const key = Buffer.from(macros?.seal ?? "");
  const mark = unusedMark([files, values, spectro ?? null]);
  const hidden = files.map(({ path, content }) => hideMacros(content, `layer ${of}, ${where}, ${path}`, { key, mark }));
  const rendered = await renderer.renderManifests(
    {
      pack: { name: pin.name, version: pin.version },
      files: files.map(({ path }, index) => ({ path, content: hidden[index]?.text ?? "" })),
      values,
      releaseName: of,
      namespace,
      revision: 1,
      isUpgrade: false,
      ...capabilities,
      ...(spectro ? { spectro } : {}),
    },
    signal,
  );
  const read = rendered.map(({ path, content }, index) =>
    readMacroManifests({ text: content, macros: hidden[index]?.macros ?? new Map() }, `${where}, ${path}`),
  );
  const unread = read.flatMap((one) => (one.ok ? [] : one.problems));
  if (unread.length > 0) return new Failure("InvalidManifest", unread.join("; "));
  const manifests = read.flatMap((one) => (one.ok ? one.value : []));
  const documents = manifests.map(({ tree, macros: hiddenIn }) => ({ layer: of, tree, macros: hiddenIn }));
  const { trees, sensitive } = macros
    ? await resolveMacros(renderer, { documents: [...documents, ...macros.packs], scope: macros.scope }, signal)
    : { trees: documents.map(({ tree }) => tree) };
  const seen = documents.flatMap((document, index) =>
    identitiesFromSecrets(resolvedDocument(document, trees[index], sensitive), manifests[index]?.place ?? ""),
  );
  if (seen.length > 0) return new Failure("InvalidValues", seen.join("; "));
  const objects = manifests.map(({ place }, index) => manifestsOf(trees[index], place));
  const problems = objects.flatMap((one) => (one.ok ? [] : one.problems));
  if (problems.length > 0) return new Failure("InvalidManifest", problems.join("; "));
  return objects.flatMap((one) => (one.ok ? one.value : []));
}

import { Failure } from "../errors.ts";
import { sha256Hex } from "../objects/digest.ts";
import { canonicalJson, isMap } from "../objects/json.ts";
import { type TemplateAnswer, templateQuestion } from "./protocol.ts";
import type { RenderPool } from "./render-pool.ts";
import { SharedWork } from "./shared-work.ts";
import type { ManifestsRequest, PackFile } from "./types.ts";

/** A file of a pack with what it sees as `.Values`; undefined when it is no template. */
interface ManifestInput extends PackFile {
  values: unknown;
}

interface Rendering {
  files: readonly PackFile[];
  isRandom: boolean;
}

/** The key of a file in the `manifests` of the values: its name without folder and extension. */
function manifestKey(path: string): string {
  return (path.split("/").at(-1) ?? path).replace(/\.ya?ml$/i, "");
}

/** A file is a template when the values have its name, also with nothing below; else it is applied as it is. */
export function manifestInputs({ files, values }: Pick<ManifestsRequest, "files" | "values">): ManifestInput[] {
  return files.map(({ path, content }) => {
    const key = manifestKey(path);
    const isTemplate = Object.hasOwn(values, key);
    return { path, content, values: isTemplate ? (values[key] ?? {}) : undefined };
  });
}

/** Renders the manifests of packs; those that come at the same time and are equal, once. */
export class ManifestRenderer {
  readonly #pool: RenderPool;
  readonly #shared = new SharedWork<Rendering>();

  constructor(pool: RenderPool) {
    this.#pool = pool;
  }

  async render(request: ManifestsRequest, signal: AbortSignal): Promise<readonly PackFile[]> {
    const inputs = manifestInputs(request);
    const wrong = inputs.filter(({ values }) => values !== undefined && !isMap(values));
    if (wrong.length > 0) {
      const places = wrong.map(({ path }) => `manifests.${manifestKey(path)}`).join(", ");
      throw new Failure("InvalidValues", `pack ${request.pack.name}: ${places} must be a map`);
    }
    if (inputs.every(({ values }) => values === undefined)) return request.files;
    const start = (shared: AbortSignal) => this.#render(request, inputs, shared);
    const { value, isFirst } = await this.#shared.join(keyOf(request), start, signal);
    // What a random function made may be a password: it belongs to whom it was made for.
    return value.isRandom && !isFirst ? (await start(signal)).files : value.files;
  }

  async #render(request: ManifestsRequest, inputs: readonly ManifestInput[], signal: AbortSignal): Promise<Rendering> {
    const templates = inputs.filter(({ values }) => values !== undefined);
    const answer = await this.#pool.ask(templateQuestion(request, templates), signal);
    const rendered = renderedFiles(request, answer);
    if (rendered.length !== templates.length) throw new Error("the renderer left out a file");
    const files = inputs.map(({ path, content, values }) =>
      Object.freeze({ path, content: values === undefined ? content : (rendered.shift()?.content ?? "") }),
    );
    return { files: Object.freeze(files), isRandom: answer.random === true };
  }
}

/** @throws Failure RenderFailed that names every file that fails, or InvalidValues */
function renderedFiles({ pack }: ManifestsRequest, { files = [], error }: TemplateAnswer): PackFile[] {
  const failures = [error, ...files.map((file) => file.error)].filter((failure) => failure !== undefined);
  if (failures.length === 0) return [...files];
  const reason = failures.every(({ kind }) => kind === "Values") ? "InvalidValues" : "RenderFailed";
  const told = failures.map(({ message }) => message).join("; ");
  throw new Failure(reason, `pack ${pack.name} ${pack.version} does not render: ${told}`);
}

function keyOf({ kubeVersion, apiVersions, ...request }: ManifestsRequest): string {
  return sha256Hex(canonicalJson({ ...request, kubeVersion, apiVersions: [...new Set(apiVersions)].sort() }));
}

import { accessOf, placeOf } from "./access.ts";
import { ArchiveRefused, readArchive } from "./archive/read-archive.ts";
import { fetchPacked, type PackedQuestion, resolvePacked } from "./packed.ts";
import type { SourcePool } from "./source-pool.ts";
import { invalid } from "./subject.ts";
import type { ArtifactQuestion, FileSet, PackQuestion, ResolvedArtifact, ResolvedVersion } from "./types.ts";

/**
 * Finds packs in registries and fetches their verified files. In an OCI registry a pack is the one layer of
 * `<basePath>/spectro-packs/archive/<name>:<version>`; over HTTP an `index.yaml` lists it with its address and digest.
 *
 * All methods throw a Failure: SourceUnavailable (tried again), SourceUnauthorized, SourceNotFound (with what there is
 * instead), InvalidSpec (an address that cannot be), InvalidSource (other bytes than promised, too large, an archive with
 * links or worse), VerificationFailed; or the reason of `signal`.
 */
export class PackSource {
  readonly #pool: SourcePool;

  constructor(pool: SourcePool) {
    this.#pool = pool;
  }

  /** The version that is meant now, and the digest of its archive. */
  async resolve(question: PackQuestion, signal: AbortSignal): Promise<ResolvedVersion> {
    return resolveVersion(this.#pool, packQuestion(question), signal);
  }

  /** The files of the pack's folder, `pack.json` at the top. With `digest`, other bytes are refused. */
  async fetch(question: PackQuestion & { digest?: string }, signal: AbortSignal): Promise<FileSet> {
    const asked = { ...packQuestion(question), digest: question.digest };
    return fetchFiles(this.#pool, asked, { stripRoot: true, signal });
  }
}

/** Fetches what `flux push artifact` has pushed; fails as {@link PackSource} does. */
export class ArtifactSource {
  readonly #pool: SourcePool;

  constructor(pool: SourcePool) {
    this.#pool = pool;
  }

  /** The tag or version that is meant now, and the digests of its archive and of its manifest. */
  async resolve(question: ArtifactQuestion, signal: AbortSignal): Promise<ResolvedArtifact> {
    const asked = artifactQuestion(question);
    const { version, digest, manifest } = await resolvePacked(this.#pool, asked, signal);
    if (digest !== undefined && manifest !== undefined) return { version, digest, manifest };
    throw invalid(asked.subject, `${placeOf(asked.access.url)} tells no digest of ${asked.name} ${version}`);
  }

  /** All files, by their paths in the artifact. With `digest`, other bytes are refused. */
  async fetch(question: ArtifactQuestion & { digest?: string }, signal: AbortSignal): Promise<FileSet> {
    const asked = { ...artifactQuestion(question), digest: question.digest };
    return fetchFiles(this.#pool, asked, { stripRoot: false, signal });
  }
}

function packQuestion({ registry, name, version }: PackQuestion): PackedQuestion {
  return { access: accessOf(registry), subject: "pack", name, version };
}

function artifactQuestion({ registry, repository, version }: ArtifactQuestion): PackedQuestion {
  return { access: accessOf(registry), subject: "artifact", name: repository, version };
}

async function resolveVersion(
  pool: SourcePool,
  question: PackedQuestion,
  signal: AbortSignal,
): Promise<ResolvedVersion> {
  const { version, digest } = await resolvePacked(pool, question, signal);
  if (digest !== undefined) return { version, digest };
  throw invalid(question.subject, `${placeOf(question.access.url)} tells no digest of ${question.name} ${version}`);
}

async function fetchFiles(
  pool: SourcePool,
  question: PackedQuestion,
  { stripRoot, signal }: { stripRoot: boolean; signal: AbortSignal },
): Promise<FileSet> {
  const { version, digest, bytes } = await fetchPacked(pool, question, signal);
  try {
    return { version, digest, files: await readArchive(bytes, { stripRoot }) };
  } catch (error) {
    if (!(error instanceof ArchiveRefused)) throw error;
    const { subject, name, access } = question;
    throw invalid(subject, `${subject} ${name} ${version} of ${placeOf(access.url)} ${error.message}`);
  }
}

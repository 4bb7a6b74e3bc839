import { Failure } from "../errors.ts";
import { sha256Digest } from "../objects/digest.ts";
import { placeOf } from "./access.ts";
import { ArchiveRefused, readArchive } from "./archive/read-archive.ts";
import type { SourcePool } from "./source-pool.ts";
import { invalid } from "./subject.ts";
import type { FileSet, UrlQuestion } from "./types.ts";

const MIB = 1024 * 1024;
const MAX_TEXT_BYTES = 10 * MIB;
const MAX_PACKED_BYTES = 20 * MIB;

/**
 * Fetches single files whose digest is known; they are in memory or have these very bytes.
 *
 * All methods throw a Failure: SourceUnavailable, SourceUnauthorized, SourceNotFound, InvalidSource (other bytes, too
 * large, not what is wanted), InvalidSpec (an address or a digest that cannot be); or the reason of `signal`.
 */
export class UrlSource {
  readonly #pool: SourcePool;

  constructor(pool: SourcePool) {
    this.#pool = pool;
  }

  /** The text of a file, in UTF-8 and of at most 10 MiB. */
  async text(question: UrlQuestion, signal: AbortSignal): Promise<string> {
    return textOf(await this.#bytes(question, MAX_TEXT_BYTES, signal), question.url);
  }

  /** The files of an archive (`.tar.gz`), by their paths in it. */
  async files(question: UrlQuestion, signal: AbortSignal): Promise<FileSet["files"]> {
    const bytes = await this.#bytes(question, MAX_PACKED_BYTES, signal);
    try {
      return await readArchive(bytes, { stripRoot: false });
    } catch (error) {
      if (!(error instanceof ArchiveRefused)) throw error;
      throw invalid("manifests", `${placeOf(question.url)} ${error.message}`);
    }
  }

  async #bytes({ url, sha256, registry }: UrlQuestion, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const address = URL.parse(url);
    if (address === null) throw new Failure("InvalidSpec", "the address of a manifest must begin with https://");
    if (!/^[0-9a-f]{64}$/.test(sha256)) {
      throw new Failure("InvalidSpec", `sha256 of ${placeOf(url)} must be 64 hexadecimal digits in small letters`);
    }
    const digest = `sha256:${sha256}`;
    // Without a registry the file's own address stands for one, so that what one file's readers fetched is theirs alone.
    const client = this.#pool.clientFor(registry ?? { kind: "Helm", url });
    const refusal = client.proofs.refusalFor(address);
    if (refusal) throw refusal;
    const grant = { accessKey: client.key, subject: "manifests" as const };
    const known = this.#pool.contents.get(grant, digest);
    const work = (closing: AbortSignal) =>
      this.#pool.within(closing, async (deadline) => {
        const limits = { what: `file ${address.pathname}`, subject: "manifests" as const, maxBytes };
        const { bytes, proved } = await client.repositories.file(address, limits, deadline);
        const found = sha256Digest(bytes);
        if (found !== digest) {
          // The digest of what only the Registry may read would open it to whoever may refer to the Registry.
          const instead = proved ? "other bytes (compare sha256 with the file)" : found;
          throw invalid("manifests", `${placeOf(url)} is not what was promised: expected ${digest}, found ${instead}`);
        }
        this.#pool.contents.put(grant, digest, bytes);
        return bytes;
      });
    return known ?? (await this.#pool.once(client, ["url", url, sha256], { signal, work }));
  }
}

function textOf(bytes: Uint8Array, url: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid("manifests", `${placeOf(url)} is no text in UTF-8`);
  }
}

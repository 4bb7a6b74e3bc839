import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../errors.ts";
import type { RegistryAccess } from "../../source/access.ts";
import { parseDockerConfig } from "../../source/docker-config.ts";

/** A registry as somebody at a keyboard speaks to it. */
export interface OwnAccess {
  access: RegistryAccess;
  /** Why the credentials of the docker config are not used; to be told when the registry wants some. */
  notes: readonly string[];
}

/**
 * The registry of an address, with the credentials that `docker login` or `helm registry login` left in a file.
 *
 * @param config the file; where docker has it, if undefined
 * @throws Failure InvalidSpec (an address that cannot be, a file that was named and cannot be read)
 */
export async function ownAccess(url: string, config: string | undefined): Promise<OwnAccess> {
  const kind = kindOf(url);
  const path = config ?? join(process.env["DOCKER_CONFIG"] || join(homedir(), ".docker"), "config.json");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) {
    if (config !== undefined) throw new Failure("InvalidSpec", `${config}: cannot be read`);
    return { access: { kind, url }, notes: [] };
  }
  const auths = parseDockerConfig(text, path);
  if (!auths.ok) return { access: { kind, url }, notes: auths.problems };
  return { access: { kind, url, credentials: { kind: "docker", auths: auths.value } }, notes: [] };
}

function kindOf(url: string): RegistryAccess["kind"] {
  if (url.startsWith("oci://")) return "OCI";
  if (/^https?:\/\//.test(url)) return "Pack";
  throw new Failure(
    "InvalidSpec",
    `"${url}" is no address of a registry: write oci://host/folder or https://host/folder`,
  );
}

/** What a registry said, in words for somebody at a keyboard. */
export function sentencesOf(error: unknown, { notes }: OwnAccess): string[] {
  if (!(error instanceof Failure)) throw error;
  if (error.reason !== "SourceUnauthorized") return [error.message];
  const plain = error.message.replace(/: (?:correct them in the Secret of the Registry|refer to a Registry .*)$/, "");
  return [plain, ...notes, "log in with docker login or helm registry login, and name the file with --registry-config"];
}

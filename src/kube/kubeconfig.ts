import { CORE_SCHEMA, load, YAMLException } from "js-yaml";
import { z } from "zod";
import type { Result } from "../objects/types.ts";
import type { AddressCheck } from "../text/addresses.ts";
import { accessOf, type ClusterAccess } from "./access.ts";
import { certificateProblem, clientCertProblem, decodePem, serverProblem, tokenProblem } from "./kubeconfig-checks.ts";

/** Refused fields of a cluster and of a user, with the reason and the remedy. A value never stands in a sentence. */
const REFUSED_CLUSTER: Readonly<Record<string, string>> = {
  "certificate-authority":
    "Strata does not read files that a kubeconfig names; put the certificate into certificate-authority-data",
  "insecure-skip-tls-verify":
    "Strata always verifies the server's certificate; put its authority into certificate-authority-data",
  "proxy-url": "Strata does not go through a proxy that a kubeconfig names; give the address of the API server itself",
};
const FILE = "Strata does not read files that a kubeconfig names";
const IMPERSONATION = "Strata does not impersonate by a kubeconfig; use the credentials of the account itself";
const PASSWORD = "Kubernetes does not accept passwords any more; put a token or a client certificate into it";
const REFUSED_USER: Readonly<Record<string, string>> = {
  exec: "Strata does not run commands from a kubeconfig; put a token or a client certificate into it",
  "auth-provider": "Strata does not run login plugins; put a token or a client certificate into it",
  tokenFile: `${FILE}; put the token itself into token`,
  "client-certificate": `${FILE}; put the certificate into client-certificate-data`,
  "client-key": `${FILE}; put the key into client-key-data`,
  as: IMPERSONATION,
  "as-uid": IMPERSONATION,
  "as-groups": IMPERSONATION,
  "as-user-extra": IMPERSONATION,
  username: PASSWORD,
  password: PASSWORD,
};

const text = z.string("must be a string: quote it");
const extensions = z.unknown().optional();
const clusterSchema = z.object({
  server: text,
  "tls-server-name": text.optional(),
  "certificate-authority-data": text.optional(),
  "disable-compression": z.unknown().optional(),
  extensions,
});
const userSchema = z.object({
  token: text.optional(),
  "client-certificate-data": text.optional(),
  "client-key-data": text.optional(),
  extensions,
});
const contextSchema = z.object({ cluster: text, user: text });

const named = <K extends string>(key: K) => z.array(z.looseObject({ name: text, [key]: z.unknown() }));
const fileSchema = z.looseObject({
  kind: z.literal("Config", 'must be "Config"').optional(),
  "current-context": text,
  contexts: named("context"),
  clusters: named("cluster"),
  users: named("user"),
});
type KubeconfigFile = z.infer<typeof fileSchema>;
type Section = "contexts" | "clusters" | "users";

const LONGEST = 1024 * 1024;

/**
 * Reads the kubeconfig of a target: YAML or JSON, its current context. Only what cannot make Strata do anything but
 * speak to one API server is taken; all else is refused by name. Entries that the current context does not use are not
 * looked at.
 *
 * @param check of the server's address, where it has one in place of a name
 * @returns the access, or a sentence for each problem, none of which repeats a value of the file.
 */
export function parseKubeconfig(source: string, check: AddressCheck): Result<ClusterAccess> {
  const problems: string[] = [];
  const file = parseFile(source, problems);
  const context = file && pick(file, "contexts", file["current-context"], problems);
  const names = context && parse(contextSchema, context.value, context.path, problems);
  if (file === undefined || names === undefined) {
    return { ok: false, problems };
  }
  const cluster = readCluster(pick(file, "clusters", names.cluster, problems), check, problems);
  const user = readUser(pick(file, "users", names.user, problems), problems);
  if (cluster === undefined || user === undefined || problems.length > 0) {
    return { ok: false, problems };
  }
  return { ok: true, value: accessOf({ ...cluster, ...user }) };
}

function parseFile(source: string, problems: string[]): KubeconfigFile | undefined {
  if (source.length > LONGEST) {
    problems.push("the kubeconfig is larger than 1 MiB");
    return undefined;
  }
  try {
    const value = load(source, { schema: CORE_SCHEMA, maxAliases: 0 });
    return parse(fileSchema, value, "", problems);
  } catch (error) {
    const line = error instanceof YAMLException && error.mark ? ` (line ${error.mark.line + 1})` : "";
    problems.push(`the kubeconfig is not one YAML document without aliases${line}`);
    return undefined;
  }
}

interface Entry {
  readonly path: string;
  readonly value: unknown;
}

const PARTS = { contexts: "context", clusters: "cluster", users: "user" } as const;

function pick(file: KubeconfigFile, section: Section, name: string, problems: string[]): Entry | undefined {
  const found = file[section].flatMap((entry, index) => (entry["name"] === name ? [{ entry, index }] : []));
  const [first] = found;
  const part = PARTS[section];
  if (first === undefined || found.length > 1) {
    const asker = section === "contexts" ? "current-context" : `the current context's ${part}`;
    problems.push(`${asker} names ${first ? "more than one entry" : "no entry"} of ${section}`);
    return undefined;
  }
  return { path: `${section}[${first.index}].${part}`, value: (first.entry as Record<string, unknown>)[part] };
}

type ClusterParts = Pick<ClusterAccess, "server" | "caPem" | "serverName">;

function readCluster(entry: Entry | undefined, check: AddressCheck, problems: string[]): ClusterParts | undefined {
  const cluster = entry && parseAllowed(clusterSchema, REFUSED_CLUSTER, entry, problems);
  if (entry === undefined || cluster === undefined) {
    return undefined;
  }
  const serverName = cluster["tls-server-name"];
  note(problems, `${entry.path}.server`, serverProblem(cluster.server, check));
  if (serverName !== undefined && !/^[A-Za-z0-9]([-.:A-Za-z0-9]*[A-Za-z0-9])?$/.test(serverName)) {
    note(problems, `${entry.path}.tls-server-name`, "is not a host name");
  }
  const caData = cluster["certificate-authority-data"];
  const caPem = caData === undefined ? undefined : decodePem(caData);
  if (caData !== undefined) {
    note(problems, `${entry.path}.certificate-authority-data`, certificateProblem(caPem));
  }
  return {
    server: cluster.server,
    ...(caPem !== undefined && { caPem }),
    ...(serverName !== undefined && { serverName }),
  };
}

type UserParts = Pick<ClusterAccess, "clientCert"> & { tokenText?: string };

function readUser(entry: Entry | undefined, problems: string[]): UserParts | undefined {
  const before = problems.length;
  const user = entry && parseAllowed(userSchema, REFUSED_USER, entry, problems);
  if (entry === undefined || user === undefined) {
    return undefined;
  }
  const { token, "client-certificate-data": certData, "client-key-data": keyData } = user;
  if (token === undefined && certData === undefined && keyData === undefined) {
    if (problems.length === before) {
      note(problems, entry.path, "has no credentials: put a token or a client certificate into it");
    }
    return undefined;
  }
  if (token !== undefined) {
    note(problems, `${entry.path}.token`, tokenProblem(token));
  }
  const tokenPart = token === undefined ? {} : { tokenText: token };
  if (certData === undefined && keyData === undefined) {
    return tokenPart;
  }
  const certPem = decodePem(certData ?? "");
  const keyPem = decodePem(keyData ?? "");
  const problem = clientCertProblem(certPem, keyPem);
  if (problem !== undefined) {
    note(problems, `${entry.path}.${problem.field}`, problem.problem);
  }
  return { ...tokenPart, ...(certPem && keyPem && { clientCert: { certPem, keyPem } }) };
}

/** Parses an entry without the fields that are refused or not known, so that what is wrong beside them is told too. */
function parseAllowed<S extends z.ZodObject>(
  schema: S,
  refused: Readonly<Record<string, string>>,
  { path, value }: Entry,
  problems: string[],
): z.infer<S> | undefined {
  const record = z.record(z.string(), z.unknown()).safeParse(value);
  if (!record.success) {
    note(problems, path, "must be a map");
    return undefined;
  }
  const allowed: Record<string, unknown> = {};
  for (const [field, fieldValue] of Object.entries(record.data)) {
    // `insecure-skip-tls-verify: false` and `as: ""` ask for nothing, and neither does null anywhere.
    const asks = fieldValue !== false && fieldValue !== "";
    if (Object.hasOwn(schema.shape, field)) {
      allowed[field] = fieldValue ?? undefined;
    } else if (!Object.hasOwn(refused, field)) {
      note(problems, path, `has a field that is not known: ${JSON.stringify(field)}`);
    } else if (asks && fieldValue !== null) {
      problems.push(`${path}.${field} is refused: ${refused[field]}`);
    }
  }
  return parse(schema, allowed, path, problems);
}

function parse<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: string,
  problems: string[],
): z.infer<S> | undefined {
  // The input only serves to tell what is missing from what is wrong.
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) {
    return parsed.data;
  }
  problems.push(...parsed.error.issues.map((issue) => sentence(issue, path)));
  return undefined;
}

/** zod's own messages may quote the value, so only their kind is used. */
function sentence(issue: z.core.$ZodIssue, root: string): string {
  const path = issue.path.reduce<string>(
    (at, step) => (typeof step === "number" ? `${at}[${step}]` : join(at, String(step))),
    root,
  );
  if (issue.code === "invalid_type" && issue.input === undefined) {
    return `${path || "the kubeconfig"} is missing`;
  }
  const wanted =
    issue.code === "invalid_type" && issue.expected !== "string"
      ? `must be a ${wording(issue.expected)}`
      : issue.message;
  return `${path || "the kubeconfig"} ${wanted}`;
}

function wording(expected: string): string {
  return expected === "array" ? "list" : "map";
}

function join(path: string, step: string): string {
  return path === "" ? step : `${path}.${step}`;
}

function note(problems: string[], path: string, problem: string | undefined): void {
  if (problem !== undefined) {
    problems.push(`${path} ${problem}`);
  }
}

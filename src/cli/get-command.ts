import { ADD_ON_PROFILE, CLUSTER_PROFILE, type KindDefinition, SYSTEM_PROFILE, TARGET_CLUSTER } from "../api/kinds.ts";
import { LOCAL_CLUSTER, SYSTEM_NAMESPACE } from "../api/names.ts";
import { parseDeployment, parseProfile } from "../api/parse.ts";
import type { Profile, ProfileDeployment } from "../api/types.ts";
import { ApiError } from "../kube/api-error.ts";
import { connect, type KubeClient } from "../kube/client.ts";
import { toFailure } from "../kube/failures.ts";
import { HUB_RESOURCES } from "../kube/hub/kinds.ts";
import { ownAccess } from "../kube/own-access.ts";
import type { Result } from "../objects/types.ts";
import { contextNamespace } from "./context.ts";
import { clusterRows, type LayerRow, rollUpRows, type Wanted } from "./layer-rows.ts";
import { printRows, type RowFormat } from "./print-rows.ts";
import type { Output } from "./render-command.ts";

export interface GetOptions {
  /** `base`, `scp/base`, `stc/edge`; everything if absent. */
  wanted: string | undefined;
  kubeconfig: string | undefined;
  /** The kubeconfig's own if absent. */
  namespace: string | undefined;
  allNamespaces: boolean;
  format: RowFormat;
  now: number;
  /** Columns of the terminal; undefined when the output is no terminal. */
  width: number | undefined;
  colours: boolean;
}

const PROFILE_KINDS = [CLUSTER_PROFILE, ADD_ON_PROFILE, SYSTEM_PROFILE];

/** `strata get`: the layers of profiles as the hub's objects tell them. */
export async function get(options: GetOptions, signal: AbortSignal): Promise<Output> {
  const wanted = options.wanted === undefined ? undefined : parseWanted(options.wanted);
  if (wanted && !wanted.ok) return wanted;
  await using client = connect(await ownAccess({ kubeconfigPath: options.kubeconfig, env: {} }));
  const here = options.namespace ?? (await contextNamespace(options));
  const namespace = options.allNamespaces ? undefined : here;
  try {
    const rows = await rowsOf(client, { wanted: wanted?.value, namespace }, signal);
    if (rows === undefined) return { problems: [nothingSentence(wanted?.value, namespace)] };
    if (rows.rows.length === 0 && options.format !== "json")
      return { text: `There are no profiles in ${placeOf(namespace)}.\n` };
    return { text: printRows(rows.rows, { ...options, shape: rows.shape }) };
  } catch (error) {
    throw toFailure(error, "reading profiles");
  }
}

interface Where {
  wanted: Wanted | undefined;
  namespace: string | undefined;
}

async function rowsOf(
  client: KubeClient,
  { wanted, namespace }: Where,
  signal: AbortSignal,
): Promise<{ rows: LayerRow[]; shape: "profile" | "cluster" } | undefined> {
  const profiles = await profilesIn(client, namespace, signal);
  if (!wanted) return { rows: profiles.flatMap(rollUpRows), shape: "profile" };
  const deployments = await deploymentsIn(client, namespace, signal);
  const named = profiles.filter(({ kind, metadata }) => isWanted(wanted, kind, metadata.name));
  if (named.length > 0) {
    const own = deployments.filter(({ spec: { profileRef } }) =>
      named.some(
        ({ kind, metadata }) =>
          kind === profileRef.kind && metadata.name === profileRef.name && metadata.namespace === profileRef.namespace,
      ),
    );
    const rows = own.length > 0 ? own.flatMap(clusterRows) : named.flatMap(rollUpRows);
    return { rows, shape: "profile" };
  }
  const on = deployments.filter(({ spec }) => isWanted(wanted, TARGET_CLUSTER.kind, spec.clusterRef.name));
  const rows = on.flatMap(clusterRows);
  return rows.length > 0 ? { rows, shape: "cluster" } : undefined;
}

async function profilesIn(client: KubeClient, namespace: string | undefined, signal: AbortSignal): Promise<Profile[]> {
  const lists = await Promise.all([
    client.listAll(HUB_RESOURCES.ClusterProfile, { namespace, signal }),
    client.listAll(HUB_RESOURCES.AddOnProfile, { namespace, signal }),
    client.listAll(HUB_RESOURCES.SystemProfile, { signal }).catch(emptyIfForbidden),
  ]);
  return lists.flatMap(({ items }) => items.flatMap((item) => readable(parseProfile(item))));
}

/** Those of SystemProfiles are in Strata's own namespace. */
async function deploymentsIn(
  client: KubeClient,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<ProfileDeployment[]> {
  const namespaces =
    namespace === undefined || namespace === SYSTEM_NAMESPACE ? [namespace] : [namespace, SYSTEM_NAMESPACE];
  const lists = await Promise.all(
    namespaces.map((one, index) => {
      const list = client.listAll(HUB_RESOURCES.ProfileDeployment, { namespace: one, signal });
      return index === 0 ? list : list.catch(emptyIfForbidden);
    }),
  );
  const all = lists.flatMap(({ items }) => items.flatMap((item) => readable(parseDeployment(item))));
  return all.sort((a, b) => a.spec.clusterRef.name.localeCompare(b.spec.clusterRef.name));
}

/** A tenant may not see what belongs to the whole hub, and misses nothing. */
function emptyIfForbidden(error: unknown): { items: [] } {
  if (error instanceof ApiError && error.status === 403) return { items: [] };
  throw error;
}

/** What another version of Strata wrote, and this one cannot read, is left out. */
function readable<T>(result: Result<T>): T[] {
  return result.ok ? [result.value] : [];
}

function parseWanted(text: string): Result<Wanted> {
  const [first = "", name] = text.split("/");
  if (name === undefined) return { ok: true, value: { name: first } };
  const lower = first.toLowerCase();
  const definitions: readonly KindDefinition[] = [...PROFILE_KINDS, TARGET_CLUSTER];
  const definition = definitions.find(({ kind, plural, shortName }) =>
    [kind.toLowerCase(), plural, shortName].includes(lower),
  );
  if (definition) return { ok: true, value: { kind: definition.kind, name } };
  const known = definitions.map(({ shortName }) => shortName).join(", ");
  return { ok: false, problems: [`"${first}" is no kind of Strata that has layers: use one of ${known}`] };
}

function isWanted({ kind, name }: Wanted, ofKind: string, ofName: string): boolean {
  return name === ofName && (kind === undefined || kind === ofKind);
}

function nothingSentence(wanted: Wanted | undefined, namespace: string | undefined): string {
  const name = wanted?.name ?? "";
  const also = name === LOCAL_CLUSTER ? ": no profile goes there" : "";
  return `there is no profile or cluster "${name}" with layers in ${placeOf(namespace)}${also}`;
}

function placeOf(namespace: string | undefined): string {
  return namespace === undefined ? "any namespace" : `namespace ${namespace}`;
}

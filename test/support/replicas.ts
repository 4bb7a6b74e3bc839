import type { AuditEvent } from "./audit.ts";
import type { ControlPlane } from "./controlplane.ts";
import type { Live } from "./stories.ts";
import type { StrataProcess } from "./strata.ts";
import { until } from "./waiting.ts";

/** One Strata that stands for election, as the audit logs know it. */
export interface Replica extends StrataProcess {
  /** In its User-Agent, and the end of the name under which it holds the lease. */
  readonly id: string;
}

const WRITES = ["create", "update", "patch", "delete", "deletecollection"];

/** Resolves when the log says who it is. */
export async function replicaOf(strata: StrataProcess): Promise<Replica> {
  let id = "";
  const isNamed = async (): Promise<boolean> => {
    id = /"identity":"[^"]*_([0-9a-f]{8})"/.exec(strata.log())?.[1] ?? "";
    return id !== "";
  };
  await until(isNamed, { what: "a replica that says who it is", programs: [strata] });
  return { ...strata, id };
}

export const holderOf = (lease: Live): string => lease?.spec?.holderIdentity ?? "";

/** Leases apart. */
export const isWrite = ({ verb, objectRef }: AuditEvent): boolean =>
  WRITES.includes(verb) && objectRef?.resource !== "leases";

export const nameOf = ({ verb, requestURI }: AuditEvent): string => `${verb} ${requestURI}`;

/** What a replica has asked a cluster for since a mark. */
export async function requestsOf({ id }: Replica, plane: ControlPlane, mark = 0): Promise<AuditEvent[]> {
  const events = (await plane.auditEvents()).slice(mark);
  return events.filter(({ userAgent }) => userAgent?.endsWith(`(${id})`));
}

/** What a replica has written on clusters since a moment, leases apart: `<time> <verb> <path>`. */
export async function writesBy(replica: Replica, planes: readonly ControlPlane[], since: number): Promise<string[]> {
  const events = await Promise.all(planes.map((plane) => requestsOf(replica, plane)));
  return events
    .flat()
    .filter((event) => isWrite(event) && Date.parse(event.requestReceivedTimestamp) >= since)
    .map((event) => `${event.requestReceivedTimestamp} ${nameOf(event)}`);
}

/** The sum of a metric over the labels that its name leaves open. */
export async function metric({ url }: StrataProcess, name: string): Promise<number> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split("\n").filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** The line of the log with which a replica ended. */
export async function lastWords(replica: Replica): Promise<Live> {
  await replica.ended;
  return JSON.parse(replica.log().trimEnd().split("\n").at(-1) ?? "");
}

import { describeRef } from "../objects/identity.ts";
import type { ObjectRef } from "../objects/types.ts";

/** The API server's own: it goes when what the object owns has gone. */
const OWN = "foregroundDeletion";

/** How far the end of an object is: who holds it, and what a person does when that one is gone. */
export function goingSentence({ ref, finalizers }: { ref: ObjectRef; finalizers: readonly string[] }): string {
  const going = `${describeRef(ref)} is being deleted`;
  const held = finalizers.filter((name) => name !== OWN);
  if (held.length === 0) return going;
  const noun = held.length === 1 ? `finalizer ${held[0]}, which its` : `finalizers ${held.join(", ")}, which their`;
  return `${going}, held by ${noun} controller takes off; if that runs no more, in that cluster: ${releaseCommand(ref)}`;
}

function releaseCommand({ group, kind, namespace, name }: ObjectRef): string {
  const resource = [kind.toLowerCase(), group].filter(Boolean).join(".");
  const where = namespace ? ` -n ${namespace}` : "";
  return `kubectl patch ${resource} ${name}${where} --type=merge -p '{"metadata":{"finalizers":null}}'`;
}

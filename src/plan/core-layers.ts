import type { Layer } from "../api/types.ts";
import { Failure } from "../errors.ts";
import { BudgetError } from "../health/cel-program.ts";
import { compileRegex, search } from "../health/regex.ts";
import { RegexSyntaxError } from "../health/regex-syntax.ts";
import { parseRange, parseVersion } from "../text/versions.ts";
import type { ClassFacts, Known, NodeFacts } from "./core-facts.ts";
import type { EngineLayer } from "./types.ts";

/** What a core layer is verified by on the live cluster. */
export interface CoreView {
  /** Of the API server: `v1.36.3`. */
  kubernetesVersion: string;
  nodes: Known<NodeFacts>;
  classes: Known<ClassFacts>;
  /** Names of the CSI drivers that are registered. */
  drivers: Known<string>;
}

/** One thing of the cluster that a core layer waits for. */
export interface CoreProbe {
  kind: "Node" | "StorageClass";
  name: string;
  /** What it waits for, as a sentence; undefined when it is as it should be. */
  late?: string;
}

export type CoreVerdict =
  /** Not all that it depends on is read yet. */
  | { kind: "reading" }
  /** Something is not as `expect` says, or may not be read: a person, or the cluster, has to change. */
  | { kind: "unmet"; failure: Failure }
  | {
      kind: "probed";
      probes: readonly CoreProbe[];
      /** What is there, for people. */
      summary: string;
      /** Whether later layers may go on although something is late: what it waits for may come from them. */
      opensEarly: boolean;
    };

type Sourced = Pick<EngineLayer, "part" | "pack" | "helm" | "manifests">;

/** Whether the layer is one of those that a cluster is made of. */
export function isCore({ type }: Pick<Layer, "type">): boolean {
  return type !== "AddOn";
}

/** Whether nothing is brought for the layer: what is there already is looked at. */
export function isObserved({ part, pack, helm, manifests }: Sourced): boolean {
  return [part, pack, helm, manifests].every((source) => source === undefined);
}

/** Which facts of the cluster the verification of a layer reads. */
export function factsFor({ type }: Pick<Layer, "type">): { nodes: boolean; storage: boolean } {
  return { nodes: type === "OS" || type === "Kubernetes" || type === "Network", storage: type === "Storage" };
}

/** What is wrong with `expect` itself, whatever the cluster is like. */
export function expectProblems({ expect }: Pick<Layer, "expect">): string[] {
  if (expect?.osImage === undefined) return [];
  try {
    compileRegex(expect.osImage);
    return [];
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    return [`expect.osImage: ${error.message}`];
  }
}

/** Verifies a core layer on the live cluster, by `expect` and by what its type means. */
export function verifyCore(layer: Pick<Layer, "type" | "expect">, view: CoreView): CoreVerdict {
  switch (layer.type) {
    case "OS":
      return withNodes(view, (nodes) => verifyInTime(nodes, layer.expect ?? {}));
    case "Kubernetes":
      return verifyKubernetes(layer.expect ?? {}, view);
    case "Network":
      return withNodes(view, verifyNetwork);
    case "Storage":
      return verifyStorage(layer.expect ?? {}, view);
    case "AddOn":
      return { kind: "probed", probes: [], summary: "", opensEarly: false };
  }
}

type Expect = NonNullable<Layer["expect"]>;

function withNodes({ nodes }: CoreView, verify: (nodes: readonly NodeFacts[]) => CoreVerdict): CoreVerdict {
  return isRead(nodes) ? verify(nodes) : unread(nodes);
}

function isRead<T>(known: Known<T>): known is readonly T[] {
  return Array.isArray(known);
}

function unread(known: Known<unknown>): CoreVerdict {
  return known instanceof Failure ? { kind: "unmet", failure: known } : { kind: "reading" };
}

function unmet(words: string): CoreVerdict {
  return { kind: "unmet", failure: new Failure("ExpectationNotMet", words) };
}

/** Its own nodes may say what they like: a cluster must not hold the hub with it. About a twentieth of a second. */
const MAX_STEPS = 250_000;

function verifyInTime(nodes: readonly NodeFacts[], expect: Expect): CoreVerdict {
  try {
    return verifyOs(nodes, expect);
  } catch (error) {
    if (!(error instanceof BudgetError)) throw error;
    return { kind: "unmet", failure: new Failure("InvalidSpec", `expect.osImage: ${error.message}`) };
  }
}

function verifyOs(nodes: readonly NodeFacts[], expect: Expect): CoreVerdict {
  const { osImage, kernelVersion, architecture } = expect;
  const wrong =
    firstWrong(nodes, "osImage", imageTest(osImage), `osImage ${osImage}`) ??
    firstWrong(nodes, "kernelVersion", (node) => isIn(node.kernelVersion, kernelVersion), `kernel ${kernelVersion}`) ??
    firstWrong(
      nodes,
      "architecture",
      (node) => architecture === undefined || node.architecture === architecture,
      `architecture ${architecture}`,
    );
  if (wrong !== undefined) return unmet(wrong);
  const names = [...new Set(nodes.map((node) => node.osImage))].sort();
  const summary = `${countOf(nodes)}: ${names.slice(0, 3).join(", ")}${names.length > 3 ? "…" : ""}`;
  return { kind: "probed", probes: nodesLate(nodes, expect, saysItsSystem), summary, opensEarly: true };
}

/** Nodes are many and images few: each is compared once. */
function imageTest(pattern: string | undefined): (node: NodeFacts) => boolean {
  if (pattern === undefined) return () => true;
  const regex = compileRegex(pattern);
  const known = new Map<string, boolean>();
  let left = MAX_STEPS;
  const spend = (steps: number): void => {
    left -= steps;
    if (left < 0) throw new BudgetError("what the nodes say of their system is too long to be compared with it");
  };
  return ({ osImage }) => {
    const fits = known.get(osImage) ?? search(regex, osImage, spend);
    known.set(osImage, fits);
    return fits;
  };
}

function saysItsSystem({ osImage }: NodeFacts): string | undefined {
  return osImage === "" ? "has not said what it runs on yet" : undefined;
}

/**
 * The control plane decides the gate: nodes become Ready by the network layer, which comes later and would otherwise wait
 * for them, as they for it.
 */
function verifyKubernetes(expect: Expect, view: CoreView): CoreVerdict {
  const { version } = expect;
  if (!isIn(view.kubernetesVersion, version))
    return unmet(`expects Kubernetes ${version}; the API server has ${view.kubernetesVersion}`);
  return withNodes(view, (nodes) => {
    const wrong = firstWrong(nodes, "kubelet", ({ kubelet }) => isIn(kubelet, version), `Kubernetes ${version}`);
    if (wrong !== undefined) return unmet(wrong);
    const probes = nodesLate(nodes, expect, ({ notReady }) => notReady && `is not Ready: ${notReady}`);
    return { kind: "probed", probes, summary: `${view.kubernetesVersion} on ${countOf(nodes)}`, opensEarly: true };
  });
}

function verifyNetwork(nodes: readonly NodeFacts[]): CoreVerdict {
  const late = ({ notReady, noNetwork }: NodeFacts): string | undefined =>
    (noNetwork && `has no network: ${noNetwork}`) ?? (notReady && `is not Ready: ${notReady}`);
  const summary = `${countOf(nodes)} with a network`;
  return { kind: "probed", probes: nodesLate(nodes, {}, late), summary, opensEarly: false };
}

/** Provisioners that are part of Kubernetes, or none at all, register no driver. */
const BUILT_IN = /^kubernetes\.io\//;

function verifyStorage({ storageClass }: Expect, { classes, drivers }: CoreView): CoreVerdict {
  if (!isRead(classes)) return unread(classes);
  if (!isRead(drivers)) return unread(drivers);
  const found = classes.find(({ name, isDefault }) => (storageClass === undefined ? isDefault : name === storageClass));
  if (!found) {
    const late =
      storageClass === undefined
        ? "no StorageClass is marked as the default"
        : `StorageClass ${storageClass} does not exist yet`;
    return {
      kind: "probed",
      probes: [{ kind: "StorageClass", name: storageClass ?? "(default)", late }],
      summary: "",
      opensEarly: false,
    };
  }
  const { name, provisioner } = found;
  const isRegistered = drivers.includes(provisioner) || BUILT_IN.test(provisioner);
  // Not every provisioner is a CSI driver, and the others register nowhere: that none is registered proves nothing.
  const driver = isRegistered ? provisioner : `${provisioner}, which is not registered as a CSI driver`;
  const summary = `StorageClass ${name}${found.isDefault ? " (default)" : ""} by ${driver}`;
  return { kind: "probed", probes: [{ kind: "StorageClass", name }], summary, opensEarly: false };
}

/** A probe per node, and one for each that is expected and not there. */
function nodesLate(
  nodes: readonly NodeFacts[],
  { nodes: wanted = 1 }: Expect,
  lateOf: (node: NodeFacts) => string | undefined,
): CoreProbe[] {
  const probes = nodes.map((node): CoreProbe => {
    const late = lateOf(node);
    return { kind: "Node", name: node.name, ...(late ? { late: `Node ${node.name} ${late}` } : {}) };
  });
  if (nodes.length >= wanted) return probes;
  const late = `the cluster has ${countOf(nodes)}, and ${wanted} ${wanted === 1 ? "is" : "are"} expected`;
  return [...probes, { kind: "Node", name: "(missing)", late }];
}

function countOf({ length }: readonly unknown[]): string {
  return length === 1 ? "1 node" : `${length} nodes`;
}

/** A node that has not said it yet is no proof of the contrary. */
function firstWrong(
  nodes: readonly NodeFacts[],
  field: "osImage" | "kernelVersion" | "architecture" | "kubelet",
  isRight: (node: NodeFacts) => boolean,
  expected: string,
): string | undefined {
  const wrong = nodes.filter((node) => node[field] !== "" && !isRight(node));
  const [first] = wrong;
  if (!first) return undefined;
  const more = wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : "";
  return `expects ${expected}; node ${first.name} has ${field === "kubelet" ? "kubelet " : ""}${first[field]}${more}`;
}

/** What a distribution puts behind the numbers (`-45-generic`, `+k3s1`) is no pre-release, and does not count. */
function isIn(version: string, range: string | undefined): boolean {
  if (range === undefined) return true;
  const numbers = /^v?\d+(\.\d+){0,2}/.exec(version)?.[0];
  const parsed = numbers === undefined ? undefined : parseVersion(numbers);
  return parsed !== undefined && parseRange(range)?.matches(parsed) === true;
}

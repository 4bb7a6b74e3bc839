/** A node of the library's tree, as far as we rely on it. `start` and `end` count characters of the source. */
export interface Node {
  op: string;
  args: unknown;
  start: number;
  end: number;
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "op" in value && typeof value.op === "string";
}

/** A call as the tree has it: `name(args)`, or `receiver.name(args)`. */
export interface Call {
  node: Node;
  name: string;
  receiver: Node | undefined;
  args: Node[];
}

export function callOf(node: Node): Call | undefined {
  if ((node.op !== "call" && node.op !== "rcall") || !Array.isArray(node.args)) return undefined;
  const parts: unknown[] = node.args;
  const [name, receiver, args] = node.op === "call" ? [parts[0], undefined, parts[1]] : parts;
  return {
    node,
    name: String(name),
    receiver: isNode(receiver) ? receiver : undefined,
    args: Array.isArray(args) ? args.filter(isNode) : [],
  };
}

/** Every node below, itself included. */
export function* nodesOf(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* nodesOf(item);
  if (!isNode(value)) return;
  yield value;
  yield* nodesOf(value.args);
}

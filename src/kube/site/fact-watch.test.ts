import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { nodeResources } from "../../pack/index.ts";
import { coreResource } from "../resource.ts";
import { answer, failure, type Script, startServer } from "../testing/api-server.ts";
import { FactWatch } from "./fact-watch.ts";

const node = (cpu: string, resourceVersion: string, heartbeat = "") => ({
  metadata: { name: "n1", resourceVersion },
  status: { allocatable: { cpu }, conditions: [{ type: "Ready", lastHeartbeatTime: heartbeat }] },
});
const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const END = line("BOOKMARK", {
  metadata: { resourceVersion: "1", annotations: { "k8s.io/initial-events-end": "true" } },
});
const worker = (cpu: number) => [{ role: "worker", cpu, memory: 0, diskSize: 0 }];

async function world(script: Script) {
  const server = await startServer(script);
  let next = Promise.withResolvers<void>();
  const known: unknown[] = [];
  const watch = new FactWatch({
    client: server.client(),
    resource: coreResource("Node", "nodes", false),
    factOf: nodeResources,
    onChange: () => {
      known.push(watch.get());
      next.resolve();
    },
    onError: (error) => next.reject(error),
  });
  const change = async (): Promise<void> => {
    await next.promise;
    next = Promise.withResolvers();
  };
  const stop = async (): Promise<void> => {
    watch.close();
    await server[Symbol.asyncDispose]();
  };
  return { server, watch, known, change, [Symbol.asyncDispose]: stop };
}

describe("the nodes of a cluster", () => {
  test("are told when what they have changes, and not when they only say that they live", async () => {
    let stream: ServerResponse | undefined;
    await using one = await world((_, response) => {
      stream = response;
      response.write(line("ADDED", node("1", "1")) + END);
    });
    expect(one.watch.get()).toBe("unknown");
    one.watch.want("a", true);
    await one.change();
    stream?.write(line("MODIFIED", node("1", "2", "now")) + line("MODIFIED", node("2", "3", "now")));
    await one.change();
    stream?.write(line("DELETED", node("2", "4")));
    await one.change();
    expect(one.known).toEqual([worker(1000), worker(2000), []]);
  });

  test("are watched once for all who want to know, and no longer than one does", async () => {
    await using one = await world((_, response) => response.write(line("ADDED", node("1", "1")) + END));
    one.watch.want("a", true);
    one.watch.want("b", true);
    await one.change();
    one.watch.want("a", false);
    expect(one.watch.get()).toEqual(worker(1000));
    one.watch.want("b", false);
    expect(one.watch.get()).toBe("unknown");
    expect(one.server.seen.filter(({ query }) => query.has("watch"))).toHaveLength(1);
  });

  test("are not known to an identity that may not read them, with the words of the API server", async () => {
    await using one = await world((_, response) =>
      answer(response, 403, failure(403, "Forbidden", 'nodes is forbidden: User "x" cannot list resource "nodes"')),
    );
    one.watch.want("a", true);
    await one.change();
    expect(one.watch.get()).toMatchObject({ reason: "Forbidden", message: expect.stringContaining("nodes") });
  });
});

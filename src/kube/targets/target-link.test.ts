import { expect, test } from "vitest";
import { coreResource } from "../resource.ts";
import { answer, type Script, startServer } from "../testing/api-server.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { type LinkState, TargetLink } from "./target-link.ts";

const line = (type: string, metadata: object) => `${JSON.stringify({ type, object: { metadata } })}\n`;
const LISTED =
  line("ADDED", { name: "kube-system", uid: "u", resourceVersion: "1" }) +
  line("BOOKMARK", { resourceVersion: "2", annotations: { "k8s.io/initial-events-end": "true" } });

test("the version of an API server is read again when its watch goes on after a break, for it may have been upgraded", async () => {
  let version = "v1.35.4";
  let restart = (): void => undefined;
  const serve: Script = ({ path, query }, response, socket) => {
    if (path === "/version") return answer(response, 200, { gitVersion: version });
    if (!query.has("watch")) return answer(response, 200, { metadata: { resourceVersion: "2" }, items: [] });
    response.flushHeaders();
    if (query.has("resourceVersion", "2")) return;
    response.write(LISTED);
    restart = () => socket.destroy();
  };
  await using server = await startServer(serve);
  const states: LinkState[] = [];
  const link: TargetLink = new TargetLink(server.access, {
    name: "acme/edge",
    client: {},
    onRequest: () => undefined,
    onChange: () => undefined,
    onState: () => states.push(link.state),
    onBreak: () => undefined,
    onError: (error) => expect.unreachable(String(error)),
  });
  await expect.poll(() => states).toEqual([{ kind: "live", uid: "u", version: "v1.35.4" }]);
  version = "v1.36.3";
  restart();
  await expect.poll(() => states.at(-1), { timeout: 10_000 }).toEqual({ kind: "live", uid: "u", version: "v1.36.3" });
  expect(states, "a break that ends at once is none").toHaveLength(2);
  await link.close();
});

test("a cluster whose watch lives on but that answers nothing else is asked once, and then not called live any more", async () => {
  let isDead = false;
  const serve: Script = ({ path, query }, response) => {
    if (isDead) return;
    if (path === "/version") return answer(response, 200, { gitVersion: "v1.36.3" });
    if (query.has("watch")) response.write(LISTED);
  };
  await using server = await startServer(serve);
  const clock = new FakeClock();
  const states: LinkState[] = [];
  const link: TargetLink = new TargetLink(server.access, {
    name: "acme/edge",
    client: { clock },
    onRequest: () => undefined,
    onChange: () => undefined,
    onState: () => states.push(link.state),
    onBreak: () => undefined,
    onError: (error) => expect.unreachable(String(error)),
  });
  await expect.poll(() => states).toEqual([{ kind: "live", uid: "u", version: "v1.36.3" }]);
  isDead = true;
  const { signal } = new AbortController();
  const nodes = coreResource("Node", "nodes", false);
  const asked = ["a", "b", "c"].map((name) => link.client.get(nodes, { name }, { signal }));
  const ends = Promise.allSettled(asked);
  await expect.poll(() => server.seen.length).toBe(5);
  await clock.advance(30_000);
  await ends;
  await expect.poll(() => server.seen.slice(5).map(({ path }) => path)).toEqual(["/version"]);
  expect(states).toHaveLength(1);
  await clock.advance(10_000);
  await expect
    .poll(() => states.at(-1))
    .toMatchObject({
      kind: "failing",
      failure: { reason: "Unreachable", message: expect.stringMatching(/^127\.0\.0\.1:\d+: no answer within 10 s$/) },
    });
  expect(server.seen).toHaveLength(6);
  await link.close();
});

test("a server that has no kube-system is no cluster, says so, and is one as soon as it has", async () => {
  let create = (): void => undefined;
  const [ADDED = "", BOOKMARK = ""] = LISTED.split(/(?<=\n)/);
  const serve: Script = ({ path, query }, response) => {
    if (path === "/version") return answer(response, 200, { gitVersion: "v1.36.3" });
    if (!query.has("watch")) return;
    response.write(BOOKMARK);
    create = () => response.write(ADDED.replace('"1"', '"3"'));
  };
  await using server = await startServer(serve);
  const states: LinkState[] = [];
  const link: TargetLink = new TargetLink(server.access, {
    name: "acme/edge",
    client: {},
    onRequest: () => undefined,
    onChange: () => undefined,
    onState: () => states.push(link.state),
    onBreak: () => undefined,
    onError: (error) => expect.unreachable(String(error)),
  });
  const message = expect.stringMatching(/ has no namespace kube-system, .*: check that the server of the kubeconfig /);
  await expect.poll(() => states).toMatchObject([{ kind: "failing", failure: { reason: "Unreachable", message } }]);
  expect(link).toMatchObject({ uid: undefined, lostAt: expect.closeTo(Date.now(), -5) });
  create();
  await expect.poll(() => link.state).toEqual({ kind: "live", uid: "u", version: "v1.36.3" });
  expect(link).toMatchObject({ uid: "u", lostAt: undefined });
  await link.close();
});

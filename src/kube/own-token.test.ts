import { expect, test } from "vitest";
import { accessOf } from "./access.ts";
import { connect } from "./client.ts";
import { coreResource } from "./resource.ts";
import { answer, type ScriptedServer, startServer } from "./testing/api-server.ts";

const { signal } = new AbortController();
const CONFIG_MAP = coreResource("ConfigMap", "configmaps", true);
const OBJECT = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "x" } };

const clientOf = ({ access: { server } }: ScriptedServer, tokenText?: string) =>
  connect(accessOf(tokenText === undefined ? { server } : { server, tokenText }));
const shownTo = ({ seen }: ScriptedServer) => seen.map(({ headers }) => headers.authorization);

test("each API server sees the token that is for it, and one without a token sees none", async () => {
  await using hub = await startServer((_seen, response) => answer(response, 200, OBJECT));
  await using target = await startServer((_seen, response) => answer(response, 200, OBJECT));
  await using bare = await startServer((_seen, response) => answer(response, 200, OBJECT));
  await using own = clientOf(hub, "own");
  await using theirs = clientOf(target, "theirs");
  await using nobodys = clientOf(bare);
  const tenant = own.asUser({ user: "system:serviceaccount:acme:default" });
  for (const client of [own, theirs, nobodys, tenant, theirs, nobodys]) {
    await client.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal });
  }
  expect(shownTo(hub)).toEqual(["Bearer own", "Bearer own"]);
  expect(shownTo(target)).toEqual(["Bearer theirs", "Bearer theirs"]);
  expect(shownTo(bare)).toEqual([undefined, undefined]);
});

test.each([301, 302, 303, 307, 308])(
  "a redirect (%d) is not followed, so that nobody else sees a token",
  async (status) => {
    await using stranger = await startServer((_seen, response) => answer(response, 200, OBJECT));
    await using hub = await startServer(
      (_seen, response) => void response.writeHead(status, { Location: `${stranger.access.server}/steal` }).end(),
    );
    await using own = clientOf(hub, "own");
    await expect(own.get(CONFIG_MAP, { namespace: "x", name: "a" }, { signal })).rejects.toThrow();
    const applied = own.apply(CONFIG_MAP, OBJECT, { manager: "m", force: false, signal });
    await expect(applied).rejects.toThrow();
    expect(shownTo(hub)).toEqual(["Bearer own", "Bearer own"]);
    expect(stranger.seen).toEqual([]);
  },
);

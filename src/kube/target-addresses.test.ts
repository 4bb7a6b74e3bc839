import type { LookupAddress } from "node:dns";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createAuthority } from "../../test/support/certificates.ts";
import { checkedLookup } from "../source/http/checked-lookup.ts";
import { clusterAddressCheck, LOOPBACK_NETWORKS } from "../text/addresses.ts";
import { accessOf } from "./access.ts";
import { connect } from "./client.ts";
import { toFailure } from "./failures.ts";
import { coreResource } from "./resource.ts";
import { answer, type Script, type ScriptedServer, startServer } from "./testing/api-server.ts";

/** What the target's name resolves to, one address after the other; the last one stays. */
let answers: string[] = [];
let asked = 0;

vi.mock("node:dns", () => ({
  lookup: (_name: string, _options: object, found: (error: null, addresses: LookupAddress[]) => void) => {
    const address = answers[Math.min(asked, answers.length - 1)] ?? "";
    asked += 1;
    found(null, [{ address, family: address.includes(":") ? 6 : 4 }]);
  },
}));

const { signal } = new AbortController();
const OBJECT = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "x" } };

beforeEach(() => {
  asked = 0;
});

/** Asks the server by the name `edge.example`, as Strata asks a target, and says what came of it. */
async function ask({ access: { server, caPem }, port }: ScriptedServer, allowed: readonly string[]): Promise<string> {
  const { protocol } = new URL(server);
  const trust = caPem === undefined ? {} : { caPem };
  const access = accessOf({ server: `${protocol}//edge.example:${port}`, ...trust, tokenText: "theirs" });
  await using client = connect(access, { lookup: checkedLookup(clusterAddressCheck(allowed)) });
  const read = client.get(coreResource("ConfigMap", "configmaps", true), { namespace: "x", name: "a" }, { signal });
  return await read.then(
    ({ kind }) => kind,
    (error: unknown) => {
      const { reason, message } = toFailure(error, "the cluster");
      return `${reason}: ${message.replaceAll(String(port), "PORT")}`;
    },
  );
}

const REFUSED = "Unreachable: the cluster: edge.example:PORT: requests to edge.example are not allowed";

const authority = createAuthority("ca");
const { certPem, keyPem } = authority.issue({ commonName: "server", hosts: ["edge.example"] });
const tls = { cert: certPem, key: keyPem, ca: authority.certPem };
const serve: Script = (_seen, response) => answer(response, 200, OBJECT);
const servers: [name: string, start: () => Promise<ScriptedServer>][] = [
  ["HTTP/1.1 without TLS", () => startServer(serve)],
  ["HTTP/1.1", () => startServer(serve, tls)],
  ["HTTP/2", () => startServer(serve, tls, {})],
];

describe.each(servers)("over %s", (_name, start) => {
  test.each([
    ["169.254.169.254", "its address is link-local, which no setting allows"],
    ["fd00:ec2::254", "its address is of a cloud's metadata service, which no setting allows"],
    ["127.0.0.1", "its address is loopback, Strata's own host, which only setups for tests add to allowedNetworks"],
  ])("a target whose name leads to %s is not called, and the sentence says why", async (address, why) => {
    await using server = await start();
    answers = [address];
    expect(await ask(server, [])).toBe(`${REFUSED}: ${why}`);
    expect(server.connections).toBe(0);
  });

  test("a target is called at the address that was checked", async () => {
    await using server = await start();
    answers = ["127.0.0.1", "169.254.169.254"];
    expect(await ask(server, LOOPBACK_NETWORKS)).toBe("ConfigMap");
    expect(await ask(server, LOOPBACK_NETWORKS)).toContain("link-local");
    expect(server.connections).toBe(1);
  });
});

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump } from "js-yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../../test/support/certificates.ts";
import { cachedToken, ownAccess } from "./own-access.ts";
import { FakeClock } from "./testing/fake-clock.ts";

const authority = createAuthority("ca");
const { certPem, keyPem } = authority.issue({ commonName: "admin" });
const base64 = (text: string) => Buffer.from(text).toString("base64");

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "own-access-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("cachedToken", () => {
  test("reads again after a minute, and at once after a refusal", async () => {
    const clock = new FakeClock();
    let reads = 0;
    const token = cachedToken(() => Promise.resolve(`t${++reads}`), clock);
    expect(await token(false)).toBe("t1");
    await clock.advance(59_999);
    expect(await token(false)).toBe("t1");
    await clock.advance(1);
    expect(await token(false)).toBe("t2");
    expect(await token(true)).toBe("t3");
    expect(await token(false)).toBe("t3");
  });

  test("keeps the one at hand when reading fails, but begins with none", async () => {
    const clock = new FakeClock();
    let broken = true;
    const token = cachedToken(() => (broken ? Promise.reject(new Error("EIO")) : Promise.resolve("t")), clock);
    await expect(token(false)).rejects.toThrow("EIO");
    broken = false;
    expect(await token(false)).toBe("t");
    broken = true;
    expect(await token(true)).toBe("t");
  });
});

describe("in a Pod", () => {
  const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" };

  test("the ServiceAccount's files are used, and a rotated token is read from its file", async () => {
    await writeFile(join(folder, "ca.crt"), authority.certPem);
    await writeFile(join(folder, "token"), "one\n");
    const access = await ownAccess({ env, serviceAccountDir: folder });
    expect(access).toMatchObject({ server: "https://[fd00::1]:6443", caPem: authority.certPem });
    expect(await access.token?.(false)).toBe("one");
    await writeFile(join(folder, "token"), "two\n");
    expect(await access.token?.(false)).toBe("one");
    expect(await access.token?.(true)).toBe("two");
  });

  test("without them it is a failure in a sentence", async () => {
    const refused = ownAccess({ env, serviceAccountDir: join(folder, "nothing") });
    await expect(refused).rejects.toMatchObject({
      reason: "InvalidKubeconfig",
      message: expect.stringContaining("ServiceAccount"),
    });
  });
});

describe("by a developer's kubeconfig", () => {
  const write = async (cluster: object, user: object) => {
    const path = join(folder, "config");
    const file = {
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      clusters: [
        {
          name: "c",
          cluster: { server: "https://h:6443", "certificate-authority-data": base64(authority.certPem), ...cluster },
        },
      ],
      users: [{ name: "u", user }],
    };
    await writeFile(path, dump(file));
    return path;
  };
  // A named kubeconfig wins over the Pod's own account.
  const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1" };

  test("with a client certificate", async () => {
    const kubeconfigPath = await write(
      { "tls-server-name": "k" },
      { "client-certificate-data": base64(certPem), "client-key-data": base64(keyPem) },
    );
    const access = await ownAccess({ kubeconfigPath, env });
    expect(access).toMatchObject({
      server: "https://h:6443",
      caPem: authority.certPem,
      serverName: "k",
      clientCert: { certPem, keyPem },
    });
    expect(access.token).toBeUndefined();
  });

  test("with an exec plugin, which is asked again after a refusal", async () => {
    const plugin = join(folder, "plugin");
    const count = join(folder, "count");
    const credential = `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t'$(wc -c < ${count} | tr -d ' ')'"}}`;
    await writeFile(plugin, `#!/bin/sh\nprintf x >> ${count}\necho '${credential}'\n`);
    await chmod(plugin, 0o755);
    const kubeconfigPath = await write(
      {},
      { exec: { apiVersion: "client.authentication.k8s.io/v1", command: plugin } },
    );
    const access = await ownAccess({ kubeconfigPath, env });
    expect(await access.token?.(false)).toBe("t1");
    expect(await access.token?.(true)).toBe("t2");
  });

  test.each<[string, object, RegExp]>([
    ["a proxy", { "proxy-url": "http://p" }, /proxy-url/],
    ["no verification", { "insecure-skip-tls-verify": true }, /insecure-skip-tls-verify/],
    ["http", { server: "http://h" }, /not https/],
  ])("%s is refused", async (_name, cluster, want) => {
    const kubeconfigPath = await write(cluster, { token: "canary" });
    await expect(ownAccess({ kubeconfigPath, env })).rejects.toThrow(want);
  });

  test("a file that is no kubeconfig is refused without a word of it", async () => {
    const kubeconfigPath = join(folder, "broken");
    await writeFile(kubeconfigPath, 'token: "canary\n - x');
    await expect(ownAccess({ kubeconfigPath, env })).rejects.toThrow(/^(?!.*canary).*cannot be read/s);
    await expect(ownAccess({ kubeconfigPath: join(folder, "nothing"), env })).rejects.toThrow(
      /cannot be read \(ENOENT\)/,
    );
  });
});

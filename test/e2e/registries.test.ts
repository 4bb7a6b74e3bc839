import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, type Guard, startChartRepo } from "../support/registry.ts";
import { BASIC, LOGIN, profilePath, RegistryStories, registryPath, writePage } from "../support/registry-stories.ts";
import { condition, follow, isReady, type Live, layerOf, read, trustedTenant, waitUntil } from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/registries", import.meta.url));
const VERSIONS = ["1.0.0", "1.1.0", "1.2.0"];

let hub: ControlPlane;
let strata: StrataProcess;
let repo: ChartRepo;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let stories: RegistryStories;

const guard: Guard = ({ headers }, response) => {
  if (headers.authorization === BASIC) return false;
  response.writeHead(401).end();
  return true;
};

beforeAll(async () => {
  folder = await temporaryFolder("registries");
  for (const version of VERSIONS) await writePage(join(folder.path, "charts"), version);
  repo = await startChartRepo(join(folder.path, "charts"), guard);
  hub = await startControlPlane({ name: "registries" });
  stories = new RegistryStories(hub);
  const shared = { public: { type: "Helm", url: repo.url, secretRef: { name: "login" } } };
  strata = await startStrata(hub, ["--set-json", `registries=${JSON.stringify(shared)}`]);
  for (const namespace of ["acme", "beta"]) await trustedTenant(hub, namespace);
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), repo?.stop(), folder?.remove()]);
});

describe("a Registry", () => {
  beforeAll(async () => {
    await stories.putSecret("acme/login", LOGIN);
    await stories.putRegistry("acme/web", { type: "Helm", url: repo.url, secretRef: { name: "login" } });
    await stories.putProfile("acme/web", "web", "1.0.0");
    await stories.ready(profilePath("acme/web"));
  });

  test("says in one line how it is", async () => {
    await stories.ready(registryPath("acme/web"));
    const row = (await hub.kubectlOk(["get", "sreg", "web", "-n", "acme", "--no-headers"])).trim().split(/\s{2,}/);
    const words = "the registry answers when it is shown the credentials";
    expect(row.slice(0, -1)).toEqual(["web", "True", "Helm", repo.url, "1", words]);
  });

  test("that is asked again downloads nothing when nothing has changed there, and no layer moves", async () => {
    await stories.ready(registryPath("acme/web"));
    const before = await stories.objectsOf("acme/web");
    using profile = await follow(hub, profilePath("acme/web"));
    const answered = repo.answers.length;
    await stories.ask("acme/web");
    const { status } = await stories.ready(registryPath("acme/web"));
    expect(status.entries).toBe(1);
    expect(repo.answers.slice(answered)).toEqual(["304 /index.yaml"]);
    expect(await stories.objectsOf("acme/web")).toEqual(before);
    expect(profile.versions).toHaveLength(1);
  });
});

describe("shared Registries", () => {
  test("come with the operator's chart, and serve every tenant without his knowing the password", async () => {
    const is = (registry: Live) => condition(registry, "Ready")?.reason === "ReferenceNotFound";
    const waiting = await waitUntil(hub, registryPath("strata-system/public"), { what: "made", is });
    expect(condition(waiting, "Ready").message).toContain("Secret strata-system/login does not exist");
    await stories.putProfile("beta/shared", "public", "1.0.0");
    await stories.failing(profilePath("beta/shared"));

    await stories.putSecret("strata-system/login", LOGIN);
    await stories.ready(registryPath("strata-system/public"));
    await stories.ready(profilePath("beta/shared"));
    expect((await stories.page("beta/shared")).version).toBe("1.0.0");
  });

  test("are not hidden by a tenant's: that one is refused, and what runs stays", async () => {
    await stories.putRegistry("beta/public", { type: "Helm", url: repo.url });
    const sentence =
      "Registry beta/public has the name of the shared Registry strata-system/public: give it another name, or delete it to use the shared one";
    const hiding = await stories.failing(registryPath("beta/public"));
    expect(condition(hiding, "Ready")).toMatchObject({ reason: "Conflict", message: sentence });
    expect(isReady(await read(hub, profilePath("beta/shared"))), "what runs").toBe(true);

    await stories.putProfile("beta/shared", "public", "1.1.0");
    const failing = await stories.failing(profilePath("beta/shared"));
    expect(layerOf(failing, "page")).toMatchObject({ reason: "Conflict", message: sentence });
    expect((await stories.page("beta/shared")).version).toBe("1.0.0");

    await hub.kubectlOk(["delete", "sreg", "public", "-n", "beta"]);
    await stories.ready(profilePath("beta/shared"));
    expect((await stories.page("beta/shared")).version).toBe("1.1.0");
  });

  test("go when the chart lists them no more, and layers say where they were looked for", async () => {
    const list = ["configmap", "strata-registries", "-n", "strata-system"];
    await hub.kubectlOk(["patch", ...list, "--type=merge", "-p", '{"data":{"public":null}}']);
    await waitUntil(hub, registryPath("strata-system/public"), { what: "gone", is: (object) => object === undefined });
    expect(isReady(await read(hub, profilePath("beta/shared"))), "what runs").toBe(true);

    await stories.putProfile("beta/shared", "public", "1.2.0");
    const failing = await stories.failing(profilePath("beta/shared"));
    expect(layerOf(failing, "page")).toMatchObject({
      reason: "ReferenceNotFound",
      message: "there is no Registry public in namespace beta, nor in strata-system, whose Registries all share",
    });
    await stories.putRegistry("beta/public", { type: "Helm", url: repo.url, secretRef: { name: "login" } });
    await stories.putSecret("beta/login", LOGIN);
    await stories.ready(profilePath("beta/shared"));
  });
});

test("a Registry reads its Secrets as the account of its namespace, and no further than that may", async () => {
  await hub.kubectlOk(["create", "namespace", "poor"]);
  await stories.putSecret("poor/login", LOGIN);
  await stories.putRegistry("poor/web", { type: "Helm", url: repo.url, secretRef: { name: "login" } });
  const failing = await stories.failing(registryPath("poor/web"));
  expect(condition(failing, "Ready")).toMatchObject({
    reason: "ReferenceNotFound",
    message: expect.stringMatching(/Secret poor\/login cannot be read: .*system:serviceaccount:poor:default/),
  });
  await hub.kubectlOk(["create", "role", "puller", "-n", "poor", "--verb=get,list,watch", "--resource=secrets"]);
  await hub.kubectlOk([
    "create",
    "rolebinding",
    "puller",
    "-n",
    "poor",
    "--role=puller",
    "--serviceaccount=poor:default",
  ]);
  await stories.ready(registryPath("poor/web"));
});

test("the examples are as the API server wants them", async () => {
  await hub.kubectlOk(["apply", "--server-side", "--dry-run=server", "-f", EXAMPLES]);
});

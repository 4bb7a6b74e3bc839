import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FileSite, packFiles, pushArtifact, sha256Of, startFileSite } from "../support/artifacts.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { type Registry, startRegistry } from "../support/registry.ts";
import { apply, type Live, layerOf, pathOf, read, trustedTenant, untilReady, waitUntil } from "../support/stories.ts";
import { prepareHub, type StrataHome, type StrataProcess } from "../support/strata.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/manifests.yaml", import.meta.url));
const FLUX = "source.toolkit.fluxcd.io";

let hub: ControlPlane;
let home: StrataHome;
let strata: StrataProcess;
let registry: Registry;
let site: FileSite;

beforeAll(async () => {
  [hub, registry, site] = await Promise.all([
    startControlPlane({ name: "manifest-sources" }),
    startRegistry(),
    startFileSite(),
  ]);
  home = await prepareHub(hub);
  strata = await home.start();
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), registry?.stop(), site?.stop()]);
});

const profilePath = (name: string, namespace = "acme"): string =>
  pathOf("strata.dev/v1alpha1", "addonprofiles", `${namespace}/${name}`);

/** A profile of one layer, `app`, on the hub. */
function profile(name: string, layer: object, { namespace = "acme", ...spec }: Live = {}): Live {
  return {
    apiVersion: "strata.dev/v1alpha1",
    kind: "AddOnProfile",
    metadata: { name, namespace },
    spec: { clusterRefs: [{ name: "local" }], layers: [{ name: "app", namespace, ...layer }], ...spec },
  };
}

const text = (name: string, data: Record<string, string>): string =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });

const isSaying = (message: RegExp) => (live: Live) => message.test(layerOf(live, "app")?.message ?? "");

async function ready(name: string): Promise<Live> {
  return await untilReady(hub, profilePath(name));
}

/** Waits until a layer says something. */
async function says(name: string, message: RegExp, namespace = "acme"): Promise<Live> {
  return await waitUntil(hub, profilePath(name, namespace), { what: `${message}`, is: isSaying(message) });
}

const configMap = (name: string): string => pathOf("v1", "configmaps", `acme/${name}`);

/** Waits until a ConfigMap that a layer brings is of a version. */
async function brings(name: string, version: string): Promise<void> {
  await waitUntil(hub, configMap(name), { what: `of ${version}`, is: (live) => live?.data?.version === version });
}

const crd: Live = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `gitrepositories.${FLUX}` },
  spec: {
    group: FLUX,
    scope: "Namespaced",
    names: {
      plural: "gitrepositories",
      singular: "gitrepository",
      kind: "GitRepository",
      listKind: "GitRepositoryList",
    },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

/** A source of Flux that has fetched nothing yet. */
function source(name = "apps", namespace = "acme"): Live {
  return { apiVersion: `${FLUX}/v1`, kind: "GitRepository", metadata: { name, namespace } };
}

/** What the source-controller does when it has fetched a revision. */
async function publish(name: string, artifact: { url: string; digest: string; revision: string }): Promise<void> {
  const patch = JSON.stringify({ status: { artifact } });
  const how = ["--subresource=status", "--type=merge", "-p", patch];
  await hub.kubectlOk(["patch", "gitrepository", name, "-n", "acme", ...how]);
}

describe("a file by its address", () => {
  const file = (sha256: string): Live => profile("files", { manifests: [{ url: `${site.url}/app.yaml`, sha256 }] });

  test("comes, and stays when the server has other bytes than the next digest promises", async () => {
    const first = text("file", { version: "one" });
    const second = text("file", { version: "two" });
    site.files.set("/app.yaml", first);
    await apply(hub, file(sha256Of(first)));
    await brings("file", "one");
    await ready("files");

    await apply(hub, file(sha256Of(second)));
    const { status } = await says("files", /manifests\[0\]: .*\/app\.yaml is not what was promised: expected sha256:/);
    expect(status.layers[0]).toMatchObject({ state: "Failed", reason: "InvalidSource" });
    expect((await read(hub, configMap("file")))?.data).toEqual({ version: "one" });

    site.files.set("/app.yaml", second);
    await apply(
      hub,
      profile("files", { manifests: [{ url: `${site.url}/app.yaml`, sha256: sha256Of(second) }], timeout: "9m" }),
    );
    await brings("file", "two");
    await ready("files");
  });
});

describe("an artifact in an OCI registry", () => {
  const files = (version: string) => ({
    "deploy/a.yaml": text("artifact", { version }),
    "deploy/b.yml": text("artifact-b", { version }),
    "other/c.yaml": text("artifact-c", { version }),
  });
  const push = (version: string) =>
    pushArtifact(registry.host, { repository: "manifests/shop", tag: "main", files: files(version) });
  const artifact = (version = "main", layer: object = {}): Live =>
    profile("artifacts", {
      manifests: [
        { oci: { repo: `oci://${registry.host}/manifests`, artifact: "shop", version }, path: "./deploy" },
        { configMapRef: { name: "more" }, expressions: true },
      ],
      ...layer,
    });
  const more = (version: string): Live => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "more", namespace: "acme" },
    data: { "more.yaml": text("artifact-more", { version }) },
  });

  test("is what its tag meant when the layer last changed, however the tag moves", async () => {
    await push("one");
    await apply(hub, more("1"), artifact());
    await brings("artifact", "one");
    const { status } = await ready("artifacts");
    expect(layerOf({ status }, "app")).toMatchObject({ version: "main" });
    expect(await read(hub, configMap("artifact-c"))).toBeUndefined();

    const second = await push("two");
    await apply(hub, more("2"));
    await brings("artifact-more", "2");
    expect((await read(hub, configMap("artifact")))?.data).toEqual({ version: "one" });

    await apply(hub, artifact(second));
    await brings("artifact", "two");
    await ready("artifacts");
  });

  test("says what is missing, and stays as it is", async () => {
    await apply(hub, artifact("3.x"));
    await says("artifacts", /manifests\[0\]: .*3\.x/);
    expect((await read(hub, configMap("artifact")))?.data).toEqual({ version: "two" });
  });
});

describe("a source of Flux", () => {
  const SOURCE = pathOf(`${FLUX}/v1`, "gitrepositories", "acme/apps");
  const follower = (namespace = "acme"): Live =>
    profile(
      "flux",
      { manifests: [{ sourceRef: { kind: "GitRepository", name: "apps" }, path: "apps" }] },
      { namespace },
    );

  async function revise(version: string, digest?: string): Promise<void> {
    const packed = packFiles({ "apps/app.yaml": text("flux", { version }), "infra/broken.yaml": "a: [" });
    site.files.set(`/flux/${version}.tar.gz`, packed);
    await publish("apps", {
      url: `${site.url}/flux/${version}.tar.gz`,
      digest: digest ?? `sha256:${sha256Of(packed)}`,
      revision: `main@sha1:${version}`,
    });
  }

  test("is awaited in words: that Flux is not there, that there is no source, and that it has nothing yet", async () => {
    await apply(hub, follower());
    await says(
      "flux",
      /manifests\[0\]: GitRepository acme\/apps: this cluster serves no GitRepository .* install Flux/,
    );
    await apply(hub, crd);
    await says("flux", /manifests\[0\]: GitRepository acme\/apps does not exist/);
    await apply(hub, source());
    await says("flux", /GitRepository acme\/apps has no artifact yet/);
  });

  test("is followed from revision to revision", async () => {
    await revise("one");
    await brings("flux", "one");
    expect(layerOf(await ready("flux"), "app")).toMatchObject({ version: "main@sha1:one" });
    await revise("two");
    await brings("flux", "two");
    await ready("flux");
  });

  test("whose artifact is not what it promises changes nothing, and that is said", async () => {
    await revise("three", `sha256:${"0f".repeat(32)}`);
    await says("flux", /three\.tar\.gz is not what was promised: expected sha256:0f0f.*, found sha256:/);
    expect((await read(hub, configMap("flux")))?.data).toEqual({ version: "two" });
    await revise("three");
    await brings("flux", "three");
    await ready("flux");
  });

  test("is asked nothing by a new process, whose layers are as they were", async () => {
    const asked = site.requests.length;
    await strata.terminate();
    strata = await home.start();
    await apply(hub, profile("after", { manifests: [{ inline: text("after", { version: "one" }) }] }));
    await ready("after");
    await revise("four");
    await brings("flux", "four");
    expect(site.requests.slice(asked)).toEqual(["/flux/four.tar.gz"]);
  });

  test("is read as the tenant's ServiceAccount: who may not see it does not get it", async () => {
    await hub.kubectlOk(["create", "namespace", "beta"]);
    await apply(hub, source("apps", "beta"), follower("beta"));
    await says("flux", /system:serviceaccount:beta:default" cannot (list|watch) resource "gitrepositories"/, "beta");
  });

  test("that has gone leaves what it brought", async () => {
    await hub.kubectlOk(["delete", "gitrepository", "apps", "-n", "acme"]);
    await says("flux", /GitRepository acme\/apps does not exist/);
    expect(await read(hub, SOURCE)).toBeUndefined();
    expect((await read(hub, configMap("flux")))?.data).toEqual({ version: "four" });
  });
});

test("expressions in objects follow the variables, and foreign text stays as it is", async () => {
  const written = (name: string) => text(name, { version: `\${{ variables.version }}`, shell: `\${HOME}` });
  const manifests = [{ inline: written("given") }, { inline: written("foreign"), expressions: false }];
  const page = (version: string) =>
    profile("page", { manifests, expressions: true }, { variables: [{ name: "version", default: version }] });
  await apply(hub, page("one"));
  await brings("given", "one");
  await brings("foreign", `\${{ variables.version }}`);
  await apply(hub, page("two"));
  await brings("given", "two");
  expect((await read(hub, configMap("given")))?.data).toEqual({ version: "two", shell: `\${HOME}` });
  await ready("page");
});

test("the example comes to life with what it names", async () => {
  const crds = text("crds", { version: "1.4.0" });
  site.files.set("/crds-1.4.0.yaml", crds);
  const files = { "deploy/shop.yaml": text("deployed", { version: "1.4.2" }), "README.md": "# shop" };
  await pushArtifact(registry.host, { repository: "manifests/shop", tag: "1.4.2", files });
  const packed = packFiles({ "apps/production/team.yaml": text("team", { version: "1" }), "apps/test/x.yaml": "a: [" });
  site.files.set("/team.tar.gz", packed);
  const artifact = { url: `${site.url}/team.tar.gz`, digest: `sha256:${sha256Of(packed)}`, revision: "main" };
  await apply(hub, source("team-apps"));
  await publish("team-apps", artifact);
  const changes: [from: string, to: string][] = [
    ["https://example.com", site.url],
    ["5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", sha256Of(crds)],
    ["oci://ghcr.io/example", `oci://${registry.host}`],
  ];
  const example = changes.reduce(
    (before, [from, to]) => {
      expect(before).toContain(from);
      return before.replaceAll(from, to);
    },
    await readFile(EXAMPLE, "utf8"),
  );
  await apply(hub, example);
  const { status } = await ready("elsewhere");
  expect(status.layers.map(({ version }: Live) => version)).toEqual([undefined, "1.4.2", "main"]);
  const data = await Promise.all(
    ["crds", "deployed", "shop", "team"].map(
      async (name) => (await read(hub, pathOf("v1", "configmaps", `shop/${name}`)))?.data,
    ),
  );
  expect(data).toEqual([{ version: "1.4.0" }, { version: "1.4.2" }, { host: "shop.example.com" }, { version: "1" }]);
});

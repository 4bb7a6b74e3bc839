import { generateKeyPairSync } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PackPush } from "../../src/source/pack-push.ts";
import { LOOPBACK_NETWORKS } from "../../src/text/addresses.ts";
import { createAuthority } from "../support/certificates.ts";
import { type ControlPlane, startControlPlane } from "../support/controlplane.ts";
import { writeChart } from "../support/files.ts";
import { pullManifest, pushSignature } from "../support/oci-push.ts";
import { ownPacks } from "../support/own-packs.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type ChartRepo, type Registry, startChartRepo, startRegistry } from "../support/registry.ts";
import { BASIC, HTPASSWD, LOGIN } from "../support/registry-stories.ts";
import { apply, type Live, pathOf, read, trustedTenant, untilReady } from "../support/stories.ts";
import { type StrataProcess, startStrata } from "../support/strata.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
/** Examples that stories of their own apply. The charts are those of the platform. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "manifests.yaml": "manifest-sources.test.ts",
  "pack.yaml": "own-packs.test.ts",
  "platform/clusters.yaml": "cli.test.ts",
  "platform/profile.yaml": "cli.test.ts",
  "platform/registry.yaml": "cli.test.ts",
};
const HERE = [
  "outputs.yaml",
  "pack-charts.yaml",
  "registries/private.yaml",
  "registries/public.yaml",
  "variables.yaml",
];

/** Charts that show their values. */
const SHOWN = `
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }} }
data: { version: {{ .Chart.Version | quote }}, values: {{ toJson .Values | quote }} }
`;

const authority = createAuthority("company authority");
const signer = generateKeyPairSync("ec", { namedCurve: "P-256" });

let hub: ControlPlane;
let paris: ControlPlane;
let strata: StrataProcess;
let charts: ChartRepo;
let open: Registry;
let company: Registry;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder("examples");
  for (const [name, version] of Object.entries({ shop: "1.2.3", portal: "1.2.0", tetragon: "1.5.1", ingress: "1.4.2" }))
    await bringChart("public", name, version);
  await bringChart("company", "dashboards", "2.1.0");
  [charts, open, company] = await Promise.all([
    startChartRepo(join(folder.path, "public")),
    startRegistry(),
    startRegistry({ authority, htpasswd: HTPASSWD, login: LOGIN }),
  ]);
  await company.pushCharts(join(folder.path, "company"));
  await sign("charts/dashboards", "2.1.0");
  await pushOwnPack("ingress");
  hub = await startControlPlane({ name: "examples-hub", controllers: false });
  paris = await startControlPlane({ name: "examples-paris", controllers: false });
  strata = await startStrata(hub);
  await trustedTenant(hub, "acme");
});

afterAll(async () => {
  await strata?.kill();
  await Promise.all([hub?.stop(), paris?.stop(), charts?.stop(), open?.stop(), company?.stop(), folder?.remove()]);
});

async function bringChart(place: string, name: string, version: string): Promise<void> {
  await writeChart(join(folder.path, place, name), { name, version, files: { "templates/shown.yaml": SHOWN } });
}

async function sign(repository: string, version: string): Promise<void> {
  const dispatcher = new Agent({ connect: { ca: authority.certPem } });
  const target = { url: company.url, authorization: BASIC, dispatcher };
  const of = await pullManifest(target, repository, version);
  await pushSignature(target, repository, { of, key: signer.privateKey });
  await dispatcher.close();
}

async function pushOwnPack(wanted: string): Promise<void> {
  await using pusher = new PackPush({ plainHttp: [open.host], allowedNetworks: LOOPBACK_NETWORKS });
  const registry = { kind: "OCI" as const, url: `oci://${open.host}/packs` };
  for (const { pack, files } of await ownPacks()) {
    const { name, version } = pack;
    if (name !== wanted) continue;
    await pusher.push({ registry, name, version, files, replace: false }, AbortSignal.timeout(30_000));
  }
}

/** The text of an example with what a reader has to put in their place, each of which must be there. */
async function example(file: string, changes: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(join(EXAMPLES, file), "utf8");
  return Object.entries(changes).reduce((before, [from, to]) => {
    expect(before, file).toContain(from);
    return before.replaceAll(from, () => to);
  }, text);
}

/** Applies an example as a person does, and waits until its profile is Ready. */
async function reconciled(
  file: string,
  profile: string,
  changes: Readonly<Record<string, string>>,
  resource = "addonprofiles",
): Promise<Live> {
  await apply(hub, await example(file, changes));
  const path = pathOf("strata.dev/v1alpha1", resource, `acme/${profile}`);
  return await untilReady(hub, path);
}

/** What a chart shows of its values. */
async function shown(name: string, plane = hub): Promise<Live> {
  const { data } = await read(plane, pathOf("v1", "configmaps", name));
  return { ...JSON.parse(data.values), version: data.version };
}

/** A text as lines of a YAML block. */
function indented(text: string): string {
  return text.trim().replaceAll("\n", "\n    ");
}

test("each example is applied by a story", async () => {
  const files = await readdir(EXAMPLES, { recursive: true });
  const examples = files.filter((file) => /\.ya?ml$/.test(file) && !file.startsWith("charts/")).sort();
  expect(examples).toEqual([...HERE, ...Object.keys(ELSEWHERE)].sort());
  for (const [file, story] of Object.entries(ELSEWHERE)) {
    const name = file.split("/").at(-1) ?? "";
    expect(await readFile(join(import.meta.dirname, story), "utf8"), story).toContain(name);
  }
});

describe("the examples", () => {
  test("of variables: one profile, and clusters that differ", async () => {
    for (const [name, { kubeconfig }] of Object.entries({ oslo: hub, paris })) {
      const metadata = { name: `${name}-kubeconfig`, namespace: "acme" };
      await apply(hub, { apiVersion: "v1", kind: "Secret", metadata, stringData: { kubeconfig } });
    }
    const changes = { "https://charts.example.com": charts.url };
    const profile = await reconciled("variables.yaml", "shop", changes, "clusterprofiles");
    expect(profile.status).toMatchObject({ clusters: 2, readyClusters: 2 });
    const common = { features: ["search", "reviews"], token: "change-me", version: "1.2.3" };
    expect(await shown("shop/shop")).toEqual({ ...common, replicas: 2, title: "shop of oslo in the north" });
    expect(await shown("shop/shop", paris)).toEqual({
      ...common,
      replicas: 4,
      title: "shop of paris in the west",
      service: { type: "NodePort" },
    });
  });

  test("of outputs: the address of a Service goes to the layer after it", async () => {
    await reconciled("outputs.yaml", "gateway", { "https://charts.example.com": charts.url });
    const { spec } = await read(hub, pathOf("v1", "services", "gateway/gateway"));
    expect(await shown("gateway/portal")).toEqual({ upstream: `http://${spec.clusterIP}`, version: "1.2.0" });
  });

  test("of a pack with a chart from elsewhere: the pack's preset and the layer's values go to the company's chart", async () => {
    await reconciled("pack-charts.yaml", "ingress", {
      "oci://registry.example.com": `oci://${open.host}`,
      "https://charts.example.com": charts.url,
    });
    expect(await shown("ingress/ingress")).toMatchObject({
      version: "1.4.2",
      replicas: 3,
      kind: "Deployment",
      service: { type: "LoadBalancer" },
    });
  });

  test("of a public registry", async () => {
    await reconciled("registries/public.yaml", "network-tools", { "https://helm.cilium.io": charts.url });
    expect(await shown("tetragon/tetragon")).toEqual({ version: "1.5.1" });
  });

  test("of a private registry: a password, an authority, a mirror that has nothing yet, and a signature", async () => {
    const key = signer.publicKey.export({ type: "spki", format: "pem" }).toString();
    await reconciled("registries/private.yaml", "office", {
      "username: strata": `username: ${LOGIN.username}`,
      "password: change-me": `password: ${LOGIN.password}`,
      "-----BEGIN CERTIFICATE-----\n    the authority that has signed the registry's certificate\n    -----END CERTIFICATE-----":
        indented(authority.certPem),
      "-----BEGIN PUBLIC KEY-----\n    of the pair that `cosign sign --key` uses\n    -----END PUBLIC KEY-----":
        indented(key),
      "oci://registry.example.com/platform": `${company.url}/charts`,
      "oci://mirror.example.com/platform": `oci://${open.host}/platform`,
    });
    expect(await shown("dashboards/dashboards")).toEqual({ version: "2.1.0" });
  });
});

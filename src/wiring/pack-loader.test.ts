import { randomBytes } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { packStored } from "../apply/stored-set.ts";
import { Failure } from "../errors.ts";
import type { KubeClient } from "../kube/client.ts";
import { applySetOf } from "../membership/applyset.ts";
import { packJson, sampleFiles } from "../pack/testdata/sample.ts";
import { packLayer } from "../plan/testdata/packs.ts";
import type { PlannedLayer } from "../plan/types.ts";
import { PackLost } from "../plan/valued-pack.ts";
import type { RegistryAccess } from "../source/access.ts";
import { writeArchive } from "../source/archive/write-archive.ts";
import type { PackSource } from "../source/pack-source.ts";
import type { PackQuestion } from "../source/types.ts";
import type { Elsewhere } from "./layer-renderer.ts";
import { PackLoader } from "./pack-loader.ts";
import { SignaturesUnknown } from "./registry-access.ts";

type Part = Parameters<PackLoader["distrust"]>[0];

const signal = new AbortController().signal;
const CHART = {
  "Chart.yaml": "{ name: app, version: 3.1.0, dependencies: [{ name: cache }] }",
  "values.yaml": "{ size: 2 }",
};

const bytesOf = (texts: Record<string, string>) =>
  new Map(Object.entries(texts).map(([path, text]) => [path, Buffer.from(text)]));
const archive = writeArchive(bytesOf(CHART), "app");
const MIB = 1024 * 1024;
/** Packs to a tenth. */
const noise = (size: number) => Buffer.alloc(size, Buffer.concat([randomBytes(3277), Buffer.alloc(32_768 - 3277)]));
const FILES = sampleFiles({
  "pack.json": packJson({ charts: ["./charts/app.tgz"], kubeManifests: ["manifests/page.yaml"] }),
  "values.yaml": "charts: { app: { size: 3 } }",
  "manifests/page.yaml": "kind: ConfigMap",
  "charts/app.tgz": archive,
});

/** A target's `strata-system` that outlives processes, and a registry that can be down. */
function world(files = FILES, versions: Readonly<Record<string, string>> = {}) {
  const asked: string[] = [];
  const secrets = new Map<string, object>();
  let isDown = false;
  let isAway = false;
  let demands: Pick<RegistryAccess, "verify"> = {};
  /** What an access that verifies hears. */
  let refusal: Failure | undefined;
  const elsewhere: Elsewhere = (work) => {
    isAway = true;
    return work().finally(() => {
      isAway = false;
    });
  };
  const check = (what: string) => {
    asked.push(isAway ? what : `${what}, holding up others`);
    if (isDown) throw new Failure("SourceUnavailable", "ours does not answer");
  };
  const source = {
    resolve: async ({ version }: { version: string }) => {
      check(`resolve ${version}`);
      return { version: versions[version] ?? "1.4.0", digest: "sha256:pack" };
    },
    fetch: async ({ version, digest, registry }: PackQuestion & { digest: string }) => {
      check(`fetch ${version} ${digest}`);
      if (registry !== undefined && typeof registry !== "string" && registry.verify && refusal) throw refusal;
      return { version, digest, files };
    },
  };
  const system = {
    find: async (_resource: unknown, { name }: { name: string }) => secrets.get(name),
    apply: async (_resource: unknown, object: { metadata: { name: string } }) =>
      void secrets.set(object.metadata.name, object),
  };
  const place = {
    system: system as unknown as KubeClient,
    set: applySetOf({ kind: "AddOnProfile", namespace: "acme", name: "p" }),
    registry: async () => ({ kind: "OCI" as const, url: "oci://ours.example", ...demands }),
    elsewhere,
  };
  /** As a process of its own. */
  const load = (key = "k1", version = "1.x") => {
    const spec = packLayer("web", { pack: { registryRef: { name: "ours" }, name: "sample", version } });
    const layer = { spec } as PlannedLayer;
    return new PackLoader(source as unknown as PackSource).load({ layer, key }, place, signal);
  };
  const goDown = (down: boolean): void => {
    isDown = down;
  };
  const demand = (now: typeof demands): void => {
    demands = now;
  };
  const refuse = (failure: Failure): void => {
    refusal = failure;
  };
  return {
    asked,
    secrets,
    load,
    goDown,
    demand,
    refuse,
    place,
    loader: new PackLoader(source as unknown as PackSource),
  };
}

describe("PackLoader", () => {
  it("fetches a pack once, and knows it after a restart without its registry", async () => {
    const { asked, secrets, load, goDown } = world();
    const loaded = await load();
    expect(loaded).toMatchObject({
      version: "1.4.0",
      digest: "sha256:pack",
      charts: [{ path: "charts/app.tgz", name: "app", version: "3.1.0", subcharts: ["cache"], values: { size: 2 } }],
    });
    expect(asked).toEqual(["resolve 1.x", "fetch 1.4.0 sha256:pack"]);
    expect(secrets.size).toBe(1);
    goDown(true);
    const again = await load();
    expect(asked).toHaveLength(2);
    if (loaded instanceof Failure || again instanceof Failure) throw new Error("failed");
    const { charts: _, ...pack } = loaded.pack;
    expect(again).toEqual({
      ...loaded,
      pack: { ...pack, charts: [{ path: "charts/app.tgz", archive: expect.anything() }] },
    });
  });

  it("fetches anew when the layer asks for another one, and keeps what it has until that is there", async () => {
    const { load, goDown } = world();
    await load();
    goDown(true);
    expect(await load("k2", "2.x")).toMatchObject({ reason: "SourceUnavailable", message: "ours does not answer" });
    expect(await load()).toMatchObject({ version: "1.4.0" });
    goDown(false);
    expect(await load("k2", "2.x")).toMatchObject({ version: "1.4.0" });
  });

  it("fetches anew when what is stored is damaged", async () => {
    const { asked, secrets, load } = world();
    await load();
    for (const [name, secret] of secrets) secrets.set(name, { ...secret, data: { set: "bm8=" } });
    expect(await load()).toMatchObject({ version: "1.4.0" });
    expect(asked).toHaveLength(4);
  });

  it.each([
    ["a file that is no text", { files: { "pack.json": 5 } }],
    ["charts that are no list", { charts: { map: 1 } }],
    ["a chart without values", { charts: [{ path: "charts/app.tgz", name: "app", version: "1", subcharts: [] }] }],
  ])("fetches anew when somebody has put %s there", async (_, change) => {
    const { asked, secrets, load } = world();
    await load();
    const about = { key: "k1", registry: "ours", name: "sample" };
    const stored = { ...about, version: "1.4.0", digest: "sha256:pack", charts: [], files: {}, ...change };
    const set = await packStored(stored, { what: "it", remedy: "none" });
    for (const [name, secret] of secrets) secrets.set(name, { ...secret, data: { set } });
    expect(await load()).toMatchObject({ version: "1.4.0", charts: [{ name: "app", version: "3.1.0" }] });
    expect(asked).toHaveLength(4);
  });

  it("takes no other pack for what was asked, where signatures are required", async () => {
    const { loader, place, asked } = world();
    const signed = async () => ({ ...(await place.registry()), verify: { cosignKeys: [] } });
    const pack = (name: string) => ({ registryRef: { name: "ours" }, name, version: "1.4.0" });
    expect(await loader.fetch(pack("other"), signed, signal)).toMatchObject({
      reason: "VerificationFailed",
      message: "pack other 1.4.0 is not trusted: what was signed is pack sample, by whose name it must be pushed",
    });
    expect(await loader.fetch(pack("sample"), signed, signal)).toMatchObject({ loaded: { version: "1.4.0" } });
    expect(await loader.fetch(pack("other"), place.registry, signal)).toMatchObject({ loaded: { version: "1.4.0" } });
    expect(asked).toHaveLength(6);
  });

  describe("whose Registry asks for signatures only after it was stored", () => {
    const unsigned = new Failure("VerificationFailed", "sample 1.4.0 is not signed");

    /** The pack is stored without a signature; from then on `keys` are asked for. */
    async function stored({ keys = ["key"], files = FILES } = {}) {
      const w = world(files);
      await w.load();
      w.asked.length = 0;
      w.demand({ verify: { cosignKeys: keys } });
      return { ...w, distrust: (part: Part = { of: "web" }) => w.loader.distrust(part, w.place, signal) };
    }

    it("runs on, says why it is not verified, and nothing new is made of it", async () => {
      const { load, distrust, refuse, asked } = await stored();
      refuse(unsigned);
      expect(await load()).toMatchObject({ version: "1.4.0", unverified: unsigned });
      expect(await distrust()).toBe(unsigned);
      expect(asked).toEqual(Array(2).fill("fetch 1.4.0 sha256:pack"));
    });

    it("is verified once, by the bytes that it was made from, and is then as good as any other", async () => {
      const { load, distrust, asked } = await stored();
      expect(await load()).not.toHaveProperty("unverified");
      expect(await distrust()).toBeUndefined();
      expect(asked).toEqual(["fetch 1.4.0 sha256:pack"]);
    });

    it("is verified again for other keys, and for none is not", async () => {
      const { distrust, demand, asked } = await stored();
      expect(await distrust()).toBeUndefined();
      demand({ verify: { cosignKeys: ["another"] } });
      expect(await distrust()).toBeUndefined();
      demand({});
      expect(await distrust()).toBeUndefined();
      expect(asked).toHaveLength(2);
    });

    it("runs on where the registry is dead, or its Registry gone", async () => {
      const { load, distrust, goDown, place } = await stored();
      goDown(true);
      expect(await load()).toMatchObject({ version: "1.4.0", unverified: { message: "ours does not answer" } });
      const gone = new Failure("ReferenceNotFound", "there is no Registry ours");
      Object.assign(place, { registry: async () => gone });
      expect(await load()).not.toHaveProperty("unverified");
      expect(await distrust()).toBe(gone);
    });

    it("is not taken for the pack of another name that was signed", async () => {
      const { load } = await stored({ files: sampleFiles({ "pack.json": packJson({ name: "other" }) }) });
      const message = expect.stringContaining("what was signed is pack other");
      expect(await load()).toMatchObject({ unverified: { message } });
    });

    const PIN = { layer: "web", registry: "ours", name: "sample", version: "1.4.0", digest: "sha256:pack" };
    const damages: [string, (secrets: Map<string, object>) => void][] = [
      ["gone", (secrets) => secrets.clear()],
      [
        "unreadable",
        (secrets) => {
          for (const [name, secret] of secrets) secrets.set(name, { ...secret, data: { set: "bm8=" } });
        },
      ],
    ];

    it.each(damages)("is made into nothing new either when what is stored of it is %s", async (_, damage) => {
      const { distrust, refuse, secrets, asked } = await stored();
      damage(secrets);
      refuse(unsigned);
      expect(await distrust({ of: "web", pin: PIN })).toBe(unsigned);
      expect(await distrust()).toBeInstanceOf(PackLost);
      expect(asked).toEqual(["fetch 1.4.0 sha256:pack"]);
    });

    it("is not even read while its Registry asks for no signatures", async () => {
      const { distrust, demand, place } = await stored();
      const find = vi.spyOn(place.system, "find");
      expect(await distrust({ of: "web", pin: PIN })).toBeUndefined();
      expect(find).toHaveBeenCalledOnce();
      demand({});
      expect(await distrust({ of: "web", pin: PIN })).toBeUndefined();
      expect(find).toHaveBeenCalledOnce();
    });

    it("is verified by what the part is made of, where something else is stored by now", async () => {
      const { distrust, asked } = await stored();
      expect(await distrust({ of: "web", pin: { ...PIN, digest: "sha256:other" } })).toBeUndefined();
      expect(asked).toEqual(["fetch 1.4.0 sha256:other"]);
    });

    const gone = new Failure("ReferenceNotFound", "there is no Registry ours");

    it("is no longer in doubt once signatures are asked for no more, whatever becomes of its Registry", async () => {
      const { load, distrust, demand, refuse, place } = await stored();
      refuse(unsigned);
      await load();
      demand({});
      expect(await distrust()).toBeUndefined();
      Object.assign(place, { registry: async () => gone });
      expect(await distrust()).toBeUndefined();
    });

    it.each([
      { failure: gone, isFree: true },
      { failure: new Failure("ReferenceNotFound", "Secret acme/login does not exist"), isFree: true },
      { failure: new Failure("InvalidSpec", "Secret acme/login has two of them"), isFree: true },
      { failure: new SignaturesUnknown("ReferenceNotFound", "Secret acme/cosign does not exist"), isFree: false },
      { failure: new Failure("Conflict", "Registry acme/ours has the name of the shared Registry"), isFree: false },
      { failure: new Failure("SourceUnavailable", "the Secrets are still being read"), isFree: false },
    ])("needs no Registry while nobody has asked: $failure.message", async ({ failure, isFree }) => {
      const { distrust, place, secrets } = await stored();
      Object.assign(place, { registry: async () => failure });
      expect(await distrust()).toBe(isFree ? undefined : failure);
      secrets.clear();
      expect(await distrust({ of: "web", pin: PIN })).toBe(failure);
    });

    it("needs its Registry once it was verified: who knows which keys are good by now", async () => {
      const { distrust, place } = await stored();
      expect(await distrust()).toBeUndefined();
      Object.assign(place, { registry: async () => gone });
      expect(await distrust()).toBe(gone);
    });

    it("is verified when it is fetched for another cluster", async () => {
      const { load, refuse, secrets } = await stored();
      secrets.clear();
      refuse(unsigned);
      expect(await load()).toBe(unsigned);
      expect(secrets.size).toBe(0);
    });
  });

  it("refuses charts that together are a bomb", { timeout: 60_000 }, async () => {
    const paths = Array.from({ length: 25 }, (_, n) => `charts/app${n}.tgz`);
    const big = writeArchive(new Map([...bytesOf(CHART), ["big", noise(4.5 * MIB)]]), "app");
    const packs = Object.fromEntries(paths.map((path) => [path, big]));
    const { load } = world(sampleFiles({ "pack.json": packJson({ charts: paths }), ...packs }));
    expect(await load()).toMatchObject({
      reason: "InvalidSource",
      message: "pack sample 1.4.0: its charts have more than 100 MiB once they are unpacked",
    });
  });

  it("gives a chart of exactly the pack that was loaded", async () => {
    const { asked, loader, place } = world();
    const pin = { layer: "web", registry: "ours", name: "sample", version: "1.4.0", digest: "sha256:pack" };
    const chart = await place.elsewhere(() =>
      loader.chart({ pin, path: "charts/app.tgz", name: "app" }, place.registry, signal),
    );
    expect(Buffer.from(chart.bytes).equals(archive)).toBe(true);
    expect(asked).toEqual(["fetch 1.4.0 sha256:pack"]);
  });

  it.each([
    ["is no pack", sampleFiles({ "pack.json": "{" }), /^pack sample 1\.4\.0, pack\.json/],
    [
      "has a chart that is no archive",
      sampleFiles({ "pack.json": packJson({ charts: ["charts/app.tgz"] }), "charts/app.tgz": "no archive" }),
      /^pack sample 1\.4\.0: charts\/app\.tgz /,
    ],
    [
      "has a chart without a name",
      sampleFiles({
        "pack.json": packJson({ charts: ["charts/app.tgz"] }),
        "charts/app.tgz": writeArchive(bytesOf({ "values.yaml": "" }), "app"),
      }),
      /^pack sample 1\.4\.0: charts\/app\.tgz is not a chart/,
    ],
  ])("says why what it fetched %s", async (_, files, message) => {
    const { load, secrets } = world(files);
    expect(await load()).toMatchObject({ reason: "InvalidSource", message: expect.stringMatching(message) });
    expect(secrets.size).toBe(0);
  });

  describe("where the pack forbids the way to another version", () => {
    const dependencies = [{ packName: "sample", layer: "addon", type: "upgrade", minVersion: "1.4" }];
    const about = packJson({ version: "1.4.0", constraints: { dependencies } });
    const restricted = () => world(sampleFiles({ "pack.json": about }), { "1.3.x": "1.3.9", "1.5.x": "1.5.2" });

    it("refuses it, naming both versions, and keeps what it has", async () => {
      const { load, goDown } = restricted();
      await load();
      expect(await load("k2", "1.3.x")).toMatchObject({
        reason: "InvalidSpec",
        message: "from sample 1.4.0 one can only go to 1.4 or later, not to 1.3.9",
      });
      goDown(true);
      expect(await load()).toMatchObject({ version: "1.4.0" });
    });

    it("goes where the pack allows it, and anywhere when nothing was there", async () => {
      const { load } = restricted();
      await load();
      expect(await load("k2", "1.5.x")).toMatchObject({ version: "1.5.2" });
      expect(await restricted().load("k2", "1.3.x")).toMatchObject({ version: "1.3.9" });
    });
  });

  it("says of a pack that does not fit into a Secret how large it is, and stores nothing", async () => {
    const noise = randomBytes(1_500_000).toString("base64");
    const files = sampleFiles({
      "pack.json": packJson({ kubeManifests: ["manifests/page.yaml"] }),
      "manifests/page.yaml": `noise: ${noise}`,
    });
    const { load, secrets } = world(files);
    expect(await load()).toMatchObject({
      reason: "TooLarge",
      message:
        "pack sample 1.4.0: its values and manifests have 1.4 MiB when packed; the Secret in strata-system that keeps them holds 1 MiB: " +
        "split it into several packs",
    });
    expect(secrets.size).toBe(0);
  });
});

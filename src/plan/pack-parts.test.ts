import { describe, expect, it } from "vitest";
import { isPartOf } from "./pack-parts.ts";
import { loadedPack, opened, packLayer, partsOf } from "./testdata/packs.ts";

const NOTES = { "manifests/note.yaml": "kind: ConfigMap", "manifests/late.yaml": "kind: Secret" };

describe("a pack as parts", () => {
  it("has a part per chart, in the order of the pack, and last one for all its manifests", () => {
    const { parts, version } = partsOf(
      packLayer("web", { gate: "Applied", timeout: "5m" }),
      loadedPack("web", { charts: ["types", "app"], files: NOTES }),
    );
    expect(version).toBe("1.0.0");
    expect(parts.map(({ name, part, helm }) => [name, part?.kind, part?.of, helm?.releaseName, helm?.version])).toEqual(
      [
        ["web.types", "chart", "web", "web-types", "2.0.0"],
        ["web.app", "chart", "web", "web-app", "2.0.0"],
        ["web.manifests", "manifests", "web", undefined, undefined],
      ],
    );
    expect(parts.every(({ gate, timeout, pack }) => gate === "Applied" && timeout === "5m" && pack === undefined)).toBe(
      true,
    );
    expect(parts.map(({ part }) => part?.isFollowed)).toEqual([true, true, undefined]);
    expect(parts.at(-1)?.part).toMatchObject({
      pin: { layer: "web", registry: "ours", name: "web", version: "1.0.0", digest: "sha256:web" },
      files: [
        { path: "manifests/note.yaml", content: "kind: ConfigMap" },
        { path: "manifests/late.yaml", content: "kind: Secret" },
      ],
    });
  });

  it("is fetched again by the name that the layer asks for, whatever its pack.json says", () => {
    const { parts } = partsOf(packLayer("web"), loadedPack("web", { charts: ["app"], json: { name: "other" } }));
    expect(parts[0]?.part).toMatchObject({ pin: { name: "web", digest: "sha256:web" } });
  });

  it("gives each chart its own values, and the manifests theirs", () => {
    const files = {
      ...NOTES,
      "values.yaml": "charts: { app: { a: 1 }, types: { b: 2 } }\nmanifests: { note: { c: 3 } }",
    };
    const layer = packLayer("web", { values: { charts: { app: { a: 9 } }, manifests: { note: { d: 4 } } } });
    const { parts } = partsOf(layer, loadedPack("web", { charts: ["types", "app"], files }));
    expect(parts.map(({ values }) => values)).toEqual([{ b: 2 }, { a: 9 }, undefined]);
    expect(parts[2]?.part).toMatchObject({ values: { note: { c: 3, d: 4 } } });
  });

  it("tells its manifests the name of the cluster where they ask for it, as old packs do", () => {
    const manifest = (text: string) => loadedPack("web", { files: { "manifests/note.yaml": text } });
    const { parts } = partsOf(packLayer("web"), manifest("cluster: {{ .Spectro.cluster }}"));
    expect(parts[0]?.part).toMatchObject({ spectro: { cluster: "edge-1" } });
    expect(partsOf(packLayer("web"), manifest("kind: ConfigMap")).parts[0]?.part).not.toHaveProperty("spectro");
  });

  it("names releases as the pack says", () => {
    const files = { "values.yaml": "pack: { releaseNameOverride: { app: front } }" };
    const { parts } = partsOf(packLayer("web"), loadedPack("web", { charts: ["types", "app"], files }));
    expect(parts.map(({ helm }) => helm?.releaseName)).toEqual(["web-types", "front"]);
  });

  it.each([
    ["the layer's namespace, before all", "mine", "theirs", "all", "mine"],
    ["the pack's, before the profile's", undefined, "theirs", "all", "theirs"],
    ["the profile's", undefined, undefined, "all", "all"],
    ["none, where nobody names one", undefined, undefined, undefined, undefined],
  ])("goes to %s", (_, ofLayer, ofPack, ofProfile, expected) => {
    const files = { "values.yaml": ofPack ? `pack: { namespace: ${ofPack} }` : "" };
    const layer = packLayer("web", ofLayer ? { namespace: ofLayer } : {});
    const { parts } = partsOf(layer, loadedPack("web", { charts: ["app"], files }), { namespace: ofProfile });
    expect(parts.map(({ namespace }) => namespace)).toEqual([expected]);
  });

  it("labels its namespace as the pack says and the layer over it, and has others besides", () => {
    const values = `
pack:
  namespace: web
  additionalNamespaces: [store]
  namespaceLabels: { web: "team=pack,tier=front", logs: "a=b" }
  namespaceAnnotations: { web: "note=x" }`;
    const layer = packLayer("web", { namespaceMetadata: { labels: { team: "ours" } } });
    const { parts } = partsOf(layer, loadedPack("web", { charts: ["types", "app"], files: { "values.yaml": values } }));
    expect(parts.map(({ namespaceMetadata }) => namespaceMetadata)).toEqual(
      Array(2).fill({ labels: { team: "ours", tier: "front" }, annotations: { note: "x" } }),
    );
    expect(parts.map(({ part }) => part?.namespaces)).toEqual([
      { store: { labels: {}, annotations: {} }, logs: { labels: { a: "b" }, annotations: {} } },
      undefined,
    ]);
  });

  it("takes a chart from another place, by its name", () => {
    const charts = [
      { name: "app", registryRef: { name: "company" }, version: "2.x" },
      { name: "types", repo: "https://charts.example" },
    ];
    const layer = packLayer("web", { pack: { registryRef: { name: "ours" }, name: "web", version: "1.0.0", charts } });
    const { parts } = partsOf(layer, loadedPack("web", { charts: ["types", "app"] }));
    expect(parts.map(({ helm, part }) => [helm, part?.pin])).toEqual([
      [{ chart: "types", version: "2.0.0", repo: "https://charts.example", releaseName: "web-types" }, undefined],
      [{ chart: "app", version: "2.x", registryRef: { name: "company" }, releaseName: "web-app" }, undefined],
    ]);
  });

  it("lets each of its charts look up what the layer allows, wherever the chart comes from", () => {
    const lookup = [{ apiVersion: "v1", kind: "Secret", namespace: "web", name: "db" }];
    const charts = [{ name: "app", repo: "https://charts.example" }];
    const about = { registryRef: { name: "ours" }, name: "web", version: "1.0.0" };
    const parts = (pack: typeof about) =>
      partsOf(packLayer("web", { pack }), loadedPack("web", { charts: ["types", "app"], files: NOTES })).parts;
    expect(parts({ ...about, charts, lookup } as typeof about).map(({ helm }) => helm?.lookup)).toEqual([
      lookup,
      lookup,
      undefined,
    ]);
    expect(parts(about)[0]?.helm).not.toHaveProperty("lookup");
  });

  it("has the attachments of the layer in its first chart, and the health checks of both", () => {
    const attachments = [{ object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "more" } } }];
    const healthChecks = [{ apiVersion: "v1", kind: "Pod", current: "true" }];
    const values =
      "readinessCheck: { v1beta1: [{ name: lamp, kind: Lamp, group: lamps.example, version: v1, keysToCheck: [{ keyToCheck: status.on, expectedValue: yes }] }] }";
    const layer = packLayer("web", { attachments, healthChecks });
    const { parts } = partsOf(layer, loadedPack("web", { charts: ["types", "app"], files: { "values.yaml": values } }));
    expect(parts.map((part) => part.attachments)).toEqual([attachments, undefined]);
    expect(parts[1]?.healthChecks?.map(({ kind }) => kind)).toEqual(["Pod", "Lamp"]);
  });

  it("has the attachments beside its manifests where it has no chart", () => {
    const attachments = [{ inline: "a: 1" }];
    const { parts } = partsOf(packLayer("web", { attachments }), loadedPack("web", { files: NOTES }));
    expect(parts.map((part) => part.attachments)).toEqual([attachments]);
    const { parts: both } = partsOf(
      packLayer("web", { attachments }),
      loadedPack("web", { charts: ["app"], files: NOTES }),
    );
    expect(both.map((part) => part.attachments)).toEqual([attachments, undefined]);
  });

  it("has names that an object can have, whatever its charts are called", () => {
    const files = { "values.yaml": "pack: { releaseNameOverride: { My_App: web } }" };
    const { parts } = partsOf(packLayer("web"), loadedPack("web", { charts: ["My_App", "my.app"], files }));
    expect(parts.map(({ name, part, helm }) => [/^web\.[0-9a-f]{16}$/.test(name), part?.name, helm?.chart])).toEqual([
      [true, "My_App", "My_App"],
      [true, "my.app", "my.app"],
    ]);
  });

  it("keeps names within 63 characters, apart from each other and known as its own", () => {
    const name = "l".repeat(60);
    const { parts } = partsOf(packLayer(name), loadedPack("web", { charts: ["types", "app"] }));
    const names = parts.map((part) => part.name);
    expect(new Set(names).size).toBe(2);
    for (const one of names) {
      expect(one.length).toBeLessThanOrEqual(63);
      expect(isPartOf(one, name)).toBe(true);
    }
    expect(isPartOf(`${"l".repeat(40)}.app`, name), "that is a part of a layer with a shorter name").toBe(false);
    expect([isPartOf("web.app", "web"), isPartOf("web2.app", "web"), isPartOf("web", "web")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each([
    [
      "two charts of one name",
      { charts: ["app", { name: "app", path: "charts/b.tgz" }] },
      {},
      "it has two parts that are named app",
    ],
    [
      "a chart with the name of the manifests",
      { charts: ["manifests"], files: NOTES },
      {},
      "it has two parts that are named manifests",
    ],
    [
      "another place for a chart that it has not",
      { charts: ["app"] },
      {
        pack: {
          registryRef: { name: "ours" },
          name: "web",
          version: "1.0.0",
          charts: [{ name: "ap", repo: "https://x.example" }],
        },
      },
      "pack.charts: the pack has no chart ap; it has app",
    ],
    [
      "attachments and nothing to attach them to",
      {},
      { attachments: [{ inline: "a: 1" }] },
      "attachments need a pack with a chart or manifests, and it has none",
    ],
  ])("is refused with %s", (_, pack, layer, problem) => {
    const states = opened([{ layer: packLayer("web", layer), loaded: loadedPack("web", pack) }]);
    expect(states["web"]).toMatchObject({
      kind: "failing",
      failure: { reason: "InvalidValues", message: `pack web 1.0.0: ${problem}` },
    });
  });
});

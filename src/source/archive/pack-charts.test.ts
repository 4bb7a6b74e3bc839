import { describe, expect, test } from "vitest";
import { packCharts } from "./pack-charts.ts";
import { readArchive } from "./read-archive.ts";

function folder(charts: unknown, files: Record<string, string>): Map<string, Uint8Array> {
  const all = { "pack.json": JSON.stringify({ name: "shop", charts }), ...files };
  return new Map(Object.entries(all).map(([path, text]) => [path, Buffer.from(text)]));
}

const shop = {
  "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.2.0\n",
  "charts/shop/values.yaml": "a: 1\n",
  "charts/shop/charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.2.0\n",
};

describe("a chart that lies in a pack as a folder", () => {
  test.each(["charts/shop-1.2.0.tgz", "./charts/shop-1.2.0.tgz", "charts/shop.tgz"])("becomes %s", async (path) => {
    const packed = packCharts(folder([path], { ...shop, "values.yaml": "" }));
    const archive = path.replace("./", "");
    expect([...packed.keys()].sort()).toEqual([archive, "pack.json", "values.yaml"]);
    const inside = await readArchive(packed.get(archive) ?? new Uint8Array(), { stripRoot: true });
    expect([...inside.keys()].sort()).toEqual(["Chart.yaml", "charts/db/Chart.yaml", "values.yaml"]);
    expect(Buffer.from(inside.get("values.yaml") ?? []).toString()).toBe("a: 1\n");
  });

  test("gives the same bytes each time, and packed once is packed", () => {
    const files = folder(["charts/shop.tgz"], shop);
    const once = packCharts(files);
    expect(packCharts(files)).toEqual(once);
    expect(packCharts(once)).toEqual(once);
  });

  test("is found below any parent, by its own chart", async () => {
    const [a, b] = [shop["charts/shop/Chart.yaml"], "apiVersion: v2\nname: shop\nversion: 2.0.0\n"];
    const files = folder(["old/shop-1.2.0.tgz", "charts/shop-2.0.0.tgz"], {
      "old/shop/Chart.yaml": a,
      "charts/shop/Chart.yaml": b,
    });
    const packed = packCharts(files);
    for (const [path, version] of [
      ["old/shop-1.2.0.tgz", "1.2.0"],
      ["charts/shop-2.0.0.tgz", "2.0.0"],
    ] as const) {
      const inside = await readArchive(packed.get(path) ?? new Uint8Array(), { stripRoot: true });
      expect(Buffer.from(inside.get("Chart.yaml") ?? []).toString()).toContain(`version: ${version}`);
    }
  });

  const untouched: { because: string; charts: unknown; files: Record<string, string> }[] = [
    { because: "pack.json lists no charts", charts: undefined, files: shop },
    { because: "pack.json lists something else", charts: [{}, 3, "charts/shop"], files: shop },
    { because: "the archive is there", charts: ["charts/shop.tgz"], files: { ...shop, "charts/shop.tgz": "bytes" } },
    { because: "the archive is of another version", charts: ["charts/shop-1.3.0.tgz"], files: shop },
    { because: "it has no name", charts: ["charts/x.tgz"], files: { "charts/x/Chart.yaml": "version: 1.0.0" } },
    { because: "only a subchart has the name", charts: ["charts/db.tgz"], files: shop },
  ];
  test.each(untouched)("stays as it is when $because", ({ charts, files }) => {
    const before = folder(charts, files);
    expect(packCharts(before)).toEqual(before);
  });

  test("stays as it is without a pack.json that can be read", () => {
    const files = new Map([...folder([], shop), ["pack.json", Buffer.from("{")]]);
    expect(packCharts(files)).toEqual(files);
  });
});

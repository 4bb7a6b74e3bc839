import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Failure } from "../../src/errors.ts";
import { describeLookup } from "../../src/render/lookups.ts";
import { Renderer } from "../../src/render/renderer.ts";
import type { LookupKey, LookupResult, LookupRule, RenderedChart } from "../../src/render/types.ts";
import { temporaryFolder } from "../support/processes.ts";
import { type PackedChart, packChart, requestOf } from "../support/rendering.ts";
import { toolPath } from "../support/tools.ts";

const signal = new AbortController().signal;
const ANY_SECRET: LookupRule = { apiVersion: "v1", kind: "Secret" };

/** Names the ConfigMap after what is found: by a chain of Secrets, each of which names the next. */
const CHAIN = `{{ $next := "first" }}{{ range until (int .Values.length) }}{{ if ne $next "none" }}{{ $next = dig "data" "next" "none" (lookup "v1" "Secret" "web" $next) }}{{ end }}{{ end }}apiVersion: v1
kind: ConfigMap
metadata: { name: {{ $next }} }
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let renderer: Renderer;
let chain: PackedChart;

beforeAll(async () => {
  folder = await temporaryFolder("lookup");
  renderer = new Renderer({ binary: toolPath("strata-render"), processes: 2 });
  chain = await packChart(folder.path, { name: "chain", template: CHAIN });
});

afterAll(async () => {
  await renderer[Symbol.asyncDispose]();
  await folder.remove();
});

/** A cluster with the Secrets of the chain, which writes down what it is asked. */
function cluster(name = "s") {
  const asked: string[] = [];
  const read = async (key: LookupKey): Promise<LookupResult> => {
    asked.push(describeLookup(key));
    const place = key.name === "first" ? 1 : Number(key.name.replace(/\D/g, "")) + 1;
    return { state: "Found", object: { data: { next: `${name}${place}` } } };
  };
  return { asked, read };
}

function render(
  { read }: Pick<ReturnType<typeof cluster>, "read">,
  { length, allowed = [ANY_SECRET] }: { length: number; allowed?: LookupRule[] },
): Promise<RenderedChart> {
  return renderer.renderChart(
    requestOf(chain, { values: { length }, lookup: { field: "helm.lookup", allowed, read } }),
    signal,
  );
}

const nameOf = ({ objects }: RenderedChart) => objects[0]?.metadata.name;

describe("a chart that looks at its cluster", () => {
  test("is rendered again for what a lookup found, and asks for each thing once", async () => {
    const { read, asked } = cluster();
    const rendered = await render({ read }, { length: 3 });
    expect(nameOf(rendered)).toBe("s3");
    expect(asked).toEqual(["v1 Secret web/first", "v1 Secret web/s1", "v1 Secret web/s2"]);
    expect(rendered.refusedLookups).toEqual([]);
  });

  test("is ended when each answer makes it ask for more", async () => {
    const { read, asked } = cluster();
    expect(nameOf(await render({ read }, { length: 10 }))).toBe("s10");
    await expect(render({ read }, { length: 11 })).rejects.toMatchObject({
      reason: "RenderFailed",
      message: expect.stringContaining("looks up one thing after the other"),
    });
    expect(asked).toHaveLength(20);
  });

  test("is never shared with another cluster, nor with a later render", async () => {
    const [one, other] = [cluster("one"), cluster("other")];
    const both = await Promise.all([render(one, { length: 1 }), render(other, { length: 1 })]);
    expect(both.map(nameOf)).toEqual(["one1", "other1"]);
    expect(nameOf(await render(cluster("third"), { length: 1 }))).toBe("third1");
  });

  test("that asks for nothing is shared as any other", async () => {
    const { read, asked } = cluster();
    expect(await render({ read }, { length: 0 })).toBe(await render(cluster(), { length: 0 }));
    expect(asked).toEqual([]);
  });

  test.each([
    { of: "no rule", allowed: [] },
    { of: "a rule for another object", allowed: [{ ...ANY_SECRET, namespace: "web", name: "other" }] },
    { of: "a rule for another namespace", allowed: [{ ...ANY_SECRET, namespace: "dev" }] },
  ])("finds nothing with $of, and says what it was not allowed to see", async ({ allowed }) => {
    const { read, asked } = cluster();
    const rendered = await render({ read }, { length: 1, allowed });
    expect(nameOf(rendered)).toBe("none");
    expect(rendered.refusedLookups).toEqual(["v1 Secret web/first"]);
    expect(asked).toEqual([]);
  });

  test("says what it was not allowed to see, when it does not render without it", async () => {
    const template = '{{ index (lookup "v1" "Secret" "web" "db").data "key" }}';
    const chart = await packChart(folder.path, { name: "needy", template });
    const { read } = cluster();
    const failed = (more: object) => renderer.renderChart(requestOf(chart, more), signal);
    await expect(failed({ lookup: { field: "pack.lookup", allowed: [], read } })).rejects.toMatchObject({
      reason: "RenderFailed",
      message: expect.stringMatching(
        /^chart needy 1\.0\.0 does not render: needy\/templates\/a\.yaml:1:3: .*; it was rendered as if v1 Secret web\/db did not exist: if it does, allow it in pack\.lookup$/,
      ),
    });
    await expect(failed({})).rejects.toThrow(/did not exist: no cluster was looked at$/);
  });

  test("fails as its cluster does", async () => {
    const read = () => Promise.reject(new Failure("Forbidden", "the chart may not look up v1 Secret web/first"));
    await expect(render({ read }, { length: 1 })).rejects.toMatchObject({ reason: "Forbidden" });
  });

  test("gets an error for a group that is not served", async () => {
    const read = async (): Promise<LookupResult> => ({ state: "Unserved" });
    await expect(render({ read }, { length: 1 })).rejects.toMatchObject({
      reason: "RenderFailed",
      message: expect.stringContaining("unable to get apiresource from unstructured: /v1, Kind=Secret"),
    });
  });
});

test("what was looked up stands in no message", async () => {
  const password = Buffer.from("c4n4ry-word").toString("base64");
  const template = '{{ fail (printf "bad: %s" ((lookup "v1" "Secret" "web" "db").data.password | b64dec)) }}';
  const chart = await packChart(folder.path, { name: "talker", template });
  const read = async (): Promise<LookupResult> => ({ state: "Found", object: { data: { password } } });
  const request = requestOf(chart, { lookup: { field: "helm.lookup", allowed: [ANY_SECRET], read } });
  await expect(renderer.renderChart(request, signal)).rejects.toThrow(
    /^chart talker 1\.0\.0 does not render: talker\/templates\/a\.yaml:1:3: bad: \*\*\*$/,
  );
});

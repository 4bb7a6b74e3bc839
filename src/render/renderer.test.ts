import { expect, test } from "vitest";
import { RenderProcess } from "./render-process.ts";
import { Renderer } from "./renderer.ts";
import type { RenderRequest } from "./types.ts";

const signal = new AbortController().signal;

const request: RenderRequest = {
  chartBytes: new Uint8Array(),
  chartDigest: "sha256:0",
  values: {},
  releaseName: "front",
  namespace: "web",
  kubeVersion: "v1.36.3",
  apiVersions: [],
  isUpgrade: false,
  revision: 1,
};

test("a renderer that is not installed is told in one sentence", async () => {
  await using renderer = new Renderer({ binary: "/nowhere/strata-render", processes: 1 });
  await expect(renderer.renderChart(request, signal)).rejects.toMatchObject({
    reason: "RenderFailed",
    message: "the chart renderer cannot be started: is strata-render installed?",
  });
});

test("a renderer that was stopped takes no more charts, also from those who waited", async () => {
  const renderer = new Renderer({ binary: "/bin/cat", processes: 1 });
  await renderer[Symbol.asyncDispose]();
  await expect(renderer.renderChart(request, signal)).rejects.toMatchObject({
    message: "the chart renderer was stopped",
  });
});

test("an answer without an end is cut off at 64 MiB", async () => {
  const endless = new RenderProcess("/bin/cat");
  const huge = "x".repeat(65 * 1024 * 1024);
  await expect(endless.ask(huge, { deadlineMs: 60_000, subject: "the chart" }, signal)).rejects.toMatchObject({
    reason: "RenderFailed",
    message: "the chart renders to more than 64 MiB",
  });
  expect(endless.isAlive).toBe(false);
});

test("one process answers one question after the other", async () => {
  const echo = new RenderProcess("/bin/cat");
  expect(await echo.ask("one\n", { deadlineMs: 5_000, subject: "the chart" }, signal)).toBe("one\n");
  expect(await echo.ask("two\n", { deadlineMs: 5_000, subject: "the chart" }, signal)).toBe("two\n");
  echo.kill();
});

test("a question that is late or aborted ends the process", async () => {
  const silent = new RenderProcess("/bin/cat");
  await expect(silent.ask("no line feed", { deadlineMs: 20, subject: "the chart" }, signal)).rejects.toMatchObject({
    reason: "RenderTimeout",
  });
  expect(silent.isAlive).toBe(false);
  const abandoned = new RenderProcess("/bin/cat");
  const impatient = new AbortController();
  const asked = abandoned.ask("no line feed", { deadlineMs: 60_000, subject: "the chart" }, impatient.signal);
  impatient.abort(new Error("gone"));
  await expect(asked).rejects.toThrow("gone");
  expect(abandoned.isAlive).toBe(false);
  await expect(abandoned.ask("one more\n", { deadlineMs: 60_000, subject: "the chart" }, signal)).rejects.toMatchObject(
    { reason: "RenderFailed" },
  );
});

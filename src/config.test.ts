import { describe, expect, test } from "vitest";
import { parseConfig, usage } from "./config.ts";

function settings(env: Record<string, string> = {}, ...argv: string[]) {
  const result = parseConfig(env, argv);
  if (!result.ok) throw new Error(result.problems.join("; "));
  return result.value;
}

function problems(env: Record<string, string>, ...argv: string[]): string[] {
  const result = parseConfig(env, argv);
  return result.ok ? [] : result.problems;
}

describe("settings", () => {
  test("are the defaults when nothing is said: in-cluster, all addresses, the renderer beside the program", () => {
    expect(settings()).toMatchObject({
      kubeconfig: undefined,
      httpAddress: undefined,
      httpPort: 8080,
      logLevel: "info",
      concurrencyPerCluster: 4,
      renderBinary: expect.stringMatching(/\/strata-render$/),
      plainHttpRegistries: [],
      allowedNetworks: [],
      leaderElection: true,
      gracePeriodMs: 1000,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });

  test("let another replica lead within 2 s of SIGTERM, also while a cluster does not answer", () => {
    const { gracePeriodMs } = settings() as { gracePeriodMs: number };
    expect(gracePeriodMs).toBeLessThanOrEqual(1_000);
  });

  test("cannot be changed", () => {
    expect(Object.isFrozen(settings())).toBe(true);
  });

  test.each([
    { by: "a flag and its value", env: {}, argv: ["--http-port", "0"], want: { httpPort: 0 } },
    { by: "a flag with an equals sign", env: {}, argv: ["--log-level=debug"], want: { logLevel: "debug" } },
    { by: "a variable", env: { STRATA_GRACE_PERIOD_MS: "250" }, argv: [], want: { gracePeriodMs: 250 } },
    { by: "the variable that kubectl knows", env: { KUBECONFIG: "/k" }, argv: [], want: { kubeconfig: "/k" } },
    {
      by: "a flag against its variable",
      env: { STRATA_HTTP_PORT: "1" },
      argv: ["--http-port=2"],
      want: { httpPort: 2 },
    },
    { by: "nothing where the variable is empty", env: { STRATA_HTTP_PORT: "" }, argv: [], want: { httpPort: 8080 } },
    {
      by: "a list",
      env: { STRATA_PLAIN_HTTP_REGISTRIES: "registry.lan:5000, [::1]:80 ,charts" },
      argv: [],
      want: { plainHttpRegistries: ["registry.lan:5000", "[::1]:80", "charts"] },
    },
    {
      by: "a list of networks",
      env: { STRATA_ALLOWED_NETWORKS: "10.20.0.0/16, fd12::/16" },
      argv: [],
      want: { allowedNetworks: ["10.20.0.0/16", "fd12::/16"] },
    },
    {
      by: "true and false in words",
      env: { STRATA_LEADER_ELECTION: "false" },
      argv: [],
      want: { leaderElection: false },
    },
    { by: "the last of two flags", env: {}, argv: ["--http-port=1", "--http-port=2"], want: { httpPort: 2 } },
  ])("are set by $by", ({ env, argv, want }) => {
    expect(settings(env, ...argv)).toMatchObject(want);
  });

  test.each([
    {
      wrong: "a port that is none",
      argv: ["--http-port=65536"],
      want: '--http-port is "65536": it must be a whole number from 0 to 65535',
    },
    {
      wrong: "a number in words",
      argv: ["--concurrency-per-cluster=1e3"],
      want: '--concurrency-per-cluster is "1e3": it must be a whole number from 1 to 64',
    },
    {
      wrong: "a level that is none",
      argv: ["--log-level=loud"],
      want: '--log-level is "loud": it must be one of trace, debug, info, warn, error, fatal',
    },
    {
      wrong: "neither true nor false",
      argv: ["--leader-election=yes"],
      want: '--leader-election is "yes": it must be true or false',
    },
    { wrong: "an empty flag", argv: ["--kubeconfig="], want: '--kubeconfig is "": it is empty' },
    {
      wrong: "an address for a host",
      argv: ["--plain-http-registries=http://x"],
      want: '--plain-http-registries is "http://x": each must be host or host:port',
    },
    {
      wrong: "an address for a network",
      argv: ["--allowed-networks=10.0.0.1"],
      want: '--allowed-networks is "10.0.0.1": each must be a network such as 10.20.0.0/16',
    },
    {
      wrong: "a network that is never asked",
      argv: ["--allowed-networks=10.0.0.0/8,169.254.169.254/32"],
      want: '--allowed-networks is "10.0.0.0/8,169.254.169.254/32": 169.254.169.254/32 is link-local, which is never allowed',
    },
    { wrong: "an unknown flag", argv: ["--http-prot=1"], want: "there is no flag --http-prot: see --help" },
    { wrong: "a flag without its value", argv: ["--kubeconfig"], want: "--kubeconfig needs a value" },
    { wrong: "a word without a flag", argv: ["run"], want: '"run" is no flag: see --help' },
  ])("are refused with a sentence for $wrong", ({ argv, want }) => {
    expect(problems({}, ...argv)).toEqual([want]);
  });

  test("name the variable when that is wrong, and all mistakes at once", () => {
    expect(problems({ KUBECONFIG: "/a:/b", STRATA_HTTP_PORT: "x" }, "--nope=1")).toEqual([
      "there is no flag --nope: see --help",
      'KUBECONFIG is "/a:/b": it must be one file, not a list',
      'STRATA_HTTP_PORT is "x": it must be a whole number from 0 to 65535',
    ]);
  });

  test("are all in --help, with their variables", () => {
    const { version: _, ...knobs } = settings();
    expect(usage().match(/^ {2}--/gm)).toHaveLength(Object.keys(knobs).length);
    expect(usage()).toContain("--chart-cache-mib (STRATA_CHART_CACHE_MIB)");
    expect(usage()).toContain("--kubeconfig (KUBECONFIG)");
  });
});

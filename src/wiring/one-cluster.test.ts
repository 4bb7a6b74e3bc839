import { describe, expect, it } from "vitest";
import { isOneCluster, type Reached } from "./one-cluster.ts";

const reached = (name: string, server = `https://${name}`, uid = "u"): Reached => ({ name, uid, server });

describe("two names of a cluster", () => {
  it.each<[what: string, one: Reached, other: Reached, want: boolean]>([
    ["of one tenant are told by the uid", reached("acme/a"), reached("acme/b"), true],
    ["with another uid are two", reached("acme/a"), reached("acme/b", "https://acme/a", "v"), false],
    ["the hub's and one of the platform's are told by the uid", reached("local"), reached("strata-system/hub"), true],
    ["a tenant's that says that it is the hub is another", reached("local"), reached("beta/liar"), false],
    ["a tenant's that says that it is another tenant's is another", reached("acme/a"), reached("beta/liar"), false],
    [
      "of two tenants are one where both go to one server",
      reached("acme/a", "https://x"),
      reached("beta/b", "https://x"),
      true,
    ],
    [
      "of two tenants are two while nobody knows the server of either",
      { ...reached("acme/a"), server: undefined },
      { ...reached("beta/b"), server: undefined },
      false,
    ],
  ])("%s", (_, one, other, want) => {
    expect([isOneCluster(one, other), isOneCluster(other, one)]).toEqual([want, want]);
  });
});

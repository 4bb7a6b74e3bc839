import { expect, test } from "vitest";
import {
  addressCheck,
  clusterAddressCheck,
  isLoopback,
  LOOPBACK_NETWORKS,
  networkProblem,
  PRIVATE_NETWORKS,
} from "./addresses.ts";

const strict = addressCheck([]);
const open = addressCheck([...PRIVATE_NETWORKS, ...LOOPBACK_NETWORKS]);
const clusters = clusterAddressCheck([]);

const LINK_LOCAL = "its address is link-local, which no setting allows";
const METADATA = "its address is of a cloud's metadata service, which no setting allows";
const NOBODY = "its address is of no single host, which no setting allows";
const PRIVATE = "its address is private; whoever runs Strata can add its network to allowedNetworks";
const OWN_HOST = "its address is loopback, Strata's own host, which only setups for tests add to allowedNetworks";

test.each([
  // however it is written
  ["169.254.169.254", LINK_LOCAL],
  ["169.254.170.2", LINK_LOCAL],
  ["::ffff:169.254.169.254", LINK_LOCAL],
  ["::ffff:a9fe:a9fe", LINK_LOCAL],
  ["0:0:0:0:0:ffff:a9fe:a9fe", LINK_LOCAL],
  ["::169.254.169.254", LINK_LOCAL],
  ["::ffff:0:169.254.169.254", LINK_LOCAL],
  ["64:ff9b::a9fe:a9fe", LINK_LOCAL],
  ["64:ff9b::169.254.169.254", LINK_LOCAL],
  ["2002:a9fe:a9fe::", LINK_LOCAL],
  ["fe80::1", LINK_LOCAL],
  ["fe80::1%eth0", LINK_LOCAL],
  ["febf:ffff::1", LINK_LOCAL],
  ["fd00:ec2::254", METADATA],
  ["fd00:0ec2:0:0:0:0:0:0254", METADATA],
  ["fd20:ce::254", METADATA],
  ["100.100.100.200", METADATA],
  ["168.63.129.16", METADATA],
  ["192.0.0.192", METADATA],
  ["0.0.0.0", NOBODY],
  ["0.1.2.3", NOBODY],
  ["::", NOBODY],
  ["::ffff:0.0.0.0", NOBODY],
  ["224.0.0.1", NOBODY],
  ["255.255.255.255", NOBODY],
  ["ff02::1", NOBODY],
  ["2001:0:53aa:64c::1", NOBODY],
])("%s is never asked: %s", (address, why) => {
  expect([strict, open, clusters].map((check) => check(address))).toEqual([why, why, why]);
});

test.each([
  ["10.0.0.7", PRIVATE],
  ["172.16.0.1", PRIVATE],
  ["172.31.255.255", PRIVATE],
  ["192.168.1.1", PRIVATE],
  ["100.64.0.1", PRIVATE],
  ["198.18.0.1", PRIVATE],
  ["::ffff:10.0.0.7", PRIVATE],
  ["64:ff9b::10.0.0.7", PRIVATE],
  ["64:ff9b:1::1", PRIVATE],
  ["2002:a00:7::1", PRIVATE],
  ["fc00::1", PRIVATE],
  ["fdff:ffff::1", PRIVATE],
  ["fec0::1", PRIVATE],
  ["127.0.0.1", OWN_HOST],
  ["127.8.9.1", OWN_HOST],
  ["::1", OWN_HOST],
  ["::ffff:127.0.0.1", OWN_HOST],
  ["64:ff9b::7f00:1", OWN_HOST],
])("%s is asked only where the configuration allows its network: %s", (address, why) => {
  expect(strict(address)).toBe(why);
  expect(open(address)).toBeUndefined();
});

test("clusters live in private networks, and on Strata's own host only in the setup of a test", () => {
  expect(["10.0.0.7", "::ffff:10.0.0.7", "fc00::1"].map(clusters)).toEqual(Array(3).fill(undefined));
  expect(["127.0.0.1", "::1", "::ffff:127.0.0.1"].map(clusters)).toEqual(Array(3).fill(OWN_HOST));
  expect(clusterAddressCheck(["127.0.0.0/8"])("127.0.0.1")).toBeUndefined();
});

test.each(["8.8.8.8", "172.32.0.1", "100.63.255.255", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"])(
  "%s may be asked",
  (address) => {
    expect(strict(address)).toBeUndefined();
  },
);

test("an allowed network allows no other", () => {
  const check = addressCheck(["10.20.0.0/16", "fd12::/16", "127.0.0.1/32"]);
  expect(["10.20.3.4", "::ffff:10.20.3.4", "fd12::1", "127.0.0.1"].map(check)).toEqual(Array(4).fill(undefined));
  expect(["10.21.0.1", "fd13::1", "127.0.0.2"].map(check)).toEqual([PRIVATE, PRIVATE, OWN_HOST]);
});

test("no configuration allows what is never asked, and Strata's own host is named or not meant", () => {
  const check = addressCheck(["0.0.0.0/0", "::/0", "169.254.0.0/16"]);
  expect(["169.254.169.254", "fd00:ec2::254", "0.0.0.0"].map(check)).toEqual([LINK_LOCAL, METADATA, NOBODY]);
  expect(["10.0.0.7", "fc00::1", "127.0.0.1", "::1"].map(check)).toEqual([undefined, undefined, OWN_HOST, OWN_HOST]);
});

test("a name is no address: it is looked up first", () => {
  expect(["registry.lan", "localhost", "10.0.0", "1.2.3.4.5", ""].map(strict)).toEqual(Array(5).fill(undefined));
});

const NO_NETWORK = "each must be a network such as 10.20.0.0/16";
test.each([
  ["10.0.0.0/8", undefined],
  ["127.0.0.1/32", undefined],
  ["fd00::/8", undefined],
  ["::/0", undefined],
  ["10.0.0.0", NO_NETWORK],
  ["10.0.0.0/33", NO_NETWORK],
  ["fd00::/129", NO_NETWORK],
  ["10.0.0.0/8/8", NO_NETWORK],
  ["10.0.0.0/x", NO_NETWORK],
  ["registry/8", NO_NETWORK],
  ["169.254.169.254/32", "169.254.169.254/32 is link-local, which is never allowed"],
  ["fd00:ec2::/64", "fd00:ec2::/64 is of a cloud's metadata service, which is never allowed"],
])("%s may be allowed: %s", (text, wanted) => {
  expect(networkProblem(text)).toBe(wanted);
});

test.each([
  ["http://localhost:1/", true],
  ["http://127.8.9.1/", true],
  ["http://2130706433/", true],
  ["http://[::1]/", true],
  ["http://[::ffff:127.0.0.1]/", true],
  ["http://10.0.0.1/", false],
  ["http://localhost.example/", false],
])("%s is loopback: %s", (url, loopback) => {
  expect(isLoopback(new URL(url))).toBe(loopback);
});

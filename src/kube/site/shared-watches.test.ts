import { expect, test } from "vitest";
import { SharedWatches } from "./shared-watches.ts";

test("a watch begins with its first owner and stops with its last", () => {
  const log: string[] = [];
  const watches = new SharedWatches<string>((name) => log.push(`stop ${name}`));
  const want = (owner: string, ...keys: string[]): void => {
    const wanted = new Map(keys.map((key) => [key, key]));
    watches.want(owner, wanted, (key, owners) => {
      log.push(`start ${key} for ${[...owners]}`);
      return key;
    });
  };
  want("web", "a", "b");
  want("shop", "b", "c");
  want("web", "b");
  expect(watches.get("a")).toBeUndefined();
  want("web");
  expect(watches.get("b")).toBe("b");
  want("shop", "c");
  expect(log).toEqual(["start a for web", "start b for web", "start c for shop", "stop a", "stop b"]);
  watches.close();
  expect(log.at(-1)).toBe("stop c");
});

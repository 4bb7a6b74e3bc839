import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Entry, paxRecord, tar, tgz } from "../testing/tar.ts";
import { ARCHIVE_LIMITS, ArchiveRefused, readArchive } from "./read-archive.ts";
import { writeArchive } from "./write-archive.ts";

const MIB = 1024 * 1024;
/** Milliseconds, on a machine that is busy with other things. */
const PATIENCE = 60_000;

async function texts(entries: readonly Entry[], stripRoot = false): Promise<Record<string, string>> {
  const files = await readArchive(tgz(entries), { stripRoot });
  return Object.fromEntries([...files].map(([path, content]) => [path, Buffer.from(content).toString()]));
}

async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await readArchive(bytes, { stripRoot: false }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ArchiveRefused);
  return (error as Error).message;
}

const long = `${"folder/".repeat(30)}file.yaml`;

describe("what is read", () => {
  test.each<{ form: string; entries: Entry[]; want: Record<string, string> }>([
    {
      form: "files and folders",
      entries: [
        { name: "a/", type: "5" },
        { name: "a/b.yaml", content: "x: 1" },
        { name: "./pack.json", content: "{}" },
      ],
      want: { "a/b.yaml": "x: 1", "pack.json": "{}" },
    },
    { form: "an empty file", entries: [{ name: "values.yaml" }], want: { "values.yaml": "" } },
    {
      form: "a path in two parts (POSIX)",
      entries: [{ name: "b.yaml", prefix: "deep/er", content: "1" }],
      want: { "deep/er/b.yaml": "1" },
    },
    {
      form: "what GNU writes where POSIX has the first part of a path",
      entries: [{ name: "b.yaml", prefix: "14617263210", magic: "ustar  \0", content: "1" }],
      want: { "b.yaml": "1" },
    },
    {
      form: "the form before POSIX",
      entries: [
        { name: "a/", type: "\0", magic: "" },
        { name: "a/b", type: "\0", magic: "", content: "1" },
      ],
      want: { "a/b": "1" },
    },
    {
      form: "a long path (GNU)",
      entries: [
        { name: "././@LongLink", type: "L", content: `${long}\0`, magic: "ustar  \0" },
        { name: long.slice(0, 100), content: "1", magic: "ustar  \0" },
        { name: "next", content: "2" },
      ],
      want: { [long]: "1", next: "2" },
    },
    {
      form: "a long path (pax)",
      entries: [
        { name: "PaxHeader", type: "x", content: paxRecord("mtime", "1.5") + paxRecord("path", long) },
        { name: "short", content: "1" },
        { name: "next", content: "2" },
      ],
      want: { [long]: "1", next: "2" },
    },
    {
      form: "what git archive writes at its top",
      entries: [{ name: "pax_global_header", type: "g", content: paxRecord("comment", "0".repeat(40)) }, { name: "a" }],
      want: { a: "" },
    },
    {
      form: "names in other alphabets",
      entries: [{ name: "größe/配置.yaml", content: "1" }],
      want: { "größe/配置.yaml": "1" },
    },
  ])("$form", async ({ entries, want }) => {
    expect(await texts(entries)).toEqual(want);
  });

  test("an archive without the blocks at its end", async () => {
    const whole = tar([{ name: "a", content: "1" }]);
    expect([...(await readArchive(gzipSync(whole.subarray(0, -1024)), { stripRoot: false })).keys()]).toEqual(["a"]);
  });

  test("nothing of what follows its end", async () => {
    const two = Buffer.concat([tar([{ name: "a" }]), tar([{ name: "../b" }])]);
    expect([...(await readArchive(gzipSync(two), { stripRoot: false })).keys()]).toEqual(["a"]);
  });
});

test.each([
  { entries: [{ name: "shop-1.0/pack.json" }, { name: "shop-1.0/m/a.yaml" }], paths: ["pack.json", "m/a.yaml"] },
  { entries: [{ name: "pack.json" }, { name: "m/a.yaml" }], paths: ["pack.json", "m/a.yaml"] },
  { entries: [{ name: "a/pack.json" }, { name: "b/a.yaml" }], paths: ["a/pack.json", "b/a.yaml"] },
])("the one folder that all is in is left out: $paths", async ({ entries, paths }) => {
  expect(Object.keys(await texts(entries, true))).toEqual(paths);
});

describe("what is refused", () => {
  test.each<{ entries: Entry[]; sentence: string }>(
    [
      {
        entries: [{ name: "etc", type: "2", link: "/etc/passwd" }],
        sentence: 'holds a symbolic link "etc": only files and folders are taken',
      },
      {
        entries: [{ name: "a" }, { name: "b", type: "1", link: "a" }],
        sentence: 'holds a hard link "b": only files and folders are taken',
      },
      {
        entries: [
          { name: "x", type: "x", content: paxRecord("path", "null") + paxRecord("linkpath", "/dev/null") },
          { name: "b", type: "2" },
        ],
        sentence: 'holds a symbolic link "null": only files and folders are taken',
      },
      { entries: [{ name: "tty", type: "3" }], sentence: 'holds a device "tty": only files and folders are taken' },
      { entries: [{ name: "sda", type: "4" }], sentence: 'holds a device "sda": only files and folders are taken' },
      { entries: [{ name: "p", type: "6" }], sentence: 'holds a named pipe "p": only files and folders are taken' },
      { entries: [{ name: "s", type: "S" }], sentence: 'holds a sparse file "s": only files and folders are taken' },
      {
        entries: [{ name: "v", type: "V" }],
        sentence: 'holds "v" of an unknown type: only files and folders are taken',
      },
      { entries: [{ name: "../x" }], sentence: 'holds "../x", which has ".." in its path' },
      { entries: [{ name: "a/../../x" }], sentence: 'holds "a/../../x", which has ".." in its path' },
      { entries: [{ name: "../", type: "5" }], sentence: 'holds "../", which has ".." in its path' },
      { entries: [{ name: "/etc/cron.d/x" }], sentence: 'holds "/etc/cron.d/x", which has an absolute path' },
      { entries: [{ name: "C:/x" }], sentence: 'holds "C:/x", which has an absolute path' },
      { entries: [{ name: "a\\..\\x" }], sentence: 'holds "a\\\\..\\\\x", which has a backslash in its name' },
      {
        entries: [{ name: "x", type: "x", content: paxRecord("path", "a\0b") }, { name: "b" }],
        sentence: 'holds "a\\u0000b", which has a zero byte in its name',
      },
      {
        entries: [{ name: "L", type: "L", content: "../../x\0" }, { name: "b" }],
        sentence: 'holds "../../x", which has ".." in its path',
      },
      { entries: [{ name: "a" }, { name: "a" }], sentence: 'holds "a" twice' },
      { entries: [{ name: "a" }, { name: "./a" }], sentence: 'holds "a" twice' },
      {
        entries: [{ name: "Chart.yaml" }, { name: "chart.yaml" }],
        sentence: 'holds "Chart.yaml" and "chart.yaml", which some file systems cannot tell apart',
      },
      {
        entries: [{ name: "gro\u00dfe" }, { name: "GROSSE" }],
        sentence: 'holds "gro\u00dfe" and "GROSSE", which some file systems cannot tell apart',
      },
      {
        entries: [{ name: "caf\u00e9" }, { name: "cafe\u0301" }],
        sentence: 'holds "caf\u00e9" and "cafe\u0301", which some file systems cannot tell apart',
      },
      {
        entries: [{ name: "a" }, { name: "A/b" }],
        sentence: 'holds "A/b", where a file and a folder have the same name',
      },
      {
        entries: [{ name: "a/b" }, { name: "a" }],
        sentence: 'holds "a", where a file and a folder have the same name',
      },
      {
        entries: [
          { name: "x", type: "x", content: paxRecord("size", "1") },
          { name: "b", content: "12" },
        ],
        sentence: "has metadata that cannot be read",
      },
      {
        entries: [{ name: "x", type: "x", content: paxRecord("GNU.sparse.major", "1") }, { name: "b" }],
        sentence: "has metadata that cannot be read",
      },
      {
        entries: [{ name: "x", type: "x", content: "99 path=x\n" }, { name: "b" }],
        sentence: "has metadata that cannot be read",
      },
      {
        entries: [{ name: "g", type: "g", content: paxRecord("path", "x") }, { name: "b" }],
        sentence: "has metadata that cannot be read",
      },
      { entries: [{ name: "./" }], sentence: "" },
      { entries: [{ name: "x", type: "x", size: 2 * MIB }], sentence: "has metadata of more than 1 MiB" },
      { entries: [{ name: "big", size: 5 * MIB + 1 }], sentence: 'holds "big" of more than 5 MiB' },
      { entries: [{ name: "a\nlevel=error", type: "2" }], sentence: 'holds a symbolic link "a\\nlevel=error": only' },
    ].filter(({ sentence }) => sentence !== ""),
  )("$sentence", async ({ entries, sentence }) => {
    expect(await refusal(tgz(entries))).toContain(sentence);
  });

  test.each([
    { what: "no gzip", bytes: Buffer.from("<html>"), sentence: "is no gzip archive, or a broken one" },
    { what: "gzip of something else", bytes: gzipSync("x".repeat(600)), sentence: "is broken: an entry has no valid" },
    { what: "a cut file", bytes: tgz([{ name: "a", content: randomBytes(900) }]).subarray(0, 600), sentence: "is cut" },
    {
      what: "a cut entry",
      bytes: gzipSync(tar([{ name: "a", content: "x".repeat(900) }]).subarray(0, 700)),
      sentence: "is cut",
    },
    {
      what: "an entry after an empty block",
      bytes: gzipSync(Buffer.concat([Buffer.alloc(512), tar([{ name: "a" }])])),
      sentence: "is broken",
    },
    { what: "a wrong checksum", bytes: gzipSync(tar([{ name: "a" }]).fill("7", 148, 154)), sentence: "is broken" },
    {
      what: "more than it may be packed",
      bytes: Buffer.alloc(ARCHIVE_LIMITS.packedBytes + 1),
      sentence: "is larger than 20 MiB",
    },
  ])("$what: $sentence", async ({ bytes, sentence }) => {
    expect(await refusal(bytes)).toContain(sentence);
  });

  test("too many entries", async () => {
    const folder = tar([{ name: "a/", type: "5" }]).subarray(0, 512);
    const many = Buffer.concat(Array.from({ length: ARCHIVE_LIMITS.entries + 1 }, () => folder));
    expect(await refusal(gzipSync(many, { level: 1 }))).toBe("has more than 10000 entries");
  });

  test(
    "too many folders, whoever names them",
    async () => {
      const deep = (n: number) => `${n}/${"a/".repeat(500)}f`;
      const entries = Array.from({ length: 25 }, (_, n) => [
        { name: "x", type: "x", content: paxRecord("path", deep(n)) },
        { name: "f", content: randomBytes(32) },
      ]).flat();
      expect(await refusal(tgz(entries))).toBe("has more than 10000 folders");
      const shared = [...entries.slice(0, 30), { name: "0/a/b" }, { name: "0/a/c" }];
      expect(Object.keys(await texts(shared))).toHaveLength(17);
    },
    PATIENCE,
  );

  test(
    "a name of zero bytes with an end, at once",
    async () => {
      const name = { name: "L", type: "L", content: `${"\0".repeat(MIB - 1)}x` };
      // What does not pack well keeps the archive from being a bomb.
      expect(await refusal(tgz([name, { name: "b" }, { name: "c", content: randomBytes(40_000) }]))).toContain(
        "which has a zero byte in its name",
      );
    },
    PATIENCE,
  );
});

describe("bombs", () => {
  // gzip may be written in pieces: a large archive costs no more than one packed piece of each sort.
  const zeros = gzipSync(Buffer.alloc(5 * MIB));
  const blocks = Array.from({ length: 5 * 128 }, () => Buffer.concat([randomBytes(512), Buffer.alloc(8192 - 512)]));
  const noise = gzipSync(Buffer.concat(blocks), { level: 1 });
  const header = (name: string, size: number) => gzipSync(tar([{ name, size }]).subarray(0, 512));
  const file = (n: number, content: Buffer) => [header(`f${n}`, 5 * MIB), content];
  const files = (count: number, content: Buffer) =>
    Buffer.concat(Array.from({ length: count }, (_, n) => file(n, content)).flat());

  test.each([
    {
      what: "one large file",
      packed: Buffer.concat([header("a", 300 * MIB), ...Array.from({ length: 60 }, () => zeros)]),
      sentence: 'holds "a" of more than 5 MiB',
    },
    {
      what: "a file that says to be larger than any",
      packed: header("a", 0o77777777777),
      sentence: 'holds "a" of more than 5 MiB',
    },
    { what: "files of zeros", packed: files(60, zeros), sentence: "is packed more than 100 times: it is a bomb" },
    {
      what: "files that pack like honest ones",
      packed: files(21, noise),
      sentence: "has more than 100 MiB once it is unpacked",
    },
    {
      what: "zeros without end",
      packed: Buffer.concat([header("a", 1), zeros, zeros]),
      sentence: "",
    },
  ])(
    "$what: $sentence",
    async ({ packed, sentence }) => {
      const before = process.memoryUsage().rss;
      const answer = await readArchive(packed, { stripRoot: false }).then(
        (read) => [...read.keys()].join(),
        (reason: Error) => reason.message,
      );
      expect(process.memoryUsage().rss - before).toBeLessThan(150 * MIB);
      expect(answer).toBe(sentence === "" ? "a" : sentence);
    },
    PATIENCE,
  );
});

const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,30}$/);
const path = fc.array(name, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("/"));
const fileSet = fc
  .uniqueArray(fc.tuple(path, fc.uint8Array({ maxLength: 2000 })), { selector: ([key]) => key, maxLength: 12 })
  .filter((files) => files.every(([a]) => !files.some(([b]) => b.startsWith(`${a}/`))))
  .map((files) => new Map(files));

describe("any archive", () => {
  test(
    "is read as it was written",
    async () => {
      await fc.assert(
        fc.asyncProperty(fileSet, fc.constantFrom("", "shop-1.0", "größe/配置"), async (files, root) => {
          const packed = writeArchive(files, root);
          const read = await readArchive(packed, { stripRoot: false });
          const wanted = [...files].map(([key, content]) => [root === "" ? key : `${root}/${key}`, [...content]]);
          expect([...read].map(([key, content]) => [key, [...content]]).sort()).toEqual(wanted.sort());
          const reversed = new Map([...files].reverse());
          expect(Buffer.compare(writeArchive(reversed, root), packed)).toBe(0);
        }),
      );
    },
    PATIENCE,
  );

  test(
    "that was damaged is read or refused, never more than it holds, and under good paths only",
    async () => {
      const base = tar([
        { name: "x", type: "x", content: paxRecord("path", long) },
        { name: "short", content: "a".repeat(700) },
        { name: "././@LongLink", type: "L", content: `${long}2\0` },
        { name: "b", content: "b" },
        { name: "c/", type: "5" },
        { name: "c/d", content: "d" },
      ]);
      const damage = fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(damage, fc.nat(base.length), fc.boolean(), async (bytes, cut, mend) => {
          const damaged = Buffer.from(base);
          for (const [at, byte] of bytes) damaged[at] = byte;
          const whole = mend ? withChecksums(damaged) : damaged;
          const packed = gzipSync(whole.subarray(0, cut < 512 ? undefined : cut));
          const files = await readArchive(packed, { stripRoot: true }).catch((error: unknown) => {
            expect(error).toBeInstanceOf(ArchiveRefused);
            return new Map<string, Uint8Array>();
          });
          const size = [...files.values()].reduce((sum, { length }) => sum + length, 0);
          expect(size).toBeLessThanOrEqual(base.length);
          for (const key of files.keys()) expect(key).not.toMatch(/^\/|(?:^|\/)\.\.(?:\/|$)|\0|\\|^$/);
        }),
        { numRuns: 200 },
      );
    },
    PATIENCE,
  );

  test(
    "of any bytes is refused",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.boolean(), async (bytes, pack) => {
          const files = await readArchive(pack ? gzipSync(bytes) : bytes, { stripRoot: false }).catch(
            (error: unknown) => {
              expect(error).toBeInstanceOf(ArchiveRefused);
              return undefined;
            },
          );
          expect(files?.size ?? 0).toBe(0);
        }),
      );
    },
    PATIENCE,
  );
});

/** Gives each block that was a header a checksum again, so that damage gets past it. */
function withChecksums(bytes: Buffer): Buffer {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512);
    if (block[257] !== 0x75 && block[156] !== 0x78) continue;
    const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  }
  return bytes;
}

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseRegistry } from "../api/parse.ts";
import type { Condition, Registry, RegistryStatus } from "../api/types.ts";
import { Failure } from "../errors.ts";
import type { Identity } from "../kube/identity.ts";
import { WorkQueue } from "../kube/queue.ts";
import { type Reference, type Referent, referenceKey } from "../plan/references.ts";
import type { RegistryAccess } from "../source/access.ts";
import { Sources } from "../source/sources.ts";
import { startWebServer } from "../source/testing/web-server.ts";
import { LOOPBACK_NETWORKS } from "../text/addresses.ts";
import { isRegistryOwner, RegistryWiring, type RegistryWiringOptions } from "./registries.ts";

const MINUTE = 60_000;
const START = Date.parse("2026-01-01T00:00:00Z");
const signal = new AbortController().signal;

function registry(spec: object = {}, { name = "private", namespace = "acme", generation = 1 } = {}): Registry {
  const base = { type: "Helm", url: "https://charts.example.com" };
  const metadata = { name, namespace, generation, uid: `uid-of-${name}` };
  const object = { apiVersion: "strata.dev/v1alpha1", kind: "Registry", metadata, spec: { ...base, ...spec } };
  const parsed = parseRegistry(object);
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return parsed.value;
}

function login(password: string, resourceVersion = "1"): Referent {
  const data = { username: btoa("me"), password: btoa(password) };
  const metadata = { name: "login", namespace: "acme", uid: "s", resourceVersion };
  return { kind: "found", object: { apiVersion: "v1", kind: "Secret", metadata, data } };
}

/** A hub with Registries and Secrets, and registries that answer what a test says. */
class World {
  readonly registries = new Map<string, Registry>();
  readonly wanted = new Map<string, { as: string | undefined; references: readonly Reference[] }>();
  readonly told: string[] = [];
  readonly asked: RegistryAccess[] = [];
  /** When each pass is due, as it was last said. */
  readonly due = new Map<string, number>();
  renewed: string[] = [];
  /** How layers were last told. */
  how: string | undefined;
  writes = 0;
  answer: RegistryWiringOptions["check"] = async () => ({ entries: 3 });
  wiring = this.#start();
  readonly #secrets = new Map<string, Referent>();

  put(one: Registry): string {
    const key = `${one.metadata.namespace}/${one.metadata.name}`;
    const status = this.registries.get(key)?.status;
    this.registries.set(key, { ...one, ...(status ? { status } : {}) });
    this.wiring.changed(key);
    return key;
  }

  drop(key: string): void {
    this.registries.delete(key);
    this.wiring.changed(key);
  }

  secret(name: string, referent: Referent, namespace = "acme"): void {
    this.#secrets.set(referenceKey({ kind: "Secret", namespace, name }), referent);
    const owners = [...this.wanted].filter(([, { references }]) => references.some((one) => one.name === name));
    this.wiring.referencesChanged(new Set(owners.map(([owner]) => owner)));
  }

  async pass(key = "acme/private"): Promise<Condition | undefined> {
    await this.wiring.reconcile(key, signal);
    return this.statusOf(key)?.conditions?.[0];
  }

  statusOf(key = "acme/private"): RegistryStatus | undefined {
    return this.registries.get(key)?.status;
  }

  /** Another process, which knows what the hub knows. */
  restart(): void {
    this.due.clear();
    this.renewed = [];
    this.wiring = this.#start();
    for (const key of this.registries.keys()) this.wiring.changed(key);
  }

  #start(): RegistryWiring {
    const want = (owner: string, identity: Identity | undefined, references: readonly Reference[]) =>
      void this.wanted.set(owner, { as: identity?.user, references });
    const get = (_: unknown, reference: Reference) =>
      this.#secrets.get(referenceKey(reference)) ?? ({ kind: "absent" } as const);
    const set = (key: string, status: object) => {
      const [, namespace, name] = key.split("/");
      const one = this.registries.get(`${namespace}/${name}`);
      if (JSON.stringify(one?.status) === JSON.stringify(status)) return;
      this.writes += 1;
      if (one) this.registries.set(`${namespace}/${name}`, { ...one, status: status as RegistryStatus });
    };
    const record = (_: object, { reason, message }: { reason: string; message: string }) =>
      void this.told.push(`${reason}: ${message}`);
    const cache = { registries: this.registries };
    return new RegistryWiring({
      hub: { cache, references: { want, get }, statuses: { set }, events: { record }, log: { info() {} } } as never,
      check: (access, during) => {
        this.asked.push(access);
        return this.answer(access, during);
      },
      renewed: (key, how) => {
        this.renewed.push(key);
        this.how = how;
      },
      again: (key, afterMs) => void this.due.set(key, afterMs),
    });
  }
}

let world: World;
beforeEach(() => {
  vi.useFakeTimers({ now: START, toFake: ["Date"] });
  vi.spyOn(Math, "random").mockReturnValue(1);
  world = new World();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a registry that answers", () => {
  test("is Ready, with what it has and when it was asked", async () => {
    const key = world.put(registry());
    expect(await world.pass()).toMatchObject({ status: "True", reason: "Synced", message: "the registry answers" });
    expect(world.statusOf()).toMatchObject({ observedGeneration: 1, entries: 3, lastSyncTime: "2026-01-01T00:00:00Z" });
    expect(world.told).toEqual(["Synced: the registry answers"]);
    expect(world.renewed).toEqual([key]);
  });

  // leaf: Registry spec.interval
  test.each([
    { interval: "10m", minutes: 9 },
    { interval: undefined, minutes: 54 },
  ])("is asked again a little before its interval $interval has passed, and not before", async (row) => {
    const key = world.put(registry(row.interval === undefined ? {} : { interval: row.interval }));
    await world.pass();
    expect(world.due.get(key)).toBeCloseTo(row.minutes * MINUTE);
    vi.setSystemTime(START + (row.minutes - 1) * MINUTE);
    await world.pass();
    expect(world.asked).toHaveLength(1);
    expect(world.due.get(key)).toBeCloseTo(MINUTE);
    vi.setSystemTime(START + row.minutes * MINUTE);
    await world.pass();
    expect(world.asked).toHaveLength(2);
    expect(world.statusOf()?.lastSyncTime).toBe(new Date(Date.now()).toISOString().replace(".000Z", "Z"));
    expect(world.told, "that it still answers").toHaveLength(1);
  });

  test("has no number of entries when it does not tell any more", async () => {
    world.put(registry());
    await world.pass();
    world.answer = async () => ({});
    world.put(registry({}, { generation: 2 }));
    await world.pass();
    expect(world.statusOf()).not.toHaveProperty("entries");
  });
});

test.each([
  { credentials: "accepted", message: "the registry answers and accepts the credentials" },
  { credentials: "unasked", message: "the registry answers and did not ask for the credentials" },
  { credentials: "shown", message: "the registry answers when it is shown the credentials" },
  { credentials: undefined, message: "the registry answers" },
] as const)("of the credentials no more is said than was seen: $message", async ({ credentials, message }) => {
  world.put(registry({ secretRef: { name: "login" } }));
  world.secret("login", login("pw"));
  world.answer = async () => ({ ...(credentials ? { credentials } : {}) });
  expect(await world.pass()).toMatchObject({ message });
});

describe("a registry that does not answer as it should", () => {
  const failing = (failure: Failure) => async () => Promise.reject(failure);

  test("says why, keeps what was known, and is asked ever more seldom", async () => {
    const key = world.put(registry());
    await world.pass();
    world.answer = failing(new Failure("SourceUnavailable", "charts.example.com is not available: it does not answer"));
    const waits: number[] = [];
    for (let now = START + 3_600_000; waits.length < 8; now += world.due.get(key) ?? 0) {
      vi.setSystemTime(now);
      expect(await world.pass()).toMatchObject({ status: "False", reason: "SourceUnavailable" });
      waits.push((world.due.get(key) ?? 0) / 1000);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(world.statusOf()).toMatchObject({ entries: 3, lastSyncTime: "2026-01-01T00:00:00Z" });
    expect(world.told).toHaveLength(2);
    expect(world.writes).toBe(2);
  });

  test("is not asked before the time that it has asked for", async () => {
    const key = world.put(registry());
    world.answer = failing(new Failure("SourceUnavailable", "429", { retryAfterMs: 120_000 }));
    await world.pass();
    expect(world.due.get(key)).toBe(120_000);
  });

  test.each([
    ["1m", 0.9],
    ["1h", 10],
  ])(
    "and which only a person can mend is asked at its interval %s, at the latest in ten minutes",
    async (interval, minutes) => {
      const key = world.put(registry({ interval }));
      world.answer = failing(new Failure("SourceUnauthorized", "no"));
      await world.pass();
      expect(world.due.get(key)).toBeCloseTo(minutes * MINUTE);
    },
  );

  test("lets layers try again when it is well again", async () => {
    const key = world.put(registry());
    world.answer = failing(new Failure("SourceUnavailable", "away"));
    await world.pass();
    world.renewed = [];
    vi.setSystemTime(START + MINUTE);
    world.answer = async () => ({});
    await world.pass();
    expect(world.renewed).toEqual([key]);
    expect(world.how, "it is the same registry still").toBe("answers");
    vi.setSystemTime(START + 60 * MINUTE);
    await world.pass();
    expect(world.renewed).toEqual([key]);
  });

  test("is no reason to hide an error of our own", async () => {
    world.put(registry());
    world.answer = async () => Promise.reject(new TypeError("ours"));
    await expect(world.pass()).rejects.toThrow("ours");
  });
});

describe("the Secrets of a Registry", () => {
  const withLogin = (generation = 1) => registry({ secretRef: { name: "login" } }, { generation });

  test("are watched as the ServiceAccount that it names, in Strata's namespace as Strata, and no longer than it is there", () => {
    // leaf: Registry spec.serviceAccountName
    const reference = { kind: "Secret", namespace: "acme", name: "login" };
    const key = world.put(registry({ secretRef: { name: "login" }, serviceAccountName: "puller" }));
    const [owner = ""] = world.wanted.keys();
    expect(isRegistryOwner(owner)).toBe(true);
    expect(world.wanted.get(owner)).toEqual({ as: "system:serviceaccount:acme:puller", references: [reference] });
    world.put(registry({ secretRef: { name: "login" } }, { name: "public", namespace: "strata-system" }));
    expect([...world.wanted.values()].at(-1)).toMatchObject({ as: undefined, references: [{ name: "login" }] });
    world.drop(key);
    expect(world.wanted.get(owner)).toEqual({ as: undefined, references: [] });
  });

  test("are needed before anybody is asked", async () => {
    world.put(withLogin());
    expect(await world.pass()).toMatchObject({
      status: "False",
      reason: "ReferenceNotFound",
      message: "Registry acme/private: Secret acme/login does not exist",
    });
    world.secret("login", { kind: "reading" });
    await world.pass();
    expect(world.asked).toEqual([]);
    world.secret("login", login("pw"));
    expect(await world.pass()).toMatchObject({ message: "the registry answers" });
    expect(world.asked).toMatchObject([{ credentials: { password: "pw" } }]);
  });

  test("count at once when they change, for the registry and for layers", async () => {
    const key = world.put(withLogin());
    world.secret("login", login("old"));
    world.answer = async ({ credentials }) => {
      if (credentials?.kind === "basic" && credentials.password === "new") return {};
      throw new Failure("SourceUnauthorized", "no");
    };
    expect(await world.pass()).toMatchObject({ reason: "SourceUnauthorized" });
    world.renewed = [];
    world.secret("login", login("new", "2"));
    expect(world.due.get(key)).toBe(0);
    expect(await world.pass()).toMatchObject({ reason: "Synced" });
    expect(world.renewed).toEqual([key]);
    expect(JSON.stringify(world.statusOf())).not.toMatch(/old|new/);
  });

  test("count at once also as the keys that must have signed: layers that were refused for them try again", async () => {
    const key = world.put(
      registry({ type: "OCI", url: "oci://charts.example.com", verify: { secretRef: { name: "keys" } } }),
    );
    world.secret("keys", login("one"));
    await world.pass();
    world.renewed = [];
    world.secret("keys", login("another", "2"));
    expect(world.due.get(key)).toBe(0);
    await world.pass();
    expect(world.renewed).toEqual([key]);
    expect(world.how).toBe("changed");
  });

  test("that say the same in another version disturb nobody", async () => {
    world.put(withLogin());
    world.secret("login", login("pw"));
    await world.pass();
    world.renewed = [];
    world.secret("login", login("pw", "2"));
    await world.pass();
    expect(world.asked).toHaveLength(1);
    expect(world.renewed).toEqual([]);
  });
});

describe("a Registry that changes", () => {
  test("is asked at once where it is now", async () => {
    world.put(registry());
    await world.pass();
    const key = world.put(registry({ url: "https://other.example.com" }, { generation: 2 }));
    expect(world.due.get(key)).toBe(0);
    await world.pass();
    expect(world.asked.map(({ url }) => url)).toEqual(["https://charts.example.com", "https://other.example.com"]);
    expect(world.statusOf()?.observedGeneration).toBe(2);
    expect(world.renewed).toEqual([key, key]);
  });

  test("does not wait for the answer of where it was", async () => {
    world.put(registry());
    world.answer = (_, during) => new Promise((_resolve, reject) => (during.onabort = () => reject(during.reason)));
    const pass = world.pass();
    world.put(registry({ url: "https://other.example.com" }, { generation: 2 }));
    await pass;
    expect(world.statusOf(), "nothing is said of what is no longer so").toBeUndefined();
    world.answer = async () => ({});
    await world.pass();
    expect(world.statusOf()?.observedGeneration).toBe(2);
  });

  test("is forgotten when it goes", async () => {
    const key = world.put(registry());
    await world.pass();
    world.renewed = [];
    world.drop(key);
    await world.pass();
    expect(world.renewed).toEqual([key]);
    expect(world.wiring.accessOf("acme", "private")).toMatchObject({ reason: "ReferenceNotFound" });
  });
});

describe("a process that has just begun", () => {
  beforeEach(async () => {
    world.put(registry({ secretRef: { name: "login" } }));
    world.secret("login", login("pw"));
    await world.pass();
    vi.setSystemTime(START + 20 * MINUTE);
  });

  test("asks nobody and writes nothing before the time", async () => {
    world.restart();
    await world.pass();
    expect(world.asked).toHaveLength(1);
    expect(world.writes).toBe(1);
    expect(world.due.get("acme/private")).toBeCloseTo(34 * MINUTE);
  });

  test("asks when a Secret has changed meanwhile", async () => {
    world.restart();
    world.secret("login", login("other", "2"));
    await world.pass();
    expect(world.asked).toHaveLength(2);
    expect(world.told).toHaveLength(1);
  });

  test("asks when it did not answer before", async () => {
    world.answer = async () => Promise.reject(new Failure("SourceUnavailable", "away"));
    world.put(registry({ secretRef: { name: "login" } }, { generation: 2 }));
    await world.pass();
    world.restart();
    await world.pass();
    expect(world.asked).toHaveLength(3);
    expect(world.told, "the same twice").toHaveLength(2);
  });
});

describe("a tenant's Registry with the name of a shared one", () => {
  const shared = () => registry({}, { name: "public", namespace: "strata-system" });
  const hiding = () => registry({}, { name: "public" });
  const sentence =
    "Registry acme/public has the name of the shared Registry strata-system/public: give it another name, or delete it to use the shared one";

  test("is refused, in its status and to layers, until one of the two goes", async () => {
    const key = world.put(hiding());
    expect(await world.pass(key)).toMatchObject({ status: "True" });
    const other = world.put(shared());
    expect(world.due.get(key), "the shared one concerns it").toBe(0);
    expect(await world.pass(key)).toMatchObject({ status: "False", reason: "Conflict", message: sentence });
    expect(world.wiring.accessOf("acme", "public")).toMatchObject({ reason: "Conflict", message: sentence });
    expect(world.wiring.accessOf("other", "public")).toMatchObject({ name: "Registry strata-system/public" });
    expect(await world.pass(other)).toMatchObject({ status: "True" });
    world.due.clear();
    world.drop(other);
    expect(world.due.get(key)).toBe(0);
    expect(await world.pass(key)).toMatchObject({ status: "True" });
  });
});

describe("who needs a registry", () => {
  test("waits until its Secrets are read", async () => {
    world.put(registry({ secretRef: { name: "login" } }));
    world.secret("login", { kind: "reading" });
    const access = world.wiring.access("acme", "private", signal);
    world.put(registry({}, { name: "other" }));
    world.secret("login", login("pw"));
    expect(await access).toMatchObject({ credentials: { password: "pw" } });
  });

  test("does not wait for ever", async () => {
    vi.spyOn(AbortSignal, "timeout").mockReturnValue(AbortSignal.abort());
    world.put(registry({ secretRef: { name: "login" } }));
    world.secret("login", { kind: "reading" });
    expect(await world.wiring.access("acme", "private", signal)).toMatchObject({ reason: "SourceUnavailable" });
    const cut = AbortSignal.abort(new Error("cut off"));
    await expect(world.wiring.access("acme", "private", cut)).rejects.toThrow("cut off");
  });
});

test("one dead registry holds no other", async () => {
  world.put(registry({}, { name: "dead" }));
  world.put(registry({}, { name: "well" }));
  world.answer = ({ name }) => (name === "Registry acme/dead" ? new Promise(() => {}) : Promise.resolve({}));
  const done = Promise.withResolvers<string>();
  const queue = new WorkQueue({
    groupOf: (key) => key,
    onError: (_, error) => done.reject(error),
    work: async (key, during) => {
      await world.wiring.reconcile(key, during);
      done.resolve(key);
    },
  });
  queue.add("acme/dead");
  queue.add("acme/well");
  expect(await done.promise).toBe("acme/well");
  expect(world.statusOf("acme/well")?.conditions).toMatchObject([{ status: "True" }]);
});

test("a real repository is counted with the password, and says so without", async () => {
  await using server = await startWebServer();
  await using sources = new Sources({ allowedNetworks: LOOPBACK_NETWORKS });
  server.handlers["/index.yaml"] = (request, response) => {
    const isMe = request.headers.authorization === `Basic ${btoa("me:pw")}`;
    const index = { apiVersion: "v1", entries: { shop: [{ version: "1.0.0", urls: ["shop.tgz"] }] } };
    response.writeHead(isMe ? 200 : 401).end(isMe ? JSON.stringify(index) : "");
  };
  world.answer = (access, during) => sources.registries.check(access, during);
  world.put(registry({ url: server.url, secretRef: { name: "login" } }));
  world.secret("login", login("wrong"));
  expect((await world.pass())?.message).toMatch(
    /^Registry acme\/private \(127\.0\.0\.1:\d+\) does not accept the user and password for .*: correct them in the Secret of the Registry$/,
  );
  world.secret("login", login("pw"));
  await world.pass();
  expect(world.statusOf()).toMatchObject({ entries: 1, conditions: [{ status: "True" }] });
});

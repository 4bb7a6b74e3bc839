import fc from "fast-check";
import { expect, test } from "vitest";
import { openWorld, type Replica, SECOND, type World } from "../testing/election.ts";
import { LEASE_TIMES } from "./elector.ts";

const FAULTS: Readonly<Record<string, (replica: Replica, world: World) => void>> = {
  stop: (replica) => replica.stop(),
  resume: (replica) => replica.resume(),
  cut: (replica) => {
    replica.cut = true;
  },
  heal: (replica) => {
    replica.cut = false;
  },
  kill: (replica) => replica.kill(),
  release: (replica) => {
    replica.ended = true;
    void replica.elector.release();
  },
  deafen: (replica) => {
    replica.deaf = true;
  },
  hear: (replica) => {
    replica.deaf = false;
  },
  delete: (_replica, { server }) => server.remove(),
  label: (_replica, { server }) => server.touch(),
  outage: (_replica, { server }) => {
    server.up = false;
  },
  back: (_replica, { server }) => {
    server.up = true;
  },
};

/** Time goes on in small steps; at each, at most one may write. */
async function pass(ms: number, { clock }: World, replicas: readonly Replica[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await clock.advance(250);
    const open = replicas.filter(({ fence }) => fence.isOpen).map(({ identity }) => identity);
    expect(open.length, open.join(" and ")).toBeLessThanOrEqual(1);
  }
}

/** No fault lasts; whoever is alive then leads in the end. */
async function recover(world: World, replicas: readonly Replica[]): Promise<void> {
  world.server.up = true;
  for (const replica of replicas) {
    replica.cut = false;
    replica.deaf = false;
    replica.resume();
  }
  await pass(2 * LEASE_TIMES.durationMs + 4 * SECOND, world, replicas);
  const alive = replicas.filter(({ ended }) => !ended);
  if (alive.length > 0) expect(alive.some(({ fence }) => fence.isOpen)).toBe(true);
}

test("never may two write, whatever happens to them", async () => {
  const step = fc.record({
    fault: fc.constantFrom(...Object.keys(FAULTS)),
    who: fc.nat(2),
    ms: fc.constantFrom(0, 250, 2_000, 2_250, 5_000, 9_750, 15_000, 20_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const world = openWorld();
      const replicas = [await world.start("r0"), await world.start("r1"), await world.start("r2")];
      for (const [life, { fault, who, ms }] of steps.entries()) {
        const replica = replicas[who] as Replica;
        FAULTS[fault]?.(replica, world);
        await pass(ms, world, replicas);
        // The kubelet starts another one in the place of one that ended.
        if (replica.ended) {
          replica.kill();
          replicas[who] = await world.start(`r${3 + life}`);
        }
      }
      await recover(world, replicas);
    }),
    { numRuns: 200 },
  );
}, 60_000);

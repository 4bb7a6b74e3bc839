import type { Profile } from "../api/types.ts";
import type { Failure } from "../errors.ts";
import type { Wait } from "./layer-view.ts";
import { nameOfClosed } from "./listed-layers.ts";
import { layerOf } from "./pack-parts.ts";
import type { PlannedLayer } from "./types.ts";

/** What is closed for reasons outside of the layers that are judged. */
export interface Beside {
  /** All layers wait for it, whatever their order. */
  all?: Wait | undefined;
  /** Why they wait, where a person must mend that: it is told in the place of all else. */
  refusal?: Failure;
  /** The names of all layers of the profile, also of those that are applied on the other side of the cluster. */
  order: readonly string[];
  /** By name: layers of the other side that have not opened their gate. */
  closed: ReadonlyMap<string, Wait>;
}

/**
 * The gates of a profile's layers, as they are found on the way through the list: by `ordering: List` a layer waits for all
 * above it, by `Graph` for those that its `dependsOn` names. The parts of a pack come one after the other in any case.
 */
export class Gates {
  readonly #isGraph: boolean;
  readonly #beside: Beside;
  readonly #closed: Map<string, Wait>;

  constructor({ spec }: Pick<Profile, "spec">, beside: Beside | undefined) {
    this.#isGraph = spec.ordering === "Graph";
    this.#beside = beside ?? { order: spec.layers.map(({ name }) => name), closed: new Map() };
    this.#closed = new Map(this.#beside.closed);
  }

  /** What a layer waits for, if its turn has not come. */
  before({ spec }: PlannedLayer): Wait | undefined {
    const { all, order } = this.#beside;
    const own = layerOf(spec);
    const above = this.#isGraph ? (spec.dependsOn ?? []) : order.slice(0, Math.max(0, order.indexOf(own)));
    return all ?? [...above, own].map((name) => this.#closed.get(name)).find((wait) => wait !== undefined);
  }

  /** Takes note of a layer whose gate is closed. */
  close(layer: PlannedLayer): void {
    const name = layerOf(layer.spec);
    if (this.#closed.has(name)) return;
    this.#closed.set(name, { on: `layer ${nameOfClosed(layer)}`, reason: "WaitingForLayer" });
  }
}

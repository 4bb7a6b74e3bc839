import type { ProfileDeployment } from "../../src/api/types.ts";
import { paintState } from "../../src/cli/states.ts";
import { type TableColumn, table } from "../../src/cli/table.ts";
import type { Platform } from "./platform.ts";
import { type Screen, seconds } from "./screen.ts";

/** The layers of all clusters, drawn whenever an object changes; in a pipe, a line when a layer changes over all clusters. */
export class LayerTable {
  readonly #screen: Screen;
  readonly #platform: Platform;
  readonly #clusters: readonly string[];
  readonly #layers: readonly string[];

  constructor(screen: Screen, platform: Platform, names: { clusters: readonly string[]; layers: readonly string[] }) {
    this.#screen = screen;
    this.#platform = platform;
    this.#clusters = names.clusters;
    this.#layers = names.layers;
  }

  /** Shows the table live until the work ends, and leaves its last state there; with `leaves: false` only in a terminal. */
  async during(work: Promise<unknown>, { leaves = true } = {}): Promise<void> {
    const startedAt = performance.now();
    const told = new Map<string, number>();
    const draw = () => {
      const news = this.#news(told);
      if (this.#screen.isLive) this.#screen.draw(this.#lines());
      else
        for (const line of news) this.#screen.output(`${seconds(performance.now() - startedAt).padStart(7)}  ${line}`);
    };
    this.#news(told);
    this.#screen.draw(this.#lines());
    const forgets = [this.#platform.deployments.onEvent(draw), this.#platform.profiles.onEvent(draw)];
    try {
      await work;
    } finally {
      for (const forget of forgets) forget();
      if (leaves || this.#screen.isLive) this.#screen.settle(this.#lines());
    }
  }

  /** A line for each layer that has come to an end on all clusters, once for each version of the profile, as it is rolled up. */
  #news(told: Map<string, number>): string[] {
    const { metadata: { generation = 0 } = {}, status } = this.#platform.profile ?? {};
    if (status?.observedGeneration !== generation) return [];
    const width = Math.max(...this.#layers.map(({ length }) => length));
    return (status.layers ?? []).flatMap(({ name, state, ready = "" }) => {
      const [done, all] = ready.split("/");
      if (done !== all || told.get(name) === generation) return [];
      told.set(name, generation);
      return [`${name.padEnd(width)}  ${state} ${ready}`];
    });
  }

  #lines(): string[] {
    const columns: TableColumn<string>[] = [
      { heading: "CLUSTER", cell: (cluster) => cluster },
      ...this.#layers.map((layer) => this.#column(layer)),
    ];
    return table(columns, this.#clusters, { colours: this.#screen.isLive }).trimEnd().split("\n");
  }

  #column(layer: string): TableColumn<string> {
    const row = (cluster: string) => rowOf(this.#platform.on(cluster), layer);
    return {
      // Room for the longest cell, so that nothing jumps while it is drawn over.
      heading: this.#screen.isLive ? layer.toUpperCase().padEnd(13) : layer.toUpperCase(),
      cell: (cluster) => [row(cluster)?.state, row(cluster)?.ready].filter(Boolean).join(" "),
      paint: (text, cluster) => paintState(text, row(cluster)?.state ?? ""),
    };
  }
}

type Rows = NonNullable<NonNullable<ProfileDeployment["status"]>["layers"]>;

/** What a deployment says of one of its layers. */
export function rowOf(deployment: ProfileDeployment | undefined, layer: string): Rows[number] | undefined {
  return deployment?.status?.layers?.find(({ name }) => name === layer);
}

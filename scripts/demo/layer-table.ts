import type { ClusterProfile, ProfileDeployment } from "../../src/api/types.ts";
import { paintState } from "../../src/cli/states.ts";
import { type TableColumn, table } from "../../src/cli/table.ts";
import type { Platform } from "./platform.ts";
import type { Screen } from "./screen.ts";

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

  /** Shows the table live until the work ends, and leaves its last state. */
  async during(work: Promise<unknown>): Promise<void> {
    const startedAt = performance.now();
    const told = new Map<string, string>();
    const draw = () => {
      if (this.#screen.isLive) this.#screen.draw(this.#lines());
      else this.#tellChanges(told, performance.now() - startedAt);
    };
    draw();
    const forgets = [this.#platform.deployments.onEvent(draw), this.#platform.profiles.onEvent(draw)];
    try {
      await work;
    } finally {
      for (const forget of forgets) forget();
      this.#screen.settle(this.#lines());
    }
  }

  /** Layers over all clusters, as the profile rolls them up. */
  #tellChanges(told: Map<string, string>, ms: number): void {
    for (const { name, state, ready } of this.#platform.profile?.status?.layers ?? []) {
      const text = [name.padEnd(longest(this.#layers)), state.padEnd(9), ready].filter(Boolean).join("  ");
      if (told.get(name) !== text && told.has(name))
        this.#screen.say(`${(ms / 1000).toFixed(1).padStart(5)}s  ${text}`);
      told.set(name, text);
    }
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
      heading: layer.toUpperCase(),
      cell: (cluster) => [row(cluster)?.state, row(cluster)?.ready].filter(Boolean).join(" "),
      paint: (text, cluster) => paintState(text, row(cluster)?.state ?? ""),
    };
  }
}

function longest(texts: readonly string[]): number {
  return Math.max(...texts.map(({ length }) => length));
}

type Rows = NonNullable<NonNullable<ProfileDeployment["status"]>["layers"]>;

/** What a deployment says of one of its layers. */
export function rowOf(deployment: ProfileDeployment | undefined, layer: string): Rows[number] | undefined {
  return deployment?.status?.layers?.find(({ name }) => name === layer);
}

/** The names of a profile's layers, in order. */
export function layersOf(profile: ClusterProfile): string[] {
  return profile.spec.layers.map(({ name }) => name);
}

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClusterProfile, ProfileDeployment } from "../../src/api/types.ts";
import { HUB_RESOURCES } from "../../src/kube/hub/kinds.ts";
import { Followed, reached } from "./follow.ts";
import type { Screen } from "./screen.ts";
import type { Stage } from "./stage.ts";

export const NAMESPACE = "acme";
export const PROFILE = "platform";
const FILE = "profile.yaml";

/** One step of the story gets this much patience, on a machine that has much else to do. */
const PATIENCE_SECONDS = 90;

/** The example profile: its file, and what the hub's objects say of it. */
export class Platform implements Disposable {
  readonly profiles: Followed<ClusterProfile>;
  readonly deployments: Followed<ProfileDeployment>;
  readonly file: string;
  readonly #stage: Stage;
  readonly #signal: AbortSignal;

  private constructor(stage: Stage, signal: AbortSignal, followed: Pick<Platform, "profiles" | "deployments">) {
    this.#stage = stage;
    this.#signal = signal;
    this.profiles = followed.profiles;
    this.deployments = followed.deployments;
    this.file = join(stage.folder, FILE);
  }

  static async open(stage: Stage, signal: AbortSignal): Promise<Platform> {
    const scope = { namespace: NAMESPACE };
    const [profiles, deployments] = await Promise.all([
      Followed.open<ClusterProfile>(stage.hub.client, HUB_RESOURCES.ClusterProfile, scope),
      Followed.open<ProfileDeployment>(stage.hub.client, HUB_RESOURCES.ProfileDeployment, scope),
    ]);
    return new Platform(stage, signal, { profiles, deployments });
  }

  get profile(): ClusterProfile | undefined {
    return this.profiles.all.find(({ metadata }) => metadata.name === PROFILE);
  }

  /** The deployment on a cluster. */
  on(cluster: string): ProfileDeployment | undefined {
    return this.deployments.all.find(({ spec }) => spec.clusterRef.name === cluster);
  }

  /** The sentence that the profile itself says. */
  get sentence(): string {
    return this.profile?.status?.summary?.message ?? "";
  }

  /** Whether the profile says, of its present spec, that it is done on so many clusters, and on how many of all. */
  isDoneOn(clusters: number): boolean {
    const { metadata, status } = this.profile ?? {};
    if (status === undefined || status.observedGeneration !== metadata?.generation) return false;
    return status.clusters === this.#stage.clusters.length && status.readyClusters === clusters;
  }

  /** Replaces one text in the profile's file, and shows it. */
  async edit(screen: Screen, from: string, to: string): Promise<void> {
    const text = await readFile(this.file, "utf8");
    if (text.split(from).length !== 2) throw new Error(`${FILE} has "${from}" not exactly once`);
    await writeFile(this.file, text.replace(from, to));
    screen.change(FILE, from.trim().replace(/\s*\n\s*/g, ", "), to.trim().replace(/\s*\n\s*/g, ", "));
  }

  /** `kubectl apply` of the profile's file, as it is now. Resolves with the generation that it has then. */
  async apply(screen: Screen): Promise<void> {
    await this.run(screen, ["apply", "--server-side", "-f", FILE]);
  }

  /** Shows a kubectl command, runs it, and gives what it prints. */
  async run(screen: Screen, args: readonly string[]): Promise<string> {
    screen.command(["kubectl", ...args].map(quoted).join(" "));
    const inFolder = args.map((arg, index) =>
      args[index - 1] === "-f" && arg !== "-" ? join(this.#stage.folder, arg) : arg,
    );
    return await this.#stage.kubectlOk(inFolder);
  }

  /** Waits until the objects of the hub say so. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await reached([this.profiles, this.deployments], condition, this.patience(what));
  }

  patience(what: string): Parameters<typeof reached>[2] {
    const instead = () => `The profile says: ${this.sentence || "nothing"}`;
    return { what, seconds: PATIENCE_SECONDS, instead, signal: this.#signal };
  }

  [Symbol.dispose](): void {
    this.profiles[Symbol.dispose]();
    this.deployments[Symbol.dispose]();
  }
}

/** As a shell takes it. */
function quoted(arg: string): string {
  return /^[-\w./:=,@]+$/.test(arg) ? arg : `'${arg}'`;
}

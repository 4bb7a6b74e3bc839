import type { KubeObject } from "../objects/types.ts";
import { countAt, type Fields, listAt, mapAt, specOf, statusOf, textAt } from "./fields.ts";

/** A container of a pod: what is wanted and what it does. */
export interface Container {
  name: string;
  /** `container`, `init container` or `sidecar` (KEP-753: an init container that is restarted always). */
  role: string;
  isInit: boolean;
  image: string;
  memoryLimit: string;
  ready: boolean;
  /** False while a startup probe has not passed; undefined when kubelet does not say. */
  started: boolean | undefined;
  restarts: number;
  waiting: Fields | undefined;
  running: boolean;
  /** Its end: of this run, or of the one before. */
  ended: Ending | undefined;
}

export interface Ending {
  exitCode: number;
  reason: string;
  /** What the runtime says; for a container that ran, this could be its own output, so look at `reason` first. */
  message: string;
  /** Whether it has ended now, and does not run again yet. */
  now: boolean;
}

/** The containers of a pod that have a status, init containers first, each group in kubelet's order. */
export function containersOf(pod: KubeObject): Container[] {
  const status = statusOf(pod);
  const spec = specOf(pod);
  const inits = listAt(spec, "initContainers");
  return [
    ...listAt(status, "initContainerStatuses").map((entry) => container(entry, inits, true)),
    ...listAt(status, "containerStatuses").map((entry) => container(entry, listAt(spec, "containers"), false)),
  ];
}

function container(status: Fields, specs: readonly Fields[], isInit: boolean): Container {
  const name = textAt(status, "name");
  const spec = specs.find((candidate) => textAt(candidate, "name") === name) ?? {};
  const sidecar = isInit && textAt(spec, "restartPolicy") === "Always";
  const state = mapAt(status, "state");
  const started = status["started"];
  return {
    name,
    role: sidecar ? "sidecar" : isInit ? "init container" : "container",
    isInit: isInit && !sidecar,
    image: textAt(spec, "image") || textAt(status, "image"),
    memoryLimit: textAt(mapAt(spec, "resources", "limits"), "memory"),
    ready: status["ready"] === true,
    started: typeof started === "boolean" ? started : undefined,
    restarts: countAt(status, "restartCount"),
    waiting: "waiting" in state ? mapAt(state, "waiting") : undefined,
    running: "running" in state,
    ended: ending(mapAt(state, "terminated"), true) ?? ending(mapAt(status, "lastState", "terminated"), false),
  };
}

function ending(terminated: Fields, now: boolean): Ending | undefined {
  if (Object.keys(terminated).length === 0) return undefined;
  return {
    exitCode: countAt(terminated, "exitCode"),
    reason: textAt(terminated, "reason"),
    message: textAt(terminated, "message"),
    now,
  };
}

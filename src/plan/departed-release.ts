import { type LayerRelease, releaseText } from "../membership/applyset.ts";
import { wantedRelease } from "./chart-layer.ts";
import type { LayerView } from "./layer-view.ts";
import type { RemovalView } from "./removal.ts";
import type { Seen } from "./seen.ts";
import type { PlannedLayer } from "./types.ts";
import { evaluateDeparted } from "./uninstall.ts";

interface Surroundings {
  seen: Seen;
  prepared: NonNullable<Seen["site"]["prepared"]>;
}

/**
 * A layer that is Ready, with what is left of a Helm release that it had before: under another name, in another namespace, or
 * of a chart where there are manifests now. That release is uninstalled; its objects are the layer's.
 */
export function withDeparted(view: LayerView, layer: PlannedLayer, around: Surroundings): LayerView {
  if (view.state !== "Ready" || view.step) return view;
  for (const release of departed(layer, around)) {
    const going = evaluateDeparted(release, around);
    if (going) return leavingView(view, release, going);
  }
  return view;
}

function departed(layer: PlannedLayer, { prepared }: Surroundings): LayerRelease[] {
  const { name } = layer.spec;
  const wanted = wantedRelease(layer);
  const present = wanted && releaseText({ layer: name, ...wanted });
  return prepared.parent.releases.filter((release) => release.layer === name && releaseText(release) !== present);
}

function leavingView(view: LayerView, { namespace, name }: LayerRelease, going: RemovalView): LayerView {
  const { failure, step, hooks } = going;
  const times = [view.wakeAt, going.wakeAt].filter((time) => time !== undefined);
  const words = `Helm release ${namespace}/${name}, which the layer had before: ${going.message}`;
  return {
    ...view,
    ...(failure ? { state: failure.state, reason: failure.reason, failure } : {}),
    message: failure ? words : `${view.message}; ${words}`,
    leaving: true,
    ...(step ? { step } : {}),
    ...(times.length > 0 ? { wakeAt: Math.min(...times) } : {}),
    hooks: {
      named: [...(view.hooks?.named ?? []), ...(hooks?.named ?? [])],
      late: [...(view.hooks?.late ?? []), ...(hooks?.late ?? [])],
    },
  };
}

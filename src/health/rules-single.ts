import type { KubeObject } from "../objects/types.ts";
import { conditionOf, countAt, listAt, mapAt, specOf, statusOf, textAt } from "./fields.ts";
import { reasoned } from "./text.ts";
import { CURRENT, failed, inProgress, type Verdict } from "./verdict.ts";

export function pod(object: KubeObject): Verdict {
  const status = statusOf(object);
  const phase = textAt(status, "phase");
  switch (phase) {
    case "Succeeded":
      return CURRENT;
    case "Failed":
      return failed(
        reasoned(textAt(status, "reason"), textAt(status, "message")) || "a container failed, and is not restarted",
      );
    case "Running":
      return runningPod(object);
    case "Pending":
      return pendingPod(object);
    case "":
      return inProgress("is not seen by the cluster yet");
    default:
      return inProgress(`phase is ${phase}`);
  }
}

function runningPod(object: KubeObject): Verdict {
  if (conditionOf(object, "Ready")?.status === "True") return CURRENT;
  const looping = listAt(statusOf(object), "containerStatuses")
    .filter((container) => textAt(mapAt(container, "state", "waiting"), "reason") === "CrashLoopBackOff")
    .map((container) => textAt(container, "name"));
  return looping.length > 0
    ? failed(`CrashLoopBackOff: ${looping.join(", ")}`)
    : inProgress("is running, but not ready");
}

/** kstatus calls an unschedulable pod Failed after 15 s; an autoscaler may need minutes, and the layer has a timeout. */
function pendingPod(object: KubeObject): Verdict {
  const scheduled = conditionOf(object, "PodScheduled");
  if (scheduled?.status !== "False") return inProgress("is not running yet");
  return inProgress(scheduled.message === "" ? "is not scheduled yet" : `is not scheduled: ${scheduled.message}`);
}

/**
 * A Job is Current when it is complete. kstatus calls it Current as soon as it runs, but whoever puts a migration
 * before an application means its end (Flux reads Jobs so too).
 */
export function job(object: KubeObject): Verdict {
  const spec = specOf(object);
  const status = statusOf(object);
  if (conditionOf(object, "Complete")?.status === "True") return CURRENT;
  const failure = conditionOf(object, "Failed");
  if (failure?.status === "True") return failed(reasoned(failure.reason, failure.message) || "failed");
  if (spec["suspend"] === true) return inProgress("is suspended");
  if (textAt(status, "startTime") === "") return inProgress("is not started yet");
  return inProgress(`${jobCount(object)} completed${failedPods(countAt(status, "failed"))}`);
}

/** `1/3`: without `completions` a Job is a work queue, complete when one pod succeeds. */
export function jobCount(object: KubeObject): string {
  return `${countAt(statusOf(object), "succeeded")}/${countAt(specOf(object), "completions", 1)}`;
}

const failedPods = (count: number): string => (count === 0 ? "" : `, ${count} failed`);

/**
 * A claim whose class binds late (`WaitForFirstConsumer`) stays InProgress until a pod uses it, as kstatus has it: the
 * claim alone does not tell. A lost claim stays lost, so it is Failed here.
 */
export function persistentVolumeClaim(object: KubeObject): Verdict {
  const phase = textAt(statusOf(object), "phase");
  if (phase === "Bound") return CURRENT;
  if (phase === "Lost") return failed("has lost its volume");
  return inProgress("is not bound yet");
}

/** A load balancer is there when it has an address. kstatus asks for the cluster IP only; Helm asks for the address. */
export function service(object: KubeObject): Verdict {
  const spec = specOf(object);
  if (textAt(spec, "type") !== "LoadBalancer") return CURRENT;
  if (textAt(spec, "clusterIP") === "") return inProgress("has no cluster IP yet");
  const external = spec["externalIPs"];
  if (Array.isArray(external) && external.length > 0) return CURRENT;
  const addresses = listAt(mapAt(statusOf(object), "loadBalancer"), "ingress");
  return addresses.length > 0 ? CURRENT : inProgress("has no load balancer address yet");
}

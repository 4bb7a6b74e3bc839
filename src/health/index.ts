/** The face of the room: what other rooms may import. Pure: no clock, no network, no files. */
export { assess, awaitsController } from "./assess.ts";
export { endOfJob, type JobEnd } from "./ended-job.ts";
export { type Evidence, evidenceFor, podsOf } from "./evidence.ts";
export { explain } from "./explain.ts";
export { compileHealthChecks, covers, evaluate, type HealthCheck } from "./health-checks.ts";
export { hasHealth } from "./statusless.ts";
export type { Verdict } from "./verdict.ts";

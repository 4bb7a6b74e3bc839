import { Failure } from "../errors.ts";
import { parseApiVersion } from "../objects/identity.ts";

/**
 * Why something has to wait while an aggregated API is away: discovery says no more of it than that it is `Stale` (KEP-3352), and
 * nobody can tell which kinds it has and what there is of them. Kubernetes deletes no namespace meanwhile either.
 *
 * @param apis as discovery names them: `metrics.k8s.io/v1beta1`
 */
export function unanswered(what: string, apis: readonly string[]): Failure {
  const names = apis.map((api) => {
    const { group, version } = parseApiVersion(api);
    return `${version}.${group}`;
  });
  return new Failure(
    "ServerError",
    `${what}: API ${apis.join(", ")} does not answer, and nobody can tell what there is of it: it is waited for; ` +
      `if it is gone for good, delete it: kubectl delete apiservice ${names.join(" ")}`,
  );
}

/** Every name that Strata writes on somebody's cluster, in one place. */

export const GROUP = "strata.dev";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;

/** Strata's own namespace, on the hub and in every target. */
export const SYSTEM_NAMESPACE = "strata-system";

/** The hub itself as a target: virtual in every namespace, reached only by `clusterRefs`. */
export const LOCAL_CLUSTER = "local";

/** Where a kubeconfig stands in a Secret, if nothing else is said. */
export const KUBECONFIG_KEY = "kubeconfig";

export const FINALIZER = `${GROUP}/cleanup`;

/** ApplySet labels and annotations (KEP-3659). */
export const PART_OF_LABEL = "applyset.kubernetes.io/part-of";
export const APPLYSET_ID_LABEL = "applyset.kubernetes.io/id";
export const APPLYSET_TOOLING_ANNOTATION = "applyset.kubernetes.io/tooling";
export const APPLYSET_KINDS_ANNOTATION = "applyset.kubernetes.io/contains-group-kinds";
export const APPLYSET_NAMESPACES_ANNOTATION = "applyset.kubernetes.io/additional-namespaces";

/** On every member: `<layer>/<digest of the desired object>`. */
export const LAYER_ANNOTATION = `${GROUP}/layer`;
/** On a member that existed before Strata took it over: it is released, not deleted. */
export const ADOPTED_ANNOTATION = `${GROUP}/adopted`;
/** By people, on an object or in its manifest: `Disabled` gives it back where it would be deleted. */
export const PRUNE_ANNOTATION = `${GROUP}/prune`;
/** By people, on an object: `Disabled` leaves it as it is, whatever its layer wants and whoever changed it. */
export const RECONCILE_ANNOTATION = `${GROUP}/reconcile`;
/** On the parent: the profile whose objects the ApplySet holds, for people and for conflict messages. */
export const PROFILE_ANNOTATION = `${GROUP}/profile`;
/** On the parent: the uid of the hub's kube-system namespace. */
export const HUB_ANNOTATION = `${GROUP}/hub`;

/** On a namespace that a layer's `namespace:` created: it goes when its last user leaves and nothing else is in it. */
export const CREATED_ANNOTATION = `${GROUP}/created`;
/** Followed by the parent's short hash: one label per ApplySet that uses a namespace. */
export const NAMESPACE_USER_LABEL_PREFIX = `user.${GROUP}/`;

/** On a Registry in Strata's own namespace: the operator's chart lists it, and it goes when the chart lists it no more. */
export const DEFAULT_REGISTRY_LABEL = `${GROUP}/default-registry`;

/** On a Helm release record (and on a stored set): the parent of the ApplySet that it belongs to. */
export const PARENT_LABEL = `${GROUP}/parent`;
/** On a Helm release record: the layer whose release it is. */
export const RELEASE_LAYER_LABEL = `${GROUP}/layer`;
/** On a Helm release record: the revision and the inputs it was made for. Helm hands labels on to records of its own making. */
export const RELEASE_REVISION_LABEL = `${GROUP}/revision`;
export const RELEASE_INPUTS_LABEL = `${GROUP}/inputs`;
/** On a Helm release record whose revision was Ready: the seal of what a rollback to it would apply. */
export const RELEASE_SEAL_LABEL = `${GROUP}/seal`;
/** On a Helm release record: how many of the chart's tests have succeeded. */
export const RELEASE_TESTS_LABEL = `${GROUP}/tests-passed`;
/** On a Helm release record that Strata wrote last: what of the revision is done. Helm drops annotations when it writes one. */
export const RELEASE_ANNOTATION = `${GROUP}/release`;
/** On a hook's object: the run that it belongs to. */
export const HOOK_ANNOTATION = `${GROUP}/hook`;

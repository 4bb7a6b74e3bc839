import { OUTPUTS, REGISTRIES, VARIABLES } from "./bad-spec-inputs.ts";
import {
  addOnProfile,
  type BadSpec,
  chart,
  clusterProfile,
  configMap,
  deployment,
  helm,
  LABEL_NAME,
  local,
  long,
  manifests,
  OBJECT_NAME,
  plain,
  RANGE,
  type Row,
  systemProfile,
  targetCluster,
  withLayers,
} from "./bad-spec-objects.ts";
import { ORDER } from "./bad-spec-order.ts";

const withSource = (source: object) => withLayers({ name: "plain", manifests: [source] });
const sha256 = "0f".repeat(32);
const artifact = { repo: "oci://registry.example.com/manifests", artifact: "app", version: "1.0.0" };
const flux = { kind: "GitRepository", name: "apps" };
const withHelm = (fields: object) => withLayers({ ...helm, helm: { ...chart, ...fields } });
const pack = { registryRef: { name: "packs" }, name: "app", version: "1.0.0" };
const withPack = (fields: object) => withLayers({ name: "app", pack: { ...pack, ...fields } });
const withValues = (source: object) => withLayers({ ...helm, valuesFrom: [source] });
const withPatch = (fields: object) => withLayers({ ...plain, patches: [fields] });
const withIgnored = (rule: object) => withLayers({ ...plain, drift: { ignore: [rule] } });
const withCheck = (fields: object) =>
  withLayers({ ...plain, healthChecks: [{ apiVersion: "v1", kind: "Pod", current: "true", ...fields }] });
const core = (...types: string[]) => withLayers(...types.map((type, index) => ({ ...plain, name: `l${index}`, type })));
const manyLabels = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${index}`, "x"]));

const ready = (readyWhen: object) => clusterProfile({ ...local, readyWhen, layers: [plain] });

const UNAVAILABLE = "maxUnavailable must be a number from 0 on, or a percentage from 0% to 100%, such as 1 or 10%";
const ONE_TARGETING = "exactly one of clusterRefs and clusterSelector must be set";
const ONE_SOURCE = "exactly one of pack, helm and manifests must be set, or expect alone";
const ONE_PLACE = "exactly one of repo and registryRef must be set";
const PACK_NAME = 'name must consist of lower case letters, digits, "-", "_" and "."';
const ONE_MANIFEST =
  "exactly one of object, inline, configMapRef, configMapKeyRef, secretRef, secretKeyRef, url, oci and sourceRef must be set";
const CORE_ORDER =
  "layers of type OS, Kubernetes, Network and Storage must stand in this order (other layers may stand between)";
const CORE_ONCE = "there can be at most one layer each of type OS, Kubernetes, Network and Storage";
const ADD_ONS = "only a ClusterProfile may have layers of type OS, Kubernetes, Network or Storage";
const DURATION = "timeout must be a duration from 1s to 24h, such as 90s, 10m or 1h30m";
const GRACE = DURATION.replace("timeout", "deletionGrace");
const REPO = "repo must be a URL that starts with https://, http:// or oci://, without credentials, query or fragment";
const VERSION = `version ${RANGE}`;
const SEMVER = "version must be a semantic version such as 1.4.0 or 1.4.0-rc.1";
const SELECTOR_VALUES = "values are required with In and NotIn, and must be left out with Exists and DoesNotExist";
const SYSTEM_NAMESPACE = "namespace is required, except for the cluster local, which has none";
const NAMESPACE_SELECTOR =
  "namespaceSelector is required with clusterSelector ({} takes all namespaces), and only allowed with it";
const RESERVED = "the name local is reserved for the cluster that Strata runs in, which needs no TargetCluster";

const selecting = (requirement: object) =>
  clusterProfile({ clusterSelector: { matchExpressions: [requirement] }, layers: [plain] });

// biome-ignore format: one row a line
const TARGETS: Row[] = [
  ["no spec", { ...clusterProfile({}), spec: undefined } as unknown as BadSpec["object"], "spec", "Required value"],
  ["an empty spec", clusterProfile({}), "spec.layers", "Required value"],
  ["neither names nor a selector of clusters", clusterProfile({ layers: [plain] }), "spec", ONE_TARGETING],
  ["both names and a selector of clusters", addOnProfile({ ...local, clusterSelector: {}, layers: [plain] }), "spec", ONE_TARGETING],
  ["an empty list of clusters", clusterProfile({ clusterRefs: [], layers: [plain] }), "spec.clusterRefs", "should have at least 1 items"],
  ["too many clusters by name", clusterProfile({ clusterRefs: Array.from({ length: 257 }, (_, i) => ({ name: `c${i}` })), layers: [plain] }), "spec.clusterRefs", "must have at most 256 items"],
  ["one cluster twice", clusterProfile({ clusterRefs: [{ name: "edge" }, { name: "edge" }], layers: [plain] }), "spec.clusterRefs[1]", "Duplicate value"],
  ["a cluster name with upper case", clusterProfile({ clusterRefs: [{ name: "Edge" }], layers: [plain] }), "spec.clusterRefs[0].name", `name ${OBJECT_NAME}`],
  ["a tenant that reaches for another namespace", addOnProfile({ clusterRefs: [{ name: "edge", namespace: "other" }], layers: [plain] }), "spec.clusterRefs[0].namespace", "unknown field"],
  ["a selector as text", clusterProfile({ clusterSelector: "env=prod", layers: [plain] }), "spec.clusterSelector", "must be of type object"],
  ["an unknown operator", selecting({ key: "env", operator: "Is", values: ["a"] }), "spec.clusterSelector.matchExpressions[0].operator", 'supported values: "In", "NotIn", "Exists", "DoesNotExist"'],
  ["In without values", selecting({ key: "env", operator: "In" }), "spec.clusterSelector.matchExpressions[0]", SELECTOR_VALUES],
  ["Exists with values", selecting({ key: "env", operator: "Exists", values: ["a"] }), "spec.clusterSelector.matchExpressions[0]", SELECTOR_VALUES],
  ["a label key with a space", selecting({ key: "my env", operator: "Exists" }), "spec.clusterSelector.matchExpressions[0].key", "key must be a label key such as env or topology.kubernetes.io/region"],
  ["too many labels", clusterProfile({ clusterSelector: { matchLabels: manyLabels }, layers: [plain] }), "spec.clusterSelector.matchLabels", "must have at most 64 items"],
  ["a label value that is a number", clusterProfile({ clusterSelector: { matchLabels: { env: 1 } }, layers: [plain] }), "spec.clusterSelector.matchLabels.env", "must be of type string"],
];

// biome-ignore format: one row a line
const PROFILE: Row[] = [
  ["a profile version that is a range", clusterProfile({ ...local, version: "1.x", layers: [plain] }), "spec.version", SEMVER],
  ["an empty service account", clusterProfile({ ...local, serviceAccountName: "", layers: [plain] }), "spec.serviceAccountName", `serviceAccountName ${OBJECT_NAME}`],
  ["a service account as Kubernetes spells users", addOnProfile({ ...local, serviceAccountName: "system:masters", layers: [plain] }), "spec.serviceAccountName", `serviceAccountName ${OBJECT_NAME}`],
  ["a namespace with a slash", clusterProfile({ ...local, namespace: "a/b", layers: [plain] }), "spec.namespace", `namespace ${LABEL_NAME}`],
  ["fewer than no clusters that may be late", ready({ maxUnavailable: -1 }), "spec.readyWhen.maxUnavailable", UNAVAILABLE],
  ["more than all clusters that may be late", ready({ maxUnavailable: "101%" }), "spec.readyWhen.maxUnavailable", UNAVAILABLE],
  ["clusters that may be late, as a text without a percent sign", ready({ maxUnavailable: "1" }), "spec.readyWhen.maxUnavailable", UNAVAILABLE],
  ["clusters that may be late, as a fraction", ready({ maxUnavailable: 0.5 }), "spec.readyWhen.maxUnavailable", "must be of type integer,string"],
  ["readyWhen with a misspelled field", ready({ maxUnvailable: 1 }), "spec.readyWhen.maxUnvailable", "unknown field"],
  ["an unknown deletion policy", clusterProfile({ ...local, deletionPolicy: "Keep", layers: [plain] }), "spec.deletionPolicy", 'supported values: "Delete", "Orphan"'],
  ["an unknown unmatch policy", clusterProfile({ ...local, unmatchPolicy: "Keep", layers: [plain] }), "spec.unmatchPolicy", 'supported values: "Delete", "Orphan"'],
  ["a deletion grace of days", clusterProfile({ ...local, deletionGrace: "2d", layers: [plain] }), "spec.deletionGrace", GRACE],
  ["a deletion grace of nothing", clusterProfile({ ...local, deletionGrace: "0s", layers: [plain] }), "spec.deletionGrace", GRACE],
  ["a misspelled field", clusterProfile({ ...local, layer: [], layers: [plain] }), "spec.layer", "unknown field"],
];

// biome-ignore format: one row a line
const LAYERS: Row[] = [
  ["no layers", clusterProfile({ ...local, layers: [] }), "spec.layers", "should have at least 1 items"],
  ["too many layers", withLayers(...Array.from({ length: 65 }, (_, i) => ({ ...plain, name: `l${i}` }))), "spec.layers", "must have at most 64 items"],
  ["two layers of one name", withLayers(plain, { ...plain }), "spec.layers", "each layer must have a name of its own"],
  ["a layer without a name", withLayers({ manifests }), "spec.layers[0].name", "Required value"],
  ["a layer name with a dot", withLayers({ ...plain, name: "a.b" }), "spec.layers[0].name", `name ${LABEL_NAME}`],
  ["a layer name of 64 characters", withLayers({ ...plain, name: long(64) }), "spec.layers[0].name", "may not be more than 63 bytes"],
  ["a misspelled field of a layer", withLayers({ ...plain, helmm: chart }), "spec.layers[0].helmm", "unknown field"],
  ["an unknown layer type", core("Firmware"), "spec.layers[0].type", 'supported values: "OS", "Kubernetes", "Network", "Storage", "AddOn"'],
  ["storage before network", core("Storage", "AddOn", "Network"), "spec.layers", CORE_ORDER],
  ["Kubernetes before the OS", core("Kubernetes", "OS"), "spec.layers", CORE_ORDER],
  ["two network layers", core("Network", "Network"), "spec.layers", CORE_ONCE],
  ["a core layer in an add-on profile", addOnProfile({ ...local, layers: [{ ...plain, type: "Network" }] }), "spec.layers", ADD_ONS],
  ["a core layer in a system profile", systemProfile({ ...local, layers: [{ ...plain, type: "OS" }] }), "spec.layers", ADD_ONS],
  ["a layer without a source", withLayers({ name: "empty" }), "spec.layers[0]", ONE_SOURCE],
  ["an add-on that expects", withLayers({ name: "a", expect: {} }), "spec.layers[0]", "expect is only for a layer of type OS, Kubernetes, Network or Storage"],
  ["a network with a version", withLayers({ name: "a", type: "Network", expect: { version: "1.x" } }), "spec.layers[0]", "expect.version is only for a layer of type Kubernetes"],
  ["a system with a StorageClass", withLayers({ name: "a", type: "OS", expect: { storageClass: "fast" } }), "spec.layers[0]", "expect.storageClass is only for a layer of type Storage"],
  ["a storage with nodes", withLayers({ name: "a", type: "Storage", expect: { nodes: 3 } }), "spec.layers[0]", "expect.nodes is only for a layer of type OS or Kubernetes"],
  ["an architecture that does not exist", withLayers({ name: "a", type: "OS", expect: { architecture: "x86" } }), "spec.layers[0].expect.architecture", "Unsupported value"],
  ["a layer with two sources", withLayers({ ...helm, manifests }), "spec.layers[0]", ONE_SOURCE],
  ["an unknown gate", withLayers({ ...plain, gate: "Healthy" }), "spec.layers[0].gate", 'supported values: "Ready", "Applied"'],
  ["an unknown adoption", withLayers({ ...plain, adoption: "Maybe" }), "spec.layers[0].adoption", 'supported values: "Never", "IfUnowned", "SameRelease", "Always"'],
  ["an unknown prune", withLayers({ ...plain, prune: "Before" }), "spec.layers[0].prune", 'supported values: "AfterApply", "Never"'],
  ["a layer that is suspended by a word", withLayers({ ...plain, suspend: "yes" }), "spec.layers[0].suspend", "must be of type boolean"],
  ["recreate by a word", withLayers({ ...plain, recreate: "Always" }), "spec.layers[0].recreate", "must be of type boolean"],
  ["an unknown way with drift", withLayers({ ...plain, drift: { mode: "Repair" } }), "spec.layers[0].drift.mode", 'supported values: "Correct", "Warn", "Ignore"'],
  ["drift by a word", withLayers({ ...plain, drift: "Warn" }), "spec.layers[0].drift", "must be of type object"],
  ["a misspelled field of drift", withLayers({ ...plain, drift: { ignored: [] } }), "spec.layers[0].drift.ignored", "unknown field"],
  ["no ignored fields", withIgnored({ target: {}, jsonPointers: [] }), "spec.layers[0].drift.ignore[0].jsonPointers", "should have at least 1 items"],
  ["ignored fields of nothing", withIgnored({ jsonPointers: ["/data"] }), "spec.layers[0].drift.ignore[0].target", "Required value"],
  ["an ignored field without a slash", withIgnored({ target: {}, jsonPointers: ["spec.replicas"] }), "spec.layers[0].drift.ignore[0].jsonPointers[0]", "should match"],
  ["an ignored field of no name", withIgnored({ target: {}, jsonPointers: ["/spec//replicas"] }), "spec.layers[0].drift.ignore[0].jsonPointers[0]", "should match"],
  ["one ignored field twice", withIgnored({ target: {}, jsonPointers: ["/a", "/a"] }), "spec.layers[0].drift.ignore[0].jsonPointers[1]", "Duplicate value"],
  ["a patch without a target", withPatch({ patch: "a: 1" }), "spec.layers[0].patches[0].target", "Required value"],
  ["a patch without a patch", withPatch({ target: {} }), "spec.layers[0].patches[0].patch", "Required value"],
  ["a patch that is a map", withPatch({ target: {}, patch: { a: 1 } }), "spec.layers[0].patches[0].patch", "must be of type string", "unknown field"],
  ["an empty patch", withPatch({ target: {}, patch: "" }), "spec.layers[0].patches[0].patch", "should be at least 1 chars long"],
  ["too large a patch", withPatch({ target: {}, patch: long(65_537) }), "spec.layers[0].patches[0].patch", "may not be more than 65536 bytes"],
  ["no patches", withLayers({ ...plain, patches: [] }), "spec.layers[0].patches", "should have at least 1 items"],
  ["a patch of an apiVersion", withPatch({ target: { apiVersion: "v1" }, patch: "a: 1" }), "spec.layers[0].patches[0].target.apiVersion", "unknown field"],
  ["a patch for labels as text", withPatch({ target: { labelSelector: "a=b" }, patch: "a: 1" }), "spec.layers[0].patches[0].target.labelSelector", "must be of type object"],
  ["a patch for a label without values", withPatch({ target: { labelSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }, patch: "a: 1" }), "spec.layers[0].patches[0].target.labelSelector.matchExpressions[0]", SELECTOR_VALUES],
  ["patches of nothing", clusterProfile({ ...local, layers: [{ name: "k", type: "Kubernetes", expect: { version: ">=1.33" }, patches: [{ target: {}, patch: "a: 1" }] }] }), "spec.layers[0]", "patches are only for a layer with pack, helm or manifests"],
  ["a timeout without a unit", withLayers({ ...plain, timeout: "90" }), "spec.layers[0].timeout", DURATION],
  ["a timeout as a number", withLayers({ ...plain, timeout: 90 }), "spec.layers[0].timeout", "must be of type string"],
  ["a timeout of nothing", withLayers({ ...plain, timeout: "0s" }), "spec.layers[0].timeout", DURATION],
  ["a timeout of days", withLayers({ ...plain, timeout: "2d" }), "spec.layers[0].timeout", DURATION],
  ["a timeout above a day", withLayers({ ...plain, timeout: "24h1ms" }), "spec.layers[0].timeout", DURATION],
  ["namespace metadata without a namespace", withLayers({ ...plain, namespaceMetadata: { labels: { a: "b" } } }), "spec", "namespaceMetadata needs a namespace: set the layer's namespace or spec.namespace"],
  ["a health check of no kind", withCheck({ kind: "" }), "spec.layers[0].healthChecks[0].kind", "should be at least 1 chars long"],
  ["a health check without an expression", withLayers({ ...plain, healthChecks: [{ apiVersion: "v1", kind: "Pod" }] }), "spec.layers[0].healthChecks[0].current", "Required value"],
  ["a health check of a group without version", withCheck({ apiVersion: "apps" }), "spec.layers[0].healthChecks[0].apiVersion", "apiVersion must be <group>/<version>, or v1 for the core group"],
  ["a health check in a namespace that cannot be", withCheck({ namespace: "A" }), "spec.layers[0].healthChecks[0].namespace", `namespace ${LABEL_NAME}`],
];

// biome-ignore format: one row a line
const HELM: Row[] = [
  ["a lookup of a group without version", withHelm({ lookup: [{ apiVersion: "apps", kind: "Deployment" }] }), "spec.layers[0].helm.lookup[0].apiVersion", "apiVersion must be <group>/<version>, or v1 for the core group"],
  ["a lookup in an impossible namespace", withHelm({ lookup: [{ apiVersion: "v1", kind: "Secret", namespace: "*" }] }), "spec.layers[0].helm.lookup[0].namespace", `namespace ${LABEL_NAME}`],
  ["a chart from two places", withHelm({ registryRef: { name: "a" } }), "spec.layers[0].helm", ONE_PLACE],
  ["a chart from nowhere", withLayers({ ...helm, helm: { chart: "web", version: "1.0.0" } }), "spec.layers[0].helm", ONE_PLACE],
  ["a registry of another tenant", withHelm({ registryRef: { name: "a", namespace: "other" } }), "spec.layers[0].helm.registryRef.namespace", "unknown field"],
  ["a registry with a bad name", withHelm({ registryRef: { name: "A" } }), "spec.layers[0].helm.registryRef.name", `name ${OBJECT_NAME}`],
  ["a repository without a scheme", withHelm({ repo: "charts.example.com" }), "spec.layers[0].helm.repo", REPO],
  ["a repository with a token in its query", withHelm({ repo: "https://charts.example.com/?sig=secret" }), "spec.layers[0].helm.repo", REPO],
  ["a repository on the file system", withHelm({ repo: "file:///charts" }), "spec.layers[0].helm.repo", REPO],
  ["a repository with credentials", withHelm({ repo: "https://me:secret@charts.example.com" }), "spec.layers[0].helm.repo", REPO],
  ["a chart that is a path", withHelm({ chart: "../web" }), "spec.layers[0].helm.chart", 'chart must consist of letters, digits, "-", "_" and "."'],
  ["a chart without a version", withLayers({ ...helm, helm: { repo: chart.repo, chart: "web" } }), "spec.layers[0].helm.version", "Required value"],
  ["a version in words", withHelm({ version: "latest" }), "spec.layers[0].helm.version", VERSION],
  ["a range with an operator of its own", withHelm({ version: "==1.2.3" }), "spec.layers[0].helm.version", VERSION],
  ["a release name with upper case", withHelm({ releaseName: "Web" }), "spec.layers[0].helm.releaseName", `releaseName ${LABEL_NAME}`],
  ["a release name of 54 characters", withHelm({ releaseName: long(54) }), "spec.layers[0].helm.releaseName", "may not be more than 53 bytes"],
  ["a layer name too long for a release", withLayers({ ...helm, name: long(54) }), "spec.layers[0]", "a Helm release has a name of at most 53 characters: shorten the layer's name or set helm.releaseName"],
  ["a chart without a namespace", withLayers({ name: "web", helm: chart }), "spec", "a layer with helm needs a namespace: set the layer's namespace or spec.namespace"],
  ["values without a chart", withLayers({ ...plain, values: {} }), "spec.layers[0]", "values are only for a layer with helm or pack"],
  ["a list of values", withLayers({ ...helm, values: [1] }), "spec.layers[0].values", "must be of type object"],
  ["values as text", withLayers({ ...helm, values: "a: b" }), "spec.layers[0].values", "must be of type object"],
  ["values from elsewhere without a chart", withLayers({ ...plain, valuesFrom: [{ configMapKeyRef: { name: "a", key: "b" } }] }), "spec.layers[0]", "valuesFrom is only for a layer with helm or pack"],
  ["CRDs without a chart", withLayers({ ...plain, crds: "Skip" }), "spec.layers[0]", "crds is only for a layer with helm or pack"],
  ["attachments without a chart", withLayers({ ...plain, attachments: [{ inline: "a: 1" }] }), "spec.layers[0]", "attachments are only for a layer with helm or pack"],
  ["tests without a chart", withLayers({ ...plain, test: "Warn" }), "spec.layers[0]", "test is only for a layer with helm or pack"],
  ["a rollback without a chart", withLayers({ ...plain, onFailure: "Stop" }), "spec.layers[0]", "onFailure is only for a layer with helm or pack"],
  ["a history without a chart", withLayers({ ...plain, maxHistory: 3 }), "spec.layers[0]", "maxHistory is only for a layer with helm or pack"],
  ["an unknown way with CRDs", withLayers({ ...helm, crds: "Replace" }), "spec.layers[0].crds", 'supported values: "Skip", "Create", "Upgrade"'],
  ["values from nowhere", withValues({ targetPath: "a" }), "spec.layers[0].valuesFrom[0]", "exactly one of configMapKeyRef and secretKeyRef must be set"],
  ["a target path without a key", withValues({ configMapKeyRef: { name: "a", key: "b" }, targetPath: "a..b" }), "spec.layers[0].valuesFrom[0].targetPath", "targetPath must be a path in the values such as license.value or hosts[0].name"],
  ["values from too many places", withLayers({ ...helm, valuesFrom: Array.from({ length: 33 }, () => ({ configMapKeyRef: { name: "a", key: "b" } })) }), "spec.layers[0].valuesFrom", "must have at most 32 items"],
  ["values from two places", withValues({ configMapKeyRef: { name: "a", key: "b" }, secretKeyRef: { name: "a", key: "b" } }), "spec.layers[0].valuesFrom[0]", "exactly one of configMapKeyRef and secretKeyRef must be set"],
  ["a target path with an assignment", withValues({ configMapKeyRef: { name: "a", key: "b" }, targetPath: "a=b" }), "spec.layers[0].valuesFrom[0].targetPath", "targetPath must be a path in the values such as license.value or hosts[0].name"],
];

// biome-ignore format: one row a line
const PACKS: Row[] = [
  ["a pack from nowhere", withPack({ registryRef: undefined }), "spec.layers[0].pack.registryRef", "Required value"],
  ["a pack beside a chart", withLayers({ ...helm, pack }), "spec.layers[0]", ONE_SOURCE],
  ["a pack with upper case", withPack({ name: "App" }), "spec.layers[0].pack.name", PACK_NAME],
  ["a pack without a version", withPack({ version: undefined }), "spec.layers[0].pack.version", "Required value"],
  ["a version of a pack in words", withPack({ version: "latest" }), "spec.layers[0].pack.version", VERSION],
  ["too many presets", withPack({ presets: Array.from({ length: 33 }, (_, i) => `p${i}`) }), "spec.layers[0].pack.presets", "must have at most 32 items"],
  ["an empty preset", withPack({ presets: [""] }), "spec.layers[0].pack.presets[0]", "should be at least 1 chars long"],
  ["one preset twice", withPack({ presets: ["a", "a"] }), "spec.layers[0].pack.presets[1]", "Duplicate value"],
  ["a misspelled field of a pack", withPack({ preset: ["a"] }), "spec.layers[0].pack.preset", "unknown field"],
  ["a pack of another tenant's registry", withPack({ registryRef: { name: "a", namespace: "other" } }), "spec.layers[0].pack.registryRef.namespace", "unknown field"],
  ["no charts from elsewhere", withPack({ charts: [] }), "spec.layers[0].pack.charts", "should have at least 1 items"],
  ["too many charts from elsewhere", withPack({ charts: Array.from({ length: 9 }, (_, i) => ({ name: `c${i}`, repo: chart.repo })) }), "spec.layers[0].pack.charts", "must have at most 8 items"],
  ["one chart from elsewhere twice", withPack({ charts: [{ name: "web", repo: chart.repo }, { name: "web", repo: chart.repo }] }), "spec.layers[0].pack.charts[1]", "Duplicate value"],
  ["a pack's lookup of a group without version", withPack({ lookup: [{ apiVersion: "apps", kind: "Deployment" }] }), "spec.layers[0].pack.lookup[0].apiVersion", "apiVersion must be <group>/<version>, or v1 for the core group"],
  ["a pack's lookup in an impossible namespace", withPack({ lookup: [{ apiVersion: "v1", kind: "Secret", namespace: "*" }] }), "spec.layers[0].pack.lookup[0].namespace", `namespace ${LABEL_NAME}`],
  ["a pack's chart that is a path", withPack({ charts: [{ name: "../web", repo: chart.repo }] }), "spec.layers[0].pack.charts[0].name", 'chart must consist of letters, digits, "-", "_" and "."'],
  ["a pack's chart with credentials in its address", withPack({ charts: [{ name: "web", repo: "https://me:secret@a.example.com" }] }), "spec.layers[0].pack.charts[0].repo", "should match"],
  ["a version of a pack's chart in words", withPack({ charts: [{ name: "web", repo: chart.repo, version: "latest" }] }), "spec.layers[0].pack.charts[0].version", VERSION],
  ["a pack's chart from two places", withPack({ charts: [{ name: "web", repo: chart.repo, registryRef: { name: "a" } }] }), "spec.layers[0].pack.charts[0]", ONE_PLACE],
  ["a pack's chart from nowhere else", withPack({ charts: [{ name: "web" }] }), "spec.layers[0].pack.charts[0]", ONE_PLACE],
];

// biome-ignore format: one row a line
const MANIFESTS: Row[] = [
  ["no manifests", withLayers({ name: "plain", manifests: [] }), "spec.layers[0].manifests", "should have at least 1 items"],
  ["a manifest of nothing", withSource({}), "spec.layers[0].manifests[0]", ONE_MANIFEST],
  ["a manifest of two sources", withSource({ inline: "a", object: configMap }), "spec.layers[0].manifests[0]", ONE_MANIFEST],
  ["an optional inline manifest", withSource({ inline: "a", optional: true }), "spec.layers[0].manifests[0]", "optional is only for references to ConfigMaps and Secrets"],
  ["an optional artifact", withSource({ sourceRef: flux, optional: true }), "spec.layers[0].manifests[0]", "optional is only for references to ConfigMaps and Secrets"],
  ["a file without a digest", withSource({ url: "https://example.com/a.yaml" }), "spec.layers[0].manifests[0]", "url needs sha256: what sha256sum prints for the file"],
  ["a digest of nothing", withSource({ inline: "a", sha256 }), "spec.layers[0].manifests[0]", "sha256 is only for url"],
  ["a digest in capitals", withSource({ url: "https://example.com/a.yaml", sha256: sha256.toUpperCase() }), "spec.layers[0].manifests[0].sha256", "should match '^[0-9a-f]{64}$'"],
  ["a file with credentials in its address", withSource({ url: "https://me:secret@example.com/a.yaml", sha256 }), "spec.layers[0].manifests[0].url", "should match '^https?:"],
  ["a file of another host's disk", withSource({ url: "file:///etc/passwd", sha256 }), "spec.layers[0].manifests[0].url", "should match '^https?:"],
  ["credentials for text in place", withSource({ inline: "a", registryRef: { name: "r" } }), "spec.layers[0].manifests[0]", "registryRef is only for url; oci has its own"],
  ["an artifact from nowhere", withSource({ oci: { artifact: "app", version: "1" } }), "spec.layers[0].manifests[0].oci", ONE_PLACE],
  ["an artifact from two places", withSource({ oci: { ...artifact, registryRef: { name: "r" } } }), "spec.layers[0].manifests[0].oci", ONE_PLACE],
  ["an artifact without a version", withSource({ oci: { repo: artifact.repo, artifact: "app" } }), "spec.layers[0].manifests[0].oci.version", "Required value"],
  ["an artifact of a web server", withSource({ oci: { ...artifact, repo: "https://example.com" } }), "spec.layers[0].manifests[0].oci.repo", "should match '^oci:"],
  ["an artifact that climbs out", withSource({ oci: { ...artifact, artifact: "../app" } }), "spec.layers[0].manifests[0].oci.artifact", "should match"],
  ["a path that climbs out", withSource({ sourceRef: flux, path: "deploy/../../all" }), "spec.layers[0].manifests[0].path", "should match"],
  ["an absolute path", withSource({ oci: artifact, path: "/deploy" }), "spec.layers[0].manifests[0].path", "should match"],
  ["a path in text in place", withSource({ inline: "a", path: "deploy" }), "spec.layers[0].manifests[0]", "path is only for oci and sourceRef"],
  ["a chart of Flux", withSource({ sourceRef: { ...flux, kind: "HelmChart" } }), "spec.layers[0].manifests[0].sourceRef.kind", "Unsupported value"],
  ["another tenant's Flux source", withSource({ sourceRef: { ...flux, namespace: "other" } }), "spec.layers[0].manifests[0].sourceRef.namespace", "unknown field"],
  ["a system profile whose Flux source names no namespace", systemProfile({ ...local, layers: [{ name: "a", manifests: [{ sourceRef: flux }] }] }), "spec.layers[0].manifests[0].sourceRef.namespace", "Required value"],
  ["expressions in a chart's objects", withLayers({ ...helm, expressions: true }), "spec.layers[0]", "expressions is only for a layer with manifests"],
  ["expressions in an attachment", withLayers({ ...helm, attachments: [{ inline: "a", expressions: true }] }), "spec.layers[0].attachments[0].expressions", "unknown field"],
  ["an empty inline manifest", withSource({ inline: "" }), "spec.layers[0].manifests[0].inline", "should be at least 1 chars long"],
  ["an object without a kind", withSource({ object: { apiVersion: "v1", metadata: { name: "a" } } }), "spec.layers[0].manifests[0].object.kind", "Required value"],
  ["an object without an API version", withSource({ object: { kind: "ConfigMap", metadata: { name: "a" } } }), "spec.layers[0].manifests[0].object.apiVersion", "Required value"],
  ["a reference that climbs out", withSource({ secretRef: { name: "../all" } }), "spec.layers[0].manifests[0].secretRef.name", "should match '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$'"],
  ["a key with a slash", withSource({ configMapKeyRef: { name: "a", key: "a/b" } }), "spec.layers[0].manifests[0].configMapKeyRef.key", "should match '^[-._a-zA-Z0-9]+$'"],
  ["a reference to another tenant's Secret", withSource({ secretRef: { name: "a", namespace: "other" } }), "spec.layers[0].manifests[0].secretRef.namespace", "unknown field"],
];

// biome-ignore format: one row a line
const SYSTEM: Row[] = [
  ["a system profile with a service account", systemProfile({ ...local, serviceAccountName: "default", layers: [plain] }), "spec.serviceAccountName", "unknown field"],
  ["a system profile that does not say whose clusters", systemProfile({ clusterSelector: {}, layers: [plain] }), "spec", NAMESPACE_SELECTOR],
  ["tenants beside names of clusters", systemProfile({ ...local, namespaceSelector: {}, layers: [plain] }), "spec", NAMESPACE_SELECTOR],
  ["a cluster of no tenant", systemProfile({ clusterRefs: [{ name: "edge" }], layers: [plain] }), "spec.clusterRefs[0]", SYSTEM_NAMESPACE],
  ["a tenant's local cluster", systemProfile({ clusterRefs: [{ name: "local", namespace: "acme" }], layers: [plain] }), "spec.clusterRefs[0]", SYSTEM_NAMESPACE],
  ["a system profile whose reference names no namespace", systemProfile({ ...local, layers: [{ name: "a", manifests: [{ secretRef: { name: "a" } }] }] }), "spec.layers[0].manifests[0].secretRef.namespace", "Required value"],
  ["a target cluster named local", targetCluster({ connection: { kubeconfigSecretRef: { name: "a" } } }, "local"), "", RESERVED],
  ["a target cluster without a connection", targetCluster({}), "spec.connection", "Required value"],
  ["a connection without a way", targetCluster({ connection: {} }), "spec.connection", "exactly one of kubeconfigSecretRef and clusterAPIRef must be set"],
  ["a connection by two ways", targetCluster({ connection: { kubeconfigSecretRef: { name: "a" }, clusterAPIRef: { name: "a" } } }), "spec.connection", "exactly one of kubeconfigSecretRef and clusterAPIRef must be set"],
  ["a kubeconfig written in place", targetCluster({ connection: { kubeconfigSecretRef: { name: "a" }, kubeconfig: "apiVersion: v1" } }), "spec.connection.kubeconfig", "unknown field"],
  ["a kubeconfig Secret with a bad name", targetCluster({ connection: { kubeconfigSecretRef: { name: "A" } } }), "spec.connection.kubeconfigSecretRef.name", `name ${OBJECT_NAME}`],
  ["a kubeconfig key with a space", targetCluster({ connection: { kubeconfigSecretRef: { name: "a", key: "my config" } } }), "spec.connection.kubeconfigSecretRef.key", 'key must consist of letters, digits, "-", "_" and "."'],
  ["a deployment of a thing that is no profile", deployment({ profileRef: { kind: "Profile", name: "a" }, clusterRef: { name: "local" } }), "spec.profileRef.kind", 'supported values: "ClusterProfile", "AddOnProfile", "SystemProfile"'],
];

export const BAD_SPECS: readonly BadSpec[] = [
  ...TARGETS,
  ...PROFILE,
  ...LAYERS,
  ...ORDER,
  ...HELM,
  ...PACKS,
  ...MANIFESTS,
  ...OUTPUTS,
  ...SYSTEM,
  ...VARIABLES,
  ...REGISTRIES,
].map(([name, object, wantField, wantMessage, wantFromServer]) => ({
  name,
  object,
  wantField,
  wantMessage,
  ...(wantFromServer ? { wantFromServer } : {}),
}));

import {
  clusterProfile,
  LABEL_NAME,
  local,
  long,
  OBJECT_NAME,
  plain,
  RANGE,
  type Row,
  registry,
  systemProfile,
  targetCluster,
  withLayers,
} from "./bad-spec-objects.ts";

const OUTPUT = { name: "a", object: { apiVersion: "v1", kind: "Service", name: "a" }, value: "1" };
const withOutput = (fields: object, object: object = {}) =>
  withLayers({ ...plain, outputs: [{ ...OUTPUT, object: { ...OUTPUT.object, ...object }, ...fields }] });
const withRequires = (requires: object) => withLayers({ ...plain, requires });

// biome-ignore format: one row a line
export const OUTPUTS: readonly Row[] = [
  ["no outputs", withLayers({ ...plain, outputs: [] }), "spec.layers[0].outputs", "should have at least 1 items"],
  ["an output that no expression can name", withOutput({ name: "a-b" }), "spec.layers[0].outputs[0].name", "should match '^[A-Za-z_][A-Za-z0-9_]*$'"],
  ["an output without an expression", withOutput({ value: "" }), "spec.layers[0].outputs[0].value", "should be at least 1 chars long"],
  ["an output of a group without version", withOutput({}, { apiVersion: "apps" }), "spec.layers[0].outputs[0].object.apiVersion", "should match '^([a-z0-9]([-.a-z0-9]*[a-z0-9])?[/])?v[0-9][a-z0-9]*$'"],
  ["an output of an object with a bad name", withOutput({}, { name: "A" }), "spec.layers[0].outputs[0].object.name", "should match '^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$'"],
  ["an output of a namespace that cannot be", withOutput({}, { namespace: "a.b" }), "spec.layers[0].outputs[0].object.namespace", "should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'"],
  ["an empty condition", withLayers({ ...plain, when: "" }), "spec.layers[0].when", "should be at least 1 chars long"],
  ["a Kubernetes that is no range", withRequires({ kubernetes: "new" }), "spec.layers[0].requires.kubernetes", `kubernetes ${RANGE}`],
  ["too many outputs", withLayers({ ...plain, outputs: Array.from({ length: 33 }, (_, i) => ({ ...OUTPUT, name: `o${i}` })) }), "spec.layers[0].outputs", "must have at most 32 items"],
  ["two outputs of one name", withLayers({ ...plain, outputs: [OUTPUT, OUTPUT] }), "spec.layers[0].outputs[1]", "Duplicate value"],
  ["an output of no object", withOutput({ object: undefined }), "spec.layers[0].outputs[0].object", "Required value"],
  ["an output of an object without a kind", withOutput({}, { kind: undefined }), "spec.layers[0].outputs[0].object.kind", "Required value"],
  ["an output of an object without a name", withOutput({}, { name: undefined }), "spec.layers[0].outputs[0].object.name", "Required value"],
  ["an output of objects with a label", withOutput({}, { labels: { app: "a" } }), "spec.layers[0].outputs[0].object.labels", "unknown field"],
  ["an output that is a program", withOutput({ value: long(4097) }), "spec.layers[0].outputs[0].value", "may not be more than 4096 bytes"],
  ["a secret output in words", withOutput({ sensitive: "yes" }), "spec.layers[0].outputs[0].sensitive", "must be of type boolean"],
  ["a misspelled field of an output", withOutput({ valueFrom: "self.data.a" }), "spec.layers[0].outputs[0].valueFrom", "unknown field"],
  ["a condition that is no text", withLayers({ ...plain, when: true }), "spec.layers[0].when", "must be of type string"],
  ["a condition that is a program", withLayers({ ...plain, when: long(4097) }), "spec.layers[0].when", "may not be more than 4096 bytes"],
  ["a requirement of something else", withRequires({ nodes: 3 }), "spec.layers[0].requires.nodes", "unknown field"],
  ["too many required layers", withRequires({ layers: Array.from({ length: 65 }, (_, i) => ({ name: `l${i}`, version: "1.x" })) }), "spec.layers[0].requires.layers", "must have at most 64 items"],
  ["no required layers", withRequires({ layers: [] }), "spec.layers[0].requires.layers", "should have at least 1 items"],
  ["a required layer of any version", withRequires({ layers: [{ name: "a" }] }), "spec.layers[0].requires.layers[0].version", "Required value"],
  ["a required layer with a bad name", withRequires({ layers: [{ name: "A", version: "1.x" }] }), "spec.layers[0].requires.layers[0].name", "should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'"],
];

const withVariable = (fields: object) =>
  clusterProfile({ ...local, variables: [{ name: "a", ...fields }], layers: [plain] });
const withVariablesFrom = (source: object) => clusterProfile({ ...local, variablesFrom: [source], layers: [plain] });
const withConnection = (spec: object) => targetCluster({ connection: { kubeconfigSecretRef: { name: "a" } }, ...spec });
const OVERRIDE = { profileRef: { kind: "AddOnProfile", name: "a" }, layer: "web", values: {} };
const withOverride = (fields: object) => withConnection({ overrides: [{ ...OVERRIDE, ...fields }] });
const ONE_VARIABLE_SOURCE = "exactly one of configMapRef, secretRef, configMapKeyRef and secretKeyRef must be set";
const ONLY_OF_KEYS = "variable is only for configMapKeyRef and secretKeyRef";
const NO_SECRET_HERE =
  "a sensitive variable must have no default and no enum: give its value by a Secret in variablesFrom";
/** All that an API server says of what a schema forbids with `not`. */
const NOT = "must not validate the schema (not)";

// biome-ignore format: one row a line
export const VARIABLES: readonly Row[] = [
  ["a variable without a name", withVariable({ name: undefined }), "spec.variables[0].name", "Required value"],
  ["a variable with a dash", withVariable({ name: "my-variable" }), "spec.variables[0].name", 'name must consist of letters, digits and "_", and not start with a digit'],
  ["a variable named as a word of CEL", withVariable({ name: "in" }), "spec.variables[0].name", "name must not be true, false, null or in, which are words of CEL"],
  ["a variable of an unknown type", withVariable({ type: "ip" }), "spec.variables[0].type", 'supported values: "string", "integer", "number", "boolean", "ipv4", "ipv4cidr", "ipv6", "ipv6cidr", "semver", "base64", "object", "list"'],
  ["no variables", clusterProfile({ ...local, variables: [], layers: [plain] }), "spec.variables", "should have at least 1 items"],
  ["too many variables", clusterProfile({ ...local, variables: Array.from({ length: 129 }, (_, i) => ({ name: `v${i}` })), layers: [plain] }), "spec.variables", "must have at most 128 items"],
  ["two variables of one name", clusterProfile({ ...local, variables: [{ name: "a" }, { name: "a" }], layers: [plain] }), "spec.variables[1]", "Duplicate value"],
  ["variables as text", clusterProfile({ ...local, variables: "a=b", layers: [plain] }), "spec.variables", "must be of type array"],
  ["a variable with a name of 64 characters", withVariable({ name: long(64) }), "spec.variables[0].name", "may not be more than 63 bytes"],
  ["a misspelled field of a variable", withVariable({ requird: true }), "spec.variables[0].requird", "unknown field"],
  ["a variable that is required in words", withVariable({ required: "yes" }), "spec.variables[0].required", "must be of type boolean"],
  ["too many choices", withVariable({ enum: Array.from({ length: 65 }, (_, i) => `v${i}`) }), "spec.variables[0].enum", "must have at most 64 items"],
  ["an empty pattern", withVariable({ pattern: "" }), "spec.variables[0].pattern", "should be at least 1 chars long"],
  ["a pattern of 513 characters", withVariable({ pattern: long(513) }), "spec.variables[0].pattern", "may not be more than 512 bytes"],
  ["a shortest length below nothing", withVariable({ minLength: -1 }), "spec.variables[0].minLength", "should be greater than or equal to 0"],
  ["a longest length beyond all values", withVariable({ maxLength: 1_048_577 }), "spec.variables[0].maxLength", "should be less than or equal to 1048576"],
  ["half a character", withVariable({ minLength: 1.5 }), "spec.variables[0].minLength", "must be of type integer"],
  ["a minimum in quotes", withVariable({ type: "integer", minimum: "1" }), "spec.variables[0].minimum", "must be of type number"],
  ["a description that is a book", withVariable({ description: long(1025) }), "spec.variables[0].description", "may not be more than 1024 bytes"],
  ["an enum of nothing", withVariable({ enum: [] }), "spec.variables[0].enum", "should have at least 1 items"],
  ["a minimum of a text", withVariable({ minimum: 1 }), "spec.variables[0]", "minimum is only for variables of type integer and number"],
  ["a maximum of a list", withVariable({ type: "list", maximum: 1 }), "spec.variables[0]", "maximum is only for variables of type integer and number"],
  ["a minimum above the maximum", withVariable({ type: "integer", minimum: 2, maximum: 1 }), "spec.variables[0]", "minimum must not be greater than maximum"],
  ["a pattern of a number", withVariable({ type: "number", pattern: "1" }), "spec.variables[0]", "pattern is only for variables whose value is text"],
  ["a shortest length of a list", withVariable({ type: "list", minLength: 1 }), "spec.variables[0]", "minLength is only for variables whose value is text"],
  ["a longest length of an object", withVariable({ type: "object", maxLength: 1 }), "spec.variables[0]", "maxLength is only for variables whose value is text"],
  ["a shortest length above the longest", withVariable({ minLength: 2, maxLength: 1 }), "spec.variables[0]", "minLength must not be greater than maxLength"],
  ["a secret as a default", withVariable({ sensitive: true, default: "a" }), "spec.variables[0]", NO_SECRET_HERE, NOT],
  ["a choice of secrets", withVariable({ sensitive: true, enum: ["a"] }), "spec.variables[0]", NO_SECRET_HERE, NOT],
  ["variables from nowhere", withVariablesFrom({ optional: true }), "spec.variablesFrom[0]", ONE_VARIABLE_SOURCE],
  ["variables from two places", withVariablesFrom({ configMapRef: { name: "a" }, secretRef: { name: "a" } }), "spec.variablesFrom[0]", ONE_VARIABLE_SOURCE],
  ["no sources of variables", clusterProfile({ ...local, variablesFrom: [], layers: [plain] }), "spec.variablesFrom", "should have at least 1 items"],
  ["too many sources of variables", clusterProfile({ ...local, variablesFrom: Array.from({ length: 33 }, () => ({ secretRef: { name: "a" } })), layers: [plain] }), "spec.variablesFrom", "must have at most 32 items"],
  ["a variable from a key that nobody names", withVariablesFrom({ secretKeyRef: { name: "a" } }), "spec.variablesFrom[0].secretKeyRef.key", "Required value"],
  ["a key for a variable without a name", withVariablesFrom({ secretKeyRef: { name: "a", key: "b" }, variable: "" }), "spec.variablesFrom[0].variable", "should be at least 1 chars long"],
  ["one variable for a whole Secret", withVariablesFrom({ secretRef: { name: "a" }, variable: "a" }), "spec.variablesFrom[0]", ONLY_OF_KEYS],
  ["variables of another tenant", withVariablesFrom({ secretRef: { name: "a", namespace: "other" } }), "spec.variablesFrom[0].secretRef.namespace", "unknown field"],
  ["a system profile whose variables name no namespace", systemProfile({ ...local, variablesFrom: [{ secretRef: { name: "a" } }], layers: [plain] }), "spec.variablesFrom[0].secretRef.namespace", "Required value"],
  ["a cluster's variables as a list", withConnection({ variables: [] }), "spec.variables", "must be of type object"],
  ["a cluster's variables from two places", withConnection({ variablesFrom: [{ configMapRef: { name: "a" }, secretRef: { name: "a" } }] }), "spec.variablesFrom[0]", ONE_VARIABLE_SOURCE],
  ["a cluster's variables of another tenant", withConnection({ variablesFrom: [{ configMapRef: { name: "a", namespace: "other" } }] }), "spec.variablesFrom[0].configMapRef.namespace", "unknown field"],
  ["an override for a thing that is no profile", withOverride({ profileRef: { kind: "Profile", name: "a" } }), "spec.overrides[0].profileRef.kind", 'supported values: "ClusterProfile", "AddOnProfile", "SystemProfile"'],
  ["no overrides", withConnection({ overrides: [] }), "spec.overrides", "should have at least 1 items"],
  ["too many overrides", withConnection({ overrides: Array.from({ length: 257 }, () => OVERRIDE) }), "spec.overrides", "must have at most 256 items"],
  ["an override for a profile of another tenant", withOverride({ profileRef: { kind: "AddOnProfile", name: "a", namespace: "other" } }), "spec.overrides[0].profileRef.namespace", "unknown field"],
  ["an override for a profile without a name", withOverride({ profileRef: { kind: "AddOnProfile" } }), "spec.overrides[0].profileRef.name", "Required value"],
  ["an override with values as text", withOverride({ values: "a: b" }), "spec.overrides[0].values", "must be of type object"],
  ["an override of more than values", withOverride({ namespace: "elsewhere" }), "spec.overrides[0].namespace", "unknown field"],
  ["an override for an impossible layer", withOverride({ layer: "a.b" }), "spec.overrides[0].layer", `layer ${LABEL_NAME}`],
  ["an override without values", withOverride({ values: undefined }), "spec.overrides[0].values", "Required value"],
];

const REGISTRY_URL = "url must start with https://, http:// or oci://, and hold no credentials, query or fragment";
const INTERVAL = "interval must be a duration from 1m to 24h, such as 90s, 10m or 1h30m";
const OCI_ADDRESS = "an address that starts with oci:// is only for a registry of type OCI";
const TOKEN_ORIGIN = "each of tokenOrigins must be an origin such as https://sso.example.com";
const ociRegistry = { type: "OCI", url: "oci://registry.example.com" };

// biome-ignore format: one row a line
export const REGISTRIES: readonly Row[] = [
  ["a registry without a type", registry({ type: undefined }), "spec.type", "Required value"],
  ["a registry of git", registry({ type: "Git" }), "spec.type", 'supported values: "Helm", "OCI", "Pack"'],
  ["a registry without an address", registry({ url: undefined }), "spec.url", "Required value"],
  ["a registry on the file system", registry({ url: "file:///charts" }), "spec.url", REGISTRY_URL],
  ["a registry with a password in its address", registry({ url: "https://me:secret@charts.example.com" }), "spec.url", REGISTRY_URL],
  ["a Helm repository at an OCI address", registry({ url: "oci://registry.example.com" }), "spec", OCI_ADDRESS],
  ["a pack folder with an OCI mirror", registry({ type: "Pack", mirrors: ["https://a.example.com", "oci://b.example.com"] }), "spec", OCI_ADDRESS],
  ["a mirror with a token in its query", registry({ mirrors: ["https://a.example.com/?sig=secret"] }), "spec.mirrors[0]", REGISTRY_URL],
  ["too many mirrors", registry({ mirrors: Array.from({ length: 9 }, (_, i) => `https://m${i}.example.com`) }), "spec.mirrors", "must have at most 8 items"],
  ["credentials written in place", registry({ username: "me" }), "spec.username", "unknown field"],
  ["a Secret of another tenant", registry({ secretRef: { name: "login", namespace: "other" } }), "spec.secretRef.namespace", "unknown field"],
  ["a Secret with a bad name", registry({ certSecretRef: { name: "Certs" } }), "spec.certSecretRef.name", `name ${OBJECT_NAME}`],
  ["a service account of a registry as Kubernetes spells users", registry({ serviceAccountName: "system:masters" }), "spec.serviceAccountName", `serviceAccountName ${OBJECT_NAME}`],
  ["an interval of seconds", registry({ interval: "59s" }), "spec.interval", INTERVAL],
  ["an interval of days", registry({ interval: "25h" }), "spec.interval", INTERVAL],
  ["a token origin without TLS", registry({ ...ociRegistry, tokenOrigins: ["http://sso.example.com"] }), "spec.tokenOrigins[0]", TOKEN_ORIGIN],
  ["a token origin with a path", registry({ ...ociRegistry, tokenOrigins: ["https://sso.example.com/token"] }), "spec.tokenOrigins[0]", TOKEN_ORIGIN],
  ["token origins of a Helm repository", registry({ tokenOrigins: ["https://sso.example.com"] }), "spec", "tokenOrigins is only for a registry of type OCI"],
  ["signatures in a Helm repository", registry({ verify: { secretRef: { name: "keys" } } }), "spec", "verify is only for a registry of type OCI"],
  ["an empty address", registry({ url: "" }), "spec.url", REGISTRY_URL],
  ["an address of 1,025 characters", registry({ url: `https://${long(1017)}` }), "spec.url", "may not be more than 1024 bytes"],
  ["a fragment of a registry", registry({ url: "https://charts.example.com/#stable" }), "spec.url", REGISTRY_URL],
  ["a mirror with credentials", registry({ mirrors: ["https://me:secret@a.example.com"] }), "spec.mirrors[0]", REGISTRY_URL],
  ["a registry without checks of certificates", registry({ insecureSkipTLSVerify: true }), "spec.insecureSkipTLSVerify", "unknown field"],
  ["one key of a Secret as credentials", registry({ secretRef: { name: "login", key: "password" } }), "spec.secretRef.key", "unknown field"],
  ["credentials from nowhere", registry({ secretRef: {} }), "spec.secretRef.name", "Required value"],
  ["an interval as a number", registry({ interval: 600 }), "spec.interval", "must be of type string"],
  ["an interval without a unit", registry({ interval: "600" }), "spec.interval", INTERVAL],
  ["too many token origins", registry({ ...ociRegistry, tokenOrigins: Array.from({ length: 9 }, (_, i) => `https://s${i}.example.com`) }), "spec.tokenOrigins", "must have at most 8 items"],
  ["signatures by a key written in place", registry({ ...ociRegistry, verify: { secretRef: { name: "keys" }, key: "-----BEGIN PUBLIC KEY-----" } }), "spec.verify.key", "unknown field"],
  ["signatures by nobody", registry({ ...ociRegistry, verify: {} }), "spec.verify.secretRef", "Required value"],
];

/** The face of the room: the pack format. Pure: files, nodes, other packs and the day come in as values. */
export { chartIdentity } from "./chart-identity.ts";
export { checkSchema } from "./check-schema.ts";
export { checkLayerValues, type KnownChart, packDefects } from "./check-values.ts";
export { checkDependencies, checkUpgrade, type OtherPack } from "./dependencies.ts";
export { findPath } from "./maps.ts";
export { type PackMeta, packMeta, releaseNameOf, releaseNameProblems } from "./meta.ts";
export { nodeResources } from "./node-resources.ts";
export { type PackFiles, parsePack } from "./parse-pack.ts";
export { choosePresets } from "./presets.ts";
export { checkResources, type NodeResources } from "./resources.ts";
export { supportWarnings } from "./support.ts";
export type { Judgement, Pack, PackChart, PackMetadata, Preset } from "./types.ts";
export { chartValues, type PackValues, packValues } from "./values.ts";
